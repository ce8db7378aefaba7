/**
 * Forwarders: standing permissions for records to leave. Setting one takes two where there are two: what is forwarded is read by whoever receives it,
 * for as long as it runs. Removing one takes nobody else's say: less leaves then, and the wish to stop a leak must not wait for a second person.
 * Resuming one that its receiver refused needs none either: it is the setting that was approved.
 *
 * Kept in one small file, sealed and authenticated. A change is on disk before it counts, and told in `_system`; a crash in between: the next start
 * tells of it (`start`), twice perhaps, never not at all.
 */
import { isSystemLog } from '../access/roles.ts';
import { toHex } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { type JsonObject, type JsonValue, parseJson } from '../core/json.ts';
import type { Random } from '../core/random.ts';
import type { LaneFigures } from '../forward/lane.ts';
import { type DestinationSetting, type ForwarderSetting, parseForwarderSetting } from '../forward/setting.ts';
import { digestRequest } from '../verify/request.ts';
import type { AccessRecorder } from './access-recorder.ts';
import { type AskedBy, permissionFacts, permitOperation } from './asked-operation.ts';
import type { SealedFile } from './holds.ts';
import type { Person, RequestDesk } from './requests.ts';

/** As people see it. (A type, because it is JSON.) */
export type ForwarderInfo = {
  setting: ForwarderSetting;
  state: 'running' | 'stopped';
  /** Why it stopped: what the receiver answered, or `cursors_missing` on a copy of the directory. */
  reason?: string;
  stoppedAt?: string;
  setBy: string;
  setAt: string;
  /** Absent where no server runs it. */
  progress?: LaneFigures[];
};

/** What carries settings out. */
export interface ForwardEngine {
  /** Starts delivering; does nothing where no server runs. @param starts the leaf at which a log without a cursor begins */
  run(id: string, setting: ForwarderSetting, starts: Readonly<Record<string, number>>): Promise<void>;
  /** Ends it; cursors are on disk when it returns. */
  drop(id: string): Promise<void>;
  figures(): Promise<Readonly<Record<string, LaneFigures[]>>>;
}

/** Where forwarders are: see forward/cursor-file.ts. */
export interface ForwarderCursors {
  make(id: string): void;
  has(id: string): boolean;
  read(id: string, log: string): number | undefined;
  remove(id: string): void;
  /** Ids. */
  list(): string[];
}

export interface ForwardersParts {
  file: SealedFile;
  cursors: ForwarderCursors;
  engine: ForwardEngine;
  clock: Clock;
  random: Random;
  recorder: Pick<AccessRecorder, 'write'>;
  desk: Pick<RequestDesk, 'permit'>;
  /** Makes the server's own log where it has told nothing yet. */
  createSystemLog(): Promise<void>;
  /** Leaves of a log; undefined where there is no such log. */
  treeSize(log: string): number | undefined;
  /** Rest before what failed is tried again [5,000]. */
  retryMs?: number;
}

type Change = 'set' | 'remove' | 'stop' | 'resume';

interface Row {
  /** Another one for each setting. */
  id: string;
  setting: ForwarderSetting;
  starts: Record<string, number>;
  setBy: string;
  setAt: string;
  stopped?: { reason: string; at: string };
  /** The newest change and who made it, until it is told. */
  untold?: { change: Change; by: string; facts: JsonObject; purpose?: string; reference?: string };
}

const format = 1;
const forwardersMax = 100;

export class Forwarders {
  readonly #parts: ForwardersParts;
  #rows: Row[];
  #last: Promise<unknown> = Promise.resolve();
  #isStarted = false;
  #again: NodeJS.Timeout | undefined;

  /** @throws VeiltrailError `sealed_text_damaged`, `newer_format` */
  constructor(parts: ForwardersParts) {
    this.#parts = parts;
    this.#rows = readRows(parts.file.read());
  }

  /** In the order of their names. */
  async list(): Promise<ForwarderInfo[]> {
    const figures = await this.#parts.engine.figures();
    return this.#there()
      .toSorted((a, b) => (a.setting.name < b.setting.name ? -1 : 1))
      .map((row) => infoOf(row, figures[row.id]));
  }

