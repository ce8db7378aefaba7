/**
 * Stops, starts and what people do in between: an orderly stop under load, two servers on one directory, files that are gone, older or damaged,
 * and a directory that was copied while a server wrote to it. What starts has everything; what cannot have it is refused, by name, with nothing
 * written, so that the right file put back makes it good.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createClient } from '../../src/sdk/client.ts';
import { keyOf, launch, type Launched, run, temporaryDirectory } from '../e2e/product.ts';
import { SeededRandom } from '../simulation/seeded-random.ts';
import { FollowedLog } from './followed-log.ts';
import { Book, sendAllAgain, startLoad } from './senders.ts';

let data: string;
let book: Book;
let random: SeededRandom;
beforeEach((context) => {
  data = join(temporaryDirectory(), 'data');
  book = new Book();
  random = new SeededRandom(context.task.name);
});

async function start(dir = data): Promise<{ url: string; server: Launched }> {
  const server = launch(dir);
  return { url: await server.answering, server };
}

async function stop(server: Launched): Promise<void> {
  await server.end('SIGTERM');
  expect(await server.ended, server.said()).toBe(0);
}

/** Sends until so many events at least are acknowledged: enough for some people whom nobody has seen before. */
async function send(url: string, events = 100): Promise<void> {
  const enough = Promise.withResolvers<void>();
  let acknowledged = 0;
  const onAcknowledged = (count: number): void => void ((acknowledged += count) >= events && enough.resolve());
  const load = startLoad({ url, key: keyOf(data, 'writer'), book, random, senders: 4, onAcknowledged });
  await Promise.race([enough.promise, load.ended]);
  await load.stop();
  expect(acknowledged).toBeGreaterThanOrEqual(events);
}

