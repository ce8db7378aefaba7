/** What every tile store promises; run against each driver. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TileSource, TileStore } from '../../../src/storage/tile-store.ts';

export interface TileStorePlace {
  open(): TileStore;
  openSource(): TileSource;
  remove(): void;
}

const one = Uint8Array.of(1, 1);
const two = Uint8Array.of(2, 2);

export function describeTileStore(driver: string, makePlace: () => TileStorePlace): void {
  describe(`tile store: ${driver}`, () => {
    let place: TileStorePlace;
    let store: TileStore;
    beforeEach(() => {
      place = makePlace();
      store = place.open();
    });
    afterEach(() => place.remove());
    const write = (path: string, bytes: Uint8Array, heal = false): Promise<void> => store.write('a', [{ path, bytes }], heal);
    const read = async (path: string): Promise<number[] | undefined> => {
      const bytes = await store.read('a', path);
      return bytes && [...bytes];
    };

    test('what is written is read, by everybody', async () => {
      await store.write('a', [{ path: 'tile/0/000.p/1', bytes: one }, { path: 'tile/0/x001/234', bytes: two }], false); // prettier-ignore
      expect(await read('tile/0/000.p/1')).toEqual([1, 1]);
      expect(await read('tile/0/x001/234')).toEqual([2, 2]);
      const source = place.openSource();
      expect([...((await source.read('a', 'tile/0/x001/234')) ?? [])]).toEqual([2, 2]);
      expect(await source.read('a', 'tile/0/001')).toBeUndefined();
    });

    test('what is not there is not there: a file, a log, the partial tile of a full one', async () => {
      await write('tile/0/000', one);
      expect(await read('tile/0/001')).toBeUndefined();
      expect(await read('tile/0/000/000')).toBeUndefined();
      expect(await store.read('b', 'checkpoint')).toBeUndefined();
      expect(await store.partialWidths('a', 'tile/0/000')).toEqual([]);
    });

    test('a published tile keeps its bytes', async () => {
      await write('tile/0/000', one);
      await write('tile/0/000', one);
      await expect(write('tile/0/000', two)).rejects.toMatchObject({ code: 'tile_conflict', detail: { path: 'tile/0/000' } });
      expect(await read('tile/0/000')).toEqual([1, 1]);
    });

    test('healing replaces other bytes', async () => {
      await write('tile/0/000', one);
      await write('tile/0/000', two, true);
      expect(await read('tile/0/000')).toEqual([2, 2]);
    });

    test('the checkpoint is replaced', async () => {
      await store.writeCheckpoint('a', one);
      await store.writeCheckpoint('a', two);
      expect(await read('checkpoint')).toEqual([2, 2]);
    });

    test('the cosigned checkpoint is another file, and is replaced', async () => {
      await store.writeCheckpoint('a', one);
      await store.writeWitnessed('a', one);
      await store.writeWitnessed('a', two);
      await store.sync('a', ['checkpoint.witnessed']);
      expect([await read('checkpoint'), await read('checkpoint.witnessed')]).toEqual([
        [1, 1],
        [2, 2],
      ]);
    });

    test('partial tiles are listed by width, and removed without the full one', async () => {
      for (const width of [200, 3, 20]) await write(`tile/entries/x001/000.p/${width}`, one);
      await write('tile/entries/x001/000', two);
      expect(await store.partialWidths('a', 'tile/entries/x001/000')).toEqual([3, 20, 200]);
      await store.removePartials('a', 'tile/entries/x001/000');
      await store.removePartials('a', 'tile/entries/x001/000');
      expect(await store.partialWidths('a', 'tile/entries/x001/000')).toEqual([]);
      expect(await read('tile/entries/x001/000')).toEqual([2, 2]);
      await write('tile/entries/x001/000.p/4', one);
      expect(await store.partialWidths('a', 'tile/entries/x001/000')).toEqual([4]);
    });

    test('what is there can be synced, again and again', async () => {
      const paths = Array.from({ length: 20 }, (_, i) => `tile/0/x000/${String(i).padStart(3, '0')}`);
      await store.write('a', paths.map((path) => ({ path, bytes: one })), false); // prettier-ignore
      await store.writeCheckpoint('a', one);
      await store.sync('a', [...paths, 'checkpoint']);
      await store.sync('a', paths);
      await store.sync('a', []);
      store = place.open();
      expect(await read('tile/0/x000/019')).toEqual([1, 1]);
    });

    test('what cannot be synced is a failure, not a refusal', async () => {
      await expect(store.sync('a', ['tile/0/000'])).rejects.toMatchObject({ code: 'storage_failed' });
    });
  });
}
