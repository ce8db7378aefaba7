/**
 * Verification of anchors: each one's checkpoint is signed by the log, is a prefix of the log as it is now, and is still what its target says. An anchor
 * that fits proves that the leaves in it were there by then, and are unchanged since, whoever ruled over this machine meanwhile.
 */
import type { AnchorTarget } from '../anchor/anchor.ts';
import type { FiledAnchor } from '../anchor/anchor-store.ts';
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { openCheckpoint, type CheckpointTrust } from '../log/checkpoint.ts';
import { formatTilePath, tileWidthMax, type TileName } from '../log/tile-path.ts';
import { rootFromTiles, tilesForRoot } from '../log/tile.ts';
import { createTrust } from '../log/trust.ts';
import type { TileSource } from '../storage/tile-store.ts';
import type { OpenedAnchors } from './anchors.ts';

export interface CheckedAnchor {
  file: string;
  log: string;
  treeSize: number;
  target: string;
  kind?: string;
  /** undefined: its target is not configured here, cannot be asked, or is out of reach, so only the checkpoint itself was checked. */
  ok: boolean | undefined;
  /** Its target did not answer. */
  unreachable?: true;
  detail: string;
  provedAt?: string;
}

/** What anchors say of the time of leaves: those below `treeSize` were there at `time`. */
export interface TimeBound {
  treeSize: number;
  time: string;
  target: string;
}

/** Checks every anchor of a log. @throws VeiltrailError `checkpoint_missing` where nothing is published */
export async function verifyAnchors(log: string, vkey: string, anchors: OpenedAnchors): Promise<CheckedAnchor[]> {
  const bytes = await anchors.tiles.read(log, 'checkpoint');
  if (!bytes) throw new VeiltrailError('checkpoint_missing', `log ${log} has no checkpoint`);
  const trust = createTrust([vkey]);
  const { treeSize } = openCheckpoint(bytes, trust);
  const targets = new Map(anchors.targets.map((target) => [target.name, target]));
  const checked: CheckedAnchor[] = [];
  for (const filed of await anchors.store.list(log)) checked.push(await verifyAnchor(log, filed, { trust, treeSize, tiles: anchors.tiles, targets }));
  return checked;
}

interface Against {
  trust: CheckpointTrust;
  /** That is published now. */
  treeSize: number;
  tiles: TileSource;
  targets: ReadonlyMap<string, AnchorTarget>;
}

async function verifyAnchor(log: string, filed: FiledAnchor, { trust, treeSize, tiles, targets }: Against): Promise<CheckedAnchor> {
  const { file, anchor, target: name } = filed;
  const head = { file, log, treeSize: filed.treeSize, target: name };
  if (!anchor) return { ...head, ok: false, detail: filed.problem ?? 'cannot be read' };
  const named = { ...head, kind: anchor.kind };
  try {
    const checkpoint = openCheckpoint(anchor.checkpoint, trust);
    if (checkpoint.treeSize !== anchor.treeSize) return { ...named, ok: false, detail: 'its checkpoint is of another size' };
    if (checkpoint.treeSize > treeSize)
      return {
        ...named,
        ok: false,
        detail: `the log had ${checkpoint.treeSize} leaves when it was anchored, and has ${treeSize} now: it was rolled back`,
      };
    const root = await rootAt(tiles, log, checkpoint.treeSize);
    if (!root || !equalBytes(root, checkpoint.root))
      return { ...named, ok: false, detail: `the log had another root at ${checkpoint.treeSize} leaves: its history was rewritten` };
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return { ...named, ok: false, detail: `its checkpoint: ${error.message}` };
  }
  const target = targets.get(name);
  if (!target) return { ...named, ok: undefined, detail: 'a prefix of the log; its target is not in the configuration, so nobody else was asked' };
  try {
    return { ...named, ...(await target.check(anchor)) };
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return { ...named, ok: undefined, unreachable: true, detail: error.message };
  }
}

/** The root of the log's first leaves, from its tiles. */
async function rootAt(tiles: TileSource, log: string, treeSize: number): Promise<Uint8Array | undefined> {
  const bytes = new Map<string, Uint8Array>();
  for (const tile of tilesForRoot(treeSize)) {
    const found = await readTile(tiles, log, tile);
    if (!found) return undefined;
    bytes.set(`${tile.level}/${tile.index}`, found);
  }
  return rootFromTiles(treeSize, (level, index) => bytes.get(`${level}/${index}`));
}

/** A tile as wide as asked or wider: what was partial then may be full now. */
async function readTile(tiles: TileSource, log: string, tile: TileName): Promise<Uint8Array | undefined> {
  return (await tiles.read(log, formatTilePath(tile))) ?? (await tiles.read(log, formatTilePath({ ...tile, width: tileWidthMax })));
}

/** The earliest time that somebody else vouches for, for each anchored size, in order of the sizes. */
export function timeBounds(checked: readonly CheckedAnchor[]): TimeBound[] {
  const proved = checked.flatMap(({ ok, provedAt, treeSize, target }) =>
    ok && provedAt !== undefined ? [{ treeSize, time: provedAt, target }] : [],
  );
  // A larger tree that was seen earlier says more about all leaves in it.
  return proved
    .filter(({ treeSize, time }) => !proved.some((other) => other.treeSize > treeSize && other.time <= time))
    .toSorted((a, b) => a.treeSize - b.treeSize);
}
