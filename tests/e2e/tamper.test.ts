/**
 * Promise 2: any change to any stored byte is found by `verify`, which names the leaf or the file. Every file of a stopped data directory is
 * attacked in turn, on its raw bytes; index, lock and nothing else are left out (an index is rebuilt, a lock is empty).
 */
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { openTrail } from '../../src/server/compose.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import type { VerifyReport } from '../../src/app/verify-log.ts';
import { createSeeded } from '../../bench/events.ts';
import { run } from './product.ts';

const seed = Number(process.env['VEILTRAIL_SEED'] ?? 20_261_122);
const random = createSeeded(seed);
const root = mkdtempSync(join(tmpdir(), 'veiltrail-tamper-'));
const original = join(root, 'original');
const early = join(root, 'early');
const work = join(root, 'work');
let keptCheckpoint: string;
/** Checkpoints of full tiles, by their size. */
const filled = new Map<number, string>();

function events(from: number, to: number): Buffer {
  const lines: string[] = [];
  for (let i = from; i < to; i++)
    lines.push(
      JSON.stringify({ id: `e${i}`, action: 'customer.read', actor: { type: 'user', id: `u${i % 7}`, email: `person${i % 7}@example.net` } }),
    );
  return Buffer.from(lines.join('\n'));
}

async function append(from: number, to: number): Promise<void> {
  const trail = await openTrail({ dataDir: original });
  await trail.createLog('default');
  for (let at = from; at < to;) {
    // Not beyond the next full tile, so that there is a checkpoint of its size.
    const end = Math.min(to, at + 50, at - (at % 256) + 256);
    await trail.append({ log: 'default', principal: 'local', body: events(at, end), format: 'ndjson' });
    if (end % 256 === 0) filled.set(end, (await trail.checkpoint('default')) as string);
    at = end;
  }
  keptCheckpoint = (await trail.checkpoint('default')) as string;
  await trail.close();
}

beforeAll(async () => {
  console.log(`tamper seed ${seed}`);
  await append(0, 300);
  cpSync(original, early, { recursive: true });
  await append(300, 620);
  return () => rmSync(root, { recursive: true, force: true });
});

function files(): string[] {
  return readdirSync(original, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(original, join(entry.parentPath, entry.name)))
    .filter((path) => !/^(index\.db|lock)/.test(path))
    .toSorted();
}

/** A fresh copy with one thing done to it. */
async function attacked(attack: (dir: string) => void, kept?: string, log = 'default'): Promise<VerifyReport> {
  rmSync(work, { recursive: true, force: true });
  cpSync(original, work, { recursive: true });
  attack(work);
  return verifyStoredLog(work, { log, ...(kept === undefined ? {} : { keptCheckpoint: kept }) });
}

/** The log that a file is of; what is of all of them is found with any. */
function logOf(path: string): string {
  return /^logs\/([^/]+)\//.exec(path)?.[1] ?? 'default';
}

/** Names the leaf or the file: what someone would look at. */
function expectFound(report: VerifyReport, path: string, what: string): void {
  expect(report.ok, `${what} of ${path} is found`).toBe(false);
  const named =
    report.firstBadLeaf !== null ||
    report.problems.some(({ where, message }) => where.includes(path) || message.includes(path) || path.includes(where));
  expect(named, `${what} of ${path} names it: ${JSON.stringify(report.problems.slice(0, 3))}`).toBe(true);
}

test('untouched, all is well', async () => {
  const report = await attacked(() => undefined, keptCheckpoint);
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({ ok: true, treeSize: 620, records: { verified: 620 }, firstBadLeaf: null });
});

test('every kind of file is there to be attacked', () => {
  const all = files();
  for (const path of [
    'config.json',
    'policy.yaml',
    'access.json',
    'seal.json',
    'records.db',
    'vault.db',
    'logs/default/checkpoint',
    'logs/default/tile/0/000',
    'logs/default/tile/entries/002.p/108',
  ]) {
    expect(all).toContain(path);
  }
  expect(all.filter((path) => path.startsWith('keys/')).length).toBeGreaterThan(5);
});

