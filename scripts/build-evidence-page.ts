/**
 * Builds the evidence page: one HTML file without its evidence. The verifier (src/verify) and the page around it (web/evidence) are bundled, and
 * the page's own policy lets nothing run but them. The same sources give the same bytes.
 */
import { createHash } from 'node:crypto';
import { bundleScript, bundleStyle, readPage } from './bundle-page.ts';

export interface EvidencePageBuild {
  /** With a placeholder where the evidence goes: see src/app/evidence-page.ts. */
  html: string;
  /** SHA-256, hex. */
  digest: string;
}

export async function buildEvidencePage(): Promise<EvidencePageBuild> {
  const script = await bundleScript('evidence');
  const style = bundleStyle('evidence');
  if (/<\/(?:script|style)|<!--/i.test(script) || /<\//.test(style)) throw new Error('the bundle would end its own element');
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; base-uri 'none'; form-action 'none'`;
  const parts: Record<string, string> = { policy, style, script };
  const html = readPage('evidence').replaceAll(/\{\{(policy|style|script)\}\}/g, (_, name: string) => parts[name] as string);
  return { html, digest: createHash('sha256').update(html).digest('hex') };
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
