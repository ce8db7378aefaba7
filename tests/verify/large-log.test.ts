/** A log that is large enough for threads: they find what one thread finds, wherever it is, and the report reads as if one had. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, expect, test } from 'vitest';
import type { VerifyReport } from '../../src/app/verify-log.ts';
import { openTrail } from '../../src/server/compose.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';

const root = mkdtempSync(join(tmpdir(), 'veiltrail-large-'));
const original = join(root, 'original');
const work = join(root, 'work');
const leaves = 8_500;

beforeAll(async () => {
  const trail = await openTrail({ dataDir: original });
  await trail.createLog('default');
  for (let from = 0; from < leaves; from += 500) {
    const lines = Array.from({ length: 500 }, (_, i) =>
      JSON.stringify({ id: `e${from + i}`, action: 'read', actor: { type: 'user', id: 'u', email: `person${from / 500}@example.net` } }),
    );
    await trail.append({ log: 'default', principal: 'local', body: Buffer.from(lines.join('\n')), format: 'ndjson' });
  }
  await trail.close();
  return () => rmSync(root, { recursive: true, force: true });
});

async function attacked(attack: (dir: string) => void, progress: number[] = []): Promise<VerifyReport> {
  rmSync(work, { recursive: true, force: true });
  cpSync(original, work, { recursive: true });
  attack(work);
  return verifyStoredLog(work, { log: 'default', onProgress: (done) => progress.push(done) });
}

function sql(dir: string, file: string, statement: string): void {
  const database = new DatabaseSync(join(dir, file));
  database.exec(statement);
  database.close();
}

test('untouched: every leaf and every token, in steps that are told in order', async () => {
  const progress: number[] = [];
  const report = await attacked(() => undefined, progress);
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({ ok: true, treeSize: leaves, records: { verified: leaves }, firstBadLeaf: null });
  expect(report.steps.map(({ step, ok }) => [step, ok])).toEqual(
    ['seal', 'databases', 'signature', 'consistency', 'witnesses', 'entries', 'records', 'tombstones', 'tokens', 'tiles', 'vault', 'state'].map(
      (step) => [step, true],
    ),
  );
  const detailOf = (name: string): string | undefined => report.steps.find(({ step }) => step === name)?.detail;
  expect(['entries', 'records', 'tombstones', 'tokens'].map(detailOf)).toEqual([
    `${leaves} entries are in their tiles`,
    `${leaves} records open their commitments`,
    'nothing is missing',
    `${leaves} tokens of records are in the vault`,
  ]);
  expect(progress.length).toBeGreaterThan(4);
  expect(progress.at(-1)).toBe(leaves);
});

test('one entry of the last tile changed', async () => {
  const report = await attacked((dir) => {
    const file = join(dir, 'logs/default/tile/entries/032');
    const bytes = readFileSync(file);
    bytes[35 * 100 + 9] = (bytes[35 * 100 + 9] as number) ^ 1;
    writeFileSync(file, bytes);
  });
  expect(report).toMatchObject({ ok: false, firstBadLeaf: 32 * 256 + 100, records: { verified: leaves - 1 } });
  expect(report.problems.map(({ code }) => code)).toEqual(expect.arrayContaining(['entry_not_in_tree', 'record_changed']));
});

test('a chunk deleted, and one with other bytes', async () => {
  const gone = await attacked((dir) => sql(dir, 'records.db', 'DELETE FROM chunks WHERE first_leaf = (SELECT max(first_leaf) FROM chunks)'));
  expect(gone.ok).toBe(false);
  expect(gone.firstBadLeaf).toBe(gone.records.verified);
  expect(gone.problems.some(({ code }) => code === 'record_missing')).toBe(true);
  expect(gone.problemCount).toBeGreaterThanOrEqual(leaves - gone.records.verified);
  const other = await attacked((dir) =>
    sql(dir, 'records.db', 'UPDATE chunks SET sealed = zeroblob(length(sealed)) WHERE first_leaf = (SELECT max(first_leaf) FROM chunks)'),
  );
  expect(other).toMatchObject({ ok: false, firstBadLeaf: gone.firstBadLeaf });
});

test('a row of the vault deleted names the first leaf that bears its token', async () => {
  const report = await attacked((dir) => sql(dir, 'vault.db', 'DELETE FROM tokens WHERE id = (SELECT max(id) FROM tokens)'));
  const missing = report.problems.filter(({ code }) => code === 'token_missing');
  expect(missing[0]?.leafIndex).toBe(leaves - 500);
  expect(report.problemCount).toBeGreaterThanOrEqual(500);
});

test('a row of the vault under another token is found by the rows, and by the leaves that bear it', async () => {
  const report = await attacked((dir) => sql(dir, 'vault.db', "UPDATE tokens SET token = x'00112233' WHERE id = (SELECT min(id) FROM tokens)"));
  expect(report.problems.map(({ code }) => code)).toEqual(expect.arrayContaining(['token_missing', 'token_damaged']));
  expect(report.firstBadLeaf).toBe(0);
});

test('a page of the vault destroyed: the vault is named, and everything else is still checked', async () => {
  const report = await attacked((dir) => {
    const file = join(dir, 'vault.db');
    const database = new DatabaseSync(file);
    const { page } = database.prepare("SELECT rootpage AS page FROM sqlite_schema WHERE name = 'tokens'").get() as { page: number };
    const { size } = database.prepare('SELECT page_size AS size FROM pragma_page_size').get() as { size: number };
    database.close();
    writeFileSync(file, readFileSync(file).fill(0, (page - 1) * size, page * size));
  });
  const failed = report.steps.filter(({ ok }) => !ok).map(({ step }) => step);
  expect(failed).toEqual(expect.arrayContaining(['seal', 'databases', 'vault']));
  expect(report.steps.map(({ step }) => step)).toContain('tiles');
  expect(failed).not.toContain('tiles');
  expect(report.problems.some(({ where }) => where.includes('vault'))).toBe(true);
});