describe('each stored file', () => {
  test('with a flipped bit: at its start, in its middle, at its end, and anywhere', async () => {
    for (const path of files()) {
      const { size } = statSync(join(original, path));
      const places = [0, Math.floor(size / 2), size - 1, ...Array.from({ length: path.endsWith('.db') ? 12 : 1 }, () => Math.floor(random() * size))];
      for (const place of new Set(places)) {
        const report = await attacked((dir) => flip(join(dir, path), place, 1 << Math.floor(random() * 8)), undefined, logOf(path));
        expectFound(report, path, `a flipped bit at ${place}`);
      }
    }
  });

  test('with its end cut off, or made longer', async () => {
    for (const path of files()) {
      const { size } = statSync(join(original, path));
      expectFound(
        await attacked(
          (dir) => truncateSync(join(dir, path), Math.max(0, size - 1 - Math.floor(random() * Math.min(size, 5000)))),
          undefined,
          logOf(path),
        ),
        path,
        'a cut end',
      );
      expectFound(
        await attacked(
          (dir) => writeFileSync(join(dir, path), Buffer.concat([readFileSync(join(dir, path)), Buffer.from([0])])),
          undefined,
          logOf(path),
        ),
        path,
        'a byte more',
      );
    }
  });

  test('deleted', async () => {
    for (const path of files()) expectFound(await attacked((dir) => rmSync(join(dir, path)), undefined, logOf(path)), path, 'deletion');
  });

  test('replaced by an older copy', async () => {
    for (const path of files()) {
      const older = join(early, path);
      if (!statSync(older, { throwIfNoEntry: false }) || readFileSync(older).equals(readFileSync(join(original, path)))) continue;
      expectFound(await attacked((dir) => copyFileSync(older, join(dir, path))), path, 'an older copy');
    }
  });
});

/** Takes the seal away, as if the server had been killed. */
function unseal(dir: string): void {
  rmSync(join(dir, 'seal.json'));
  sql(dir, 'records.db', (database) => database.exec('UPDATE closing SET clean = 0'));
}

test('an older checkpoint, in a directory that was made to look as if its server had been killed', async () => {
  const report = await attacked((dir) => {
    copyFileSync(join(early, 'logs/default/checkpoint'), join(dir, 'logs/default/checkpoint'));
    unseal(dir);
  });
  expectFound(report, 'logs/default/checkpoint', 'the older checkpoint');
});

test('an older checkpoint of a size that fills its tiles, which are all there, with the same look', async () => {
  expect([...filled.keys()]).toEqual([256, 512]);
  const roll = (to: number): Promise<VerifyReport> =>
    attacked((dir) => {
      writeFileSync(join(dir, 'logs/default/checkpoint'), filled.get(to) as string);
      unseal(dir);
    });
  const report = await roll(256);
  expect(report.problems.map(({ code, where }) => [code, where])).toEqual([['rolled_back', 'logs/default/checkpoint']]);
  // Down to the last full tile it is what a power loss may leave: leaves that are committed and not published, and said to be.
  const last = await roll(512);
  expect(last.problems).toEqual([]);
  expect(last.notChecked).toContain('leaves 512 to 619: committed and not yet published');
  expect((await verifyStoredLog(work, { log: 'default', keptCheckpoint })).problems.map(({ code }) => code)).toEqual(['rolled_back']);
});