  /**
   * Sets a forwarder, in the place of the one of that name if there is one: in force, durable and on record when it returns.
   * @param value see `parseForwarderSetting`
   * @throws VeiltrailError `forwarder_invalid`, `query_syntax`, `query_too_complex`, `forwarders_full`, `log_unknown`, and as `RequestDesk.permit`
   */
  set(value: JsonValue | undefined, asked: AskedBy): Promise<ForwarderInfo> {
    const setting = parseForwarderSetting(value);
    return this.#serially(async () => {
      const before = this.#there().find((row) => row.setting.name === setting.name);
      if (!before && this.#there().length >= forwardersMax) throw new VeiltrailError('forwarders_full', `there are ${forwardersMax} forwarders`);
      if (setting.logs.some(isSystemLog)) await this.#parts.createSystemLog();
      for (const log of setting.logs)
        if (this.#parts.treeSize(log) === undefined) throw new VeiltrailError('log_unknown', 'there is no log of that name', { log });
      const permission = await permitOperation(this.#parts.desk, 'forwarder.set', setting, asked);
      const row = await this.#inPlaceOf(before, () => {
        const made: Row = {
          id: toHex(this.#parts.random.bytes(12)),
          setting,
          starts: Object.fromEntries(setting.logs.map((log) => [log, this.#startOf(log, setting, before)])),
          setBy: asked.principal,
          setAt: this.#now(),
          untold: untoldOf('set', asked, permissionFacts(permission)),
        };
        // Before the row: one without cursors is taken for a copy. Cursors without a row are removed by the next start.
        this.#parts.cursors.make(made.id);
        this.#write([...this.#rows.filter((one) => one !== before), made]);
        return made;
      });
      if (before) this.#dropCursors(before.id);
      await this.#tell(row);
      await this.#parts.engine.run(row.id, setting, row.starts);
      return infoOf(row);
    });
  }

  /**
   * Removes one: what is on its way may still arrive, nothing more goes out when it returns.
   * @throws VeiltrailError `forwarder_unknown`
   */
  remove(name: string, by: Person & { purpose?: string }): Promise<void> {
    return this.#serially(async () => {
      const row = this.#known(name);
      const removed: Row = { ...row, untold: untoldOf('remove', by, {}) };
      await this.#inPlaceOf(row, () => this.#replace(row, removed));
      this.#dropCursors(row.id);
      await this.#tell(removed);
    });
  }

  /**
   * Starts one again that was stopped, where it was.
   * @throws VeiltrailError `forwarder_unknown`, `forwarder_running`
   */
  resume(name: string, by: Person & { purpose?: string }): Promise<ForwarderInfo> {
    return this.#serially(async () => {
      const row = this.#known(name);
      if (!row.stopped) throw new VeiltrailError('forwarder_running', 'this forwarder is not stopped');
      const { stopped, ...rest } = row;
      const resumed: Row = { ...rest, untold: untoldOf('resume', by, { reason: stopped.reason }) };
      this.#parts.cursors.make(row.id);
      this.#replace(row, resumed);
      await this.#tell(resumed);
      await this.#parts.engine.run(row.id, row.setting, row.starts);
      return infoOf(resumed);
    });
  }

  /** A receiver refuses for good. */
  refused(id: string, reason: string): Promise<void> {
    return this.#serially(async () => {
      const row = this.#there().find((one) => one.id === id);
      if (row && !row.stopped) await this.#stop(row, reason);
    });
  }

  /** Tells of what a crash left untold, and runs those that shall run. */
  start(): Promise<void> {
    this.#isStarted = true;
    return this.#serially(() => this.#carryOn());
  }

  /** Nothing is tried again. */
  close(): void {
    this.#isStarted = false;
    clearTimeout(this.#again);
  }

  async #carryOn(): Promise<void> {
    await this.#finish();
    const { cursors, engine } = this.#parts;
    for (const row of this.#rows.filter(({ stopped }) => !stopped)) {
      if (!cursors.has(row.id)) {
        // A copy, or a backup that was put back: it does not begin to deliver by itself.
        await this.#stop(row, 'cursors_missing');
        continue;
      }
      cursors.make(row.id);
      await engine.run(row.id, row.setting, row.starts); // does nothing where it runs
    }
  }

  /** Ends one and puts on disk what comes in its place. Where the disk does not take it, the one that is still in force goes on. */
  async #inPlaceOf<T>(before: Row | undefined, write: () => T): Promise<T> {
    const { engine } = this.#parts;
    if (before) await engine.drop(before.id);
    try {
      return write();
    } catch (error) {
      if (before && !before.stopped) await engine.run(before.id, before.setting, before.starts);
      throw error;
    }
  }

  /** Tells of what a crash left untold. */
  finish(): Promise<void> {
    return this.#serially(() => this.#finish());
  }

  async #finish(): Promise<void> {
    for (const row of this.#rows) if (row.untold) await this.#tell(row);
    const { cursors } = this.#parts;
    for (const id of cursors.list()) if (!this.#rows.some((row) => row.id === id)) this.#dropCursors(id);
  }

  /** Of who is not on disk any more: cursors that cannot be removed do no harm, and it is tried again. */
  #dropCursors(id: string): void {
    try {
      this.#parts.cursors.remove(id);
    } catch {
      this.#carryOnLater();
    }
  }

  async #stop(row: Row, reason: string): Promise<void> {
    const stopped: Row = { ...row, stopped: { reason, at: this.#now() }, untold: untoldOf('stop', { principal: 'system' }, { reason }) };
    this.#replace(row, stopped);
    await this.#tell(stopped);
  }

  #startOf(log: string, { from }: ForwarderSetting, before: Row | undefined): number {
    if (from === 'start') return 0;
    const now = this.#parts.treeSize(log) as number;
    if (from === 'now' || !before) return now;
    return this.#parts.cursors.read(before.id, log) ?? before.starts[log] ?? now;
  }

  #there(): Row[] {
    return this.#rows.filter(({ untold }) => untold?.change !== 'remove');
  }

  #known(name: string): Row {
    const row = this.#there().find(({ setting }) => setting.name === name);
    if (!row) throw new VeiltrailError('forwarder_unknown', 'there is no forwarder of that name');
    return row;
  }

  async #tell(row: Row): Promise<void> {
    const { setting, untold } = row;
    if (!untold) return;
    const { change, by, facts, purpose, reference } = untold;
    const { logs, format: form, query } = setting;
    await this.#parts.recorder.write({
      action: `forwarder.${change}`,
      category: 'config_change',
      severity: change === 'set' || change === 'stop' ? 4 : 3,
      principal: by,
      outcome: change === 'stop' ? 'failure' : 'success',
      target: { type: 'forwarder', id: setting.name },
      ...(change === 'stop' ? { reason: row.stopped?.reason ?? '' } : {}),
      ...(purpose === undefined ? {} : { purpose }),
      ...(reference === undefined ? {} : { reference }),
      // The query may quote somebody; by the digest the setting is known, and a request for it.
      metadata: {
        logs,
        format: form,
        ...whereTo(setting.destination),
        everything: query === '',
        settingDigest: digestRequest('forwarder.set', setting),
        ...facts,
      },
    });
    const { untold: _told, ...rest } = row;
    if (change === 'remove') this.#write(this.#rows.filter((one) => one.id !== row.id));
    else this.#write(this.#rows.map((one) => (one.id === row.id ? rest : one)));
  }

  #replace(before: Row, after: Row): void {
    this.#write(this.#rows.map((one) => (one === before ? after : one)));
  }

  #write(rows: Row[]): void {
    this.#parts.file.write(JSON.stringify({ format, forwarders: rows }));
    this.#rows = rows;
  }

  #now(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.catch(() => undefined).then(work);
    this.#last = done;
    done.catch(() => this.#carryOnLater());
    return done;
  }

  /** A change that is on disk and could not be told, or run, is by and by: it does not wait for the next start. */
  #carryOnLater(): void {
    if (!this.#isStarted) return;
    const { retryMs = 5_000 } = this.#parts;
    clearTimeout(this.#again);
    this.#again = setTimeout(() => void this.#serially(() => this.#carryOn()).catch(() => undefined), retryMs).unref();
  }
}

