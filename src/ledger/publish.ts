/**
 * Publication: what is committed becomes visible. Entry bundles and tiles first, the checkpoint last, so that whoever reads a checkpoint
 * finds all it promises. One function does it after every commit and at every start, and may be repeated from anywhere:
 *
 * - a crash before the checkpoint leaves tiles that nobody was told of; the next start writes the same bytes again;
 * - Ed25519 is deterministic and the text holds no time, so the checkpoint is the same bytes too;
 * - it never goes backwards, and never writes other bytes over a published tile;
 * - cosignatures of witnesses, which nothing here could make again, are kept on disk for the size they are of (`cosigned.ts`): a checkpoint of
 *   that size bears them, before a crash and after it.
 *
 * At a start nothing that was read back is trusted: the tree is rebuilt from the full tiles that were synced and the entries that were
 * staged since, and must have the committed root before a byte is written.
 */
import { equalBytes, utf8 } from '../core/bytes.ts';
import { invariant, VeiltrailError } from '../core/errors.ts';
import { type Checkpoint, openCheckpoint, signCheckpoint } from '../log/checkpoint.ts';
import { createNoteVerifier, type NoteKeySigner } from '../log/note-key.ts';
import { commitmentBytes } from '../log/entry.ts';
import { Frontier } from '../log/frontier.ts';
import { formatTilePath, tileWidthMax } from '../log/tile-path.ts';
import { hashBytes } from '../log/tree.ts';
import type { LogState, RecordSource } from '../storage/record-store.ts';
import { type TileSource, type TileStore, witnessedPath } from '../storage/tile-store.ts';
import { type Cosigned, formatCosigned, mergeCosigned, openCosigned, withCosignatures } from './cosigned.ts';
import { type Growth, loadLogTree, type LogTree, readFullTile } from './log-tree.ts';

/** What is visible of one log. */
export interface Published {
  /** −1 before the first publication. */
  treeSize: number;
  checkpoint: string;
}

/** Where a log is published, and how far it is. */
export interface Publisher {
  readonly tiles: TileStore;
  readonly log: string;
  readonly origin: string;
  readonly signers: readonly NoteKeySigner[];
  published: Published;
  /** The newest that witnesses cosigned. */
  cosigned: Cosigned | undefined;
}

/**
 * Makes a committed tree visible.
 * @param growths what was appended since the last publication, in order
 * @param heal replace damaged files: only at a start
 */
export async function publish(to: Publisher, growths: readonly Growth[], committed: LogTree, heal: boolean): Promise<void> {
  invariant(committed.treeSize >= to.published.treeSize, 'publication never goes backwards');
  for (const { files } of growths) await to.tiles.write(to.log, files, heal);
  const signed = signCheckpoint({ origin: to.origin, treeSize: committed.treeSize, root: committed.root(), extensions: [] }, to.signers);
  const checkpoint = withCosignatures(signed, to.cosigned);
  await to.tiles.writeCheckpoint(to.log, utf8(checkpoint));
  to.published = { treeSize: committed.treeSize, checkpoint };
}

/**
 * Keeps a checkpoint that was published before, and was cosigned since; on disk when it returns. Calls must not overlap.
 * @returns false when a newer one is kept already
 * @throws VeiltrailError `cosigned_unpublished`, and what `openCheckpoint` throws for a note that is not this log's
 */
export async function keepCosigned(to: Publisher, note: string): Promise<boolean> {
  const cosigned = mergeCosigned(to.cosigned, openCosigned(note, to.origin, to.signers));
  if (cosigned.treeSize > to.published.treeSize)
    throw new VeiltrailError('cosigned_unpublished', 'a checkpoint that was cosigned but never published');
  if (to.cosigned && cosigned.treeSize < to.cosigned.treeSize) return false;
  await to.tiles.writeWitnessed(to.log, utf8(formatCosigned(cosigned)));
  // Whoever was shown it must be shown nothing older after a power loss.
  await to.tiles.sync(to.log, [witnessedPath]);
  to.cosigned = cosigned;
  return true;
}

