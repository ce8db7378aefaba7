/**
 * Bundles the command: its main file, its threads and its processes, with the packages they use, each loading a few files instead of a thousand
 * (docs/decisions/0038-bundle.md). Names and lines stay as they are written, so that a stack says where it was. The same sources give the same files.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What is started by its file's name. All come to lie in one folder, where `new URL('./x.js', import.meta.url)` finds them. */
const started = ['src/cli/main.ts', 'src/pipeline/worker.ts', 'src/**/*-thread.ts', 'src/**/*-process.ts'];

/** Writes `main.js` and all it needs to a folder that is two levels below the one of `package.json`. @throws Error where a bundle would not work */
export async function buildCommand(dir: string): Promise<void> {
  const files = globSync(started, { cwd: root }).toSorted();
  const input = Object.fromEntries(files.map((file) => [basename(file, '.ts'), join(root, file)]));
  if (Object.keys(input).length !== files.length) throw new Error(`two of these have one name: ${files.join(', ')}`);
  const made = await rolldown({ input, cwd: root, platform: 'node', treeshake: true, logLevel: 'silent' });
  const { output } = await made.write({ dir, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'part-[name]-[hash].js', sourcemap: false });
  await made.close();
  const modules = new Set<string>();
  for (const file of output) {
    if (file.type !== 'chunk') throw new Error(`${file.fileName} is no code`);
    for (const imported of file.imports)
      if (!existsSync(join(dir, imported)) && !imported.startsWith('node:')) throw new Error(`${imported} is left outside`);
    for (const [, beside] of file.code.matchAll(/import\.meta\.url\.endsWith\([^)]*\)[^;]*?["'](\.[^"']*\.js)["']/g))
      if (!existsSync(join(dir, beside as string))) throw new Error(`${beside}, which ${file.fileName} starts, is not there`);
    for (const module of file.moduleIds) modules.add(module);
  }
  writeFileSync(join(dir, 'LICENSES.txt'), licensesOf(modules));
}

/** The licences of all packages that a bundle holds, as they ask for. */
function licensesOf(modules: ReadonlySet<string>): string {
  const packages = new Set<string>();
  for (const module of modules) {
    const [, dir] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(module) ?? [];
    if (dir !== undefined) packages.add(dir);
  }
  return [...packages]
    .toSorted()
    .map((dir) => {
      const { name, version, license, author } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')) as Record<string, unknown>;
      const [file] = globSync('{LICEN[CS]E,licen[cs]e,COPYING}{,.md,.txt,-MIT}', { cwd: dir });
      const who = typeof author === 'string' ? author : ((author as { name?: string } | undefined)?.name ?? '');
      const text =
        file === undefined ? `License: ${String(license)}${who === '' ? '' : `. Copyright (c) ${who}`}` : readFileSync(join(dir, file), 'utf8');
      return `${String(name)} ${String(version)} – ${String(license)}\n\n${text.trim()}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
