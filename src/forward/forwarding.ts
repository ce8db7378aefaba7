/** All forwarders that run, in one thread: their lanes, their destinations, what they have in common. */
import type { Clock } from '../core/clock.ts';
import type { RecordReader } from '../ledger/reader.ts';
import { LogFollower } from '../search/follow-log.ts';
import { createPredicate } from '../search/match.ts';
import { parseQuery } from '../search/query.ts';
import { openCursor } from './cursor-file.ts';
import type { Destination } from './destination.ts';
import { itemOf } from './envelope.ts';
import { createFileDestination, type FileTurns } from './file-destination.ts';
import { createHttpDestination } from './http-destination.ts';
import { Lane, type LaneFigures } from './lane.ts';
import { createSecrets, type SecretPlaces, type Secrets } from './secrets.ts';
import type { ForwarderSetting } from './setting.ts';
import { createSyslogDestination } from './syslog-destination.ts';

export interface ForwardingParts {
  reader: Pick<RecordReader, 'openFrom'>;
  /** The directory of cursors. */
  cursorsPath: string;
  secrets: SecretPlaces;
  /** Where files are written; absent: nowhere. */
  filesPath?: string;
  clock: Clock;
  /** A destination refuses for good: its forwarder has stopped. */
  onRefused(id: string, reason: string): void;
  backOff?: { waitMs: number; waitMsMax: number };
}

/** A log as it is now. */
export interface ForwardedLog {
  log: string;
  origin: string;
  /** Published. */
  treeSize: number;
  /** Where the forwarder begins if it has no cursor yet. */
  start: number;
}

export interface ForwarderRun {
  id: string;
  setting: ForwarderSetting;
  logs: readonly ForwardedLog[];
}

interface Running {
  lanes: Lane[];
  destinations: Destination[];
}

const fileBatchRecords = 1_000;
const batchBytes = 1_048_576;

export class Forwarding {
  readonly #parts: ForwardingParts;
  readonly #secrets: Secrets;
  readonly #turns: FileTurns = new Map();
  readonly #running = new Map<string, Running>();
  /** Dropped, and not ended yet: an attempt may be under way. */
  readonly #closing = new Set<Running>();

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
    this.#secrets = createSecrets(parts.secrets);
  }

  /** Does nothing where it runs already. */
  run({ id, setting, logs }: ForwarderRun): void {
    if (this.#running.has(id)) return;
    const running: Running = { lanes: [], destinations: [] };
    for (const one of logs) {
      const destination = this.#open(setting);
      running.destinations.push(destination);
      running.lanes.push(this.#lane(id, setting, one, destination));
    }
    this.#running.set(id, running);
    for (const lane of running.lanes) lane.start();
  }

  #lane(
    id: string,
    { query, format, destination: where }: ForwarderSetting,
    { log, origin, treeSize, start }: ForwardedLog,
    destination: Destination,
  ): Lane {
    const { reader, cursorsPath, clock, backOff } = this.#parts;
    const cursor = openCursor(cursorsPath, id, log, start);
    const bounds =
      where.kind === 'http' ? { recordsMax: where.batchRecords, bytesMax: where.batchBytes } : { recordsMax: fileBatchRecords, bytesMax: batchBytes };
    const follower = new LogFollower({ source: reader, log, from: cursor.next, treeSize, holds: createPredicate(parseQuery(query)), ...bounds });
    return new Lane({
      log,
      origin,
      follower,
      cursor,
      destination,
      itemOf: (record) => itemOf(record, { log, origin }, format),
      waitMs: where.kind === 'file' ? 0 : where.waitMs,
      batchRecords: bounds.recordsMax,
      clock,
      onRefused: (reason) => {
        void this.drop(id).then(() => this.#parts.onRefused(id, reason));
      },
      ...(backOff ? { backOff } : {}),
    });
  }

  #open({ format, destination }: ForwarderSetting): Destination {
    switch (destination.kind) {
      case 'http':
        return createHttpDestination(destination, format, { secrets: this.#secrets, clock: this.#parts.clock });
      case 'syslog':
        return createSyslogDestination(destination);
      default:
        return createFileDestination(destination, this.#parts.filesPath, this.#turns);
    }
  }

  /** Ends one; its cursors are on disk when it returns. */
  async drop(id: string): Promise<void> {
    const running = this.#running.get(id);
    if (!running) return;
    this.#running.delete(id);
    this.#closing.add(running);
    await Promise.all(running.lanes.map((lane) => lane.close())).finally(() => this.#closing.delete(running));
    for (const destination of running.destinations) destination.close();
  }

  published(log: string, treeSize: number): void {
    for (const lane of this.#lanes(log)) lane.published(treeSize);
  }

  /** A log's records were rewritten: see {@link Lane.forget}. */
  async forget(log: string): Promise<void> {
    const closing = [...this.#closing].flatMap(({ lanes }) => lanes.filter((lane) => lane.log === log));
    await Promise.all([...this.#lanes(log), ...closing].map((lane) => lane.forget()));
  }

  figures(): Record<string, LaneFigures[]> {
    return Object.fromEntries(Array.from(this.#running, ([id, { lanes }]) => [id, lanes.map((lane) => lane.figures())]));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((id) => this.drop(id)));
  }

  #lanes(log: string): Lane[] {
    return [...this.#running.values()].flatMap(({ lanes }) => lanes.filter((lane) => lane.log === log));
  }
}
