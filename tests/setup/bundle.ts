/**
 * The command as it is installed: bundled, once for each state of the sources, and found there by every test file and by the next run. A start of
 * it costs half of what one from the sources does, and there are a thousand of them.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const builds = join(root, 'node_modules/.cache/veiltrail');
const keptMs = 24 * 3_600_000;

/** @returns its main file */
export async function build(): Promise<string> {
  const dir = join(builds, digestOfSources());
  const built = join(dir, 'dist/cli/main.js');
  if (existsSync(built)) return built;
  mkdirSync(builds, { recursive: true });
  for (const name of readdirSync(builds)) {
    const old = statSync(join(builds, name), { throwIfNoEntry: false });
    if (old && Date.now() - old.mtimeMs > keptMs) rmSync(join(builds, name), { recursive: true, force: true });
  }
  const making = mkdtempSync(join(builds, 'making-'));
  // Some tests run it as somebody else.
  chmodSync(making, 0o755);
  const { buildCommand } = await import('../../scripts/build-command.ts');
  await buildCommand(join(making, 'dist/cli'));
  copyFileSync(join(root, 'package.json'), join(making, 'package.json'));
  // Pages that were built with the package, if they were.
  for (const pages of ['evidence', 'approve']) symlinkSync(join(root, 'dist', pages), join(making, 'dist', pages));
  try {
    renameSync(making, dir);
  } catch (error) {
    // Another test file was faster.
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(built)) throw error;
  }
  return built;
}

function digestOfSources(): string {
  const hash = createHash('sha256');
  const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const file of [...sources.toSorted(), ...['package.json', 'package-lock.json', 'scripts/build-command.ts'].map((name) => join(root, name))]) {
    hash
      .update(`${file.slice(root.length)}\n`)
      .update(readFileSync(file))
      .update('\n');
  }
  return hash.digest('hex').slice(0, 16);
}
