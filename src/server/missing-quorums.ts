/**
 * Logs that are without their quorum of witnesses for long, and how that is told: once for each time it was missing, over restarts, and that it is
 * over. What is missing for half a minute is kept, so that a server that is started again and again counts on from when it began.
 *
 * It is the same time as long as no larger size has had its quorum: that, and not when a process saw it first, is what a restart leaves as it was.
 */
import type { Clock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';

export interface MissingQuorum {
  log: string;
  /** In milliseconds since 1970. */
  sinceMs: number;
  /** Leaves that have their quorum. */
  witnessedSize: number;
  /** Its event is on record. */
  told?: boolean;
}

export interface MissingQuorumsParts {
  /** Logs of which something is published without its quorum now; none that is stopped. */
  behind(): readonly MissingQuorum[];
  /** A witness holds another history of this log, and nobody has decided: another matter, of which nothing is told here. */
  isForked(log: string): boolean;
  /** Whether an event is on record when it resolves. */
  isTold(event: JsonObject): Promise<boolean>;
  /** Durable when it returns. */
  keep(missing: readonly MissingQuorum[]): void;
  clock: Clock;
  /** After which it is told. */
  lateMs: number;
}

/** What is missing for less is no news, not even to the disk. */
const keptAfterMs = 30_000;

export class MissingQuorums {
  readonly #parts: MissingQuorumsParts;
  readonly #known: Map<string, MissingQuorum>;
  /** Told of, and over. */
  readonly #over = new Set<MissingQuorum>();

  /** @param known what was kept before */
  constructor(parts: MissingQuorumsParts, known: readonly MissingQuorum[]) {
    this.#parts = parts;
    this.#known = new Map(known.map((one) => [one.log, { ...one }]));
  }

  get list(): MissingQuorum[] {
    return [...this.#known.values()];
  }

  /** Takes note of what is missing now, and of what is no more. */
  look(): void {
    const parts = this.#parts;
    const now = new Map(parts.behind().map((one) => [one.log, one]));
    let isChanged = false;
    for (const known of this.#known.values()) {
      const { log, witnessedSize } = known;
      if (parts.isForked(log) || (now.get(log)?.witnessedSize ?? Infinity) <= witnessedSize) continue;
      if (known.told) this.#over.add(known);
      else isChanged = this.#known.delete(log);
    }
    for (const one of now.values()) {
      if (this.#known.has(one.log) || parts.clock.now() - one.sinceMs < Math.min(keptAfterMs, parts.lateMs)) continue;
      this.#known.set(one.log, { ...one });
      isChanged = true;
    }
    if (isChanged) this.#keep();
  }

  /** Looks, and tells what is late or over; what cannot be told is tried again by the next. */
  async tell(): Promise<void> {
    this.look();
    const parts = this.#parts;
    for (const one of this.list) {
      if (this.#over.has(one)) {
        if (!(await parts.isTold(eventOf(one, 'success')))) continue;
        this.#over.delete(one);
        this.#known.delete(one.log);
      } else {
        if (one.told || parts.isForked(one.log) || parts.clock.now() - one.sinceMs <= parts.lateMs) continue;
        if (!(await parts.isTold(eventOf(one, 'failure')))) continue;
        one.told = true;
      }
      this.#keep();
    }
  }

  #keep(): void {
    try {
      this.#parts.keep(this.list);
    } catch {
      // The disk takes no file: after a start it is told again, under the same id.
    }
  }
}

function eventOf({ log, sinceMs, witnessedSize }: MissingQuorum, outcome: 'failure' | 'success'): JsonObject {
  const since = new Date(sinceMs).toISOString();
  return {
    // An event that is told twice must be the same, or its id is refused.
    ...(outcome === 'failure' ? { id: `witness.quorum:${log}:${since}`, time: since } : {}),
    source: 'veiltrail',
    action: 'witness.quorum',
    category: 'integrity',
    outcome,
    severity: outcome === 'failure' ? 4 : 2,
    actor: { type: 'system', id: 'veiltrail' },
    targets: [{ type: 'log', id: log }],
    message: outcome === 'failure' ? `log ${log} is without its quorum of witnesses` : `log ${log} is no longer without its quorum of witnesses`,
    metadata: { since, witnessedSize },
  };
}
