/**
 * A real server on a disk that is really full, really read-only, or fails: it says 503 and when to come back, goes on reading, loses nothing that
 * it acknowledged, and takes events again as soon as the disk does, without hands. Small disks are tmpfs, which only root may mount.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, type TestContext } from 'vitest';
import { keyOf, launch, type Launched, type LaunchOptions, run, temporaryDirectory } from '../e2e/product.ts';

/** The free-space guard looks this often at the most. */
const guardLooksMs = 1_000;
const refusalCodes = ['disk_full', 'storage_readonly', 'not_published'];

function tool(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Mounts a small disk that goes away with the test; skips the test, saying so, where that is not allowed. */
function mountSmallDisk(context: TestContext, path: string, size: string): void {
  mkdirSync(path, { recursive: true });
  const mounted = process.getuid?.() === 0 && tool('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path);
  if (!mounted) context.skip('only root may mount a small disk');
  onTestFinished(() => void tool('umount', '--lazy', path));
}

/** Fills a disk but for some pages, whoever else is writing to it; the answer makes room again. */
function fill(path: string, leavePages: number): () => void {
  const ballast = join(path, 'ballast');
  const { bavail, bsize } = statfsSync(path);
  const file = openSync(ballast, 'w');
  try {
    const page = new Uint8Array(bsize);
    for (let pages = Math.max(0, bavail - leavePages); pages > 0; pages--) writeSync(file, page);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
  return () => unlinkSync(ballast);
}

/** A server, and what it was asked and answered. */
class Asked {
  readonly server: Launched;
  readonly data: string;
  readonly leaves = new Map<string, number>();
  /** Why an append was refused the last time, in words. */
  refusal = '';
  #url = '';
  #made = 0;
  #unanswered: object[] = [];

  constructor(data: string, server: Launched) {
    this.data = data;
    this.server = server;
  }

  static async start(data: string, options: LaunchOptions = {}): Promise<Asked> {
    const asked = new Asked(data, launch(data, options));
    asked.#url = await asked.server.answering;
    return asked;
  }

  /** The next server on the same directory, which owes all that this one acknowledged. */
  async startAgain(): Promise<Asked> {
    const next = await Asked.start(this.data);
    for (const [id, leaf] of this.leaves) next.leaves.set(id, leaf);
    next.#made = this.#made;
    next.#unanswered = this.#unanswered;
    return next;
  }

  /** Sends some events with people nobody knows yet, those first that were refused before. 201, or the code of a refusal that keeps the rules. */
  async append(): Promise<number | string> {
    const events = [...this.#unanswered, ...Array.from({ length: 3 }, () => this.#newEvent())];
    this.#unanswered = events;
    const response = await fetch(`${this.#url}/api/v1/logs/default/events`, {
      method: 'POST',
      body: JSON.stringify(events),
      headers: { authorization: `Bearer ${keyOf(this.data, 'writer')}`, 'content-type': 'application/json' },
    });
    if (response.status === 201) {
      const { receipts } = (await response.json()) as { receipts: { id: string; leafIndex: number }[] };
      for (const { id, leafIndex } of receipts) this.leaves.set(id, leafIndex);
      expect(receipts.length).toBe(events.length);
      this.#unanswered = [];
      return 201;
    }
    const { code, detail } = (await response.json()) as { code: string; detail?: string };
    this.refusal = detail ?? '';
    expect({ status: response.status, code }, this.server.said()).toMatchObject({ status: 503 });
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    return code;
  }

  #newEvent(): object {
    const id = `disk-${this.#made++}`;
    return {
      id,
      time: new Date().toISOString(),
      action: 'order.update',
      actor: { type: 'user', id: 'u', email: `${id}@people.example.net` },
      metadata: { padding: 'x'.repeat(500) },
    };
  }

  /** Until the disk refuses; the code it refused with. */
  async appendUntilRefused(): Promise<string> {
    for (let tries = 0; tries < 2_000; tries++) {
      const answer = await this.append();
      if (typeof answer === 'string') return answer;
    }
    throw new Error('the disk never refused');
  }

  /** Once there is room again, without hands. */
  async appendWhenPossible(): Promise<void> {
    const until = performance.now() + 120_000;
    let answer = await this.append();
    for (; answer !== 201 && performance.now() < until; answer = await this.append()) await sleep(50);
    expect(answer, this.server.said()).toBe(201);
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.#url}${path}`, { headers: { authorization: `Bearer ${keyOf(this.data, 'reader')}` } });
    return { status: response.status, text: await response.text() };
  }

  /** Everything that needs no room works. */
  async expectReading(): Promise<void> {
    const [id, leafIndex] = [...this.leaves].at(-1) as [string, number];
    const found = await this.get(`/api/v1/logs/default/events/${leafIndex}`);
    expect(JSON.parse(found.text)).toMatchObject({ leafIndex, record: { id } });
    expect((await this.get(`/api/v1/logs/default/events/${leafIndex}/proof`)).status).toBe(200);
    expect((await this.get('/logs/default/checkpoint')).status).toBe(200);
    expect((await this.get('/api/v1/logs/default/events?limit=5&q=order.update')).status).toBe(200);
    expect((await this.get('/healthz')).status).toBe(200);
  }

  /** Every event that was sent has one leaf, that which was acknowledged. */
  async expectAllThere(): Promise<void> {
    const leaves = new Map<string, number>();
    for (let cursor = '', more = true; more;) {
      const page = JSON.parse((await this.get(`/api/v1/logs/default/events?limit=1000${cursor}`)).text) as {
        events: { leafIndex: number; record: { id: string } }[];
        nextCursor?: string;
      };
      for (const { leafIndex, record } of page.events) {
        expect(leaves.has(record.id), `${record.id} has two leaves`).toBe(false);
        leaves.set(record.id, leafIndex);
      }
      more = page.nextCursor !== undefined;
      cursor = `&cursor=${encodeURIComponent(page.nextCursor ?? '')}`;
    }
    for (const [id, leafIndex] of this.leaves) expect(leaves.get(id), id).toBe(leafIndex);
  }

  /** An orderly stop, after which every byte is in order. */
  async stopAndVerify(): Promise<void> {
    await this.expectAllThere();
    await this.server.end('SIGTERM');
    expect(await this.server.ended, this.server.said()).toBe(0);
    await expectVerified(this.data, this.leaves.size);
  }
}

async function expectVerified(data: string, leavesAtLeast: number): Promise<void> {
  const { code, out, err } = await run(['verify', data, '--json']);
  expect(code, out + err).toBe(0);
  expect((JSON.parse(out) as { treeSize: number }).treeSize).toBeGreaterThanOrEqual(leavesAtLeast);
}

test('below 5 % of free disk no event is taken, everything else goes on, and with room events are taken again', async (context) => {
  const data = join(temporaryDirectory(), 'data');
  mountSmallDisk(context, data, '16m');
  const asked = await Asked.start(data);
  expect(await asked.append()).toBe(201);
  expect((await asked.get('/readyz')).status).toBe(200);
  // Enough for thousands of events, and yet too little.
  const makeRoom = fill(data, Math.floor(0.04 * statfsSync(data).blocks));
  await sleep(1.1 * guardLooksMs);
  expect(await asked.append()).toBe('disk_full');
  const { status, text } = await asked.get('/readyz');
  expect(status).toBe(503);
  expect(JSON.parse(text)).toMatchObject({ ready: false, reasons: [expect.stringContaining('5 %')] });
  await asked.expectReading();
  makeRoom();
  await asked.appendWhenPossible();
  expect((await asked.get('/readyz')).status).toBe(200);
  await asked.stopAndVerify();
});

test('a disk that fills up between two looks refuses, wherever it hits, and nothing is lost', async (context) => {
  const data = join(temporaryDirectory(), 'data');
  mountSmallDisk(context, data, '16m');
  const asked = await Asked.start(data);
  let byTheDiskItself = 0;
  const rooms = [0, 0, 1, 2, 3, 4, 6, 8, 10, 12, 16, 24, 32];
  // On a slow machine the second may be over before the disk is full: then it is filled more often.
  for (let round = 0; round < rooms.length || (byTheDiskItself <= 3 && round < 60); round++) {
    const leavePages = rooms[round] ?? 0;
    await sleep(1.1 * guardLooksMs);
    // The guard looks now, and sees a disk with room; what comes within a second meets the full disk itself.
    await asked.appendWhenPossible();
    const makeRoom = fill(data, leavePages);
    const code = await asked.appendUntilRefused();
    if (!asked.refusal.includes('5 %')) byTheDiskItself++;
    expect(refusalCodes, asked.server.said()).toContain(code);
    await asked.expectReading();
    makeRoom();
    await asked.appendWhenPossible();
  }
  expect(byTheDiskItself, 'refusals by the disk itself').toBeGreaterThan(3);
  await asked.stopAndVerify();
});

test('a server that is stopped while its disk is full has lost nothing', async (context) => {
  const data = join(temporaryDirectory(), 'data');
  mountSmallDisk(context, data, '16m');
  const asked = await Asked.start(data);
  await asked.appendWhenPossible();
  const makeRoom = fill(data, 0);
  await asked.appendUntilRefused();
  await asked.server.end('SIGTERM');
  // What it closes gives some pages back: either they are enough for the seal, or it says that there is no room for one.
  const ended = await asked.server.ended;
  expect([0, 3], asked.server.said()).toContain(ended);
  if (ended === 3) expect(asked.server.said()).toContain('disk_full');
  await expectVerified(data, asked.leaves.size);
  // Nor can it be started where there was none; what is there stays as it is.
  if (ended === 3) {
    const refused = launch(data);
    expect(await refused.ended).toBe(3);
    expect(refused.said()).toContain('disk_full');
  }
  makeRoom();
  const again = await asked.startAgain();
  await again.stopAndVerify();
});

test('tiles on a disk that is remounted read-only: refused, then published without a restart', async (context) => {
  const data = join(temporaryDirectory(), 'data');
  const logs = join(data, 'logs');
  mountSmallDisk(context, logs, '4m');
  chmodSync(data, 0o700);
  const asked = await Asked.start(data);
  expect(await asked.append()).toBe(201);
  let unseen = 0;
  for (let times = 0; times < 3 || (unseen === 0 && times < 30); times++) {
    await remount(logs, 'ro');
    // The first is stored, and nobody can see it; from then on nothing is. It may be the server's own, of what was read before.
    const first = await asked.append();
    if (first === 'not_published') unseen++;
    else expect(first).toBe('storage_readonly');
    expect(await asked.append()).toBe('storage_readonly');
    await asked.expectReading();
    await remount(logs, 'rw');
    await asked.appendWhenPossible();
  }
  expect(unseen, 'events that were stored and could not be seen').toBeGreaterThan(0);
  await asked.stopAndVerify();
});

test('a directory on a read-only disk is not served, and is found in order', async (context) => {
  const data = join(temporaryDirectory(), 'data');
  mountSmallDisk(context, data, '16m');
  const asked = await Asked.start(data);
  await asked.appendWhenPossible();
  await asked.stopAndVerify();
  await remount(data, 'ro');
  const refused = launch(data);
  expect(await refused.ended).toBe(3);
  expect(refused.said()).toContain('storage_readonly');
  await expectVerified(data, asked.leaves.size);
  await remount(data, 'rw');
  const again = await asked.startAgain();
  await again.stopAndVerify();
});

/** Busy for a moment when a tile is being written. */
async function remount(path: string, how: 'ro' | 'rw'): Promise<void> {
  for (let tries = 0; tries < 3_000; tries++) {
    if (tool('mount', '-o', `remount,${how}`, path)) return;
    await sleep(20);
  }
  throw new Error(`${path} cannot be remounted`);
}

/** Whom a directory's mode means something to: root is above it. */
const nobody = 65_534;

test('tiles in a directory that may not be written to, as anybody', async (context) => {
  const asRoot = process.getuid?.() === 0;
  const home = mkdtempSync(join(tmpdir(), 'veiltrail-disk-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  if (asRoot) chownSync(home, nobody, nobody);
  if (asRoot && !tool('setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', process.execPath, '--check', import.meta.filename)) {
    context.skip('modes mean nothing to root, and nobody else may read this checkout');
  }
  const data = join(home, 'data');
  const asked = await Asked.start(data, asRoot ? { user: nobody } : {});
  expect(await asked.append()).toBe(201);
  const log = join(data, 'logs/default');
  chmodSync(log, 0o500);
  expect(await asked.append()).toBe('not_published');
  expect(await asked.append()).toBe('storage_readonly');
  await asked.expectReading();
  chmodSync(log, 0o700);
  await asked.appendWhenPossible();
  await asked.stopAndVerify();
});

test('a disk that fails stops the server; the next one has all that was acknowledged', async (context) => {
  if (!tool('prlimit', '--version')) context.skip('there is no prlimit here');
  const data = join(temporaryDirectory(), 'data');
  const asked = await Asked.start(data);
  for (let i = 0; i < 20; i++) expect(await asked.append()).toBe(201);
  // From now on no file grows beyond this: to SQLite an I/O error like any other, after which nobody knows what is on disk.
  expect(tool('prlimit', '--pid', String(asked.server.pid), '--fsize=1000:')).toBe(true);
  const answers: unknown[] = [];
  for (let i = 0; i < 5; i++) answers.push(await asked.append().catch((error: Error) => error.message));
  expect(await asked.server.ended, asked.server.said()).toBe(3);
  expect(answers).not.toContain(201);
  expect(asked.server.said()).toContain('storage_failed');
  const again = await asked.startAgain();
  expect(await again.append()).toBe(201);
  await again.stopAndVerify();
  expect(existsSync(join(data, 'seal.json'))).toBe(true);
});
