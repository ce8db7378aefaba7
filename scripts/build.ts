/** Compiles src to dist: JavaScript and types for `npm pack` (Node runs TypeScript from a checkout, but not from node_modules). */
import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit', shell: process.platform === 'win32' });
chmodSync('dist/cli/main.js', 0o755);