describe('what the records say beside the records, in a directory that was made to look as if its server had been killed', () => {
  const sql = (dir: string, statement: string): void => {
    rmSync(join(dir, 'seal.json'));
    const database = new DatabaseSync(join(dir, 'records.db'));
    database.exec(`PRAGMA foreign_keys=OFF; UPDATE closing SET clean = 0; ${statement}; PRAGMA wal_checkpoint(TRUNCATE)`);
    database.close();
  };
  const id = "(SELECT id FROM logs WHERE name = 'default')";

  test.each([
    ['that nothing was received yet', `UPDATE trees SET last_received_at_ms = 1 WHERE log = ${id}`, 'state_changed'],
    ['another frontier of the tree', `UPDATE trees SET frontier = zeroblob(length(frontier)) WHERE log = ${id}`, 'log_damaged'],
    ['other staged entries', `UPDATE staged SET commitments = zeroblob(length(commitments)) WHERE log = ${id}`, 'log_damaged'],
    ['no staged entries', `DELETE FROM staged WHERE log = ${id}`, 'log_damaged'],
    ['a chunk behind the log', `INSERT INTO chunks VALUES (${id}, 620, 1, 1, zeroblob(200))`, 'chunk_unexpected'],
    ['a segment of records in chunks', `INSERT INTO segments VALUES (${id}, 0, 'standard', 1, 5, 100, 1, 2)`, 'segment_unexpected'],
    ['a bucket in segments that is not full', `INSERT INTO compacted VALUES (${id}, 1, 0)`, 'segment_unexpected'],
  ])('%s', async (_what, statement, code) => {
    const report = await attacked((dir) => sql(dir, statement));
    expect(report.problems).toEqual([expect.objectContaining({ code, where: 'records.db' })]);
    expect(report.steps.at(-1)).toMatchObject({ step: 'state', ok: false });
  });

  test('nothing but what is so', async () => {
    const report = await attacked((dir) => sql(dir, 'SELECT 1'), keptCheckpoint);
    expect(report.problems).toEqual([]);
    expect(report.steps.at(-1)).toMatchObject({
      step: 'state',
      detail: 'chunks, segments, newest time of receipt and origin fit the log; tiles and staged entries lead to the committed root',
    });
  });

  test('another origin for logs to come', async () => {
    const report = await attacked((dir) => {
      sql(dir, 'SELECT 1');
      writeFileSync(join(dir, 'config.json'), readFileSync(join(dir, 'config.json'), 'utf8').replace('"origin":"', '"origin":"x'));
    });
    expect(report.problems).toEqual([expect.objectContaining({ code: 'state_changed', where: 'config.json' })]);
  });

  test('no log of a name of which there are keys of buckets, whatever else of it was taken away', async () => {
    await attacked((dir) => {
      const of = "log = (SELECT id FROM logs WHERE name = '_system')";
      const tables = ['trees', 'chunks', 'staged', 'idempotency'].map((table) => `DELETE FROM ${table} WHERE ${of};`);
      sql(dir, `${tables.join(' ')} DELETE FROM logs WHERE name = '_system'`);
      rmSync(join(dir, 'logs/_system'), { recursive: true });
      for (const file of readdirSync(join(dir, 'keys'))) if (file.startsWith('_system')) rmSync(join(dir, 'keys', file));
    });
    const report = await verifyStoredLog(work, { log: 'default', others: true });
    expect(report.problems.map(({ code, message }) => [code, message])).toContainEqual(['log_unknown', 'log _system: records.db has no log _system']);
  });

  test.each(['0', 'entries'])('a tile of level %s with more leaves than are committed', async (level) => {
    const path = `logs/default/tile/${level}/002.p`;
    const report = await attacked((dir) => {
      sql(dir, 'SELECT 1');
      copyFileSync(join(dir, path, '108'), join(dir, path, '109'));
    });
    expect(report.problems).toEqual([expect.objectContaining({ code: 'behind_checkpoint', where: `${path}/109` })]);
  });
});

test('a file that was slipped in', async () => {
  for (const path of ['keys/extra.key', 'extra.json', 'logs/default/tile/0/extra']) {
    expectFound(await attacked((dir) => writeFileSync(join(dir, path), 'x')), path, 'an extra file');
  }
});

