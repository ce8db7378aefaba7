/**
 * Enforces architecture.json: which folder of src imports which, and that what runs in browsers imports no Node.
 * Reads value, type-only, dynamic and re-exported imports, and `import('…')` types. Fails when it sees no imports at all, because then it looks at nothing.
 *
 * node scripts/check-layers.ts [ROOT]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

interface Architecture {
  layers: string[];
  only: Record<string, string[]>;
  browser: string[];
  browserPackages: string[];
  rawEvents: string[];
}

/** Where raw events come into being: importing it is a right of its own. */
const rawEventsFolder = 'ingest';

export interface Layering {
  files: number;
  imports: number;
  problems: string[];
}

export function checkLayers(root: string): Layering {
  const architecture = JSON.parse(readFileSync(join(root, 'architecture.json'), 'utf8')) as Architecture;
  const src = join(root, 'src');
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const result: Layering = { files: files.length, imports: 0, problems: [] };
  for (const file of files) {
    for (const specifier of importsOf(join(src, file))) {
      result.imports++;
      const problem = judge(architecture, src, file, specifier);
      if (problem) result.problems.push(`src/${file}: ${problem}`);
    }
  }
  if (result.imports === 0) result.problems.push('no imports seen: this check looks at nothing');
  return result;
}

function importsOf(path: string): string[] {
  const { program } = parseSync(path, readFileSync(path, 'utf8'));
  const specifiers: string[] = [];
  const take = (source: { value?: unknown } | null | undefined): void => {
    if (typeof source?.value === 'string') specifiers.push(source.value);
  };
  new Visitor({
    ImportDeclaration: (node) => take(node.source),
    ExportNamedDeclaration: (node) => take(node.source),
    ExportAllDeclaration: (node) => take(node.source),
    ImportExpression: (node) => take(node.source as { value?: unknown }),
    TSImportType: (node) => take(node.source as { value?: unknown }),
  }).visit(program);
  return specifiers;
}

function judge(architecture: Architecture, src: string, file: string, specifier: string): string | undefined {
  const folder = file.includes(sep) ? (file.split(sep)[0] as string) : undefined;
  if (folder === undefined) return undefined; // src/index.ts: the public face, may import all
  if (!architecture.layers.includes(folder)) return `the folder ${folder} is not in architecture.json`;
  if (!specifier.startsWith('.')) {
    const inBrowser = architecture.browser.includes(folder);
    const allowed = architecture.browserPackages.some((name) => specifier === name || specifier.startsWith(`${name}/`));
    return inBrowser && !allowed ? `${folder} runs in browsers and may not import ${specifier}` : undefined;
  }
  const target = relative(src, resolve(src, file, '..', specifier)).split(sep)[0] as string;
  if (target === folder) return undefined;
  if (target === rawEventsFolder && !architecture.rawEvents.includes(folder)) return `${folder} may not see raw events (imports ${target})`;
  const allowed = architecture.only[folder] ?? architecture.layers.slice(0, architecture.layers.indexOf(folder));
  return allowed.includes(target) ? undefined : `${folder} may not import ${target} (it stands above; see architecture.json)`;
}

if (import.meta.main) {
  const { files, imports, problems } = checkLayers(process.argv[2] ?? '.');
  for (const problem of problems) console.error(problem);
  console.log(`layers: ${files} files, ${imports} imports, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
