/** Writes a C2SP log directory with the functions of src/log alone, grown in batches as a log grows, and proofs of it beside. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeBase64 } from '../../src/core/base64.ts';
import { concatBytes } from '../../src/core/bytes.ts';
import {
  commitFields,
  createCosigner,
  createNoteSigner,
  createTileNodeReader,
  entryBundlesBetween,
  flattenRecord,
  formatCheckpointText,
  formatEntry,
  formatEntryBundle,
  formatProof,
  formatSignatureLine,
  formatTilePath,
  Frontier,
  growTiles,
  leafHash,
  proveConsistency,
  proveInclusion,
  rootFromTiles,
  signCheckpoint,
  type TileReader,
} from '../../src/log/index.ts';

const origin = 'interop.example/log';
const signer = createNoteSigner(origin, new Uint8Array(32).fill(0x17));
const witness = createCosigner('interop.example/witness', new Uint8Array(32).fill(0x2a));

export interface LogDirectory {
  /** Of the log: `checkpoint` and `tile/`. */
  log: string;
  vkey: string;
  proofs: string;
}

/** @param sizes the tree sizes at which a checkpoint is published, ascending; the last one is that of the log */
export function writeLogDirectory(folder: string, sizes: readonly number[]): LogDirectory {
  const log = join(folder, 'log');
  const read: TileReader = (level, index, width) => readTile(join(log, formatTilePath({ level, index, width })));
  const frontier = new Frontier();
  const entries: Uint8Array[] = [];
  for (const size of sizes) {
    const fresh = Array.from({ length: size - entries.length }, (_, i) => entryOf(entries.length + i));
    const hashes = fresh.map(leafHash);
    for (const { bytes, ...tile } of growTiles(entries.length, concatBytes(...hashes), read)) write(join(log, formatTilePath(tile)), bytes);
    const before = entries.length;
    entries.push(...fresh);
    for (const { index, width } of entryBundlesBetween(before, size)) {
      const bundle = formatEntryBundle(entries.slice(index * 256, index * 256 + width));
      write(join(log, formatTilePath({ level: 'entries', index, width })), bundle);
    }
    for (const hash of hashes) frontier.append(hash);
  }
  const checkpoint = { origin, treeSize: entries.length, root: frontier.root(), extensions: [] };
  const note = signCheckpoint(checkpoint, [signer]);
  write(join(log, 'checkpoint'), note);
  write(join(folder, 'vkey'), signer.vkey); // without a newline: fsck takes the file as it is
  const proofs = join(folder, 'proofs');
  writeProofs(proofs, entries.length, note, read);
  write(join(proofs, 'witness.vkey'), `${witness.vkey}\n`);
  const cosignature = witness.cosign(formatCheckpointText(checkpoint), 1_767_225_600);
  write(join(proofs, 'checkpoint.cosigned'), note + formatSignatureLine(cosignature));
  return { log, vkey: join(folder, 'vkey'), proofs };
}

function writeProofs(folder: string, treeSize: number, checkpoint: string, read: TileReader): void {
  const nodes = createTileNodeReader(treeSize, read);
  const step = 1 + Math.floor(treeSize / 40);
  for (let leafIndex = 0; leafIndex < treeSize; leafIndex += step) {
    const receipt = formatProof({ leafIndex, hashes: proveInclusion(leafIndex, treeSize, nodes), checkpoint });
    write(join(folder, `${leafIndex}.tlog-proof`), receipt);
  }
  // Every size has its root in the tiles of the largest: full tiles stand in for the partial ones that were never published.
  for (let before = 1; before <= treeSize; before += step) {
    const hashes = [rootFromTiles(before, prefixReader(treeSize, read)), ...proveConsistency(before, treeSize, nodes)];
    write(join(folder, `${before}.consistency`), `${hashes.map(encodeBase64).join('\n')}\n`);
  }
}

/** Reads tiles of a smaller tree out of those of the tree of `treeSize`: as much of each as the smaller tree has. */
function prefixReader(treeSize: number, read: TileReader): TileReader {
  return (level, index, width) => {
    const whole = Math.min(256, Math.floor(treeSize / 256 ** level) - 256 * index);
    return read(level, index, whole)?.subarray(0, 32 * width);
  };
}

function entryOf(i: number): Uint8Array {
  const seed = new Uint8Array(32);
  new DataView(seed.buffer).setUint32(0, i);
  return formatEntry(commitFields(origin, flattenRecord({ action: 'test', sequence: i }), seed));
}

function readTile(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    return undefined;
  }
}

function write(path: string, data: Uint8Array | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
}
