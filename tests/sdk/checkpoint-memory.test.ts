/** What a client remembers, and when it shouts: on a log that grows, on one that was rewritten, cut, or will not prove itself. */
import { beforeEach, describe, expect, test } from 'vitest';
import { concatBytes } from '../../src/core/bytes.ts';
import { createNodeReader, createNoteSigner, formatTilePath, growTiles, hashRoot, signCheckpoint } from '../../src/log/index.ts';
import { CheckpointMemory, type CheckpointStore, createCheckpointStore, isMemoryAlarm, type ReadTile } from '../../src/sdk/checkpoint-memory.ts';
import { createClient } from '../../src/sdk/index.ts';
import { leavesUpTo } from '../log/reference-tree.ts';

const origin = 'example.com/log';
const signer = createNoteSigner(origin, new Uint8Array(32).fill(1));

/** A log, and another one that differs from it from a leaf on. */
function makeLog(differsFrom = Infinity): { at: (treeSize: number) => string; read: (treeSize: number) => ReadTile } {
  const leaves = leavesUpTo(600).map((leaf, i) => (i < differsFrom ? leaf : leaf.toReversed()));
  const nodes = createNodeReader(leaves);
  return {
    at: (treeSize) => signCheckpoint({ origin, treeSize, root: hashRoot(treeSize, nodes), extensions: [] }, [signer]),
    read(treeSize) {
      const tiles = growTiles(0, concatBytes(...leaves.slice(0, treeSize)), () => undefined);
      const files = new Map(tiles.map(({ bytes, ...tile }) => [formatTilePath(tile), bytes]));
      return (path) => Promise.resolve(files.get(path));
    },
  };
}

const log = makeLog();
let store: CheckpointStore;
let memory: CheckpointMemory;
beforeEach(() => {
  store = createCheckpointStore();
  memory = new CheckpointMemory(store);
});

/** As at one contact. */
function see(treeSize: number, of = log, floor = memory.floorOf('default')): Promise<void> {
  return memory.see('default', of.at(treeSize), floor, of.read(treeSize));
}

test('remembers what it is shown, as long as it grows', async () => {
  for (const size of [0, 1, 255, 256, 257, 257, 600]) {
    await see(size);
    expect(store.read(origin)).toBe(log.at(size));
    expect(memory.floorOf('default')).toBe(size);
  }
});

describe('shouts', () => {
  test('when history was rewritten, with both checkpoints at hand', async () => {
    await see(300);
    const other = makeLog(100);
    await expect(see(400, other)).rejects.toMatchObject({ code: 'history_forked', detail: { remembered: log.at(300), shown: other.at(400) } });
    await expect(see(300, other)).rejects.toMatchObject({ code: 'history_forked' });
    expect(store.read(origin)).toBe(log.at(300));
    // One that differs from beyond what was seen has only grown.
    await see(400, makeLog(300));
  });

  test('when it was cut, also where another program saw it before', async () => {
    await see(300);
    await expect(see(200)).rejects.toMatchObject({ code: 'rolled_back' });
    memory = new CheckpointMemory(store);
    await expect(see(200)).rejects.toMatchObject({ code: 'rolled_back' });
    await see(300);
  });

  test('when it will not prove itself', async () => {
    await see(300);
    const nothing: ReadTile = () => Promise.resolve(undefined);
    const refused = memory.see('default', log.at(400), 300, nothing);
    await expect(refused).rejects.toMatchObject({ code: 'tile_missing' });
    expect(isMemoryAlarm(await refused.catch((error: unknown) => error))).toBe(true);
    await expect(memory.see('default', log.at(400), 300, makeLog(350).read(400))).rejects.toMatchObject({ code: 'root_wrong' });
  });
});

test('answers may overtake each other: an older one of a request that began before is none', async () => {
  await see(200);
  const floor = memory.floorOf('default');
  await see(300);
  await see(250, log, floor);
  expect(store.read(origin)).toBe(log.at(300));
});

test('what is no checkpoint is no alarm', async () => {
  const refused = await memory.see('default', 'text', 0, log.read(1)).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'note_syntax' });
  expect(isMemoryAlarm(refused)).toBe(false);
});

describe('a client', () => {
  let served: { checkpoint: string; read: ReadTile };
  let fails: boolean;
  const fetch: typeof globalThis.fetch = async (input) => {
    const path = new URL(input instanceof Request ? input.url : input.toString()).pathname.replace('/logs/default/', '');
    if (path === 'checkpoint') return new Response(served.checkpoint);
    if (fails) throw new Error('out of reach');
    const tile = await served.read(path);
    return tile
      ? new Response(new Uint8Array(tile))
      : new Response('{"code":"not_found","title":"t"}', { status: 404, headers: { 'content-type': 'application/problem+json' } });
  };
  const serve = (treeSize: number, of = log): void => void (served = { checkpoint: of.at(treeSize), read: of.read(treeSize) });
  beforeEach(() => {
    fails = false;
  });

  test('demands that each checkpoint grew from the one before, over its life and over that of a store', async () => {
    const client = createClient({ url: 'https://example.org', fetch, checkpoints: store });
    serve(300);
    expect(await client.checkpoint()).toBe(log.at(300));
    serve(500, makeLog(100));
    await expect(client.checkpoint()).rejects.toMatchObject({ code: 'history_forked' });
    await expect(createClient({ url: 'https://example.org', fetch, checkpoints: store }).checkpoint()).rejects.toMatchObject({
      code: 'history_forked',
    });
    expect(await createClient({ url: 'https://example.org', fetch, checkpoints: false }).checkpoint()).toBe(makeLog(100).at(500));
    serve(500);
    expect(await client.checkpoint()).toBe(log.at(500));
  });

  test('asks again the next time for what cannot be had now', async () => {
    const client = createClient({ url: 'https://example.org', fetch, checkpoints: store, retry: { retriesMax: 0 } });
    serve(300);
    await client.checkpoint();
    serve(500);
    fails = true;
    expect(await client.checkpoint()).toBe(log.at(500));
    expect(store.read(origin)).toBe(log.at(300));
    fails = false;
    await client.checkpoint();
    expect(store.read(origin)).toBe(log.at(500));
  });
});
