/** Witnesses for all logs of an installation, by one policy: which logs it is about, what a missing quorum means, and figures about it. */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { judgeQuorum, parseWitnessPolicy, type WitnessPolicy } from '../log/witness-policy.ts';
import type { Growth } from '../verify/growth.ts';
import { type AskWitness, checkWitnessUrl } from './ask-witness.ts';
import { type Fork, LogWitnesses, type WitnessFigures, type WitnessTimes, witnessTimes } from './log-witnesses.ts';

/**
 * What a missing quorum means: `flag`, it is shown and nothing waits; `require`, checkpoints and receipts are given out when their quorum is
 * there, and a sender waits for it.
 */
export const witnessModes = ['flag', 'require'] as const;
export type WitnessMode = (typeof witnessModes)[number];

export interface WitnessSettings {
  policy: WitnessPolicy;
  mode: WitnessMode;
}

/** A fork that was seen, until somebody has decided about it. */
export interface KnownFork extends Fork {
  log: string;
  /** RFC 3339. */
  at: string;
  /** Its event is on record. */
  told?: boolean;
  /** By whom, and when, the witness was passed over; and whether the event of that is on record. */
  acknowledged?: { by: string; at: string; told?: boolean };
}

export interface WitnessesParts {
  settings: WitnessSettings;
  ask: AskWitness;
  vkeysOf(log: string): readonly string[];
  growth(log: string, before: number, after: number): Promise<Growth>;
  keep(log: string, note: string): Promise<void>;
  /** On record, and the log stopped, when it returns. */
  alarm(log: string, fork: Fork): Promise<void>;
  /** Forks that were seen before. */
  forks(): readonly KnownFork[];
  clock: Clock;
  after(ms: number, run: () => void): () => void;
  times?: Partial<WitnessTimes>;
  /** What a sender waits for a quorum at the most [10,000]. */
  waitMs?: number;
}

interface PublishedSize {
  treeSize: number;
  checkpoint: string;
}

/** A log without its quorum for longer than this is told of. */
const graceMs = 30_000;
const waitMsDefault = 10_000;

/** @throws VeiltrailError `witness_policy` for URLs that are none, and in the mode `require` for a quorum that these witnesses cannot make */
export function readWitnessSettings(policyText: string | Uint8Array, mode: WitnessMode): WitnessSettings {
  const policy = parseWitnessPolicy(policyText);
  const asked = policy.witnesses.filter(({ url }) => url !== undefined);
  for (const { name, url } of asked) checkWitnessUrl(name, url as string);
  const all = asked.map(({ verifier }) => ({ name: verifier.name, keyId: verifier.keyId, signature: new Uint8Array(72) }));
  if (mode === 'require' && !judgeQuorum(policy, all).met) {
    throw new VeiltrailError('witness_policy', 'the quorum can never be there: too few of its witnesses have a URL');
  }
  return { policy, mode };
}

/** What is missing, in sentences. */
export interface WitnessTroubles {
  /** Logs into which no events are taken. */
  stopped: { log: string; reason: string }[];
  /** What keeps no events from being taken. */
  flagged: string[];
}

export function forkReason(log: string, witness: string): string {
  return `log ${log}: witness ${witness} holds another history; nothing is published until an administrator decides`;
}

export class Witnesses {
  readonly #parts: WitnessesParts;
  readonly #logs = new Map<string, LogWitnesses>();
  #closed = false;

  constructor(parts: WitnessesParts) {
    this.#parts = parts;
  }

  get mode(): WitnessMode {
    return this.#parts.settings.mode;
  }

  /** Verifier keys of the policy's witnesses. */
  get vkeys(): string[] {
    return this.#parts.settings.policy.witnesses.map(({ vkey }) => vkey);
  }

  /** Takes note of what was published, and asks soon. */
  published(log: string, newest: PublishedSize, cosigned?: PublishedSize): void {
    this.#of(log)?.published(newest, cosigned);
  }

  /** Whether the policy is about a log: it names none, or this one. */
  isAbout(log: string): boolean {
    const { logs } = this.#parts.settings.policy;
    if (logs.length === 0) return true;
    const vkeys = this.#parts.vkeysOf(log);
    return logs.some(({ vkey }) => vkeys.includes(vkey));
  }

  /** Whether checkpoints of a log are given out with their quorum only. */
  isRequired(log: string): boolean {
    return this.mode === 'require' && this.#parts.settings.policy.quorum !== undefined && this.isAbout(log);
  }

