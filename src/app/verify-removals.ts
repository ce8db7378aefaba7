/**
 * What is missing from a log against its tombstones: every record and value that is gone must be told of, and nothing that is told of may still be
 * there. While a removal is under way (`removal.json` says so), what it tells of may be there yet.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { JsonValue } from '../core/json.ts';
import type { Problem } from '../verify/problem.ts';
import { parseTombstone, subtractRanges, type Tombstone, Tombstones } from '../verify/tombstone.ts';
import { rangesHold, rangesOf } from './leaf-ranges.ts';

/** What a range of leaves has to say. */
export interface RemovalFacts {
  /** Leaves that have no record. */
  missing: number[];
  /** Leaves whose record is there and was not found to be in order: nothing is said of them here. */
  unproved: number[];
  /** Records that lack values: how many, and the tombstones that they name. */
  redacted: { leafIndex: number; count: number; tombstones: number[] }[];
  /** Members `tombstone` of records that are in order. */
  tombstones: { leafIndex: number; member: JsonValue }[];
}

export interface RemovalChecks {
  /** Removals that are under way, or were when verification began. */
  underWay(): ReadonlySet<string>;
  /** Tombstones of leaves beyond a size: of what was removed while the log was read. */
  tombstonesFrom(treeSize: number): Promise<RemovalFacts['tombstones']>;
  /** Leaves of the log that the vault has down as tombstones, ascending: by them a read is told why a record is gone. */
  markedLeaves(): Promise<number[]>;
  /** What is on record of tokens that a removal destroyed. */
  erasedBy(removal: string): Promise<{ count: number; digest: string }>;
  /** Why the approvals of a request are none; absent where nobody's keys are known. */
  approvalProblem?: (request: NonNullable<Tombstone['request']>) => string | undefined;
}

export class RemovalAccount {
  readonly #tombstones = new Tombstones();
  #missing: number[] = [];
  readonly #unproved = new Set<number>();
  readonly #redacted: RemovalFacts['redacted'] = [];
  readonly #unreadable: { leafIndex: number; message: string }[] = [];

  add({ missing, unproved, redacted, tombstones }: RemovalFacts): void {
    this.#missing.push(...missing);
    for (const leafIndex of unproved) this.#unproved.add(leafIndex);
    this.#redacted.push(...redacted);
    this.#take(tombstones);
  }

