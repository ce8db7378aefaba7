/** Other people's tools accept a log made here, and refuse a damaged one. Skipped, and saying so, where Go or its modules cannot be had. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkInterop } from '../../scripts/interop/run.ts';
import { buildTools, type InteropCheck } from '../../scripts/interop/tools.ts';
import { checkWitnesses } from '../../scripts/interop/witnesses.ts';

const folder = mkdtempSync(join(tmpdir(), 'veiltrail-interop-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('tessera’s fsck, torchwood and Go’s sumdb agree with us; witnesses work both ways', { timeout: 10 * 60_000 }, async (context) => {
  const tools = buildTools(folder);
  if (typeof tools === 'string') {
    console.warn(`skipped: interop with independent tools: ${tools}`);
    context.skip(tools);
    return;
  }
  const checks = [...checkInterop(tools, folder)];
  expect(checks.filter(({ passed }) => !passed)).toEqual([]);
  expect(checks.filter(({ expected }) => expected === 'accepted').length).toBeGreaterThanOrEqual(14);
  expect(checks.filter(({ expected }) => expected === 'refused').length).toBeGreaterThanOrEqual(20);
  const witnessed: InteropCheck[] = [];
  for await (const check of checkWitnesses(tools, folder)) witnessed.push(check);
  expect(witnessed.filter(({ passed }) => !passed)).toEqual([]);
  expect(witnessed.length).toBeGreaterThanOrEqual(19);
});
