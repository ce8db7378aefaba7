/**
 * Verification of anchors: each one's checkpoint is signed by the log, is a prefix of the log as it is now, and is still what its target says. An anchor
 * that fits proves that the leaves in it were there by then, and are unchanged since, whoever ruled over this machine meanwhile; the leaf that quotes it,
 * that whatever came behind it was not there before.
 */
import type { AnchorTarget } from '../anchor/anchor.ts';
import { quotesStayBefore, verifyQuote } from '../anchor/anchor-quote.ts';
import type { AnchorStore, FiledAnchor } from '../anchor/anchor-store.ts';
import { type LowerBound, type TimeBracket, timeBrackets, type UpperBound } from '../anchor/time-brackets.ts';
import { equalBytes } from '../core/bytes.ts';
import { readTile } from '../app/read-tile.ts';
import { VeiltrailError } from '../core/errors.ts';
import { openCheckpoint, type CheckpointTrust, type VerifiedCheckpoint } from '../log/checkpoint.ts';
import { rootFromTiles, tilesForRoot, tileWidth } from '../log/tile.ts';
import { formatTilePath } from '../log/tile-path.ts';
import { hashBytes } from '../log/tree.ts';
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
  /** It could not be held against the log, which lacks tiles here: neither fits nor contradicts it. */
  notCompared?: true;
  detail: string;
  provedAt?: string;
  /** The leaf that quotes it, and the time before which nobody could have: see `anchor-quote.ts`. */
  quotedAt?: number;
  notBefore?: string;
}

/** The anchors of a log, checked. */
export interface CheckedLog {
  log: string;
  /** That is published. */
  treeSize: number;
  anchors: CheckedAnchor[];
  /** Configured targets of which nothing is known of this log, and why. */
  notChecked: { target: string; why: string }[];
  /** Between which times its leaves came, by the anchors that fit. */
  brackets: TimeBracket[];
}

/** Checks every anchor of a log. @throws VeiltrailError `checkpoint_missing` where nothing is published */
export async function verifyAnchors(log: string, vkey: string, anchors: OpenedAnchors): Promise<CheckedLog> {
  const bytes = await anchors.tiles.read(log, 'checkpoint');
  if (!bytes) throw new VeiltrailError('checkpoint_missing', `log ${log} has no checkpoint`);
  const trust = createTrust([vkey]);
  const { treeSize } = openCheckpoint(bytes, trust);
  const targets = new Map(anchors.targets.map((target) => [target.name, target]));
  const checked: CheckedAnchor[] = [];
  for (const filed of await anchors.store.list(log)) checked.push(await verifyAnchor(log, filed, { trust, treeSize, tiles: anchors.tiles, targets }));
  const notChecked: CheckedLog['notChecked'] = [];
  for (const target of anchors.targets) {
    // The log may have grown, and been anchored, since.
    const now = openCheckpoint((await anchors.tiles.read(log, 'checkpoint')) ?? bytes, trust);
    const found = await verifyKept(log, target, checked, { trust, treeSize: now.treeSize, tiles: anchors.tiles, targets, store: anchors.store });
    checked.push(...found.anchors);
    if (found.why !== undefined) notChecked.push({ target: target.name, why: found.why });
  }
  return { log, treeSize, anchors: checked, notChecked, brackets: timeBrackets(treeSize, lowerBounds(checked), upperBounds(checked)) };
}

function lowerBounds(checked: readonly CheckedAnchor[]): LowerBound[] {
  return checked.flatMap(({ ok, quotedAt, notBefore, target }) =>
    ok && quotedAt !== undefined && notBefore !== undefined ? [{ leafIndex: quotedAt, time: notBefore, target }] : [],
  );
}

function upperBounds(checked: readonly CheckedAnchor[]): UpperBound[] {
  return checked.flatMap(({ ok, provedAt, treeSize, target }) => (ok && provedAt !== undefined ? [{ treeSize, time: provedAt, target }] : []));
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
  let quoted: { quotedAt?: number } = {};
  let isQuoteOld = false;
  try {
    const checkpoint = openCheckpoint(anchor.checkpoint, trust);
    if (checkpoint.treeSize !== anchor.treeSize) return { ...named, ok: false, detail: 'its checkpoint is of another size' };
    const misfit = await misfitOf(checkpoint, 'it was anchored', { treeSize, tiles, log });
    if (misfit) return { ...named, ok: false, ...misfit };
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return { ...named, ok: false, detail: `its checkpoint: ${error.message}` };
  }
  try {
    if (filed.quote !== undefined) {
      const { leafIndex, checkpoint, isOfThis } = verifyQuote(filed.quote, anchor, trust);
      const misfit = await misfitOf(checkpoint, 'it was quoted', { treeSize, tiles, log });
      if (misfit) return { ...named, ok: false, ...misfit };
      if (isOfThis) quoted = { quotedAt: leafIndex };
      isQuoteOld = !isOfThis;
    }
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    return { ...named, ok: false, detail: `the leaf that quotes it: ${error.message}` };
  }
  const target = targets.get(name);
  if (!target) return { ...named, ok: undefined, detail: 'a prefix of the log; its target is not in the configuration, so nobody else was asked' };
  try {
    const check = await target.check(anchor);
    // When it says itself that it was made, nobody has to believe; what its target says of the time must not be later than such quotes are.
    if (isQuoteOld && [check.provedAt, check.notBefore].some((time) => time !== undefined && Date.parse(time) >= Date.parse(quotesStayBefore)))
      return { ...named, ok: false, detail: 'the leaf that quotes it quotes another anchor: it was replaced' };
    const detail = isQuoteOld ? `${check.detail}; the quote beside it is of the one whose place it took, and bounds nothing` : check.detail;
    return { ...named, ...check, detail, ...(check.ok && check.notBefore !== undefined ? quoted : {}) };
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    // What somebody took out of a proof is no silence of the target's.
    if (error.code === 'anchor_syntax') return { ...named, ok: false, detail: error.message };
    return { ...named, ok: undefined, unreachable: true, detail: error.message };
  }
}

