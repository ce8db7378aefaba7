/**
 * Builds the evidence page: one HTML file without its evidence. The verifier (src/verify) and the page around it (web/evidence) are bundled, and
 * the page's own policy lets nothing run but them. The same sources give the same bytes.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const web = new URL('../web/evidence/', import.meta.url);

export interface EvidencePageBuild {
  /** With a placeholder where the evidence goes: see src/app/evidence-page.ts. */
  html: string;
  /** SHA-256, hex. */
  digest: string;
}

export async function buildEvidencePage(): Promise<EvidencePageBuild> {
  const script = await bundle();
  const style = minifyCss(readFileSync(new URL('style.css', web), 'utf8'));
  if (/<\/(?:script|style)|<!--/i.test(script) || /<\//.test(style)) throw new Error('the bundle would end its own element');
  const policy = `default-src 'none'; script-src '${hashOf(script)}'; style-src '${hashOf(style)}'; base-uri 'none'; form-action 'none'`;
  const parts: Record<string, string> = { policy, style, script };
  const html = readFileSync(new URL('page.html', web), 'utf8').replaceAll(
    /\{\{(policy|style|script)\}\}/g,
    (_, name: string) => parts[name] as string,
  );
  return { html, digest: createHash('sha256').update(html).digest('hex') };
}

async function bundle(): Promise<string> {
  const input = fileURLToPath(new URL('main.ts', web));
  const made = await rolldown({ input, platform: 'browser', logLevel: 'silent', treeshake: true });
  const { output } = await made.generate({ format: 'iife', minify: true, sourcemap: false, comments: false });
  await made.close();
  if (output.length !== 1 || output[0].imports.length > 0) throw new Error('the page must be one script that imports nothing');
  return output[0].code.trim();
}

/** Comments and indentation only: no value in the style sheet has either. */
function minifyCss(css: string): string {
  return css
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/\s*\n\s*/g, '\n')
    .trim();
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
