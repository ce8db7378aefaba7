/**
 * The witnesses of one log: asks them to cosign its newest checkpoint, in rounds. A round is about one checkpoint, asks every witness that is
 * free and not backing off, and ends when the quorum is there or everybody has answered or failed. Rounds begin at most every second, however
 * often the log is published; publication never waits for them.
 *
 * A witness that was asked before and still holds a smaller tree is caught up with a consistency proof. One that holds a larger tree than was
 * ever published here, or refuses one that the tiles prove to have grown, has seen another history: that is an alarm, and all asking stops.
 */
import type { Clock } from '../core/clock.ts';
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { formatAddCheckpoint, parseSignatureLines, parseSizeAnswer } from '../log/add-checkpoint.ts';
import { parseCheckpointText } from '../log/checkpoint.ts';
import { formatNote, type NoteSignature, parseNote } from '../log/note.ts';
import { verifyConsistency } from '../log/tree.ts';
import { judgeQuorum, type PolicyWitness, type WitnessPolicy } from '../log/witness-policy.ts';
import type { Growth } from '../verify/growth.ts';
import type { AskWitness } from './ask-witness.ts';

/** A witness holds another history. */
export interface Fork {
  witness: string;
  vkey: string;
  /** `ahead`: it cosigned a larger tree than was ever published here; `refused`: it cosigned a tree that this one does not grow from. */
  kind: 'ahead' | 'refused';
  /** Tree size that the witness holds. */
  witnessSize: number;
  /** What it was asked to cosign. */
  checkpoint: string;
}

export interface LogWitnessPorts {
  ask: AskWitness;
  /** Between two sizes that were published. @throws VeiltrailError where tiles are missing or do not fit */
  growth(before: number, after: number): Promise<Growth>;
  /** Keeps and publishes a checkpoint with its cosignatures. */
  keep(note: string): Promise<void>;
  /** Nothing more is published when it returns. */
  alarm(fork: Fork): Promise<void>;
  clock: Clock;
  /** Calls `run` once, after that time; the answer cancels it. */
  after(ms: number, run: () => void): () => void;
  /** From 0 to 1: spreads those who would all come back at once. */
  chance(): number;
}

export interface WitnessTimes {
  /** Between the beginnings of two rounds [1,000]. */
  everyMs: number;
  /** Before a failing witness is asked again; doubles each time [1,000]. */
  backOffMs: number;
  /** And no longer than this [300,000]. */
  backOffMsMax: number;
  /** A witness that is ahead of us is asked once more after this time, before it is an alarm [1,000]. */
  confirmMs: number;
  /** A log at rest is cosigned again this often, so that its newest cosignature says something about today [21,600,000]. */
  refreshMs: number;
}

export const witnessTimes: WitnessTimes = { everyMs: 1_000, backOffMs: 1_000, backOffMsMax: 300_000, confirmMs: 1_000, refreshMs: 6 * 3_600_000 };

export interface WitnessFigures {
  name: string;
  /** Tree size of its newest cosignature here; undefined before the first. */
  treeSize: number | undefined;
  cosignedAtMs: number | undefined;
  cosignatures: number;
  failures: number;
  /** Why the last request failed, while it is the last. */
  error: string | undefined;
}

interface PublishedCheckpoint {
  treeSize: number;
  checkpoint: string;
}

interface WitnessState {
  readonly witness: PolicyWitness;
  /** Tree size that it cosigned last, as far as is known. */
  knownSize: number;
  busy: boolean;
  /** One after the other, without a success in between. */
  failed: number;
  notBeforeMs: number;
  /** Its cosignature of the newest round it took part in. */
  cosigned: { treeSize: number; atMs: number } | undefined;
  cosignatures: number;
  failures: number;
  error: string | undefined;
}

interface Waiter {
  treeSize: number;
  settle: (there: boolean) => void;
}

const triesMax = 3;

