/**
 * The other programs, installed on demand into a folder outside the project and kept there for the next run: none of them is a dependency. What
 * cannot be installed is left out, and the report says why.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { npmPeers } from './contestants.ts';

const windows = process.platform === 'win32';
const timeout = 10 * 60_000;
const presidioVersion = '2.2.366';

/** Why each npm peer that is missing is. */
export function installNpmPeers(dir: string): ReadonlyMap<string, string> {
  const missing = new Map<string, string>();
  mkdirSync(dir, { recursive: true });
  if (!existsSync(join(dir, 'package.json'))) writeFileSync(join(dir, 'package.json'), '{"private":true}\n');
  for (const [name, version] of Object.entries(npmPeers)) {
    if (existsSync(join(dir, 'node_modules', name, 'package.json'))) continue;
    try {
      run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', dir, `${name}@${version}`]);
    } catch (error) {
      missing.set(name, `npm install failed: ${firstLine(error)}`);
    }
  }
  return missing;
}

/** The Python that has Presidio, or why there is none. */
export function installPresidio(dir: string): { python: string } | { missing: string } {
  const python = join(dir, 'python', windows ? 'Scripts/python.exe' : 'bin/python');
  try {
    if (!existsSync(python)) run(windows ? 'py' : 'python3', ['-m', 'venv', join(dir, 'python')]);
    try {
      run(python, ['-c', 'import presidio_analyzer']);
    } catch {
      run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `presidio-analyzer==${presidioVersion}`]);
    }
    return { python };
  } catch (error) {
    return { missing: `no Python with presidio-analyzer: ${firstLine(error)}` };
  }
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], timeout, shell: windows && command === 'npm' });
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n').find((line) => line.trim() !== '') ?? 'unknown error';
}
