/** `veiltrail drill`: every attack is found as SECURITY.md claims, on a directory of its own and on a copy of somebody's. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Defence, defences } from '../../src/server/drill/attack.ts';
import { attacks } from '../../src/server/drill/attacks.ts';
import type { DrillResult } from '../../src/server/drill/run-drill.ts';
import { launch, run, temporaryDirectory } from './product.ts';

test('every attack is found by what SECURITY.md says, and by nothing less', async () => {
  const junit = join(temporaryDirectory(), 'drill.xml');
  const { code, out, err } = await run(['drill', '--json', '--junit', junit]);
  expect(code, out + err).toBe(0);
  const results = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as DrillResult);
  expect(results.map(({ name }) => name)).toEqual(attacks.map(({ name }) => name));
  for (const { name, foundBy, claim, against } of results) {
    expect(foundBy, name).toBe(claim);
    for (const defence of defences) expect(against[defence].found, `${name}: ${defence}`).toBe(against[defence].claimed);
  }
  // What is not detectable is shown as such: by whoever kept nothing, and by whoever trusts a witness that colludes.
  const undetected = (defence: Defence): number => results.filter(({ claim, against }) => claim !== 'prevented' && !against[defence].found).length;
  expect(defences.map(undetected)).toEqual([11, 4, 5]);
  expect(new Set(results.map(({ claim }) => claim))).toEqual(new Set(['alone', 'kept', 'witnesses', 'prevented', 'nobody']));
  expect(readFileSync(junit, 'utf8')).toContain(`<testsuites name="veiltrail drill" tests="${3 * results.length}" failures="0"`);
});

test('a copy of a directory is attacked, and the directory left alone; one in use is refused', async () => {
  const data = join(temporaryDirectory(), 'data');
  await run(['ingest', '-', '--data', data], { input: '{"action":"mine"}\n' });
  const seal = readFileSync(join(data, 'seal.json'), 'utf8');
  const drilled = await run(['drill', '--data', data, '--only', 'vault']);
  expect(drilled, drilled.err).toMatchObject({ code: 0, err: expect.stringMatching(/\d attacks, all as SECURITY.md claims/) });
  expect(readFileSync(join(data, 'seal.json'), 'utf8')).toBe(seal);
  expect((await run(['verify', data])).code).toBe(0);
  expect((await run(['drill', '--only', 'nothing of this name'])).code).toBe(2);
  const server = launch(data);
  await server.answering;
  expect((await run(['drill', '--data', data])).code).toBe(3);
  await server.end('SIGTERM');
});