export class LogWitnesses {
  readonly #policy: WitnessPolicy;
  readonly #ports: LogWitnessPorts;
  readonly #times: WitnessTimes;
  readonly #witnesses: WitnessState[];
  /** As `quorum none` is: cosignatures are gathered, and none is missing. */
  readonly #isMetByNobody: boolean;
  #newest: PublishedCheckpoint | undefined;
  /** The newest checkpoint that has its quorum. */
  #witnessed: PublishedCheckpoint | undefined;
  #witnessedAtMs = 0;
  /** Since when something is published without a quorum. */
  #behindSinceMs: number | undefined;
  /** Cosignatures of the checkpoint that the newest round is about; those of rounds before of the same size count too. */
  #lines = { treeSize: -1, of: new Map<WitnessState, NoteSignature>() };
  #roundAtMs = Number.NEGATIVE_INFINITY;
  #inRound = false;
  #cancelRound: (() => void) | undefined;
  readonly #waiters: Waiter[] = [];
  #stopped = false;
  #isForked = false;

  /** @param passedOver verifier keys of witnesses that are not asked any more, since somebody decided against them */
  constructor(policy: WitnessPolicy, ports: LogWitnessPorts, times: WitnessTimes, passedOver: ReadonlySet<string>) {
    this.#policy = policy;
    this.#ports = ports;
    this.#times = times;
    this.#isMetByNobody = judgeQuorum(policy, []).met;
    this.#witnesses = policy.witnesses
      .filter(({ url, vkey }) => url !== undefined && !passedOver.has(vkey))
      .map((witness) => ({
        witness,
        knownSize: 0,
        busy: false,
        failed: 0,
        notBeforeMs: Number.NEGATIVE_INFINITY,
        cosigned: undefined,
        cosignatures: 0,
        failures: 0,
        error: undefined,
      }));
  }

  /** Tree size of the newest checkpoint that has its quorum; 0 before the first. */
  get witnessedSize(): number {
    return this.#witnessed?.treeSize ?? 0;
  }

  /** The newest checkpoint that has its quorum. */
  get witnessed(): PublishedCheckpoint | undefined {
    return this.#witnessed;
  }

  get behindSinceMs(): number | undefined {
    return this.#behindSinceMs;
  }

