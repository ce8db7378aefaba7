/** A published log in a directory, of made-up entries: what anchors see of a data directory. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { utf8 } from '../../src/core/bytes.ts';
import { sha256 } from '../../src/core/sha256.ts';
import { signCheckpoint } from '../../src/log/checkpoint.ts';
import { formatEntry } from '../../src/log/entry.ts';
import { formatEntryBundle } from '../../src/log/entry-bundle.ts';
import { createNoteSigner } from '../../src/log/note-key.ts';
import { formatTilePath, tileWidthMax } from '../../src/log/tile-path.ts';
import { growTiles } from '../../src/log/tile.ts';
import { createNodeReader, hashRoot, leafHash } from '../../src/log/tree.ts';

export interface TestLog {
  dataDir: string;
  vkey: string;
  readonly treeSize: number;
  /** Appends so many entries and publishes. */
  grow(entries: number): Promise<void>;
  /** Another directory: the same log at another size or of another history, signed by the same key. */
  fork(treeSize: number, history?: string): string;
  remove(): void;
}

const origin = 'example.com/anchored/default';

export function createTestLog(): TestLog {
  const home = mkdtempSync(join(tmpdir(), 'veiltrail-anchored-'));
  const dataDir = join(home, 'data');
  const signer = createNoteSigner(origin, sha256(utf8('a key of tests')));
  let treeSize = 0;
  let forks = 0;
  const publish = (dir: string, size: number, history: string): void => {
    const entries = Array.from({ length: size }, (_, i) => formatEntry(sha256(utf8(`${history} ${i}`))));
    const hashes = entries.map(leafHash);
    const put = (path: string, bytes: Uint8Array | string): void => {
      const file = join(dir, 'logs/default', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    };
    for (const { level, index, width, bytes } of growTiles(0, Buffer.concat(hashes), () => undefined))
      put(formatTilePath({ level, index, width }), bytes);
    for (let at = 0; at < size; at += tileWidthMax) {
      const bundle = entries.slice(at, at + tileWidthMax);
      put(formatTilePath({ level: 'entries', index: at / tileWidthMax, width: bundle.length }), formatEntryBundle(bundle));
    }
    put('checkpoint', signCheckpoint({ origin, treeSize: size, root: hashRoot(size, createNodeReader(hashes)), extensions: [] }, [signer]));
  };
  return {
    dataDir,
    vkey: signer.vkey,
    get treeSize() {
      return treeSize;
    },
    grow(entries) {
      treeSize += entries;
      publish(dataDir, treeSize, 'history');
      return Promise.resolve();
    },
    fork(size, history = 'history') {
      const dir = join(home, `fork-${forks++}`);
      publish(dir, size, history);
      return dir;
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  };
}