test('two chunks swapped in the database, as someone would who can write SQL', async () => {
  const report = await attacked((dir) =>
    sql(dir, 'records.db', (database) => {
      const [first, second] = database.prepare('SELECT rowid AS id, sealed FROM chunks ORDER BY first_leaf LIMIT 2').all() as {
        id: number;
        sealed: Uint8Array;
      }[];
      const update = database.prepare('UPDATE chunks SET sealed = ? WHERE rowid = ?');
      update.run((second as { sealed: Uint8Array }).sealed, (first as { id: number }).id);
      update.run((first as { sealed: Uint8Array }).sealed, (second as { id: number }).id);
    }),
  );
  expect(report.ok).toBe(false);
  expect(report.firstBadLeaf).toBe(0);
});

test('a chunk deleted in the database names its first leaf', async () => {
  const report = await attacked((dir) => sql(dir, 'records.db', (database) => database.exec('DELETE FROM chunks WHERE first_leaf = 100')));
  expect(report.firstBadLeaf).toBe(100);
  expect(report.problems.some(({ code }) => code === 'record_missing')).toBe(true);
});

test('a vault row deleted names a leaf that bears its token', async () => {
  const report = await attacked((dir) => sql(dir, 'vault.db', (database) => deleteOneToken(database)));
  expect(report.ok).toBe(false);
  expect(report.firstBadLeaf).not.toBeNull();
});

test('texts that look like tokens, which any sender may write, are no finding', async () => {
  const dataDir = join(root, 'lookalike');
  const trail = await openTrail({ dataDir });
  await trail.createLog('default');
  const fakes = [`tok_${'A'.repeat(27)}`, `tok_${'z'.repeat(27)}`, `tok_${'-'.repeat(40)}`, 'tok_'];
  const lines = fakes.map((fake, i) =>
    JSON.stringify({
      id: `f${i}`,
      action: 'x',
      actor: { type: 'user', id: 'u', email: 'a@example.net' },
      message: `${fake} and a@example.net`,
      metadata: { [fake]: fake },
    }),
  );
  await trail.append({ log: 'default', principal: 'local', body: Buffer.from(lines.join('\n')), format: 'ndjson' });
  await trail.close();
  expect((await verifyStoredLog(dataDir, { log: 'default' })).problems).toEqual([]);
});

test('the whole directory put back to an older state: found by a checkpoint kept elsewhere, and by that only', async () => {
  rmSync(work, { recursive: true, force: true });
  cpSync(early, work, { recursive: true });
  expect((await verifyStoredLog(work, { log: 'default' })).ok).toBe(true);
  const report = await verifyStoredLog(work, { log: 'default', keptCheckpoint });
  expect(report.problems.map(({ code }) => code)).toEqual(['rolled_back']);
});

test('the command exits 1 and names the place', async () => {
  await attacked((dir) => flip(join(dir, 'logs/default/tile/entries/001'), 5000, 1));
  const { code, out } = await run(['verify', work, '--json']);
  expect(code).toBe(1);
  const report = JSON.parse(out) as VerifyReport;
  expect(report.firstBadLeaf).toBe(256 + Math.floor(5000 / 35));
  const { code: humanCode, out: text } = await run(['verify', work]);
  expect(humanCode).toBe(1);
  expect(text).toContain(`first bad leaf: ${report.firstBadLeaf}`);
});

function flip(file: string, place: number, bit: number): void {
  const bytes = readFileSync(file);
  bytes[place] = (bytes[place] as number) ^ bit;
  writeFileSync(file, bytes);
}

function sql(dir: string, file: string, change: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(dir, file));
  change(database);
  database.close();
}

function deleteOneToken(database: DatabaseSync): void {
  const tables = (database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[]).map(({ name }) => name);
  const tokens = tables.find((name) => /token/.test(name) && !/bucket|index|lookup/.test(name)) as string;
  database.exec(`DELETE FROM ${tokens} WHERE rowid = (SELECT min(rowid) FROM ${tokens})`);
}