  figures(): WitnessFigures[] {
    return this.#witnesses.map(({ witness, cosigned, cosignatures, failures, error }) => ({
      name: witness.name,
      treeSize: cosigned?.treeSize,
      cosignedAtMs: cosigned?.atMs,
      cosignatures,
      failures,
      error,
    }));
  }

  /** What was published, with the newest that was cosigned before, as a start finds them. Its cosignatures are judged anew: policies change. */
  published(newest: PublishedCheckpoint, cosigned?: PublishedCheckpoint): void {
    if (cosigned && (this.#witnessed?.treeSize ?? -1) < cosigned.treeSize) this.#judge(cosigned, this.#ports.clock.now());
    if (this.#newest && newest.treeSize <= this.#newest.treeSize) return;
    this.#newest = newest;
    if (!this.#isMetByNobody && this.#witnessed?.treeSize !== newest.treeSize) this.#behindSinceMs ??= this.#ports.clock.now();
    this.#schedule();
  }

  /** Resolves when a checkpoint of at least that size has its quorum: true, or false when it takes longer. */
  until(treeSize: number, timeoutMs: number): Promise<boolean> {
    if (this.witnessedSize >= treeSize) return Promise.resolve(true);
    if (this.#stopped) return Promise.resolve(false);
    return new Promise((resolve) => {
      const cancel = this.#ports.after(timeoutMs, () => waiter.settle(false));
      const waiter: Waiter = {
        treeSize,
        settle: (there) => {
          cancel();
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
          resolve(there);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  /** Whether it stopped because a witness holds another history: known here before the log has halted and the fork is on record. */
  get isForked(): boolean {
    return this.#isForked;
  }

  /** Asks nobody any more. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRound?.();
    for (const { settle } of this.#waiters.slice()) settle(false);
  }

  #schedule(): void {
    if (this.#stopped || this.#inRound || this.#witnesses.length === 0 || !this.#newest) return;
    const next = this.#nextRoundMs();
    if (next === undefined) return;
    this.#cancelRound?.();
    this.#cancelRound = this.#ports.after(Math.max(0, next - this.#ports.clock.now()), () => {
      this.#cancelRound = undefined;
      void this.#round();
    });
  }

  /** When the next round may begin: of a size that was not cosigned by all, as soon as somebody may be asked; of one that was, for its age. */
  #nextRoundMs(): number | undefined {
    const earliest = this.#roundAtMs + this.#times.everyMs;
    const due = this.#witnesses.filter((one) => !one.busy && this.#isDue(one));
    if (due.length > 0) return Math.max(earliest, Math.min(...due.map(({ notBeforeMs }) => notBeforeMs)));
    if (this.#witnesses.some(({ busy }) => busy)) return undefined;
    return Math.max(earliest, Math.min(...this.#witnesses.map(({ cosigned }) => cosigned?.atMs ?? 0)) + this.#times.refreshMs);
  }

  #isDue({ cosigned }: WitnessState): boolean {
    return cosigned?.treeSize !== this.#newest?.treeSize || this.#ports.clock.now() - (cosigned?.atMs ?? 0) >= this.#times.refreshMs;
  }

  async #round(): Promise<void> {
    const target = this.#newest as PublishedCheckpoint;
    const now = this.#ports.clock.now();
    this.#roundAtMs = now;
    this.#inRound = true;
    const asked = this.#witnesses.filter((one) => !one.busy && one.notBeforeMs <= now && this.#isDue(one));
    if (this.#lines.treeSize !== target.treeSize) this.#lines = { treeSize: target.treeSize, of: new Map() };
    const lines = this.#lines.of;
    await new Promise<void>((resolve) => {
      let waiting = asked.length;
      if (waiting === 0) resolve();
      for (const state of asked) {
        void this.#askInRound(state, target, lines, now).then((met) => {
          if (--waiting === 0 || met) resolve();
          // Of a round that ended before: it may be asked in the next.
          if (!this.#inRound) this.#schedule();
        });
      }
    });
    this.#inRound = false;
    this.#schedule();
  }

  /** @returns whether the round has its quorum now */
  async #askInRound(state: WitnessState, target: PublishedCheckpoint, lines: Map<WitnessState, NoteSignature>, roundAtMs: number): Promise<boolean> {
    state.busy = true;
    try {
      const line = await this.#ask(state, target);
      if (!line || this.#stopped) return false;
      lines.set(state, line);
      const { text, signatures } = parseNote(target.checkpoint);
      const own = signatures.filter(
        ({ name, keyId }) => !this.#policy.witnesses.some(({ verifier }) => verifier.name === name && verifier.keyId === keyId),
      );
      const known = this.#witnessed?.treeSize === target.treeSize ? parseNote(this.#witnessed.checkpoint).signatures : signatures;
      const kept = known.filter((one) => !own.some((other) => isOf(one, other)) && ![...lines.values()].some((other) => isOf(one, other)));
      const note = formatNote({ text, signatures: [...own, ...lines.values(), ...kept] });
      if (!judgeQuorum(this.#policy, parseNote(note).signatures).met || target.treeSize < this.witnessedSize) return false;
      await this.#ports.keep(note);
      this.#judge({ treeSize: target.treeSize, checkpoint: note }, roundAtMs);
      return true;
    } catch (error) {
      this.#fail(state, error instanceof VeiltrailError ? error.code : 'internal');
      return false;
    } finally {
      state.busy = false;
    }
  }

  /** Takes note of a checkpoint with cosignatures that were verified. */
  #judge(cosigned: PublishedCheckpoint, atMs: number): void {
    const { text, signatures } = parseNote(cosigned.checkpoint);
    const verified = signatures.filter((one) => {
      const witness = this.#policy.witnesses.find(({ verifier }) => isOf(one, verifier));
      return witness?.verifier.verify(text, one.signature);
    });
    for (const state of this.#witnesses) {
      if (verified.some((one) => isOf(one, state.witness.verifier))) state.knownSize = Math.max(state.knownSize, cosigned.treeSize);
    }
    if (!judgeQuorum(this.#policy, verified).met) return;
    this.#witnessed = cosigned;
    this.#witnessedAtMs = atMs;
    // What was published since the round began is witnessed by none yet.
    const isBehind = !this.#isMetByNobody && this.#newest !== undefined && this.#newest.treeSize !== cosigned.treeSize;
    this.#behindSinceMs = isBehind ? this.#witnessedAtMs : undefined;
    for (const { treeSize, settle } of this.#waiters.slice()) if (treeSize <= cosigned.treeSize) settle(true);
  }

  /** The witness's cosignature of the target; undefined when it has seen a newer checkpoint of ours already. @throws VeiltrailError when it failed */
  async #ask(state: WitnessState, target: PublishedCheckpoint): Promise<NoteSignature | undefined> {
    let wasAhead = false;
    for (let tries = 0; tries < triesMax; tries++) {
      if (state.knownSize > target.treeSize) return undefined;
      const oldSize = state.knownSize;
      const reply = await this.#ports.ask(state.witness.url as string, await this.#request(oldSize, target));
      if (reply.status === 200) return this.#takeCosignature(state, target, reply.body);
      // Nothing can be inconsistent with nothing: a 422 then is a mistake of the witness.
      if (reply.status === 422 && oldSize > 0) return this.#alarm(state, 'refused', oldSize, target);
      if (reply.status !== 409) {
        if (reply.retryAfterMs !== undefined) state.notBeforeMs = this.#ports.clock.now() + reply.retryAfterMs;
        throw new VeiltrailError(failureCodes[reply.status] ?? 'witness_answer', `the witness answered ${reply.status}`);
      }
      const size = parseSizeAnswer(reply.body);
      if (size === undefined || size === oldSize)
        throw new VeiltrailError('witness_answer', 'the witness answered 409 without a size that explains it');
      if (size > (this.#newest?.treeSize ?? 0)) {
        // It may have been shown what was published this moment, by somebody who was faster than we.
        if (wasAhead) return this.#alarm(state, 'ahead', size, target);
        wasAhead = true;
        await new Promise<void>((resolve) => this.#ports.after(this.#times.confirmMs, resolve));
        continue;
      }
      state.knownSize = size;
    }
    throw new VeiltrailError('witness_answer', 'the witness holds another size each time');
  }

  /** @throws VeiltrailError `tile_missing` and the like when our own tiles do not prove what is asked */
  async #request(oldSize: number, { treeSize, checkpoint }: PublishedCheckpoint): Promise<string> {
    if (oldSize === 0 || oldSize === treeSize) return formatAddCheckpoint({ oldSize, proof: [], checkpoint });
    const { proof, rootBefore, rootAfter } = await this.#ports.growth(oldSize, treeSize);
    // Checked here, so that a refusal means another history there, and not a damaged tile here.
    verifyConsistency(oldSize, treeSize, rootBefore, rootAfter, proof);
    if (!equalBytes(rootAfter, parseCheckpointText(parseNote(checkpoint).text).root))
      throw new VeiltrailError('root_wrong', 'the tiles do not make the root that was signed');
    return formatAddCheckpoint({ oldSize, proof, checkpoint });
  }

  #takeCosignature(state: WitnessState, { treeSize, checkpoint }: PublishedCheckpoint, body: string): NoteSignature {
    const { verifier } = state.witness;
    const { text } = parseNote(checkpoint);
    const line = parseSignatureLines(body).find((one) => isOf(one, verifier));
    if (!line || !verifier.verify(text, line.signature))
      throw new VeiltrailError('witness_answer', 'the answer is no cosignature of this checkpoint');
    state.knownSize = treeSize;
    state.failed = 0;
    state.error = undefined;
    state.notBeforeMs = Number.NEGATIVE_INFINITY;
    state.cosigned = { treeSize, atMs: this.#ports.clock.now() };
    state.cosignatures++;
    return line;
  }

  async #alarm(state: WitnessState, kind: Fork['kind'], witnessSize: number, { checkpoint }: PublishedCheckpoint): Promise<undefined> {
    if (this.#stopped) return undefined;
    this.#isForked = true;
    this.stop();
    this.#fail(state, 'history_forked');
    const { name, vkey } = state.witness;
    await this.#ports.alarm({ witness: name, vkey, kind, witnessSize, checkpoint });
    return undefined;
  }

  #fail(state: WitnessState, error: string): void {
    const { backOffMs, backOffMsMax } = this.#times;
    const waitMs = Math.min(backOffMsMax, backOffMs * 2 ** Math.min(30, state.failed)) * (0.5 + this.#ports.chance() / 2);
    state.failed++;
    state.failures++;
    state.error = error;
    state.notBeforeMs = Math.max(state.notBeforeMs, this.#ports.clock.now() + waitMs);
  }
}

/** What a refusal of a witness means. */
const failureCodes: Readonly<Record<number, string>> = {
  403: 'witness_refused_key',
  404: 'witness_log_unknown',
  429: 'witness_busy',
};

function isOf(one: { name: string; keyId: number }, other: { name: string; keyId: number }): boolean {
  return one.name === other.name && one.keyId === other.keyId;
}
