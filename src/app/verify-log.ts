/**
 * Verification of a whole log: every byte within reach is read again, and each step proves what the next one builds on. Of a data directory
 * everything is within reach; of a log's public files (a directory of tiles, or a URL) the steps marked * are not, and the report says so.
 *
 *   1 seal *        files are as the last orderly stop left them (where there was one)
 *   2 databases *   SQLite finds its files in order
 *   3 signature     the checkpoint is signed by the log's key, and of the size and root that are committed
 *   4 consistency   an earlier checkpoint, kept elsewhere, is a prefix of this log
 *   5 witnesses     the cosignatures that a policy asks for, and the leaf from which on there are none (verify-witnesses.ts)
 *   6 entries       entries and leaf tiles, in ranges, in threads (verify-leaves.ts, verify-range.ts); and in the same pass
 *   7 records *     each opens its commitment
 *   8 tombstones *  they tell of all that is missing, and of nothing that is there
 *   9 tokens *      those in records are in the vault
 *  10 tiles         every tile above, up to the root; and no file that should not be there
 *  11 vault *       every token opens and is the commitment to what is in it
 *  12 state *       what the records say beside the records: chunks, segments, newest time of receipt, origin; and of a directory at rest that tiles and staged
 *                   entries lead to the committed root (verify-state.ts); where all else is in order
 *
 * Leaves are verified in other threads, and everything that needs nothing of them meanwhile in this one. Memory is bounded by the range size,
 * not by the log; time is linear.
 */
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { openCheckpoint, type VerifiedCheckpoint } from '../log/checkpoint.ts';
import { tileWidthMax, type TileName } from '../log/tile-path.ts';
import { createTrust } from '../log/trust.ts';
import type { WitnessPolicy } from '../log/witness-policy.ts';
import { createTileNodeReader, rootFromTiles, tilesForConsistency, tilesForRoot, tileWidth, type TileReader } from '../log/tile.ts';
import { hashBytes, proveConsistency, verifyConsistency } from '../log/tree.ts';
import type { LogState } from '../storage/record-store.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { Problems, type Problem } from '../verify/problem.ts';
import { verifyUpperTiles } from '../verify/tiles.ts';
import { readTile } from './read-tile.ts';
import { compareWithCommitted } from './verify-committed.ts';
import { verifyTileFile } from './verify-tile-file.ts';
import { verifyLeaves, type VerifiedLeaves } from './verify-leaves.ts';
import type { RangeResult, RangeTask } from './verify-range.ts';
import type { RemovalChecks } from './verify-removals.ts';
import { type StateChecks, verifyState } from './verify-state.ts';
import { describeStep, runStep, type Shown, type Step, type VerifyStep, refuseOutOfReach } from './verify-step.ts';
import { type AskWitnessCheckpoint, verifyWitnessCopies } from './verify-witness-copies.ts';
import { verifyWitnesses, type WitnessChecks } from './verify-witnesses.ts';

export interface VerifyParts {
  tiles: TileSource;
  /** Files below the log's `tile` directory, as paths `tile/…`; absent where they cannot be listed. */
  listTiles?: (log: string) => AsyncIterable<string>;
  /** Verifies one range; calls may overlap, up to `overlap` of them help. */
  verifyRange(task: RangeTask): Promise<RangeResult>;
  overlap: number;
  /** Of one range [16,384]. */
  rangeLeavesMax?: number;
  /** What only a data directory has. */
  store?: StoreParts;
}

export interface StoreParts {
  state: LogState;
  /** The same, as it is now. */
  readState(): Promise<LogState>;
  /** A server has the directory. */
  mayGrow: boolean;
  /** The log's own public key, kept beside the data. */
  vkey: string;
  /** Problems with the seal, or why there is none to check. */
  checkSeal(): Promise<{ problems: Problem[]; absent?: string }>;
  /** What SQLite says against its own files, and what of them it was not asked. */
  checkDatabases(): Promise<{ problems: Problem[]; absent?: string }>;
  /** What the records say of the log beside the records. */
  stateChecks: StateChecks;
  /** What removals left on record beside the log. */
  removals: RemovalChecks;
  /** Re-reads every row of the vault. */
  verifyVault(): AsyncIterable<Problem | { tokens: number }>;
  /** By the witness policy in force, where there is one about this log. */
  witnesses?: Omit<WitnessChecks, 'isDemanded'>;
}

