/**
 * Removing for good: what is removed, and how. Records stay entries in their log; what they said goes.
 *
 * 1. **Decided.** What goes exactly is found out: leaves that are there, values that are there. Where tokens go, no batch is under way meanwhile
 *    that could bear one of them and be missed. Holds are asked. Then it is written down (`removal.json`): from here on it is carried out, by the next
 *    start if need be, and before it nothing has happened.
 * 2. **Tokens.** Their rows in the vault are destroyed, and only then is anything appended again: the same value gets another token.
 * 3. **Tombstones** are appended to every log that loses something, and to the server's own where tokens went.
 * 4. **New keys.** A new root is durable; buckets of which something goes get new keys.
 * 5. **Records** of those buckets are written anew, without what goes, under the new keys; ids by which a guess could be checked are forgotten,
 *    and so are opened records in every thread, and partitions of the index.
 * 6. **Old keys** are dropped, the old root is destroyed, write-ahead logs are emptied. Now nobody has it any more who has all keys that are left,
 *    and whatever copies of the disk.
 * 7. The journal is destroyed.
 *
 * Each step may be done again. docs/decisions/0022-removal.md says why it is done so.
 */
import { setTimeout as setTimeoutPromise } from 'node:timers/promises';
import type { GoneRecords } from '../alerts/alert-book.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { Random } from '../core/random.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { RecordReader } from '../ledger/reader.ts';
import type { RecordEdits } from '../ledger/rewrite.ts';
import { redactRecord } from '../log/redacted-record.ts';
import { partitionLeaves } from '../search/index-format.ts';
import type { JournalFile } from '../storage/files/journal-file.ts';
import { bucketLeaves } from '../storage/record-store.ts';
import { isRefusal } from '../storage/storage-error.ts';
import type { ErasedTokens } from '../vault/erasure.ts';
import type { Vault } from '../vault/vault.ts';
import { formatTombstone, type Tombstone } from '../verify/tombstone.ts';
import { findBearers } from './find-bearers.ts';
import { mergeRanges, rangesHold, rangesOf, withoutLeaves } from './leaf-ranges.ts';
import { formatJournal, formatTombstoneLeaves, type LogRemoval, parseJournal, parseTombstoneLeaves, type RemovalJournal } from './removal-journal.ts';
import {
  base32,
  checkRemoval,
  countsOf,
  type Decided,
  editsIn,
  editsOf,
  type FoundLeaves,
  leavesIn,
  type ResolvedLog,
  resolvedRemoval,
  slices,
  spansOf,
} from './removal-edits.ts';
import { LeafReader, resolveFields } from './resolve-removal.ts';

/**
 * - `erase`: tokens are unlinked from their values, and records destroyed;
 * - `unlink`: tokens only, the records stay;
 * - `redact`: values of records;
 * - `expire`: records whose time has come.
 */
export type RemovalOperation = 'erase' | 'unlink' | 'redact' | 'expire';

/** Whole records of a log. */
export interface RemovedRecords {
  log: string;
  /** Half open, ascending, apart from each other. */
  ranges: readonly (readonly [from: number, to: number])[];
}

/** Values of one record. */
export interface RemovedFields {
  log: string;
  leafIndex: number;
  /** Of fields as committed (RFC 6901). */
  pointers: readonly string[];
  /** The pointers are personal too: they are destroyed with their values. */
  hidePointers?: boolean;
}

export interface Removal {
  operation: RemovalOperation;
  /** Vault rows to destroy (`erase`, `unlink`): tokens as records have them. */
  tokens?: readonly string[];
  /**
   * What becomes of records that bear one of the tokens: destroyed, or left. Found under the barrier, so that none is missed that is on its way.
   * [`records` for `erase`, else `nothing`]
   */
  bearing?: 'records' | 'nothing';
  /** The logs whose records are looked through for the tokens. [all] */
  logs?: readonly string[];
  records?: readonly RemovedRecords[];
  fields?: readonly RemovedFields[];
  /** A stable code or a legal basis; never personal. */
  reason: string;
  /** The principal. */
  by: string;
  request?: { id: string; digest: string; approvals: JsonValue[] };
}