/** Checkpoints of another history that are told one by one; the rest says no more. */
const wrongMax = 10;

/**
 * What a target keeps and no anchor here tells of: whoever rewrites a log, or puts an older one back, deletes the anchors beside it as well.
 * A checkpoint that the log's key did not sign says nothing: others may write there. Of a target that nothing is known of, `why`.
 */
async function verifyKept(
  log: string,
  target: AnchorTarget,
  known: readonly CheckedAnchor[],
  { trust, store, ...now }: Against & { store: AnchorStore },
): Promise<{ anchors: CheckedAnchor[]; why?: string }> {
  const { name, kind } = target;
  const about = (treeSize: number): Omit<CheckedAnchor, 'ok' | 'detail'> => ({ file: name, log, treeSize, target: name, kind });
  const named = new Set(known.filter((one) => one.target === name).map(({ treeSize }) => treeSize));
  const wrong: CheckedAnchor[] = [];
  let newest = 0;
  let unnamed = 0;
  let strange = 0;
  try {
    for await (const text of target.kept?.(trust.origin) ?? []) {
      const checkpoint = text === undefined ? undefined : signedByLog(text, trust);
      if (!checkpoint) strange++;
      if (!checkpoint || named.has(checkpoint.treeSize)) continue;
      const misfit = await misfitOf(checkpoint, 'it was given to this target', { ...now, log });
      if (!misfit && unnamed++ === 0) newest = checkpoint.treeSize;
      if (misfit && wrong.push({ ...about(checkpoint.treeSize), ok: false, ...misfit }) >= wrongMax) break;
    }
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    // The first anchor makes its place. Where there were any it is away.
    if (error.detail['isAbsent'] === true && !(await store.hasOf(name)))
      return { anchors: [], why: `no anchor here was made there, and ${error.message.replace(/^anchor [^:]*: /, '')}` };
    wrong.push({ ...about(0), ok: undefined, unreachable: true, detail: error.message });
  }
  const detail = `kept there, and no anchor here tells of it${unnamed > 1 ? ` (nor of ${unnamed - 1} of fewer leaves)` : ''}: its file was deleted, or never came to be`;
  const ofOthers = `${strange} of its files of this log's name ${strange === 1 ? 'is no checkpoint' : 'are no checkpoints'} of it: others may write there, and a crash may cut one short`;
  const anchors: CheckedAnchor[] = [
    ...wrong,
    ...(unnamed > 0 ? [{ ...about(newest), ok: true, detail }] : []),
    ...(strange > 0 ? [{ ...about(0), ok: undefined, detail: ofOthers }] : []),
  ];
  if (named.size > 0 || wrong.length > 0 || unnamed > 0) return { anchors };
  return { anchors, why: `no anchor here was made there, ${target.kept ? 'and nothing is kept there' : 'so nobody was asked'}` };
}

function signedByLog(text: string, trust: CheckpointTrust): VerifiedCheckpoint | undefined {
  try {
    return openCheckpoint(text, trust);
  } catch (error) {
    if (error instanceof VeiltrailError) return undefined;
    throw error;
  }
}

/** Why it cannot be said that the log has grown from a checkpoint; undefined where it has. */
async function misfitOf(
  { treeSize, root }: { treeSize: number; root: Uint8Array },
  when: string,
  now: { treeSize: number; tiles: TileSource; log: string },
): Promise<Pick<CheckedAnchor, 'detail' | 'notCompared'> | undefined> {
  if (treeSize > now.treeSize) return { detail: `the log had ${treeSize} leaves when ${when}, and has ${now.treeSize} now: it was rolled back` };
  const found = await rootAt(treeSize, now);
  if (typeof found === 'string')
    return { detail: `${found} of the log is missing here, or not whole: the checkpoint could not be compared`, notCompared: true };
  return equalBytes(found, root) ? undefined : { detail: `the log had another root at ${treeSize} leaves: its history was rewritten` };
}

/** The root of the log's first leaves, from its tiles; the path of a tile that is not there whole. */
async function rootAt(treeSize: number, now: { treeSize: number; tiles: TileSource; log: string }): Promise<Uint8Array | string> {
  const bytes = new Map<string, Uint8Array>();
  for (const tile of tilesForRoot(treeSize)) {
    const { level, index, width } = tile;
    // Whoever put another history in the log's place has not published it at this size.
    const found =
      (await readTile(now.tiles, now.log, tile)) ??
      (await now.tiles.read(now.log, formatTilePath({ level, index, width: tileWidth(level, index, now.treeSize) })))?.subarray(0, width * hashBytes);
    if (found?.length !== width * hashBytes) return formatTilePath(tile);
    bytes.set(`${level}/${index}`, found);
  }
  return rootFromTiles(treeSize, (level, index) => bytes.get(`${level}/${index}`));
}
