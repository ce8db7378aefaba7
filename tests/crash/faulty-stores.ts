/**
 * Stores that fail at the N-th write: every file, every sync and every transaction counts as one. Around the real drivers, so that what a
 * failure leaves behind is what those leave behind.
 */
import { VeiltrailError } from '../../src/core/errors.ts';
import type { RecordStore } from '../../src/storage/record-store.ts';
import type { TileStore } from '../../src/storage/tile-store.ts';

export interface Fault {
  /** Writes that succeed before the one that fails. */
  after: number;
  /** Whether the write that fails is done all the same. */
  persisted: boolean;
  /**
   * `refuse`: the disk is full, for this write and `refusals − 1` after it. `fail`: the driver reports an I/O error. `crash`: the process is gone: nothing
   * that comes later is done.
   */
  kind: 'refuse' | 'fail' | 'crash';
  refusals?: number;
}

/** Counts the writes of one run and lets one of them fail. */
export class FaultLine {
  #fault: Fault | undefined;
  #log: string[] = [];
  #pending = 0;
  #fired = 0;
  /** Files written and not synced since: what a power loss may take. */
  readonly unsynced = new Map<string, Uint8Array>();

  constructor(fault?: Fault) {
    this.#fault = fault;
  }

  /** From here on: counts from nothing, and lets this fault happen. */
  arm(fault: Fault): void {
    this.#fault = fault;
    this.#log = [];
    this.#fired = 0;
  }

  /** Writes so far, by name, the failed one marked. */
  get writes(): readonly string[] {
    return this.#log;
  }

  get fired(): boolean {
    return this.#fired > 0;
  }

  get crashed(): boolean {
    return this.fired && this.#fault?.kind !== 'refuse';
  }

  async write<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#pending++;
    try {
      const fault = this.#fault;
      const refused = this.fired && fault?.kind === 'refuse' && this.#fired < (fault.refusals ?? 1);
      if (this.crashed) throw gone();
      if (!fault || (this.#log.length !== fault.after && !refused)) {
        this.#log.push(name);
        return await work();
      }
      this.#fired++;
      this.#log.push(`${name} (fails)`);
      if (fault.persisted) await work();
      throw fault.kind === 'refuse' ? new VeiltrailError('disk_full', 'the disk is full') : gone();
    } finally {
      this.#pending--;
    }
  }

  /** Returns when nothing is being written and nothing more begins. */
  async quiet(): Promise<void> {
    for (let still = 0; still < 3;) {
      await new Promise((resolve) => setImmediate(resolve));
      still = this.#pending === 0 ? still + 1 : 0;
    }
  }
}

function gone(): VeiltrailError {
  return new VeiltrailError('storage_failed', 'the storage failed');
}

export function faultyRecords(real: RecordStore, line: FaultLine): RecordStore {
  return {
    logs: () => real.logs(),
    chunkFrom: (log, leaf) => real.chunkFrom(log, leaf),
    recordsFrom: (log, leaf) => real.recordsFrom(log, leaf),
    compactedBuckets: (log, from) => real.compactedBuckets(log, from),
    strays: (log) => real.strays(log),
    chunkChanges: () => real.chunkChanges(),
    compact: (compaction) => line.write('register segments', () => real.compact(compaction)),
    dropLeftOver: (log, bytes) => line.write('drop left over', () => real.dropLeftOver(log, bytes)),
    replaceSegments: (replacements) => line.write('replace segments', () => real.replaceSegments(replacements)),
    rewriteChunks: (log, chunks) => line.write('rewrite chunks', () => real.rewriteChunks(log, chunks)),
    forgetIds: (log, isForgotten, behind, rows) => line.write('forget ids', () => real.forgetIds(log, isForgotten, behind, rows)),
    scrub: () => line.write('scrub', () => real.scrub()),
    staged: (log) => real.staged(log),
    isClean: () => real.isClean(),
    findRepetitions: (log, rows) => real.findRepetitions(log, rows),
    createLog: (state) => line.write('create log', () => real.createLog(state)),
    commit: (tick) => line.write('commit', () => real.commit(tick)),
    markDurable: (log, size) => line.write('drop staged', () => real.markDurable(log, size)),
    pruneIdempotency: (log, before, rows) => line.write('prune', () => real.pruneIdempotency(log, before, rows)),
    setClean: (clean) => line.write('closing flag', () => real.setClean(clean)),
    tidy: () => line.write('tidy', () => real.tidy()),
    close: () => real.close(),
  };
}

export function faultyTiles(real: TileStore, line: FaultLine): TileStore {
  return {
    read: (log, path) => real.read(log, path),
    partialWidths: (log, path) => real.partialWidths(log, path),
    async write(log, files, heal) {
      for (const file of files) {
        await line.write(`write ${file.path}`, () => real.write(log, [file], heal));
        line.unsynced.set(`${log}/${file.path}`, file.bytes);
      }
    },
    async writeCheckpoint(log, bytes) {
      await line.write('write checkpoint', () => real.writeCheckpoint(log, bytes));
      line.unsynced.set(`${log}/checkpoint`, bytes);
    },
    async writeWitnessed(log, bytes) {
      await line.write('write cosigned checkpoint', () => real.writeWitnessed(log, bytes));
    },
    async sync(log, paths) {
      await line.write(`sync ${paths.join(' ')}`, () => real.sync(log, paths));
      for (const path of paths) line.unsynced.delete(`${log}/${path}`);
    },
    async removePartials(log, path) {
      await line.write(`remove partials of ${path}`, () => real.removePartials(log, path));
      for (const name of line.unsynced.keys()) if (name.startsWith(`${log}/${path}.p/`)) line.unsynced.delete(name);
    },
  };
}
