/**
 * Promise 1, first half: `kill -9` of a real server, at random moments, again and again on one directory that grows: while it starts and
 * recovers, under load, and right behind an answer. After every kill, before anything is repaired, the disk says what was acknowledged; after
 * every start all that was acknowledged is found at its leaf, publication has never gone backwards, and no event has two leaves.
 *
 * Two directories side by side, half of the kills each: most of a server's start is one thread's work, and a machine that is busy with
 * another server makes for other moments.
 *
 * To run a seed again: VEILTRAIL_SEED=… vitest run tests/crash/kill.test.ts (VEILTRAIL_ROUNDS=… for more or fewer kills). The kills of one seed
 * are the same; when they hit is for the machine to say.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createTrust } from '../../src/log/trust.ts';
import { createClient, type Client } from '../../src/sdk/client.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { verifyReceipt } from '../../src/verify/receipt.ts';
import { parseProof } from '../../src/log/proof.ts';
import { keyOf, launch, type Launched, run, temporaryDirectory } from '../e2e/product.ts';
import { SeededRandom } from '../simulation/seeded-random.ts';
import { FollowedLog } from './followed-log.ts';
import { Book, sendAllAgain, startLoad } from './senders.ts';

const seed = process.env['VEILTRAIL_SEED'] ?? randomBytes(4).toString('hex');
const roundsMax = Number(process.env['VEILTRAIL_ROUNDS'] ?? 200);
const worlds = 2;
const senders = 4;
/** Kills that come while the server starts: those cost least, and recovery is where mistakes would hide. */
const killsInStart = 0.6;
const verifyEvery = 50;

interface Kills {
  starting: number;
  answering: number;
  loaded: number;
  acknowledged: number;
}

/** Everything that outlives a server. */
class World {
  readonly data: string;
  readonly random: SeededRandom;
  readonly book = new Book();
  readonly startMs: number[] = [];
  readonly kills: Kills = { starting: 0, answering: 0, loaded: 0, acknowledged: 0 };
  log!: FollowedLog;
  #vkey!: string;
  #earlyCheckpoint = '';
  /** Acknowledged since the last check, by the last servers that answered. */
  #fresh: string[] = [];
  #checked: string[] = [];

  constructor(dir: string, name: string) {
    this.random = new SeededRandom(`${seed}/${name}`);
    this.data = join(dir, 'data');
    this.#earlyCheckpoint = join(dir, 'early-checkpoint');
  }

  launch(): Launched {
    return launch(this.data);
  }

  /** A directory with some events in it, and a checkpoint that is kept elsewhere. */
  async begin(): Promise<void> {
    const server = this.launch();
    const url = await server.answering;
    this.#vkey = readFileSync(join(this.data, 'keys/default.vkey'), 'utf8').trim();
    this.log = new FollowedLog(this.#vkey);
    const load = startLoad({ url, key: keyOf(this.data, 'writer'), book: this.book, random: this.random, senders });
    await sleep(200);
    await load.stop();
    await this.log.follow(url);
    writeFileSync(this.#earlyCheckpoint, (await createClient({ url }).checkpoint()) ?? '');
    await server.end('SIGTERM');
    expect(await server.ended, server.said()).toBe(0);
  }

  async round(): Promise<void> {
    const kind = this.random.chance(killsInStart) ? 'start' : this.random.pick(['load', 'acknowledged'] as const);
    const server = this.launch();
    try {
      if (kind === 'start') await this.#killWhileStarting(server);
      else await this.#killUnderLoad(server, kind);
    } catch (error) {
      throw new Error(`the server said: ${server.said()}`, { cause: error });
    }
    // Whoever ended it, it was not the server itself.
    expect(await server.ended, server.said()).toBe(null);
    this.checkDisk();
  }

  async #killWhileStarting(server: Launched): Promise<void> {
    const typicalMs = this.startMs.toSorted((a, b) => a - b)[Math.floor(this.startMs.length / 2)] ?? 1_000;
    await Promise.race([sleep(this.random.below(Math.ceil(1.05 * typicalMs))), server.ended]);
    await server.end('SIGKILL');
    this.kills[/http:/.test(server.said()) ? 'answering' : 'starting']++;
  }

  async #killUnderLoad(server: Launched, kind: 'load' | 'acknowledged'): Promise<void> {
    const url = await this.#answering(server);
    await this.checkServer(url);
    const before = this.book.leaves.size;
    const killed = Promise.withResolvers<void>();
    const killSoon = (): void => killed.resolve(server.end('SIGKILL'));
    const target = 1 + this.random.below(60);
    let acknowledged = 0;
    const load = startLoad({
      url,
      key: keyOf(this.data, 'writer'),
      book: this.book,
      random: this.random,
      senders,
      onAcknowledged(events) {
        acknowledged += events;
        // In the same turn in which the answer was read.
        if (kind === 'acknowledged' && acknowledged >= target) killSoon();
      },
    });
    const patience = sleep(kind === 'load' ? this.random.below(250) : 10_000, undefined, { ref: false }).then(killSoon);
    await Promise.race([killed.promise, patience]);
    await killed.promise;
    await load.stop();
    this.kills[kind === 'load' ? 'loaded' : 'acknowledged']++;
    this.#fresh.push(...[...this.book.leaves.keys()].slice(before));
  }

