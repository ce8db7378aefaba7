/** Builds the evidence page from a copy of the sources, in another folder and another process: what it is must not depend on where it was built. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** SHA-256 of the page, hex. */
export function buildEvidencePageElsewhere(): string {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-elsewhere-'));
  try {
    // What the page holds is copied; what builds it may be where it is.
    for (const part of ['src', 'web', 'scripts', 'package.json', 'tsconfig.json', 'tsconfig.browser.json', 'node_modules/@noble'])
      cpSync(join(root, part), join(dir, part), { recursive: true });
    symlinkSync(join(root, 'node_modules/rolldown'), join(dir, 'node_modules/rolldown'), 'dir');
    const code = `const { buildEvidencePage } = await import('./scripts/build-evidence-page.ts'); console.log((await buildEvidencePage()).digest)`;
    return execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: dir, encoding: 'utf8' }).trim();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
