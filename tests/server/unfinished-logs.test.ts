/** A log is being made when the process is killed: at no step does that look like tampering, and a log that somebody deletes never looks like that. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { VerifyReport } from '../../src/app/verify-log.ts';
import { Ledger } from '../../src/ledger/ledger.ts';
import { openTrail, type OpenTrail } from '../../src/server/compose.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { dataDirPaths } from '../../src/storage/data-dir.ts';
import { openFileTileStore } from '../../src/storage/files/tile-store.ts';
import { openSqliteRecordStore } from '../../src/storage/sqlite/record-store.ts';
import { openKeyring } from '../../src/vault/keyring.ts';

const origin = 'unfinished.example';
let folder: string;
/** A directory as a killed server leaves it: with `default`, and with `other`, which has an event. */
let killed: string;
let killedWithOther: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'veiltrail-unfinished-'));
  const dataDir = join(folder, 'first');
  let trail = await open(dataDir);
  await trail.createLog('default');
  await append(trail, 'default');
  killed = copy(dataDir, 'killed');
  await trail.createLog('other');
  await append(trail, 'other');
  await trail.close();
  // A start has found the log.
  trail = await open(dataDir);
  killedWithOther = copy(dataDir, 'killed-with-other');
  await trail.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function open(dataDir: string): Promise<OpenTrail> {
  return openTrail({ dataDir, origin, workers: 1 });
}

async function append(trail: OpenTrail, log: string): Promise<number> {
  return (await trail.append({ log, principal: 'test', body: Buffer.from('{"message":"m"}'), format: 'json' })).treeSize;
}

function copy(from: string, name: string): string {
  const to = join(folder, name);
  cpSync(from, to, { recursive: true, mode: 0 });
  return to;
}

function verify(dataDir: string): Promise<VerifyReport> {
  return verifyStoredLog(dataDir, { log: 'default', others: true });
}

/** Makes `other` as the ledger's thread does, and copies the directory before and after each step. */
async function copyEachStep(dataDir: string): Promise<string[]> {
  const steps: string[] = [];
  const step = (name: string): void => void steps.push(copy(dataDir, `step-${String(steps.length)}-${name}`));
  const keyring = openKeyring(join(dataDir, 'keys'), { create: false });
  const records = openSqliteRecordStore(dataDirPaths(dataDir).records);
  const tiles = openFileTileStore(dataDirPaths(dataDir).logs);
  const createLog = records.createLog.bind(records);
  records.createLog = async (state) => {
    step('published');
    await createLog(state);
    step('in the records');
  };
  const writeCheckpoint = tiles.writeCheckpoint.bind(tiles);
  tiles.writeCheckpoint = async (log, bytes) => {
    if (log === 'other') {
      step('key');
      mkdirSync(join(dataDir, 'logs/other'));
      step('directory');
      writeFileSync(join(dataDir, 'logs/other/.writing'), bytes.subarray(0, 9));
      step('half a checkpoint');
    }
    await writeCheckpoint(log, bytes);
  };
  const ledger = await Ledger.open({
    records,
    tiles,
    bucketKeys: { bucketKey: () => Promise.reject(new Error('nothing is appended')) },
    signers: async (log) => keyring.signers(log),
  });
  step('before');
  keyring.beginSigner('other', `${origin}/other`);
  await ledger.createLog('other', `${origin}/other`);
  step('made');
  keyring.finishSigner('other');
  rmSync(join(dataDir, 'keys/other.vkey'));
  step('key has its name');
  keyring.finishSigner('other');
  step('done');
  await ledger.close();
  return steps;
}

test('a kill at any step of making a log is no finding, and the next start finishes it', async () => {
  const steps = await copyEachStep(copy(killed, 'stepped'));
  expect(steps.map((dir) => dir.replace(/.*step-\d-/, ''))).toEqual([
    'before',
    'key',
    'directory',
    'half a checkpoint',
    'published',
    'in the records',
    'made',
    'key has its name',
    'done',
  ]);
  for (const [i, dir] of steps.entries()) {
    const before = await verify(dir);
    expect(before.problems, dir).toEqual([]);
    expect(before.ok, dir).toBe(true);
    const halfMade = (report: VerifyReport): number => (report.notices ?? []).filter((notice) => notice.includes('log other is half made')).length;
    const isHalfMade = i >= 1 && i <= 4;
    expect(halfMade(before), dir).toBe(isHalfMade ? 1 : 0);

    const trail = await open(dir);
    const isThere = trail.logs().includes('other');
    expect(isThere, dir).toBe(i > 0);
    if (isThere) expect(await append(trail, 'other'), dir).toBe(1);
    await trail.close();
    expect(existsSync(join(dir, 'keys/other.unfinished-signing-key'))).toBe(false);
    const after = await verify(dir);
    expect(after.problems, dir).toEqual([]);
    expect(halfMade(after), dir).toBe(0);
    expect(
      after.steps.some(({ step }) => step === 'log other'),
      dir,
    ).toBe(isThere);
  }
});