  async #answering(server: Launched): Promise<string> {
    const startedMs = performance.now();
    const url = await server.answering;
    this.startMs.push(performance.now() - startedMs);
    return url;
  }

  /** The disk as the kill left it: what was acknowledged is published, and signed. */
  checkDisk(): void {
    const { treeSize } = this.log.note(readFileSync(join(this.data, 'logs/default/checkpoint'), 'utf8'));
    expect(treeSize).toBeGreaterThanOrEqual(Math.max(this.log.treeSize, this.book.treeSizeTold));
  }

  /** A server that has just started has all that was acknowledged by those before it. */
  async checkServer(url: string): Promise<void> {
    for (const text of this.book.checkpoints.values()) this.log.note(text);
    this.book.checkpoints.clear();
    await this.log.follow(url);
    const client = createClient({ url, key: keyOf(this.data, 'reader'), retry: { retriesMax: 0 } });
    const due = [...this.#checked, ...this.#fresh];
    this.#checked = this.#fresh;
    this.#fresh = [];
    await inLanes(8, due, (id) => this.#checkEvent(client, id));
    const [anyone] = due.slice(-1);
    if (anyone !== undefined) await this.#checkReceipt(client, this.book.leaves.get(anyone) as number);
  }

  async #checkEvent(client: Client, id: string): Promise<void> {
    const found = await client.read(this.book.leaves.get(id) as number);
    expect(found?.record['id'], `leaf ${this.book.leaves.get(id)}`).toBe(id);
  }

  async #checkReceipt(client: Client, leafIndex: number): Promise<void> {
    const receipt = (await client.prove(leafIndex)) as string;
    const { extra } = parseProof(receipt);
    expect(verifyReceipt(receipt, extra as Uint8Array, createTrust([this.#vkey])).leafIndex).toBe(leafIndex);
  }

  /** `verify` as somebody would run it who kept a checkpoint. */
  async verify(): Promise<void> {
    const { code, out, err } = await run(['verify', this.data, '--vkey', this.#vkey, '--checkpoint', this.#earlyCheckpoint, '--json']);
    expect(code, out + err).toBe(0);
    expect(JSON.parse(out).treeSize).toBeGreaterThanOrEqual(this.book.treeSizeTold);
  }

  /** Everything, from the first event on. */
  async finish(): Promise<void> {
    const server = this.launch();
    const url = await this.#answering(server);
    await this.checkServer(url);
    await sendAllAgain({ url, key: keyOf(this.data, 'writer'), book: this.book, random: this.random });
    await this.#checkAllEvents(url);
    await this.checkServer(url);
    await this.log.checkAllSeen(url);
    await server.end('SIGTERM');
    expect(await server.ended, server.said()).toBe(0);
    await this.verify();
  }

  async #checkAllEvents(url: string): Promise<void> {
    const client = createClient({ url, key: keyOf(this.data, 'reader') });
    const leaves = new Map<string, number>();
    const tokens = new Map<string, string>();
    let next = -1;
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await client.search({ limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
      for (const { leafIndex, record } of page.events) {
        if (next >= 0) expect(leafIndex, 'newest first, and no gap').toBe(next);
        next = leafIndex - 1;
        const id = record['id'] as string;
        expect(leaves.has(id), `${id} has two leaves: ${leaves.get(id)} and ${leafIndex}`).toBe(false);
        leaves.set(id, leafIndex);
        expectOneToken(tokens, this.book.sent.get(id)?.person, (record['actor'] as { email?: string }).email);
      }
      cursor = page.nextCursor;
    }
    expect(next, 'down to the first leaf').toBe(-1);
    expect(leaves.size).toBe(this.book.sent.size);
    for (const [id, leafIndex] of this.book.leaves) expect(leaves.get(id), id).toBe(leafIndex);
    expect(new Set(tokens.values()).size).toBe(tokens.size);
  }
}

/** A person has one token for ever, whatever happened while it was made. */
function expectOneToken(tokens: Map<string, string>, person: string | undefined, token: string | undefined): void {
  if (person === undefined) return expect(token).toBeUndefined();
  expect(token).toMatch(/^tok_/);
  expect(tokens.get(person) ?? token, person).toBe(token);
  tokens.set(person, token as string);
}

async function inLanes<T>(lanes: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
    }),
  );
}

/** One directory and all its servers, from the first to the last. */
async function live(world: World, rounds: number, isOver: () => boolean): Promise<void> {
  await world.begin();
  for (let round = 1; round <= rounds; round++) {
    if (isOver()) return;
    try {
      await world.round();
      if (round % verifyEvery === 0) await world.verify();
    } catch (error) {
      throw new Error(`VEILTRAIL_SEED=${seed}, kill ${round}`, { cause: error });
    }
  }
  await world.finish();
}

test(`a server that is killed ${roundsMax} times loses nothing that it acknowledged`, { timeout: 900_000 }, async () => {
  console.log(`VEILTRAIL_SEED=${seed}`);
  const startedMs = performance.now();
  const all = Array.from({ length: worlds }, (_, i) => new World(temporaryDirectory(), String(i)));
  let over = false;
  await Promise.all(
    all.map((world, i) =>
      live(world, Math.floor((roundsMax + i) / worlds), () => over).catch((error: unknown) => {
        over = true;
        throw error;
      }),
    ),
  );
  const total = (count: (world: World) => number): number => all.reduce((sum, world) => sum + count(world), 0);
  const kills: Kills = {
    starting: total((world) => world.kills.starting),
    answering: total((world) => world.kills.answering),
    loaded: total((world) => world.kills.loaded),
    acknowledged: total((world) => world.kills.acknowledged),
  };
  const acknowledged = total(({ book }) => book.leaves.size);
  const storedUntold = total(({ book }) => book.storedUntold);
  const repeated = total(({ book }) => book.repeated);
  const startMs = all.flatMap((world) => world.startMs).toSorted((a, b) => a - b);
  console.log(
    JSON.stringify({
      kills,
      acknowledged,
      storedUntold,
      repeated,
      checkpoints: total(({ log }) => log.seen.size),
      startMs: { p50: Math.round(startMs[startMs.length >> 1] as number), max: Math.round(startMs.at(-1) as number) },
      seconds: Math.round((performance.now() - startedMs) / 1_000),
    }),
  );
  // Rounds in which nothing was at stake show nothing.
  expect(kills.starting + kills.answering + kills.loaded + kills.acknowledged).toBe(roundsMax);
  expect(acknowledged).toBeGreaterThan(2 * roundsMax);
  if (roundsMax >= 50)
    for (const count of [kills.starting, kills.loaded, kills.acknowledged, storedUntold, repeated]) expect(count).toBeGreaterThan(0);
});

/** Files in the order in which a first start makes them; behind each of them something else is still missing. */
const firstFiles = [
  'config.json',
  'keys/root.v1.secret',
  'keys/keyring',
  'keys/admin.key',
  'access.json',
  'vault.db',
  'records.db',
  'keys/default.signing-key',
  'logs/default',
];

test.each(firstFiles)('a first start that is killed as %s appears is completed by the next', async (file) => {
  const data = join(temporaryDirectory(), 'data');
  const killed = launch(data);
  for (let waits = 0; !existsSync(join(data, file)); waits++) {
    if (waits > 60_000) throw new Error(`${file} never appeared: ${killed.said()}`);
    await sleep(0.5);
  }
  await killed.end('SIGKILL');
  const server = launch(data);
  const url = await server.answering;
  const client = createClient({ url, key: keyOf(data, 'writer'), retry: { retriesMax: 0 } });
  const { receipts } = await client.append([{ id: 'first', action: 'try', actor: { type: 'user', id: 'u', email: 'first@people.example.net' } }]);
  expect(receipts).toEqual([{ id: 'first', leafIndex: 0, duplicate: false }]);
  expect((await createClient({ url, key: keyOf(data, 'reader') }).read(0))?.record['id']).toBe('first');
  await server.end('SIGTERM');
  expect(await server.ended, server.said()).toBe(0);
  expect((await verifyStoredLog(data, { log: 'default' })).problems).toEqual([]);
});
