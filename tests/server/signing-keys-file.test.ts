/** `signing-keys.json`, which a start reads and `verify`: what one of them refuses the other does. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTrail } from '../../src/server/compose.ts';
import { recordedLogs } from '../../src/server/signing-key-events.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { run } from '../e2e/product.ts';

let folder: string;
let dataDir: string;
let file: string;
let good: string;
let vkey: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'veiltrail-signing-keys-'));
  dataDir = join(folder, 'data');
  file = join(dataDir, 'signing-keys.json');
  // The second start finds the log, whose name is that of a member of every object.
  for (let i = 0; i < 2; i++) {
    const trail = await openTrail({ dataDir, workers: 1 });
    await trail.createLog('default');
    await trail.createLog('constructor');
    await trail.close();
  }
  good = readFileSync(file, 'utf8');
  vkey = (JSON.parse(good) as { logs: { default: [string] } }).logs.default[0];
  // As if its server had been killed: no seal says that the file is another one.
  rmSync(join(dataDir, 'seal.json'));
  const records = new DatabaseSync(join(dataDir, 'records.db'));
  records.exec('UPDATE closing SET clean = 0; PRAGMA wal_checkpoint(TRUNCATE)');
  records.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (text: string | Uint8Array): void => writeFileSync(file, text, { mode: 0o600 });
const inLogs = (logs: string): string => `{"format":1,"logs":${logs}}\n`;

const wrong: readonly (readonly [string, (good: string, vkey: string) => string | Uint8Array])[] = [
  ['nothing', () => ''],
  ['zeros, as a loss of power leaves them', (text) => new Uint8Array(text.length)],
  ['junk', () => 'junk'],
  ['null', () => 'null\n'],
  ['a list', () => '[]\n'],
  ['nothing in it', () => '{}\n'],
  ['logs that are null', () => '{"logs":null}\n'],
  ['logs that are null, in its format', () => inLogs('null')],
  ['logs that are a list', () => inLogs('[]')],
  ['no format', (text) => text.replace('"format":1,', '')],
  ['format 0', (text) => text.replace('"format":1', '"format":0')],
  ['a member of no meaning', (text) => text.replace('"format":1', '"format":1,"more":1')],
  ['a text for a list of keys', () => inLogs('{"default":"k"}')],
  ['no keys', () => inLogs('{"default":[]}')],
  ['three keys', (_, key) => inLogs(JSON.stringify({ default: [key, key, key] }))],
  ['a key that is none', () => inLogs('{"default":["k"]}')],
  ['a key that is a number', () => inLogs('{"default":[1]}')],
  [
    'a key with another letter in it',
    (_, key) => inLogs(JSON.stringify({ default: [key.replace(/.(?=.{6}$)/, (one) => (one === 'A' ? 'B' : 'A'))] })),
  ],
  ['a log twice', (text) => text.replace('"logs":{', `"logs":{"default":["x"],`)],
  ['a name that moves a cursor', (_, key) => inLogs(`{"x\\u001b[31mred":[${JSON.stringify(key)}]}`)],
  ['a name that is a path', (_, key) => inLogs(`{"../x":[${JSON.stringify(key)}]}`)],
  ['a name that is too long', (_, key) => inLogs(`{"${'x'.repeat(65)}":[${JSON.stringify(key)}]}`)],
];

test.each(wrong)('%s: a start refuses it, and verify says the same', async (_, make) => {
  write(make(good, vkey));
  const error = { code: 'config_damaged', message: 'signing-keys.json is damaged' };
  for (const others of [true, false]) {
    const report = await verifyStoredLog(dataDir, { log: 'default', others });
    expect(report.problems).toEqual([{ ...error, where: 'signing-keys.json' }]);
    expect([report.ok, report.problemCount]).toEqual([false, 1]);
    // All else was verified.
    expect(report.steps.filter(({ ok }) => !ok).map(({ step }) => step)).toEqual(['recorded']);
  }
  await expect(openTrail({ dataDir, workers: 1 })).rejects.toMatchObject(error);
});

test('the command ends with exit 1 and a report, a log that is half made among what it finds', async () => {
  write('{}\n');
  const key = join(dataDir, 'keys/half.unfinished-signing-key');
  writeFileSync(key, readFileSync(join(dataDir, 'keys/default.signing-key'), 'utf8'), { mode: 0o600 });
  const { code, out } = await run(['verify', dataDir, '--json']);
  rmSync(key);
  expect([code, (JSON.parse(out) as { problems: unknown }).problems]).toEqual([
    1,
    [{ code: 'config_damaged', where: 'signing-keys.json', message: 'signing-keys.json is damaged' }],
  ]);
});

test('one of a version to come is refused as such', async () => {
  write(good.replace('"format":1', '"format":2'));
  const { problems } = await verifyStoredLog(dataDir, { log: 'default' });
  expect(problems.map(({ code, where }) => [code, where])).toEqual([['newer_format', 'signing-keys.json']]);
});

test('what a start wrote is read: logs of any name, and as many as there are', async () => {
  write(good);
  expect(recordedLogs(dataDir).toSorted()).toEqual(['constructor', 'default']);
  expect((await verifyStoredLog(dataDir, { log: 'default', others: true })).problems).toEqual([]);
  // More than a key file may have bytes.
  const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`log-${i}`, [vkey]]));
  const dir = join(folder, 'many');
  mkdirSync(dir);
  writeFileSync(join(dir, 'signing-keys.json'), inLogs(JSON.stringify(many)), { mode: 0o600 });
  expect(recordedLogs(dir).length).toBe(2_000);
});