/** Gives the newest checkpoint its cosignatures, if those that are kept are of it. Must not overlap with {@link publish}. */
export async function republish(to: Publisher): Promise<void> {
  if (to.cosigned?.treeSize !== to.published.treeSize) return;
  const checkpoint = formatCosigned(to.cosigned);
  if (checkpoint === to.published.checkpoint) return;
  await to.tiles.writeCheckpoint(to.log, utf8(checkpoint));
  to.published = { treeSize: to.published.treeSize, checkpoint };
}

/** A log as a start left it: published up to what is committed. */
export interface Recovered {
  publisher: Publisher;
  tree: LogTree;
  /** Files that are written but perhaps not on disk, and must be before anything staged is dropped. */
  lastingPaths: string[];
}

/**
 * Publishes what is committed of a log, whatever a crash left of it.
 * @throws VeiltrailError `log_damaged`, `checkpoint_damaged`, `behind_checkpoint`, `history_forked`; nothing was written then
 */
export async function recover(
  state: LogState,
  records: Pick<RecordSource, 'staged'>,
  tiles: TileStore,
  signers: readonly NoteKeySigner[],
): Promise<Recovered> {
  const { log, origin } = state;
  const { growths, tree } = await replay(state, records, tiles);
  const cosigned = await readCosigned(state, tiles, signers);
  for (const published of [await readCheckpoint(state, tiles, signers), cosigned])
    if (published) await checkPublished(published, state, growths, tiles);
  await checkNothingBeyond(state, tiles);
  const publisher: Publisher = { tiles, log, origin, signers, published: { treeSize: -1, checkpoint: '' }, cosigned };
  await publish(publisher, growths, tree, true);
  return { publisher, tree, lastingPaths: growths.flatMap(({ lastingPaths }) => lastingPaths) };
}

/**
 * Whether tiles and staged entries of a directory at rest lead to the committed root, and no tile beyond it, as a start demands. Changes nothing.
 * @throws VeiltrailError `log_damaged`, `behind_checkpoint`
 */
export async function checkRecoverable(
  state: LogState,
  records: Pick<RecordSource, 'staged'>,
  tiles: TileSource & Pick<TileStore, 'partialWidths'>,
): Promise<void> {
  await replay(state, records, tiles);
  await checkNothingBeyond(state, tiles);
}

/** Every append since the last full tile that is known to be on disk, as it was made then; together they make the committed tree. */
async function replay(state: LogState, records: Pick<RecordSource, 'staged'>, tiles: TileSource): Promise<{ growths: Growth[]; tree: LogTree }> {
  const growths: Growth[] = [];
  if (state.durableSize % tileWidthMax !== 0)
    throw new VeiltrailError('log_damaged', `the records of log ${state.log} name a size that tiles do not end at`);
  let tree = await loadLogTree(tiles, state.log, state.durableSize);
  for (const { firstLeaf, commitments } of await records.staged(state.log)) {
    const skip = tree.treeSize - firstLeaf;
    if (skip < 0 || skip * commitmentBytes >= commitments.length) {
      throw new VeiltrailError('log_damaged', `staged entries of log ${state.log} are missing`, { log: state.log, leafIndex: tree.treeSize });
    }
    const growth = tree.grow(commitments.subarray(skip * commitmentBytes));
    growths.push(growth);
    ({ tree } = growth);
  }
  if (tree.treeSize !== state.treeSize || !equalBytes(tree.root(), state.root) || !equalBytes(tree.frontierBytes(), state.frontier)) {
    throw new VeiltrailError('log_damaged', `the tiles and staged entries of log ${state.log} do not lead to its committed root`, {
      log: state.log,
      treeSize: state.treeSize,
    });
  }
  return { growths, tree };
}

