/**
 * Reading what is published of a log: its checkpoint, its tiles, receipts and disclosures made from them. Nothing beyond the published size
 * is given out, so that what two people are told can always be compared.
 */
import { VeiltrailError } from '../core/errors.ts';
import { formatDisclosure, createDisclosure } from '../log/disclosure.ts';
import { openCheckpoint, type VerifiedCheckpoint } from '../log/checkpoint.ts';
import { parseEntryBundle } from '../log/entry-bundle.ts';
import { formatProof } from '../log/proof.ts';
import { formatTilePath, parseTilePath, tileWidthMax, type TileName } from '../log/tile-path.ts';
import { createTileNodeReader, tilesForInclusion, tileWidth } from '../log/tile.ts';
import { hashBytes, proveInclusion } from '../log/tree.ts';
import { createTrust } from '../log/trust.ts';
import { fieldsOf } from '../log/redacted-record.ts';
import { type TileSource, witnessedPath } from '../storage/tile-store.ts';

export interface PublishedLog {
  log: string;
  origin: string;
  vkey: string;
}

export interface LogReader {
  /** The newest checkpoint that may be given out, as signed; undefined before the first. */
  checkpoint(): Promise<string | undefined>;
  /** The newest checkpoint that witnesses cosigned; undefined where none did. */
  witnessed(): Promise<string | undefined>;
  treeSize(): Promise<number>;
  /** Undefined for a path that names no published tile. */
  tile(path: string): Promise<Uint8Array | undefined>;
  /**
   * The receipt of a leaf, its entry as `extra`; undefined beyond the size that may be given out. It bears the newest checkpoint that witnesses
   * cosigned, where that covers the leaf.
   */
  prove(leafIndex: number): Promise<string | undefined>;
}

interface ReadCheckpoint {
  text: string;
  checkpoint: VerifiedCheckpoint;
}

/** @param isWitnessRequired whether checkpoints are given out with the cosignatures of witnesses only */
export function createLogReader({ log, origin, vkey }: PublishedLog, tiles: TileSource, isWitnessRequired = () => false): LogReader {
  const trust = createTrust([vkey], { origin });
  const last = new Map<string, ReadCheckpoint>();

  const readSigned = async (path: string): Promise<ReadCheckpoint | undefined> => {
    const bytes = await tiles.read(log, path);
    if (!bytes) return undefined;
    const text = Buffer.from(bytes).toString('utf8');
    const known = last.get(path);
    if (text === known?.text) return known;
    // Verified once for each text: a reader must not pass on what the log did not sign.
    const read = { text, checkpoint: openCheckpoint(text, trust) };
    last.set(path, read);
    return read;
  };
  const read = (): Promise<ReadCheckpoint | undefined> => readSigned('checkpoint');
  const given = (): Promise<ReadCheckpoint | undefined> => (isWitnessRequired() ? readSigned(witnessedPath) : read());

  const readTile = async (tile: TileName): Promise<Uint8Array | undefined> =>
    (await tiles.read(log, formatTilePath(tile))) ??
    (tile.width < tileWidthMax ? tiles.read(log, formatTilePath({ ...tile, width: tileWidthMax })) : undefined);

  return {
    checkpoint: async () => (await given())?.text,
    witnessed: async () => (await readSigned(witnessedPath))?.text,
    treeSize: async () => (await read())?.checkpoint.treeSize ?? 0,
    async tile(path) {
      const tile = parsePath(path);
      const published = await read();
      if (!tile || !published) return undefined;
      const level = tile.level === 'entries' ? 0 : tile.level;
      return tile.width <= tileWidth(level, tile.index, published.checkpoint.treeSize) ? tiles.read(log, path) : undefined;
    },
    async prove(leafIndex) {
      const witnessed = await readSigned(witnessedPath);
      const published = witnessed && leafIndex < witnessed.checkpoint.treeSize ? witnessed : await given();
      if (!published || leafIndex >= published.checkpoint.treeSize) return undefined;
      const { treeSize } = published.checkpoint;
      const bytes = new Map<string, Uint8Array>();
      for (const tile of tilesForInclusion(leafIndex, treeSize)) {
        const found = await readTile(tile);
        // A full tile may stand in for the partial one of an older checkpoint: as much of it as that had.
        if (found) bytes.set(`${tile.level}/${tile.index}`, found.subarray(0, tile.width * hashBytes));
      }
      const nodes = createTileNodeReader(treeSize, (level, index) => bytes.get(`${level}/${index}`));
      const index = Math.floor(leafIndex / tileWidthMax);
      const width = tileWidth(0, index, treeSize);
      const bundle = await readTile({ level: 'entries', index, width });
      if (!bundle) throw new VeiltrailError('tile_missing', 'the entry bundle is missing', { leafIndex });
      const entry = entryIn(bundle, leafIndex % tileWidthMax, width);
      return formatProof({ leafIndex, hashes: proveInclusion(leafIndex, treeSize, nodes), checkpoint: published.text, extra: entry });
    },
  };
}

/** One entry of a bundle, which may have grown since the checkpoint that was read. */
function entryIn(bundle: Uint8Array, at: number, width: number): Uint8Array {
  const entryLength = 2 + 33;
  const entries = Math.max(width, Math.floor(bundle.length / entryLength));
  return parseEntryBundle(bundle, Math.min(tileWidthMax, entries))[at] as Uint8Array;
}

function parsePath(path: string): TileName | undefined {
  try {
    return parseTilePath(path);
  } catch {
    return undefined;
  }
}

/** A disclosure of the fields at `pointers` of a stored record, with its receipt. @throws VeiltrailError `disclosure_pointer`, `bad_record` */
export function discloseRecord(packed: Uint8Array, receipt: string, pointers: readonly string[]): string {
  return formatDisclosure(createDisclosure({ redactable: fieldsOf(packed), receipt }, new Set(pointers)));
}
