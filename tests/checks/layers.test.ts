import { mkdirSync, mkdtempSync, rmSync, writeFileSync, copyFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkLayers } from '../../scripts/check-layers.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'layers-'));
  copyFileSync('architecture.json', join(root, 'architecture.json'));
});
afterEach(() => rmSync(root, { recursive: true }));

function project(files: Record<string, string>): string[] {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, 'src', name)), { recursive: true });
    writeFileSync(join(root, 'src', name), text);
  }
  return checkLayers(root).problems;
}

test('this project keeps its layers', () => {
  const { problems, imports } = checkLayers('.');
  expect(problems).toEqual([]);
  expect(imports).toBeGreaterThan(50);
});

test.each([
  ['a value import', `import { x } from '../server/x.ts';`],
  ['a type-only import', `import type { X } from '../server/x.ts';`],
  ['a dynamic import', `await import('../server/x.ts');`],
  ['a re-export', `export * from '../server/x.ts';`],
  ['an import in a type', `export type X = import('../server/x.ts').X;`],
])('upwards is refused: %s', (_, text) => {
  expect(project({ 'log/a.ts': text })).toEqual(['src/log/a.ts: log may not import server (it stands above; see architecture.json)']);
});

test('a browser folder may not import Node', () => {
  expect(project({ 'verify/a.ts': `import { readFileSync } from 'node:fs';` })).toEqual([
    'src/verify/a.ts: verify runs in browsers and may not import node:fs',
  ]);
});

test('raw events are for those who handle them', () => {
  expect(project({ 'ledger/a.ts': `import type { Incoming } from '../ingest/read-events.ts';` })).toEqual([
    'src/ledger/a.ts: ledger may not see raw events (imports ingest)',
  ]);
});

test('an unknown folder is refused', () => {
  expect(project({ 'misc/a.ts': `import '../core/bytes.ts';` })).toEqual(['src/misc/a.ts: the folder misc is not in architecture.json']);
});

test('seeing no imports is a failure', () => {
  expect(project({ 'core/a.ts': 'export const a = 1;' })).toEqual(['no imports seen: this check looks at nothing']);
});