  /**
   * Waits for the quorum of a checkpoint of at least that size, where the policy requires one.
   * @returns the checkpoint with its quorum, or undefined where none is required
   * @throws VeiltrailError `not_witnessed`, `history_forked`
   */
  async require(log: string, treeSize: number): Promise<PublishedSize | undefined> {
    if (!this.isRequired(log)) return undefined;
    const witnesses = this.#of(log);
    const there = await witnesses?.until(treeSize, this.#parts.waitMs ?? waitMsDefault);
    if (there && witnesses?.witnessed) return witnesses.witnessed;
    if (witnesses?.isForked || this.forkOf(log)) throw new VeiltrailError('history_forked', 'a witness holds another history of this log');
    throw new VeiltrailError(
      'not_witnessed',
      'the events are stored, and not enough witnesses have cosigned them yet; sending them again with the same ids is safe',
    );
  }

  /** Tree size up to which there is a quorum; undefined for a log that the policy is not about. */
  witnessedSize(log: string): number | undefined {
    return this.#logs.get(log)?.witnessedSize;
  }

  figuresOf(log: string): LogWitnessFigures | undefined {
    const of = this.#logs.get(log);
    if (!of) return undefined;
    return { witnessedSize: of.witnessedSize, behindSinceMs: of.behindSinceMs, forked: this.forkOf(log) !== undefined, witnesses: of.figures() };
  }

  /** A fork of a log about which nobody has decided. */
  forkOf(log: string): KnownFork | undefined {
    return this.#parts.forks().find((one) => one.log === log && one.acknowledged === undefined);
  }

  /** Sentences on what is missing; those of `blocking` keep events from being taken. */
  troubles(): WitnessTroubles {
    const stopped: WitnessTroubles['stopped'] = [];
    const flagged: string[] = [];
    for (const [log, of] of this.#logs) {
      const fork = this.forkOf(log);
      if (fork) stopped.push({ log, reason: forkReason(log, fork.witness) });
      else if (of.behindSinceMs !== undefined && this.#parts.clock.now() - of.behindSinceMs > graceMs) {
        const sentence = `log ${log}: unwitnessed from leaf ${of.witnessedSize} since ${new Date(of.behindSinceMs).toISOString()}`;
        if (this.isRequired(log)) stopped.push({ log, reason: sentence });
        else flagged.push(sentence);
      }
    }
    return { stopped, flagged };
  }

  /** Logs of which something is published without its quorum; those of which a witness holds another history are another matter. */
  behind(): { log: string; witnessedSize: number; sinceMs: number }[] {
    return [...this.#logs].flatMap(([log, { witnessedSize, behindSinceMs: sinceMs }]) =>
      sinceMs === undefined || this.forkOf(log) ? [] : [{ log, witnessedSize, sinceMs }],
    );
  }

  /** Begins anew for a log, after somebody decided about a fork. */
  restart(log: string, newest: PublishedSize, cosigned?: PublishedSize): void {
    this.#logs.get(log)?.stop();
    this.#logs.delete(log);
    this.published(log, newest, cosigned);
  }

  close(): void {
    this.#closed = true;
    for (const of of this.#logs.values()) of.stop();
  }

  #of(log: string): LogWitnesses | undefined {
    const known = this.#logs.get(log);
    if (known || this.#closed || !this.isAbout(log)) return known;
    const { ask, clock, times, settings } = this.#parts;
    const ports = {
      ask,
      growth: (before: number, now: number) => this.#parts.growth(log, before, now),
      keep: (note: string) => this.#parts.keep(log, note),
      alarm: (fork: Fork) => this.#parts.alarm(log, fork),
      clock,
      after: (ms: number, run: () => void) => this.#parts.after(ms, run),
      chance: Math.random,
    };
    const forks = this.#parts.forks().filter((one) => one.log === log);
    const made = new LogWitnesses(settings.policy, ports, { ...witnessTimes, ...times }, new Set(forks.map(({ vkey }) => vkey)));
    if (this.forkOf(log)) made.stop();
    this.#logs.set(log, made);
    return made;
  }
}

export interface LogWitnessFigures {
  /** Leaves below this one are under a checkpoint that has its quorum. */
  witnessedSize: number;
  /** Since when something is published without a quorum. */
  behindSinceMs: number | undefined;
  /** A witness holds another history, and nobody has decided about it. */
  forked: boolean;
  witnesses: WitnessFigures[];
}
