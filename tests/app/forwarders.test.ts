/** What a crash, or a disk that takes nothing, leaves of a change of forwarders. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { AccessEntry } from '../../src/app/access-event.ts';
import { Forwarders } from '../../src/app/forwarders.ts';
import { systemClock } from '../../src/core/clock.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import { systemRandom } from '../../src/core/random.ts';
import { cursorsDirectory, hasCursors, listCursors, makeCursors, readCursor, removeCursors } from '../../src/forward/cursor-file.ts';
import { openSealedFile } from '../../src/server/sealed-file.ts';
import { createTextSealer } from '../../src/vault/sealed-text.ts';

const asked = { principal: 'local:test', purpose: 'a test' };
const setting = (name: string): { name: string; destination: { kind: string; file: string } } => ({
  name,
  destination: { kind: 'file', file: 'out' },
});

test('a change that could not be told is told by the next start, whichever it was; what nobody has any more is cleared away', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'forwarders-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const cursorsPath = join(dir, cursorsDirectory);
  const told: AccessEntry[] = [];
  const running = new Set<string>();
  let isFull = false;
  let isFileFull = false;
  let keepsCursors = false;
  const sealer = createTextSealer([{ purpose: 'seal', version: 1, key: new Uint8Array(32).fill(7) }] as never, 'forwarders', systemRandom);
  const file = openSealedFile(dir, 'forwarders.sealed', sealer);
  const open = (): Forwarders =>
    new Forwarders({
      file: {
        read: () => file.read(),
        write(text) {
          if (isFileFull) throw new VeiltrailError('disk_full', 'the disk is full');
          file.write(text);
        },
      },
      retryMs: 5,
      cursors: {
        make: (id) => makeCursors(cursorsPath, id),
        has: (id) => hasCursors(cursorsPath, id),
        read: (id, log) => readCursor(cursorsPath, id, log),
        remove: (id) => {
          if (keepsCursors) throw Object.assign(new Error('i/o error'), { code: 'EIO' });
          removeCursors(cursorsPath, id);
        },
        list: () => listCursors(cursorsPath),
      },
      engine: { run: async (id) => void running.add(id), drop: async (id) => void running.delete(id), figures: async () => ({}) },
      clock: systemClock,
      random: systemRandom,
      recorder: {
        async write(entry) {
          if (isFull) throw new VeiltrailError('disk_full', 'the disk is full');
          told.push(entry);
        },
      },
      desk: { permit: async () => [] },
      createSystemLog: async () => undefined,
      treeSize: (log) => (log === 'default' ? 10 : undefined),
    });
  const actions = (): string[] => told.splice(0).map(({ action }) => action);
  const full = { code: 'disk_full' };

  let forwarders = open();
  isFull = true;
  await expect(forwarders.set(setting('a'), asked)).rejects.toMatchObject(full);
  // In force on disk, but nothing runs that is not on record.
  expect(running.size).toBe(0);
  isFull = false;
  forwarders.close();
  forwarders = open();
  await forwarders.start();
  expect([actions(), running.size]).toEqual([['forwarder.set'], 1]);

  isFull = true;
  await expect(forwarders.refused([...running][0] as string, 'http_403')).rejects.toMatchObject(full);
  isFull = false;
  running.clear();
  forwarders.close();
  forwarders = open();
  await forwarders.start();
  expect([actions(), running.size]).toEqual([['forwarder.stop'], 0]);
  expect(await forwarders.list()).toMatchObject([{ state: 'stopped', reason: 'http_403' }]);

  isFull = true;
  await expect(forwarders.resume('a', asked)).rejects.toMatchObject(full);
  await expect(forwarders.remove('a', asked)).rejects.toMatchObject(full);
  expect(await forwarders.list()).toEqual([]);
  expect(running.size).toBe(0);
  isFull = false;
  makeCursors(cursorsPath, 'nobody');
  forwarders.close();
  forwarders = open();
  await forwarders.start();
  expect([actions(), running.size, listCursors(cursorsPath)]).toEqual([['forwarder.remove'], 0, []]);
  expect(await forwarders.list()).toEqual([]);

  await forwarders.set(setting('b'), asked);
  await expect(forwarders.remove('a', asked)).rejects.toMatchObject({ code: 'forwarder_unknown' });
  await forwarders.set({ ...setting('b'), format: 'cloudevents' }, asked); // in the place of the other one
  expect(await open().list()).toMatchObject([{ setting: { name: 'b', format: 'cloudevents' }, state: 'running' }]);
  expect(listCursors(cursorsPath)).toHaveLength(1);

  // Cursors of nobody that cannot be removed are no reason to say that it was not done; they go when they can.
  keepsCursors = true;
  await forwarders.start();
  await forwarders.set(setting('c'), asked);
  await forwarders.remove('c', asked);
  expect((await forwarders.list()).map((one) => one.setting.name)).toEqual(['b']);
  expect(listCursors(cursorsPath)).toHaveLength(2);
  keepsCursors = false;
  await expect.poll(() => listCursors(cursorsPath).length).toBe(1);
  actions();

  // What the disk does not take changes nothing: the one that is in force runs.
  await forwarders.start();
  const [before] = [...running];
  isFileFull = true;
  await expect(forwarders.set({ ...setting('b'), format: 'ndjson' }, asked)).rejects.toMatchObject(full);
  await expect(forwarders.remove('b', asked)).rejects.toMatchObject(full);
  expect([...running]).toEqual([before]);
  isFileFull = false;
  // What is on disk and could not be told does not wait for the next start.
  isFull = true;
  actions();
  await expect(forwarders.set({ ...setting('b'), format: 'ndjson' }, asked)).rejects.toMatchObject(full);
  expect(running.size).toBe(0);
  isFull = false;
  await expect.poll(() => running.size, { interval: 5 }).toBe(1);
  expect(actions()).toEqual(['forwarder.set']);
  expect([...running]).not.toEqual([before]);
  forwarders.close();
});
