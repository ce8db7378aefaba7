import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openFileTileSource, openFileTileStore } from '../../src/storage/files/tile-store.ts';
import { describeTileStore } from './contract/tile-store.ts';

function makePlace() {
  const directory = mkdtempSync(join(tmpdir(), 'veiltrail-tiles-'));
  return {
    directory,
    open: () => openFileTileStore(join(directory, 'logs')),
    openSource: () => openFileTileSource(join(directory, 'logs')),
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

describeTileStore('files', makePlace);

test('files are where the specification has them, and nothing else is left', async () => {
  const place = makePlace();
  const store = place.open();
  await store.write('a', [{ path: 'tile/0/x001/234.p/7', bytes: Uint8Array.of(7) }], false);
  await store.writeCheckpoint('a', Uint8Array.of(1));
  expect(readdirSync(join(place.directory, 'logs/a')).toSorted()).toEqual(['checkpoint', 'tile']);
  expect(existsSync(join(place.directory, 'logs/a/tile/0/x001/234.p/7'))).toBe(true);
  place.remove();
});

test('a directory that cannot be read is a failure', async () => {
  const place = makePlace();
  const store = place.open();
  await store.write('a', [{ path: 'tile/0/000/x', bytes: Uint8Array.of(7) }], false);
  await expect(store.read('a', 'tile/0/000')).rejects.toMatchObject({
    code: 'storage_failed',
    detail: { operation: 'read a tile', cause: 'EISDIR' },
  });
  place.remove();
});

test('names that are no widths are not listed as partial tiles', async () => {
  const place = makePlace();
  const store = place.open();
  await store.write('a', [{ path: 'tile/0/000.p/7', bytes: Uint8Array.of(7) }], false);
  writeFileSync(join(place.directory, 'logs/a/tile/0/000.p/note.txt'), '');
  expect(await store.partialWidths('a', 'tile/0/000')).toEqual([7]);
  place.remove();
});