/** Everything acknowledged is at its leaf, each event once. */
async function expectAll(url: string, leaves: ReadonlyMap<string, number> = book.leaves): Promise<void> {
  const client = createClient({ url, key: keyOf(data, 'reader') });
  const found = new Map<string, number>();
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await client.search({ limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
    for (const { leafIndex, record } of page.events) {
      expect(found.has(record['id'] as string), `${record['id'] as string} has two leaves`).toBe(false);
      found.set(record['id'] as string, leafIndex);
    }
    cursor = page.nextCursor;
  }
  for (const [id, leafIndex] of leaves) expect(found.get(id), id).toBe(leafIndex);
}

async function verify(dir = data): Promise<{ code: number | null; text: string }> {
  const { code, out, err } = await run(['verify', dir]);
  return { code, text: out + err };
}

/** A start that is refused, with this code and exit code, whatever else is asked of it. */
async function expectRefused(code: string, exitCode: number): Promise<void> {
  const server = launch(data);
  const ended = await Promise.race([
    server.ended,
    server.answering.then(
      () => 'it answers',
      () => server.ended,
    ),
  ]);
  expect(server.said()).toContain(`(${code})`);
  expect(ended).toBe(exitCode);
}

test('SIGTERM under load: what is acknowledged is there, and the directory is sealed', async () => {
  for (let times = 0; times < 3; times++) {
    const { url, server } = await start();
    const load = startLoad({ url, key: keyOf(data, 'writer'), book, random, senders: 8 });
    await sleep(random.below(300));
    await stop(server);
    await load.stop();
    expect(existsSync(join(data, 'seal.json'))).toBe(true);
    const { code, text } = await verify();
    expect(code, text).toBe(0);
    expect(text).toContain('files are as the last stop left them');
  }
  const { url, server } = await start();
  await sendAllAgain({ url, key: keyOf(data, 'writer'), book, random });
  await expectAll(url);
  await stop(server);
});

test('SIGTERM as soon as it says that it serves is an orderly stop', async () => {
  for (let times = 0; times < 5; times++) {
    const server = launch(data);
    await server.answering;
    expect(existsSync(join(data, 'seal.json'))).toBe(false);
    await stop(server);
    expect(existsSync(join(data, 'seal.json'))).toBe(true);
  }
});

test('what breaks while it serves is named in its own output, and to nobody else', async () => {
  const { url, server } = await start();
  const size = async (): Promise<number> => (await createClient({ url, key: keyOf(data, 'reader') }).search({ limit: 1 })).treeSize;
  do await send(url, 30);
  while ((await size()) % 256 === 0); // the last tile is to be a partial one
  const treeSize = await size();
  const width = treeSize % 256;
  const bundle = join(data, `logs/default/tile/entries/${String(Math.floor(treeSize / 256)).padStart(3, '0')}.p/${width}`);
  renameSync(bundle, `${data}-bundle`);
  const response = await fetch(`${url}/api/v1/logs/default/events/${treeSize - 1}/proof`, {
    headers: { authorization: `Bearer ${keyOf(data, 'reader')}` },
  });
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([500, 'internal']);
  expect(server.said()).toContain('tile_missing');
  expect(server.said()).toContain('GET /api/v1/logs/:log/events/:leaf/proof');
  renameSync(`${data}-bundle`, bundle);
  await expectAll(url);
  await stop(server);
});

test('a second server on a directory is refused and says why; the first does not notice', async () => {
  const { url, server } = await start();
  await send(url, 30);
  await expectRefused('data_dir_in_use', 3);
  const ingested = await run(['ingest', '-', '--data', data], { input: '{"action":"x"}' });
  expect(ingested).toMatchObject({ code: 3, err: expect.stringContaining('another process has this data directory') });
  await send(url, 30);
  await expectAll(url);
  await stop(server);
});

describe('files that are not what they were', () => {
  /** A directory that was stopped in good order; an older copy of it; and what was acknowledged. Each test has copies of its own. */
  const made = { newest: '', older: '', book: new Book() };
  let older: string;
  beforeEach(async () => {
    if (made.newest === '') await make();
    cpSync(made.newest, data, { recursive: true });
    older = made.older;
    for (const [id, leaf] of made.book.leaves) book.leaves.set(id, leaf);
    for (const [id, event] of made.book.sent) book.sent.set(id, event);
    for (const [size, text] of made.book.checkpoints) book.checkpoints.set(size, text);
  });
  afterAll(() => rmSync(join(made.newest, '..'), { recursive: true, force: true }));

  async function make(): Promise<void> {
    const home = mkdtempSync(join(tmpdir(), 'veiltrail-e2e-'));
    made.older = join(home, 'older');
    const first = await start();
    await send(first.url);
    await stop(first.server);
    cpSync(data, made.older, { recursive: true });
    const second = await start();
    await send(second.url);
    await stop(second.server);
    made.newest = join(home, 'newest');
    renameSync(data, made.newest);
    made.book = book;
    book = new Book();
  }

  /** Nothing was written that would be in the way of the right files. */
  async function expectGoodAgain(): Promise<void> {
    const log = new FollowedLog(readFileSync(join(data, 'keys/default.vkey'), 'utf8').trim());
    for (const text of book.checkpoints.values()) log.note(text);
    const { url, server } = await start();
    await expectAll(url);
    await log.follow(url);
    await send(url, 30);
    await expectAll(url);
    await stop(server);
    const { code, text } = await verify();
    expect(code, text).toBe(0);
  }

  test('an older records.db is not gone on with', async () => {
    const away = join(data, '../away');
    renameSync(join(data, 'records.db'), away);
    copyFileSync(join(older, 'records.db'), join(data, 'records.db'));
    await expectRefused('behind_checkpoint', 1);
    // Nor by trying again.
    await expectRefused('behind_checkpoint', 1);
    expect(await verify()).toMatchObject({ code: 1, text: expect.stringContaining('behind_checkpoint') });
    for (const left of ['records.db', 'records.db-wal', 'records.db-shm']) rmSync(join(data, left), { force: true });
    renameSync(away, join(data, 'records.db'));
    await expectGoodAgain();
  });

  test('an older vault.db is not gone on with', async () => {
    const away = join(data, '../away');
    renameSync(join(data, 'vault.db'), away);
    copyFileSync(join(older, 'vault.db'), join(data, 'vault.db'));
    await expectRefused('vault_behind', 1);
    expect((await verify()).code).toBe(1);
    for (const left of ['vault.db', 'vault.db-wal', 'vault.db-shm']) rmSync(join(data, left), { force: true });
    renameSync(away, join(data, 'vault.db'));
    await expectGoodAgain();
  });

  test('what a crash left of a small file being replaced is gone after the next start', async () => {
    for (const name of ['.tmp-0011', 'keys/.tmp-0022']) writeFileSync(join(data, name), 'half a', { mode: 0o600 });
    const { server } = await start();
    await stop(server);
    for (const name of ['.tmp-0011', 'keys/.tmp-0022']) expect(existsSync(join(data, name)), name).toBe(false);
  });

  test('a file that is gone is not begun anew', async () => {
    const lost = {
      'vault.db': 'vault_missing',
      'config.json': 'config_missing',
      'access.json': 'access_file_missing',
      keys: 'keyring_missing',
      'keys/root.v1.secret': 'keyring_incomplete',
      'keys/default.signing-key': 'signing_key_missing',
      'records.db': 'behind_checkpoint',
    };
    for (const [file, code] of Object.entries(lost)) {
      const away = join(data, '../away');
      renameSync(join(data, file), away);
      await expectRefused(code, 1);
      // An empty database was made there; it says no more than that there is none.
      if (file === 'records.db') for (const left of [file, `${file}-wal`, `${file}-shm`]) rmSync(join(data, left), { force: true });
      expect(existsSync(join(data, file)), `${file} was made anew`).toBe(false);
      expect((await verify()).code, `verify without ${file}`).toBe(1);
      renameSync(away, join(data, file));
    }
    await expectGoodAgain();
  });

  test('an index that is gone or damaged is made anew, and search is right meanwhile', async () => {
    const attacks: Record<string, (file: string) => void> = {
      gone: (file) => rmSync(file),
      empty: (file) => truncateSync(file),
      garbage: (file) => writeFileSync(file, 'garbage '.repeat(1_000)),
      garbled: (file) => garble(file),
      cut: (file) => truncateSync(file, Math.floor(readFileSync(file).length / 2)),
      older: (file) => copyFileSync(join(older, 'index.db'), file),
    };
    const due = [...book.leaves.values()].toSorted((a, b) => b - a).slice(0, 100);
    for (const [name, attack] of Object.entries(attacks)) {
      attack(join(data, 'index.db'));
      const { url, server } = await start();
      const client = createClient({ url, key: keyOf(data, 'reader') });
      const leaves = async (): Promise<number[]> => (await client.search({ q: 'order.update', limit: 100 })).events.map(({ leafIndex }) => leafIndex);
      expect(await leaves(), `${name}, at once`).toEqual(due);
      await expectIndexed(url);
      expect(await leaves(), `${name}, made anew`).toEqual(due);
      await expectAll(url);
      await stop(server);
    }
    expect((await verify()).code).toBe(0);
  });
});

async function expectIndexed(url: string): Promise<void> {
  const client = createClient({ url, key: keyOf(data, 'reader') });
  for (let waits = 0; waits < 4_000; waits++) {
    const { indexedTo, treeSize } = await client.search({ limit: 1 });
    if (indexedTo === treeSize) return;
    await sleep(50);
  }
  throw new Error('what is stored was never indexed');
}

/** Other bytes in every page but the first. */
function garble(file: string): void {
  const bytes = readFileSync(file);
  for (let at = 4_096 + 100; at < bytes.length; at += 512) bytes[at] = (bytes[at] as number) ^ 0x5a;
  writeFileSync(file, bytes);
}

/** As people do it; files that are renamed meanwhile, and partial tiles that a full one replaces, are none of its business. */
async function copyRunning(to: string): Promise<void> {
  // Senders are of this process: they must not stand still meanwhile.
  const copying = spawn('cp', ['-a', data, to]);
  let stderr = '';
  copying.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  await new Promise((resolve) => copying.on('close', resolve));
  const complaints = stderr.split('\n').filter((line) => line !== '' && !/\/\.writing|\/\.tmp-|\.p\/\d+|\.p'/.test(line));
  expect(complaints).toEqual([]);
}

test('a copy of a directory that is being written to is whole, or is refused', async () => {
  const { url, server } = await start();
  const outcomes: string[] = [];
  for (let times = 0; times < 4; times++) {
    // Under load while it is copied; what became of the copy is looked at in peace.
    const first = Promise.withResolvers<void>();
    const load = startLoad({ url, key: keyOf(data, 'writer'), book, random, senders: 4, onAcknowledged: () => first.resolve() });
    await Promise.race([first.promise, load.ended]);
    await sleep(300);
    const acknowledgedBefore = new Map(book.leaves);
    const copy = `${data}-copy-${times}`;
    await copyRunning(copy);
    await load.stop();
    const started = launch(copy);
    const answer = await started.answering.catch(() => undefined);
    if (answer === undefined) {
      expect([1, 3]).toContain(await started.ended);
      expect(started.said()).toMatch(/\((behind_checkpoint|history_forked|log_damaged|storage_damaged|checkpoint_damaged|vault_behind)\)/);
      outcomes.push('refused');
      continue;
    }
    await expectAll(answer, acknowledgedBefore);
    await stop(started);
    const { code, text } = await verify(copy);
    expect(code, text).toBe(0);
    outcomes.push('whole');
  }
  console.log(`copies of a running directory: ${outcomes.join(', ')}`);
  await expectAll(url);
  await stop(server);
});
