/** Other people's tools accept a log made here, and refuse a damaged one. Skipped, and saying so, where Go or its modules cannot be had. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { buildTools, checkInterop } from '../../scripts/interop/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'veiltrail-interop-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('tessera’s fsck, torchwood and Go’s sumdb agree with us', { timeout: 10 * 60_000 }, (context) => {
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
});