/** A removal with everything in it named: what holds are asked about, and what is carried out. */
export interface ResolvedRemoval extends Omit<Removal, 'tokens' | 'records' | 'fields' | 'bearing' | 'logs'> {
  /** `rem_` and 26 characters. */
  id: string;
  tokens: readonly string[];
  records: readonly RemovedRecords[];
  fields: readonly RemovedFields[];
}

export interface RemovalResult {
  id: string;
  tombstones: { log: string; leafIndex: number }[];
  /** Vault rows destroyed. */
  tokens: number;
  records: number;
  fields: number;
}

/** Asked before anything is destroyed: the name of the hold that forbids it. */
export type IsHeld = (removal: ResolvedRemoval) => string | undefined | Promise<string | undefined>;

/** What is busy is tried again so often, so long apart. */
const busyTrials = 20;
const busyMs = 250;
/** A removal that could not be finished is gone on with after this long. */
const resumeMs = 30_000;

export interface RemovalParts {
  journal: JournalFile;
  vault: Pick<Vault, 'keyVersions' | 'statesOf' | 'eraseTokens' | 'renewKeys' | 'finishErasure' | 'addTombstones' | 'tombstones'>;
  ledger: Pick<Ledger, 'rewrite' | 'forgetIds' | 'scrub'>;
  /** Rewrites what is in segments; gone from them when it returns. May be called again. */
  rewriteSegments(log: string, edits: RecordEdits): Promise<void>;
  reader: Pick<RecordReader, 'openChunkFrom'>;
  /** Every log, as far as it is committed. */
  logs(): Promise<{ log: string; origin: string; treeSize: number }[]>;
  /** The log of the server itself: there when it returns. */
  openSystemLog(): Promise<string>;
  /** Appends records of the server's own; a repetition gives the leaves that the first call gave. */
  appendTombstones(log: string, tombstones: readonly { id: string; action: string; tombstone: JsonObject }[]): Promise<number[]>;
  /**
   * Runs work while no batch is under way between being given its tokens and being committed, and forgets every token that is held ready before
   * any other is processed.
   */
  whileNothingIsAppended: <T>(work: () => Promise<T>) => Promise<T>;
  /** Forgets opened records of a log, in every thread. */
  forgetRecords(log: string): Promise<void>;
  /** Forgets alerts about them, on the disk, too. @throws VeiltrailError `storage_busy`: again */
  forgetAlerts(gone: GoneRecords): void;
  /** Nothing of them that an export has opened is on its way to anybody when it resolves. */
  forgetExported(gone: GoneRecords): Promise<void>;
  /** Makes the index forget leaves. @throws VeiltrailError `storage_busy`: again */
  forgetTerms(log: string, from: number, to: number): Promise<void>;
  /** Runs work while nobody else makes roots, or moves records. */
  exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  random: Random;
  isHeld?: IsHeld;
  /** Told what kept a removal from being finished; it is gone on with later. */
  onUnfinished?: (error: Error) => void;
}

