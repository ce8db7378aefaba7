/**
 * What a watch tells besides its lines: metrics, in a file that a collector of Prometheus reads (text format 0.0.4, replaced whole after each pass), and an
 * alarm, by a program that is given the pass as one line of JSON.
 */
import { spawn } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';
import type { Pass } from './verify-passes.ts';

interface WatchedLog {
  ok: boolean;
  treeSize: number;
  unwitnessedFrom: number | null;
  atMs: number;
  fullAtMs: number | undefined;
  passes: number;
}

type Sample = [name: string, help: string, type: 'gauge' | 'counter', value: (log: WatchedLog) => number | undefined];

const samples: readonly Sample[] = [
  ['veiltrail_watch_ok', '1: the last pass found all well; 0 is an alarm.', 'gauge', ({ ok }) => Number(ok)],
  ['veiltrail_watch_tree_size', 'Leaves of the newest checkpoint that was verified.', 'gauge', ({ treeSize }) => treeSize],
  [
    'veiltrail_watch_unwitnessed_leaves',
    'Leaves under no checkpoint that has its quorum of witnesses.',
    'gauge',
    ({ treeSize, unwitnessedFrom }) => (unwitnessedFrom === null ? 0 : treeSize - unwitnessedFrom),
  ],
  ['veiltrail_watch_pass_timestamp_seconds', 'When the last pass ended: if this grows old, nothing is watched.', 'gauge', ({ atMs }) => atMs / 1_000],
  [
    'veiltrail_watch_full_pass_timestamp_seconds',
    'When all leaves were last read to the end.',
    'gauge',
    ({ fullAtMs }) => (fullAtMs === undefined ? undefined : fullAtMs / 1_000),
  ],
  ['veiltrail_watch_passes_total', 'Passes since the start.', 'counter', ({ passes }) => passes],
];

export class WatchMetrics {
  readonly #file: string;
  readonly #logs = new Map<string, WatchedLog>();

  constructor(file: string) {
    this.#file = file;
  }

  /** @param fullAt RFC 3339: when all of the log was last read @throws VeiltrailError `output_unwritable` */
  note(log: string, { report: { ok, treeSize, unwitnessedFrom } }: Pass, fullAt: string | undefined): void {
    const passes = (this.#logs.get(log)?.passes ?? 0) + 1;
    const fullAtMs = fullAt === undefined ? undefined : Date.parse(fullAt);
    this.#logs.set(log, { ok, treeSize, unwitnessedFrom, atMs: Date.now(), fullAtMs, passes });
    try {
      writeFileSync(`${this.#file}.tmp`, this.text());
      renameSync(`${this.#file}.tmp`, this.#file);
    } catch (cause) {
      throw new VeiltrailError('output_unwritable', `${this.#file}: cannot be written`, {}, { cause });
    }
  }

  text(): string {
    return samples
      .map(([name, help, type, value]) => {
        const lines = [...this.#logs].flatMap(([log, one]) => {
          const number = value(one);
          return number === undefined ? [] : [`${name}{log="${log.replaceAll(/["\\\n]/g, '_')}"} ${number}\n`];
        });
        return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
      })
      .join('');
  }
}

/** Runs a program, without a shell, with a line on its standard input. Settles when it has ended. @throws VeiltrailError `alert_failed` */
export function raiseAlarm(program: string, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (why: string): void => reject(new VeiltrailError('alert_failed', `${program}: ${why}`));
    const child = spawn(program, { stdio: ['pipe', 'inherit', 'inherit'] });
    child.once('error', (error) => failed((error as NodeJS.ErrnoException).code ?? 'cannot be run'));
    child.once('close', (code) => (code === 0 ? resolve() : failed(`ended with ${code ?? 'a signal'}`)));
    // One that reads nothing is alarmed all the same.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${line}\n`);
  });
}
