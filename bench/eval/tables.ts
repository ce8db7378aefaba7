/** The report as plain text. */
import { basename } from 'node:path';
import type { Bar, Scores } from './bars.ts';
import type { Measured } from './measure.ts';
import type { Score } from './score.ts';

export interface Report {
  readonly machine: string;
  /** Programs by name, ours first; of each, its scores by data set and its other figures. */
  readonly programs: readonly { readonly name: string; readonly scores: ReadonlyMap<string, Scores>; readonly measured: Measured }[];
  readonly missing: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
  readonly bars: readonly Bar[];
}

type Row = readonly (string | number)[];

/** Columns as wide as their widest cell; numbers to the right. */
function table(rows: readonly Row[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => String(row[i] ?? '').length)));
  return rows
    .map((row) => row.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i] ?? 0) : String(cell).padStart(widths[i] ?? 0))).join('  '))
    .join('\n');
}

function share(value: number): string {
  return value.toFixed(3);
}

function percent(value: number): string {
  return `${(value * 100).toFixed(2)} %`;
}

function scoreCells({ leak, precision, recall, f2, exact }: Score): Row {
  return [percent(leak), share(precision), share(recall), share(f2), share(exact.precision), share(exact.recall), share(exact.f2)];
}

const scoreHeads = ['leaked', 'precision', 'recall', 'F2', 'exact prec.', 'exact rec.', 'exact F2'];

export function formatReport({ machine, programs, missing, notes, bars }: Report): string {
  const out = [machine];
  for (const [name, why] of missing) out.push(`SKIPPED ${name}: ${why}`);
  out.push(...notes);
  const ours = programs[0];
  for (const name of ours?.scores.keys() ?? []) out.push('', formatDataSet(name, programs));
  out.push(...formatLogs(programs), ...formatEvents(programs));
  const judged = bars.map(({ what, wanted, measured, reached }) => [
    what,
    wanted,
    measured === undefined ? '–' : measured.toFixed(4),
    reached === undefined ? 'not measured' : reached ? 'reached' : 'NOT reached',
  ]);
  out.push('', table([['bar (veiltrail)', 'wanted', 'measured', ''], ...judged]));
  return out.join('\n');
}

function formatDataSet(name: string, programs: Report['programs']): string {
  const ours = programs[0]?.scores.get(name)?.all;
  if (!ours) return '';
  const overall = programs.flatMap((program) => {
    const score = program.scores.get(name)?.all.binary;
    return score ? [[program.name, ...scoreCells(score)]] : [];
  });
  const peers = programs.slice(1);
  const kinds = [...ours.byGroup].map(([group, score]) => [
    group,
    score.labels,
    ...scoreCells(score),
    ...peers.map((peer) => {
      const other = peer.scores.get(name)?.all.byGroup.get(group);
      return other ? `${share(other.f2)} / ${percent(other.leak)}` : '–';
    }),
  ]);
  const clean = programs.map((program) => {
    const score = program.scores.get(name)?.all;
    return `${program.name} ${score ? `${score.emptyClean}/${score.empty}` : '–'}`;
  });
  return [
    `== ${name}: ${ours.binary.labels} labels`,
    table([['all kinds as one', ...scoreHeads], ...overall]),
    '',
    table([['by kind', 'labels', ...scoreHeads, ...peers.map((peer) => `${peer.name} F2 / leaked`)], ...kinds]),
    ...(ours.empty > 0 ? [`texts with nothing to find, left alone: ${clean.join(', ')}`] : []),
  ].join('\n');
}

function formatLogs(programs: Report['programs']): string[] {
  const paths = programs[0]?.measured.logs.map(({ path }) => path) ?? [];
  return paths.flatMap((path) => {
    const rows = programs.flatMap(({ name, measured }) =>
      measured.logs
        .filter((log) => log.path === path)
        .map((log) => [
          name,
          log.lines,
          ((log.changed / log.lines) * 1000).toFixed(1),
          ((log.changedOtherwise / log.lines) * 1000).toFixed(1),
          log.megabytesPerSecond.toFixed(2),
        ]),
    );
    const head = ['program', 'lines', 'changed of 1,000', 'other than by IP addresses and queries', 'MB/s'];
    return ['', `== ${basename(path)}`, table([head, ...rows])];
  });
}

function formatEvents(programs: Report['programs']): string[] {
  const paths = programs[0]?.measured.events.map(({ path }) => path) ?? [];
  return paths.flatMap((path) => {
    const rows = programs.flatMap(({ name, measured }) =>
      measured.events
        .filter((one) => one.path === path)
        .map((one) => [name, one.events, one.bytesOfEvent, one.p50Micros.toFixed(0), one.p99Micros.toFixed(0), one.keepers, one.broken]),
    );
    const broken = programs[0]?.measured.events.find((one) => one.path === path)?.brokenFields ?? [];
    return [
      '',
      `== ${basename(path)}`,
      table([['program', 'events', 'bytes each', 'p50 µs', 'p99 µs', 'values to stay', 'changed'], ...rows]),
      ...broken.map((pointer) => `  veiltrail changed ${pointer}`),
    ];
  });
}