export interface VerifyOptions {
  log: string;
  /** The key to believe; without it the data directory's own, which says nothing about who signed. */
  vkey?: string;
  /** A checkpoint kept elsewhere. */
  keptCheckpoint?: string;
  /** Leaves that an earlier run found in order, under the checkpoint that it saw: they are not read again, and this log must have grown from it. */
  resume?: { verifiedTo: number; checkpoint: string };
  /** New leaves only: seal, databases and vault are for other runs. */
  leavesOnly?: boolean;
  /** The checkpoint that is verified, once it is signed and grown from those kept. */
  onCheckpoint?: (text: string) => void;
  /** Leaves below this one are in order: what a later run may skip. */
  onVerified?: (to: number) => void;
  /** Checkpoints that were seen before, by origin: the log must have grown from its own; written where all is well. */
  seen?: { read(origin: string): string | undefined; write(origin: string, checkpoint: string): void };
  /** Checkpoints that this log showed before, while they could not be compared: it must have grown from them, too. */
  shown?: readonly string[];
  /** Whose cosignatures to ask for, instead of the policy beside the data. */
  witnessPolicy?: WitnessPolicy;
  /** Asks the witnesses of the policy for what they hold of this log; without it nobody is asked. */
  askWitness?: AskWitnessCheckpoint;
  onProgress?: (leaves: number, of: number) => void;
}

export interface VerifyReport {
  ok: boolean;
  origin: string;
  treeSize: number;
  /** Hex. */
  root: string;
  records: { verified: number; erased: number; redacted: number };
  firstBadLeaf: number | null;
  /** Leaves from this one on are under no checkpoint that has its quorum of witnesses; null where all are. */
  unwitnessedFrom: number | null;
  problems: Problem[];
  problemCount: number;
  steps: VerifyStep[];
  /** What this verification could not check, in words. */
  notChecked: string[];
  /** What is as it may be, and should be known. */
  notices?: string[];
}

/**
 * @throws VeiltrailError `vkey_missing` where no key is known, `unreachable`, `redirected` where whoever has the log does not answer, or is elsewhere, and
 * nothing else is wrong; whatever is wrong with the log is in the report
 */
export async function verifyLog(options: VerifyOptions, parts: VerifyParts): Promise<VerifyReport> {
  const run = new Verification(options, parts);
  return run.report();
}

class Verification {
  readonly #options: VerifyOptions;
  readonly #parts: VerifyParts;
  readonly #vkey: string;
  readonly #origin: string;
  /** The newest checkpoint, verbatim. */
  #shown: string | undefined;
  #unwitnessedFrom: number | undefined = 0;
  /** The newest checkpoint, as signed. */
  #note = '';

  constructor(options: VerifyOptions, parts: VerifyParts) {
    this.#options = options;
    this.#parts = parts;
    const vkey = options.vkey ?? parts.store?.vkey;
    if (vkey === undefined)
      throw new VeiltrailError(
        'vkey_missing',
        "say whose log it should be: --vkey, the log's public key, which its owner gives you (`veiltrail key export-public`)",
      );
    this.#vkey = vkey;
    this.#origin = parts.store?.state.origin ?? createTrust([vkey]).origin;
  }