/** Refuses to go on when something else was published than is committed here: an older database put back, or another one. */
async function checkPublished(
  published: Pick<Checkpoint, 'treeSize' | 'root'>,
  state: LogState,
  growths: readonly Growth[],
  tiles: TileStore,
): Promise<void> {
  const { log } = state;
  const sizes = { log, committed: state.treeSize, published: published.treeSize };
  if (published.treeSize > state.treeSize) {
    throw new VeiltrailError(
      'behind_checkpoint',
      `log ${log} has ${state.treeSize} leaves in the records but ${published.treeSize} in its checkpoint: the records are older than what was published`,
      sizes,
    );
  }
  const root = await rootAt(published.treeSize, state, growths, tiles);
  if (!root || !equalBytes(root, published.root)) {
    throw new VeiltrailError(
      'history_forked',
      `log ${log} was published with another root at ${published.treeSize} leaves (${state.treeSize} are committed): the records are of another history`,
      sizes,
    );
  }
}

/**
 * The checkpoint that is visible. One that is empty or all zeros, as a power loss leaves files that were not synced, counts as none; any
 * other that does not verify was changed by somebody, and is not written over.
 */
function readCheckpoint(state: LogState, tiles: TileStore, signers: readonly NoteKeySigner[]): Promise<Checkpoint | undefined> {
  const log = signers.map(({ vkey }) => createNoteVerifier(vkey));
  return readSigned(state, tiles, 'checkpoint', (bytes) => openCheckpoint(bytes, { origin: state.origin, log }));
}

/** The newest checkpoint that witnesses cosigned; synced before anybody saw it, but its form is judged as that of the other. */
function readCosigned(state: LogState, tiles: TileStore, signers: readonly NoteKeySigner[]): Promise<Cosigned | undefined> {
  return readSigned(state, tiles, witnessedPath, (bytes) => openCosigned(bytes, state.origin, signers));
}

async function readSigned<T>(state: LogState, tiles: TileStore, path: string, open: (bytes: Uint8Array) => T): Promise<T | undefined> {
  const bytes = await tiles.read(state.log, path);
  if (!bytes || bytes.every((byte) => byte === 0)) return undefined;
  try {
    return open(bytes);
  } catch (error) {
    throw new VeiltrailError(
      'checkpoint_damaged',
      `the ${path} file of log ${state.log} is not one that its keys signed; if the records are to be trusted, move it away and start again`,
      { log: state.log, reason: (error as VeiltrailError).code },
      { cause: error },
    );
  }
}

/** The root that the committed tree had at a size at which it may have been published, else undefined. */
async function rootAt(treeSize: number, state: LogState, growths: readonly Growth[], tiles: TileStore): Promise<Uint8Array | undefined> {
  if (treeSize > state.durableSize) return growths.find(({ tree }) => tree.treeSize === treeSize)?.tree.root();
  const beyond = treeSize % tileWidthMax;
  const tree = await loadLogTree(tiles, state.log, treeSize - beyond);
  if (beyond === 0) return tree.root();
  const frontier = Frontier.fromBytes(tree.frontierBytes());
  const hashes = await readFullTile(tiles, state.log, 0, Math.floor(treeSize / tileWidthMax));
  for (let i = 0; i < beyond; i++) frontier.append(hashes, i * hashBytes);
  return frontier.root();
}

/** Tiles are written after the commit, so one beyond it says that the records are older than what was published. */
async function checkNothingBeyond({ log, treeSize }: LogState, tiles: TileSource & Pick<TileStore, 'partialWidths'>): Promise<void> {
  const index = Math.floor(treeSize / tileWidthMax);
  const path = formatTilePath({ level: 0, index, width: tileWidthMax });
  const widest = (await tiles.partialWidths(log, path)).at(-1) ?? 0;
  if (widest > treeSize % tileWidthMax || (await tiles.read(log, path))) {
    throw new VeiltrailError('behind_checkpoint', `log ${log} has ${treeSize} leaves in the records, but tiles of a larger tree were published`, {
      log,
      committed: treeSize,
    });
  }
}
