/**
 * A child process that measures one program on all files and writes what it found: `node bench/eval/measure.ts JOB.json`. In a process of its own
 * nothing of one program's memory or compiled code weighs on another's figures.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { JsonObject } from '../../src/core/json.ts';
import { type Contestant, createContestant, type Found } from './contestants.ts';
import { type DataFiles, readEvents, readLabelled, readLines } from './data.ts';
import { changedLeaves } from './intact.ts';

export interface Job {
  readonly name: string;
  readonly peers: string;
  readonly files: DataFiles;
  readonly out: string;
  /** CPU seconds for each figure of speed. */
  readonly seconds: number;
}

export interface LogFigures {
  readonly path: string;
  readonly lines: number;
  /** Lines of which anything is taken out; and those of which anything but IP addresses and parts of URLs' queries is. */
  readonly changed: number;
  readonly changedOtherwise: number;
  readonly megabytesPerSecond: number;
}

export interface EventFigures {
  readonly path: string;
  readonly events: number;
  readonly bytesOfEvent: number;
  /** Of the least time that each event took in several rounds. */
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Values that must stay as they are, how many did not, and in which fields. */
  readonly keepers: number;
  readonly broken: number;
  readonly brokenFields: readonly string[];
}

export interface Measured {
  readonly labelled: { readonly path: string; readonly found: readonly (readonly Found[])[] }[];
  readonly logs: readonly LogFigures[];
  readonly events: readonly EventFigures[];
}

const roundsMax = 7;

function measure({ name, peers, files, seconds }: Job): Measured {
  const contestant = createContestant(name, peers);
  return {
    labelled: files.labelled.map((path) => ({ path, found: readLabelled(path).map(({ text }) => contestant.find(text)) })),
    logs: files.logs.map((path) => measureLog(path, contestant, seconds)),
    events: files.events.map((path) => measureEvents(path, contestant, seconds)),
  };
}

function measureLog(path: string, contestant: Contestant, seconds: number): LogFigures {
  // A slow program gets as many lines as it manages in ten seconds; the figures are per 1,000 lines anyway.
  const lines = withinTime(readLines(path), 10, (line) => void contestant.find(line));
  let changed = 0;
  let changedOtherwise = 0;
  for (const line of lines) {
    const removed = contestant.find(line).filter(([, , , isRemoved]) => isRemoved);
    if (removed.length > 0) changed++;
    if (removed.some(([kind, start]) => !/^ip|IP_ADDRESS/i.test(kind) && !isInQuery(line, start))) changedOtherwise++;
  }
  const bytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0);
  let best = Number.POSITIVE_INFINITY;
  let spent = 0;
  for (let round = 0; round < roundsMax && (round === 0 || spent < seconds); round++) {
    const before = process.cpuUsage();
    for (const line of lines) contestant.run(line);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1e6);
    spent += (user + system) / 1e6;
  }
  return { path, lines: lines.length, changed, changedOtherwise, megabytesPerSecond: bytes / best / 1e6 };
}

/** The items that `work` gets done in so many seconds of CPU, at least 100. */
function withinTime<T>(items: readonly T[], seconds: number, work: (item: T) => void): readonly T[] {
  const before = process.cpuUsage();
  for (let i = 0; i < items.length; i++) {
    work(items[i] as T);
    const { user, system } = process.cpuUsage(before);
    if (i >= 100 && (user + system) / 1e6 > seconds) return items.slice(0, i);
  }
  return items;
}

/** Does `at` lie behind a `?` of a word that holds a path? */
function isInQuery(line: string, at: number): boolean {
  const word = line.slice(Math.max(line.lastIndexOf(' ', at - 1), line.lastIndexOf('"', at - 1)) + 1, at);
  return word.includes('?') && word.indexOf('/') < word.indexOf('?');
}

function measureEvents(path: string, contestant: Contestant, seconds: number): EventFigures {
  const events = withinTime(readEvents(path), 10, (event) => void contestant.redactEvent(event));
  let keepers = 0;
  let broken = 0;
  const brokenFields = new Set<string>();
  for (const event of events) {
    const report = changedLeaves(event, contestant.redactEvent(event));
    keepers += report.keepers;
    broken += report.changed.length;
    for (const pointer of report.changed) brokenFields.add(pointer.replaceAll(/\/\d+(?=\/|$)/g, '/*'));
  }
  const least = new Float64Array(events.length).fill(Number.POSITIVE_INFINITY);
  const started = performance.now();
  for (let round = 0; round < roundsMax && (round < 2 || performance.now() - started < seconds * 1000); round++) {
    events.forEach((event, i) => {
      const before = performance.now();
      contestant.redactEvent(event as JsonObject);
      least[i] = Math.min(least[i] as number, performance.now() - before);
    });
  }
  least.sort();
  const micros = (share: number): number => (least[Math.min(events.length - 1, Math.floor(events.length * share))] as number) * 1000;
  const bytes = events.reduce((sum, event) => sum + JSON.stringify(event).length, 0);
  return {
    path,
    events: events.length,
    bytesOfEvent: Math.round(bytes / events.length),
    p50Micros: micros(0.5),
    p99Micros: micros(0.99),
    keepers,
    broken,
    brokenFields: [...brokenFields].toSorted(),
  };
}

const job = JSON.parse(readFileSync(process.argv[2] as string, 'utf8')) as Job;
writeFileSync(job.out, JSON.stringify(measure(job)));
