/** The report of `verify` for people: what strangers named does nothing to a terminal. And options of it that would be passed over. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openTrail } from '../../src/server/compose.ts';
import { run, temporaryDirectory } from '../e2e/product.ts';

test('names of files and of rows move no cursor and forge no line; --config without --anchors is refused', async () => {
  const data = join(temporaryDirectory(), 'data');
  const trail = await openTrail({ dataDir: data, workers: 1 });
  await trail.createLog('default');
  await trail.close();

  const config = join(data, '../serve.yaml');
  writeFileSync(config, '');
  for (const options of [[], ['--log', 'default'], ['--json']]) {
    const { code, err, out } = await run(['verify', data, '--config', config, ...options]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('--config says nothing about a data directory without --anchors: leave it out');
    expect(err).toContain('option_unused');
  }
  expect((await run(['verify', data, '--anchors', '--config', config])).code).toBe(0);

  const hostile = '\u001b[2J\u001b[31mred\r\n✓ signature    forged\u009b1A\u202e\u0007';
  mkdirSync(join(data, 'logs/default/tile'), { recursive: true });
  writeFileSync(join(data, 'logs/default/tile', hostile), '');
  const vault = new DatabaseSync(join(data, 'vault.db'));
  vault.prepare('INSERT INTO bucket_keys (log, bucket, generation, sealed_key) VALUES (?, 7, 1, zeroblob(60))').run(hostile);
  vault.close();

  const { code, out, err } = await run(['verify', data]);
  expect(code).toBe(1);
  const shown = '\\u{1b}[2J\\u{1b}[31mred\\u{d}\\u{a}✓ signature    forged\\u{9b}1A\\u{202e}\\u{7}';
  // Of the file, in the problem; of the row, in the step and the problem.
  expect(out.split(shown).length - 1).toBeGreaterThanOrEqual(3);
  expect(`${out}${err}`).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  expect(out.split('\n').filter((line) => line.startsWith('✓ signature'))).toEqual([expect.stringContaining('signed by')]);
});