/** The use case: one removal after the other. */
export class RemoveRecords {
  readonly #parts: RemovalParts;
  #last: Promise<unknown> = Promise.resolve();
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  /** See `Trail.remove`. */
  remove(removal: Removal): Promise<RemovalResult> {
    return this.#serially(async () => {
      await this.#finish();
      const journal = await this.#begin(removal);
      if (!journal) return { id: this.#newId(), tombstones: [], tokens: 0, records: 0, fields: 0 };
      return this.#carryOut(journal);
    });
  }

  /** Finishes what a crash, or a full disk, left unfinished. @throws VeiltrailError `removal_unfinished`, `removal_journal` */
  async finish(): Promise<void> {
    // Nothing has to stand still at an ordinary start.
    if (this.#parts.journal.read()) await this.#serially(() => this.#finish());
  }

  /** Ends after the removal under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#last;
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(() => this.#parts.exclusively(work));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #finish(): Promise<void> {
    const [line, told] = this.#parts.journal.read() ?? [];
    if (line === undefined) return;
    const journal = parseJournal(line);
    // Nothing shall be appended under a token that is not destroyed yet.
    if (told === undefined && journal.tokens.length > 0) {
      const { vault, whileNothingIsAppended } = this.#parts;
      await this.#unfinishedUnless(() => whileNothingIsAppended(() => vault.eraseTokens(journal.id, journal.tokens)));
    }
    await this.#carryOut(journal);
  }

  /** From here on it is carried out, whatever happens. @returns undefined where there is nothing to remove */
  async #begin(removal: Removal): Promise<RemovalJournal | undefined> {
    checkRemoval(removal);
    const { vault } = this.#parts;
    const tokens = [...new Set(removal.tokens ?? [])];
    const states = await vault.statesOf(tokens);
    if (states.includes('unknown')) throw new VeiltrailError('token_unknown', 'the vault has no such token');
    const id = this.#newId();
    if (tokens.length === 0) return this.#write(removal, { id, tokens, logs: await this.#resolve(removal, []) }, true);
    const bearing = (removal.bearing ?? (removal.operation === 'erase' ? 'records' : 'nothing')) === 'records';
    // Most of it while others go on; then, with nothing on its way any more, what has come meanwhile.
    const found = bearing ? await this.#bearers(removal, tokens, new Map()) : [];
    const first = { id, tokens, logs: await this.#resolve(removal, found) };
    await this.#refuseHeld(removal, first);
    return this.#parts.whileNothingIsAppended(async () => {
      const late = bearing ? await this.#bearers(removal, tokens, new Map(found.map(({ log, to }) => [log, to]))) : [];
      const isSame = late.every(({ ranges }) => ranges.length === 0);
      const decided = isSame ? first : { ...first, logs: await this.#resolve(removal, [...found, ...late]) };
      return this.#write(removal, decided, !isSame);
    });
  }

  async #bearers(removal: Removal, tokens: readonly string[], from: ReadonlyMap<string, number>): Promise<FoundLeaves[]> {
    const set = new Set(tokens);
    const found: FoundLeaves[] = [];
    for (const { log, treeSize } of await this.#parts.logs()) {
      // What the server notes of a token (who revealed it) is not about whoever stands behind it.
      if (removal.logs ? !removal.logs.includes(log) : log.startsWith('_')) continue;
      found.push({ log, to: treeSize, ...(await findBearers(this.#parts.reader, log, from.get(log) ?? 0, treeSize, set)) });
    }
    return found;
  }

  async #refuseHeld(removal: Removal, decided: Decided): Promise<void> {
    const held = await this.#parts.isHeld?.(resolvedRemoval(removal, decided));
    if (held !== undefined) throw new VeiltrailError('removal_held', `the hold ${held} forbids it`, { hold: held });
  }

  /** Once nothing forbids it, it is written down, and begun. @returns undefined where there is nothing to remove */
  async #write(removal: Removal, decided: Decided, askHolds: boolean): Promise<RemovalJournal | undefined> {
    const { vault, journal: file } = this.#parts;
    const { id, tokens } = decided;
    const logs = decided.logs.filter(({ removed, redactions }) => removed.length + redactions.length > 0);
    if (logs.length === 0 && tokens.length === 0) return undefined;
    if (askHolds) await this.#refuseHeld(removal, { id, tokens, logs });
    const { root, generations } = await vault.keyVersions(logs.flatMap(({ log, buckets }) => buckets.map((bucket) => ({ log, bucket }))));
    let at = 0;
    const journal: RemovalJournal = {
      id,
      operation: removal.operation,
      reason: removal.reason,
      by: removal.by,
      ...(removal.request ? { request: removal.request } : {}),
      tokens,
      // A bucket that has no key has no chunks: its records are in segments.
      logs: logs.map(({ buckets, ...log }) => ({
        ...log,
        buckets: buckets.flatMap((bucket) => {
          const generation = generations[at++] as number;
          return generation === 0 ? [] : [{ bucket, generation: generation + 1 }];
        }),
      })),
      rootBefore: root,
      records: logs.reduce((sum, { removed }) => sum + leavesIn(removed), 0),
      fields: logs.reduce((sum, { redactions }) => sum + redactions.reduce((count, one) => count + one.count, 0), 0),
    };
    file.begin(formatJournal(journal));
    if (tokens.length === 0) return journal;
    try {
      // Before anything is appended again: so the same value gets another token from now on.
      await vault.eraseTokens(id, tokens);
    } catch (error) {
      // A refusal has changed nothing: the removal has not begun.
      if (isRefusal(error)) file.destroy();
      throw error;
    }
    return journal;
  }

  /** What of the removal is there. */
  async #resolve(removal: Removal, found: readonly FoundLeaves[]): Promise<ResolvedLog[]> {
    const { reader, vault } = this.#parts;
    const sizes = new Map((await this.#parts.logs()).map(({ log, treeSize }) => [log, treeSize]));
    const tombstones = Map.groupBy(await vault.tombstones(), ({ log }) => log);
    const names = new Set([...found, ...(removal.records ?? []), ...(removal.fields ?? [])].map(({ log }) => log));
    const logs: ResolvedLog[] = [];
    for (const log of [...names].toSorted()) {
      const treeSize = sizes.get(log);
      if (treeSize === undefined) throw new VeiltrailError('removal_invalid', 'there is no such log');
      const leaves = new LeafReader(reader, log);
      const kept = new Set(tombstones.get(log)?.map(({ leafIndex }) => leafIndex));
      let asked: number[] = [];
      for (const { ranges } of (removal.records ?? []).filter((one) => one.log === log)) asked = mergeRanges(asked, ranges.flat());
      if ((asked.at(-1) ?? 0) > treeSize) throw new VeiltrailError('removal_invalid', 'the log has no such leaf', { treeSize });
      let removed = await leaves.present(asked, kept);
      for (const { ranges, buckets } of found.filter((one) => one.log === log)) {
        removed = mergeRanges(removed, withoutLeaves(ranges, kept));
        for (const bucket of buckets) leaves.buckets.add(bucket);
      }
      const redactions: LogRemoval['redactions'] = [];
      let left: { leafIndex: number; packed: Uint8Array } | undefined;
      const fields = (removal.fields ?? []).filter((one) => one.log === log).toSorted((a, b) => a.leafIndex - b.leafIndex);
      for (const one of fields) {
        if (one.leafIndex >= treeSize) throw new VeiltrailError('removal_invalid', 'the log has no such leaf', { treeSize });
        if (rangesHold(removed, one.leafIndex)) continue;
        // Of one leaf, the next finds what the one before leaves.
        const packed: Uint8Array = left?.leafIndex === one.leafIndex ? left.packed : await leaves.packed(one.leafIndex);
        const redaction = packed.length > 0 ? resolveFields(packed, one) : undefined;
        if (!redaction) continue;
        redactions.push(redaction);
        const { leafIndex, pointers, hidePointers } = redaction;
        left = { leafIndex, packed: redactRecord(packed, { pointers: new Set(pointers), hidePointers, tombstone: 0 }) ?? packed };
      }
      logs.push({ log, removed, redactions, buckets: [...leaves.buckets] });
    }
    return logs;
  }

  /** Every step may be done again: a crash after any of them repeats it, and those before it. */
  async #carryOut(journal: RemovalJournal): Promise<RemovalResult> {
    return this.#unfinishedUnless(async () => {
      const { vault, ledger, journal: file } = this.#parts;
      const { id, tokens, logs, rootBefore, records, fields } = journal;
      const erased = await vault.eraseTokens(id, tokens);
      const tombstones = await this.#tombstones(journal, erased);
      const buckets = logs.flatMap(({ log, buckets: of }) => of.map((one) => ({ log, ...one })));
      await vault.renewKeys({ rootBefore, buckets, tokens });
      for (const one of logs) {
        const edits = editsOf(one, tombstones);
        for (const { bucket, generation } of one.buckets)
          await ledger.rewrite({ log: one.log, bucket, generation, edits: editsIn(edits, bucket * bucketLeaves, (bucket + 2) * bucketLeaves) });
        await this.#parts.rewriteSegments(one.log, edits);
        await ledger.forgetIds(one.log, edits);
        await this.#parts.forgetRecords(one.log);
        await this.#forgetTerms(one.log, edits);
      }
      for (const gone of goneRecords(journal)) {
        await this.#parts.forgetExported(gone);
        await whileBusy(async () => this.#parts.forgetAlerts(gone));
      }
      await whileBusy(() => vault.finishErasure(buckets));
      await whileBusy(() => ledger.scrub());
      file.destroy();
      return { id, tombstones, tokens: erased.count, records, fields };
    });
  }

  /** Appends the tombstones, unless they are there: then says where. */
  async #tombstones(journal: RemovalJournal, erased: ErasedTokens): Promise<RemovalResult['tombstones']> {
    const { journal: file, vault } = this.#parts;
    const [, known] = file.read() ?? [];
    const tombstones = known === undefined ? await this.#append(journal, erased) : parseTombstoneLeaves(known);
    if (known === undefined) file.add(formatTombstoneLeaves(tombstones));
    await vault.addTombstones(tombstones.map((one) => ({ ...one, removal: journal.id })));
    return tombstones;
  }

  async #append(journal: RemovalJournal, erased: ErasedTokens): Promise<RemovalResult['tombstones']> {
    const appended: RemovalResult['tombstones'] = [];
    const { id, operation, reason, request, rootBefore } = journal;
    const common = { operation, removal: id, reason, generation: rootBefore + 1, ...(request ? { request } : {}) };
    const append = async (log: string, parts: Pick<Tombstone, 'ranges' | 'fields' | 'tokens'>[]): Promise<void> => {
      const tombstones = parts.map((part, i) => ({
        id: `${id}/${i}`,
        action: `removal.${operation}`,
        tombstone: formatTombstone({ ...common, ...part }),
      }));
      for (const leafIndex of await this.#parts.appendTombstones(log, tombstones)) appended.push({ log, leafIndex });
    };
    const systemLog = erased.count > 0 ? await this.#parts.openSystemLog() : '';
    for (const { log, removed, redactions } of journal.logs) {
      const ranges = slices(removed);
      const fields = slices(countsOf(redactions));
      const parts: Pick<Tombstone, 'ranges' | 'fields' | 'tokens'>[] = Array.from({ length: Math.max(ranges.length, fields.length) }, (_, i) => ({
        ranges: ranges[i] ?? [],
        fields: fields[i] ?? [],
      }));
      if (log === systemLog && parts[0]) parts[0].tokens = erased;
      await append(log, parts);
    }
    if (erased.count > 0 && !journal.logs.some(({ log }) => log === systemLog)) await append(systemLog, [{ ranges: [], fields: [], tokens: erased }]);
    return appended;
  }

  async #forgetTerms(log: string, edits: RecordEdits): Promise<void> {
    const leaves = mergeRanges(edits.removed, rangesOf(edits.redactions.map(({ leafIndex }) => leafIndex)));
    for (const partition of new Set(spansOf(leaves))) {
      await whileBusy(() => this.#parts.forgetTerms(log, partition * partitionLeaves, (partition + 1) * partitionLeaves));
    }
  }

  /** Once it has begun, an error is no refusal: what is left is done later. */
  async #unfinishedUnless<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#parts.onUnfinished?.(error as Error);
      if (!this.#closed) {
        clearTimeout(this.#retry);
        this.#retry = setTimeout(() => void this.finish().catch(() => undefined), resumeMs).unref();
      }
      const cause = (error as VeiltrailError).code ?? 'internal';
      throw new VeiltrailError(
        'removal_unfinished',
        `the removal has begun, and could not be finished yet (${cause}); it is gone on with`,
        { cause },
        { cause: error },
      );
    }
  }

  #newId(): string {
    return `rem_${base32(this.#parts.random.bytes(16))}`;
  }
}

/** What alerts are to forget: of tokens even where no record goes. */
function goneRecords({ logs, tokens }: RemovalJournal): GoneRecords[] {
  const none = { log: '', removed: [], redactions: [] };
  return [none, ...logs].map(({ log, removed, redactions }) => {
    const redacted = new Set(redactions.map(({ leafIndex }) => leafIndex));
    return { log, isRemoved: (leaf) => rangesHold(removed, leaf), isRedacted: (leaf) => redacted.has(leaf), tokens };
  });
}

async function whileBusy(work: () => Promise<void>): Promise<void> {
  for (let trial = 1; ; trial++) {
    try {
      return await work();
    } catch (error) {
      if (trial === busyTrials || (error as VeiltrailError).code !== 'storage_busy') throw error;
      await setTimeoutPromise(busyMs);
    }
  }
}
