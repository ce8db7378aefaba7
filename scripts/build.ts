/**
 * Builds dist, for `npm pack` (Node runs TypeScript from a checkout, but not from node_modules): the library, JavaScript and types file by file; the
 * command, bundled; pages. With `--command`, for `npm start`, all but the library.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { approvePageFiles } from '../src/server/approve-page.ts';
import { buildApprovePage } from './build-approve-page.ts';
import { buildCommand } from './build-command.ts';
import { buildEvidencePage } from './build-evidence-page.ts';

rmSync('dist', { recursive: true, force: true });
if (!process.argv.includes('--command')) {
  execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit', shell: process.platform === 'win32' });
  // The library does without.
  rmSync('dist/cli', { recursive: true, force: true });
}
await buildCommand('dist/cli');
chmodSync('dist/cli/main.js', 0o755);

// The page that carries evidence and its own verifier, and the digest that release notes repeat.
const { html, digest } = await buildEvidencePage();
mkdirSync('dist/evidence', { recursive: true });
writeFileSync('dist/evidence/page.html', html);
writeFileSync('dist/evidence/page.sha256', `${digest}  page.html\n`);
console.log(`evidence page: sha256 ${digest}`);

// The page on which approvers decide, which the server serves.
const page = await buildApprovePage();
mkdirSync('dist/approve', { recursive: true });
for (const part of ['html', 'script', 'style'] as const) writeFileSync(`dist/approve/${approvePageFiles[part]}`, page[part]);
console.log(`approve page: sha256 ${createHash('sha256').update(page.script).digest('hex')} (script)`);