  async report(): Promise<VerifyReport> {
    const { store } = this.#parts;
    let checkpoint: VerifiedCheckpoint | undefined;
    const signed = await runStep('signature', async (step) => {
      checkpoint = await this.#checkpoint(store, step);
      return `size ${checkpoint.treeSize}, signed by ${checkpoint.origin}`;
    });
    const treeSize = checkpoint?.treeSize ?? store?.state.treeSize ?? 0;
    const roots = new Uint8Array(Math.floor(treeSize / tileWidthMax) * hashBytes);
    // Other threads are busy with the leaves; meanwhile this one sees to the rest, one after the other.
    const [leaves, rest] = await Promise.all([this.#leaves(treeSize, roots), this.#meanwhile(store, checkpoint, treeSize)]);
    const tiles = await runStep('tiles', (step) => this.#tiles(treeSize, roots, checkpoint, rest.files, step));
    const steps = [...rest.databases, signed, ...rest.history, ...leaves.steps, tiles, ...rest.vault];
    const problems = new Problems();
    for (const step of steps) problems.merge({ list: step.problems.list(), count: step.problems.count });
    refuseOutOfReach(problems.list(), checkpoint && this.#showing(checkpoint, rest.history));
    // Damage that was found would be found again: a start goes on from the same tiles.
    if (store && problems.count === 0) {
      const state = await runStep('state', (step) => this.#state(store, step));
      steps.push(state);
      problems.merge({ list: state.problems.list(), count: state.problems.count });
    }
    if (problems.count === 0 && this.#shown !== undefined) this.#options.seen?.write(this.#origin, this.#shown);
    const within = store ? [] : ['records, their commitments and the vault: only the log itself is within reach here'];
    return {
      ok: problems.count === 0,
      origin: this.#origin,
      treeSize,
      root: checkpoint ? Buffer.from(checkpoint.root).toString('hex') : '',
      records: { verified: leaves.verified, erased: leaves.erased, redacted: leaves.redacted },
      firstBadLeaf: problems.firstBadLeaf,
      unwitnessedFrom: this.#unwitnessedFrom ?? null,
      problems: problems.list(),
      problemCount: problems.count,
      steps: steps.map(describeStep),
      notChecked: [...within, ...steps.flatMap(({ notChecked }) => notChecked)],
    };
  }

  #showing({ treeSize, root }: VerifiedCheckpoint, [consistency]: readonly Step[]): Shown {
    const compared = this.#kept().length > 0 && consistency?.problems.count === 0;
    return { checkpoint: this.#note, treeSize, root: Buffer.from(root).toString('hex'), compared };
  }

  #leaves(treeSize: number, roots: Uint8Array): Promise<VerifiedLeaves> {
    const { log, resume, onVerified, onProgress } = this.#options;
    const { overlap, rangeLeavesMax, store } = this.#parts;
    const task = { log, origin: this.#origin, treeSize, verifiedTo: resume?.verifiedTo ?? 0, roots };
    const readTiles = (tiles: readonly TileName[]): Promise<TileReader> => this.#reader(tiles);
    return verifyLeaves(task, {
      verifyRange: (one) => this.#parts.verifyRange({ ...one, mayHaveGrown: store?.mayGrow ?? true }),
      overlap,
      rangeLeavesMax,
      readTiles,
      removals: store?.removals,
      onVerified,
      onProgress,
    });
  }

  async #meanwhile(
    store: StoreParts | undefined,
    checkpoint: VerifiedCheckpoint | undefined,
    treeSize: number,
  ): Promise<{ databases: Step[]; history: Step[]; files: Step; vault: Step[] }> {
    const history = checkpoint
      ? [
          await runStep('consistency', (step) => this.#history(checkpoint, step)),
          await runStep('witnesses', (step) => this.#witnesses(checkpoint, step)),
        ]
      : [];
    if (history[0]?.problems.count === 0) this.#options.onCheckpoint?.(this.#note);
    const files = await runStep('files', (step) => this.#files(treeSize, step));
    if (!store || this.#options.leavesOnly) return { databases: [], history, files, vault: [] };
    const seal = await runStep('seal', (step) => this.#seal(store, step));
    const databases = await runStep('databases', (step) => this.#databases(store, step));
    const vault = await runStep('vault', (step) => this.#vault(store, step));
    return { databases: [seal, databases], history, files, vault: [vault] };
  }

  async #seal(store: StoreParts, step: Step): Promise<string> {
    const { problems, absent } = await store.checkSeal();
    for (const problem of problems) step.problems.add(problem);
    if (absent === undefined) return 'files are as the last stop left them';
    step.notChecked.push(`bytes of the databases that hold nothing: ${absent}`);
    return `not sealed: ${absent}`;
  }

  async #databases(store: StoreParts, step: Step): Promise<string> {
    const { problems, absent } = await store.checkDatabases();
    for (const problem of problems) step.problems.add(problem);
    if (absent === undefined) return 'SQLite finds its files in order';
    step.notChecked.push(absent);
    return 'SQLite finds each table of its files in order';
  }

  async #state({ stateChecks, mayGrow }: StoreParts, step: Step): Promise<string> {
    await verifyState(stateChecks, (problem) => step.problems.add(problem));
    const always = 'chunks, segments, newest time of receipt and origin fit the log';
    return mayGrow ? always : `${always}; tiles and staged entries lead to the committed root`;
  }

  async #checkpoint(store: StoreParts | undefined, step: Step): Promise<VerifiedCheckpoint> {
    const { log } = this.#options;
    const where = this.#where('checkpoint');
    const bytes = await this.#parts.tiles.read(log, 'checkpoint');
    if (!bytes) throw new VeiltrailError('checkpoint_missing', `${where} is missing`, { where });
    if (this.#options.vkey === undefined)
      step.notChecked.push('whose key signed the log: --vkey was not given, so the key beside the data was taken');
    const checkpoint = openAt(where, bytes, this.#vkey, this.#origin);
    this.#note = Buffer.from(bytes).toString('utf8');
    if (!store) return checkpoint;
    // What is published was committed before: so the state is read after the checkpoint, of a log that grows meanwhile.
    const state = await store.readState();
    const readAgain = async (): Promise<VerifiedCheckpoint> =>
      openAt(where, (await this.#parts.tiles.read(log, 'checkpoint')) ?? bytes, this.#vkey, this.#origin);
    if ((await compareWithCommitted(checkpoint, state, readAgain, where)) > 0) {
      // Ordinary while a server writes, or after a crash: recovery publishes the rest.
      step.notChecked.push(`leaves ${checkpoint.treeSize} to ${state.treeSize - 1}: committed and not yet published`);
    }
    return checkpoint;
  }

  async #history(now: VerifiedCheckpoint, step: Step): Promise<string> {
    const earlier = [...new Set([...this.#kept(), ...(this.#options.shown ?? [])])];
    if (earlier.length === 0) {
      step.notChecked.push('whether newest events were deleted: no earlier checkpoint was given (--checkpoint FILE)');
      return 'no earlier checkpoint to compare with';
    }
    const sizes: number[] = [];
    for (const one of earlier) sizes.push(await this.#grownFrom(one, now));
    return `grown from the kept checkpoint of size ${sizes.join(' and that of ')}`;
  }

  /** Checkpoints that were found in order before, or that somebody vouches for. */
  #kept(): string[] {
    const { keptCheckpoint, resume, seen } = this.#options;
    return [resume?.checkpoint, keptCheckpoint, seen?.read(this.#origin)].filter((one) => one !== undefined);
  }

  /** Its size. @throws VeiltrailError `rolled_back`, `history_forked`, and of a checkpoint that is not this log's */
  async #grownFrom(earlier: string, now: VerifiedCheckpoint): Promise<number> {
    const kept = openAt('the kept checkpoint', earlier, this.#vkey, now.origin);
    if (kept.treeSize > now.treeSize) {
      throw new VeiltrailError(
        'rolled_back',
        `the kept checkpoint has size ${kept.treeSize}, this log only ${now.treeSize}: it was rolled back, or cut`,
        { where: this.#where('checkpoint') },
      );
    }
    const read = await this.#reader(tilesForConsistency(kept.treeSize, now.treeSize));
    const proof = proveConsistency(kept.treeSize, now.treeSize, createTileNodeReader(now.treeSize, read));
    try {
      verifyConsistency(kept.treeSize, now.treeSize, kept.root, now.root, proof);
    } catch (cause) {
      throw new VeiltrailError(
        'history_forked',
        `the first ${kept.treeSize} leaves are not those of the kept checkpoint: history was rewritten`,
        { where: this.#where('') },
        { cause },
      );
    }
    return kept.treeSize;
  }

  async #witnesses(now: VerifiedCheckpoint, step: Step): Promise<string> {
    const { witnessPolicy, log } = this.#options;
    const own = this.#parts.store?.witnesses;
    const policy = witnessPolicy ?? own?.policy;
    if (!policy) {
      step.notChecked.push('whether others were shown another history: there is no witness policy (--witness-policy FILE)');
      return 'unwitnessed from leaf 0: nobody was asked';
    }
    const checks = { policy, isDemanded: witnessPolicy !== undefined, forks: own?.forks ?? [] };
    const trust = createTrust([this.#vkey], { origin: this.#origin });
    const read = async (path: string): Promise<Uint8Array | undefined> => this.#parts.tiles.read(log, path);
    const report = (problem: Problem): void => step.problems.add(problem);
    const { detail, unwitnessedFrom } = await verifyWitnesses(now, checks, trust, read, (path) => this.#where(path), report);
    this.#unwitnessedFrom = unwitnessedFrom;
    const { askWitness: ask } = this.#options;
    if (!ask) return detail;
    const notChecked = (what: string): void => void step.notChecked.push(what);
    const held = await verifyWitnessCopies(now, { witnesses: policy.witnesses, ask, trust, read, report, notChecked });
    return held === undefined ? detail : `${detail}; ${held}`;
  }

  async #tiles(treeSize: number, roots: Uint8Array, checkpoint: VerifiedCheckpoint | undefined, files: Step, step: Step): Promise<string> {
    const upper = await this.#readAbove(treeSize);
    verifyUpperTiles(treeSize, roots, upper, (problem) => step.problems.add(problem));
    if (checkpoint && treeSize > 0) {
      const read = await this.#reader(tilesForRoot(treeSize));
      if (!equalBytes(rootFromTiles(treeSize, read), checkpoint.root)) {
        step.problems.add({
          code: 'root_wrong',
          where: this.#where('checkpoint'),
          message: `the tiles of size ${treeSize} do not make the root that was signed`,
        });
      }
    }
    step.problems.merge({ list: files.problems.list(), count: files.problems.count });
    step.notChecked.push(...files.notChecked);
    return checkpoint ? `${files.detail} make the root that was signed` : `${files.detail} fit each other`;
  }

  /** The log's files: each has a place in the tree. */
  async #files(treeSize: number, step: Step): Promise<string> {
    const { tiles, store, listTiles } = this.#parts;
    if (!listTiles) return 'the tiles';
    let files = 0;
    const { log } = this.#options;
    const parts = { log, treeSize, tiles, ...(store ? { committed: async () => (await store.readState()).treeSize } : {}) };
    for await (const path of listTiles(log)) {
      files++;
      await verifyTileFile(path, { ...parts, where: this.#where(path) }, step);
    }
    return `${files} files`;
  }

  /** The name of one of the log's files, as someone would look for it. */
  #where(path: string): string {
    return this.#parts.store ? `logs/${this.#options.log}/${path}` : path;
  }

  async #vault(store: StoreParts, step: Step): Promise<string> {
    let tokens = 0;
    for await (const one of store.verifyVault()) {
      if ('tokens' in one) tokens = one.tokens;
      else step.problems.add(one);
    }
    return `${tokens} tokens open, and are what they commit to`;
  }

  /** A reader of these tiles, read beforehand: the log's functions are synchronous. */
  async #reader(tiles: readonly TileName[]): Promise<TileReader> {
    const bytes = new Map<string, Uint8Array>();
    for (const tile of tiles) {
      const found = await readTile(this.#parts.tiles, this.#options.log, tile);
      if (found) bytes.set(`${tile.level}/${tile.index}`, found);
    }
    return (level, index) => bytes.get(`${level}/${index}`);
  }

  /** Every tile of level 1 and above: one for 65,536 leaves, so they may all be in memory. */
  async #readAbove(treeSize: number): Promise<TileReader> {
    const tiles: TileName[] = [];
    for (let level = 1, span = tileWidthMax; Math.floor(treeSize / span) > 0; level++, span *= tileWidthMax) {
      for (let index = 0; tileWidth(level, index, treeSize) > 0; index++) tiles.push({ level, index, width: tileWidth(level, index, treeSize) });
    }
    const bytes = new Map<string, Uint8Array>();
    for (const tile of tiles) {
      const found = await readTile(this.#parts.tiles, this.#options.log, tile);
      if (found) bytes.set(`${tile.level}/${tile.index}`, found);
    }
    return (level, index) => bytes.get(`${level}/${index}`);
  }
}

/** Opens a checkpoint; an error names the file. */
function openAt(where: string, note: string | Uint8Array, vkey: string, origin: string): VerifiedCheckpoint {
  try {
    return openCheckpoint(note, createTrust([vkey], { origin }));
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    throw new VeiltrailError(error.code, `${where}: ${error.message}`, { ...error.detail, where }, { cause: error });
  }
}