function untoldOf(
  change: Change,
  { principal: by, purpose, reference }: Person & { purpose?: string; reference?: string },
  facts: JsonObject,
): NonNullable<Row['untold']> {
  return { change, by, facts, ...(purpose === undefined ? {} : { purpose }), ...(reference === undefined ? {} : { reference }) };
}

function whereTo(destination: DestinationSetting): JsonObject {
  const { kind } = destination;
  if (kind === 'file') return { kind };
  return { kind, host: kind === 'http' ? new URL(destination.url).host : `${destination.host}:${destination.port}` };
}

function infoOf({ setting, stopped, setBy, setAt }: Row, progress?: LaneFigures[]): ForwarderInfo {
  return {
    setting,
    state: stopped ? 'stopped' : 'running',
    ...(stopped ? { reason: stopped.reason, stoppedAt: stopped.at } : {}),
    setBy,
    setAt,
    ...(progress ? { progress } : {}),
  };
}

/** Authenticated where it comes from: what is in it, we wrote. @throws VeiltrailError `newer_format` */
function readRows(text: string | undefined): Row[] {
  if (text === undefined) return [];
  const value = parseJson(text, { depthMax: 16, nodesMax: 1_000_000 }).value as JsonObject;
  if (value['format'] !== format) throw new VeiltrailError('newer_format', 'the forwarders were written by a newer version of veiltrail');
  return value['forwarders'] as unknown as Row[];
}