/** Takes `other` out of the records, and leaves what else there is of it. */
function deleteRows(dataDir: string): void {
  const database = new DatabaseSync(join(dataDir, 'records.db'));
  const { id } = database.prepare("SELECT id FROM logs WHERE name = 'other'").get() as { id: number };
  for (const table of ['segments', 'compacted', 'idempotency', 'staged', 'chunks', 'trees'])
    database.exec(`DELETE FROM ${table} WHERE log = ${String(id)}`);
  database.exec(`DELETE FROM logs WHERE id = ${String(id)}`);
  database.close();
}

const traces: Record<string, (dataDir: string) => void> = {
  'keys/other.vkey': (dir) => rmSync(join(dir, 'keys/other.vkey')),
  'logs/other/tile': (dir) => rmSync(join(dir, 'logs/other/tile'), { recursive: true }),
  'logs/other/checkpoint': (dir) => rmSync(join(dir, 'logs/other/checkpoint')),
  'signing-keys.json': (dir) => {
    const file = join(dir, 'signing-keys.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/,"other":\[[^\]]*\]/, ''));
  },
  'vault.db': (dir) => {
    const database = new DatabaseSync(join(dir, 'vault.db'));
    database.exec("DELETE FROM bucket_keys WHERE log = 'other'");
    database.close();
  },
};

test('a log that somebody deletes is found, whatever its key is called then', async () => {
  expect((await verify(killedWithOther)).problems).toEqual([]);
  const deleted = copy(killedWithOther, 'deleted');
  deleteRows(deleted);
  expect((await verify(deleted)).problems.map(({ code }) => code)).toContain('log_unknown');
  renameSync(join(deleted, 'keys/other.signing-key'), join(deleted, 'keys/other.unfinished-signing-key'));

  // All traces but one are removed.
  for (const kept of Object.keys(traces)) {
    const dir = copy(deleted, `kept-${kept.replaceAll('/', '-')}`);
    for (const [name, remove] of Object.entries(traces)) if (name !== kept) remove(dir);
    const found = async (): Promise<string[]> =>
      (await verify(dir)).problems.filter(({ code }) => code === 'log_unknown').map(({ message }) => message);
    expect(await found(), kept).toEqual([`log other: its key says that it was never made, but there is more of it: ${kept}`]);
    // A start leaves it as it is.
    const trail = await open(dir);
    expect(trail.logs()).not.toContain('other');
    await trail.close();
    expect(readdirSync(join(dir, 'keys'))).toContain('other.unfinished-signing-key');
    expect((await found()).length, kept).toBe(1);
  }
});

test('anchors and segments of a log that has no row, and a checkpoint that its key did not sign, are traces, too', async () => {
  const half = copy(killed, 'half');
  openKeyring(join(half, 'keys'), { create: false }).beginSigner('other', `${origin}/other`);
  for (const [path, trace] of [
    ['anchors/other/file', 'anchors/other'],
    ['segments/other/file', 'segments/other'],
    ['logs/other/checkpoint', 'logs/other/checkpoint'],
    ['logs/other/witnessed', 'logs/other/witnessed'],
  ] as const) {
    const dir = copy(half, `half-${path.replaceAll('/', '-')}`);
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), 'something');
    expect((await verify(dir)).problems.map(({ message }) => message)).toEqual([
      `log other: its key says that it was never made, but there is more of it: ${trace}`,
    ]);
  }
  // What a loss of power leaves of a file that was not flushed.
  mkdirSync(join(half, 'logs/other'));
  writeFileSync(join(half, 'logs/other/checkpoint'), new Uint8Array(200));
  expect((await verify(half)).problems).toEqual([]);
});