  #take(tombstones: RemovalFacts['tombstones']): Tombstone[] {
    const taken: Tombstone[] = [];
    for (const { leafIndex, member } of tombstones) {
      try {
        const tombstone = parseTombstone(member);
        this.#tombstones.add(leafIndex, tombstone);
        taken.push(tombstone);
      } catch (error) {
        if (!(error instanceof VeiltrailError)) throw error;
        this.#unreadable.push({ leafIndex, message: error.message });
      }
    }
    return taken;
  }

  /**
   * Once all of a log is read, up to a size.
   * @returns records that are gone, and records that lack values, each accounted for
   */
  async settle(treeSize: number, report: (problem: Problem) => void, checks: RemovalChecks): Promise<{ erased: number; redacted: number }> {
    const underWay = new Set(checks.underWay());
    const later = await checks.tombstonesFrom(treeSize);
    for (const { removal } of this.#take(later)) underWay.add(removal);
    for (const { leafIndex, message } of this.#unreadable) report(problem(leafIndex, 'tombstone_syntax', message));
    const missing = rangesOf(this.#missing);
    this.#missing = [];
    const told = this.#tombstones.removed();
    const unaccounted = subtractRanges(missing, told);
    for (const leafIndex of leavesOf(unaccounted))
      report(problem(leafIndex, 'record_missing', `the record of leaf ${leafIndex} is missing, and no tombstone says why`));
    const finished = this.#finished(underWay);
    for (const leafIndex of leavesOf(subtractRanges(finished.removed(), missing))) {
      if (this.#unproved.has(leafIndex)) continue;
      report(problem(leafIndex, 'tombstoned_opens', `the record of leaf ${leafIndex} is there, and a tombstone says that it was removed`));
    }
    this.#settleRedacted(told, finished, report);
    await this.#settleTokens(finished, checks, report);
    await this.#settleMarks(finished, treeSize, checks, report);
    return { erased: countOf(missing) - countOf(unaccounted), redacted: this.#redacted.length };
  }

  /** Tombstones of removals that are done. */
  #finished(underWay: ReadonlySet<string>): Tombstones {
    const finished = new Tombstones();
    for (const { leafIndex, tombstone } of this.#tombstones.list()) if (!underWay.has(tombstone.removal)) finished.add(leafIndex, tombstone);
    return finished;
  }

  #settleRedacted(removed: readonly number[], finished: Tombstones, report: (problem: Problem) => void): void {
    const told = this.#tombstones.redacted();
    const namedBy = new Map(this.#tombstones.list().map(({ leafIndex, tombstone }) => [leafIndex, new Set(leavesNamed(tombstone))]));
    const found = new Map<number, number>();
    for (const { leafIndex, count, tombstones } of this.#redacted) {
      found.set(leafIndex, count);
      if (count > (told.get(leafIndex) ?? 0))
        report(
          problem(
            leafIndex,
            'field_unaccounted',
            `the record of leaf ${leafIndex} lacks ${count} values, and tombstones tell of ${told.get(leafIndex) ?? 0}`,
          ),
        );
      else if (!tombstones.every((one) => namedBy.get(one)?.has(leafIndex)))
        report(problem(leafIndex, 'field_unaccounted', `the record of leaf ${leafIndex} names a tombstone that does not tell of it`));
    }
    for (const [leafIndex, count] of finished.redacted()) {
      if (this.#unproved.has(leafIndex) || rangesHold(removed, leafIndex) || (found.get(leafIndex) ?? 0) >= count) continue;
      report(problem(leafIndex, 'tombstoned_opens', `the record of leaf ${leafIndex} has values that a tombstone says were redacted`));
    }
  }

  async #settleMarks(finished: Tombstones, treeSize: number, checks: RemovalChecks, report: (problem: Problem) => void): Promise<void> {
    const marked = new Set((await checks.markedLeaves()).filter((leaf) => leaf < treeSize));
    const known = new Set([...this.#tombstones.list(), ...this.#unreadable].map(({ leafIndex }) => leafIndex));
    for (const { leafIndex } of finished.list()) {
      if (!marked.has(leafIndex))
        report(problem(leafIndex, 'tombstone_mark', `leaf ${leafIndex} is a tombstone, and vault.db does not have it down as one`));
    }
    for (const leafIndex of marked) {
      if (!known.has(leafIndex) && !this.#unproved.has(leafIndex))
        report(problem(leafIndex, 'tombstone_mark', `vault.db has leaf ${leafIndex} down as a tombstone, and it is none`));
    }
  }

  async #settleTokens(finished: Tombstones, checks: RemovalChecks, report: (problem: Problem) => void): Promise<void> {
    for (const { leafIndex, tombstone } of finished.list()) {
      const { tokens, request, removal } = tombstone;
      const erased = tokens && (await checks.erasedBy(removal));
      if (tokens && erased && (erased.count !== tokens.count || erased.digest !== tokens.digest)) {
        const message = `the tombstone of leaf ${leafIndex} tells of ${tokens.count} tokens that nothing opens, and the vault knows ${erased.count} of its removal`;
        report(problem(leafIndex, 'tombstoned_opens', message));
      }
      const wrong = request && checks.approvalProblem?.(request);
      if (wrong !== undefined) report(problem(leafIndex, 'approval_signature', `the tombstone of leaf ${leafIndex}: ${wrong}`));
    }
  }
}

function problem(leafIndex: number, code: string, message: string): Problem {
  return { code, where: `leaf ${leafIndex}`, message, leafIndex };
}

function leavesNamed({ fields }: Tombstone): number[] {
  return fields.filter((_, i) => i % 2 === 0);
}

function* leavesOf(ranges: readonly number[]): Generator<number> {
  for (let i = 0; i < ranges.length; i += 2) for (let leaf = ranges[i] as number; leaf < (ranges[i + 1] as number); leaf++) yield leaf;
}

function countOf(ranges: readonly number[]): number {
  let count = 0;
  for (let i = 0; i < ranges.length; i += 2) count += (ranges[i + 1] as number) - (ranges[i] as number);
  return count;
}
