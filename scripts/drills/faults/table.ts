/** What became of the runs, by kind of call and fault. */
import type { PlannedRun } from './matrix.ts';
import type { Outcome } from './run.ts';

export interface Done {
  run: PlannedRun;
  outcome?: Outcome | undefined;
  error?: string;
}

const columns = ['hit', 'unharmed', 'refused', 'ended', 'killed', 'missed', 'violated'] as const;

/** A line for each kind and fault: how often it hit, and what the server did; `missed` are calls that did not come again in that run. */
export function formatTable(done: readonly Done[]): string {
  const rows = new Map<string, Record<(typeof columns)[number], number>>();
  for (const { run, outcome, error } of done) {
    const fault = `${run.fault}${run.stays ? ', stays' : ''}${run.scenario === 'power' ? ', no power' : ''}`;
    for (const name of [`${run.kind.padEnd(9)} ${fault}`, `${'all'.padEnd(9)} ${fault}`]) {
      const row = rows.get(name) ?? { hit: 0, unharmed: 0, refused: 0, ended: 0, killed: 0, missed: 0, violated: 0 };
      rows.set(name, row);
      if (error !== undefined) row.violated++;
      else if (outcome?.fired === 0) row.missed++;
      else if (outcome) {
        row.hit++;
        row[outcome.became]++;
      }
    }
  }
  const lines = [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(24, ...lines.map(([name]) => name.length));
  const format = (name: string, cells: readonly (string | number)[]): string =>
    name.padEnd(width) + cells.map((cell) => String(cell).padStart(10)).join('');
  return [
    format('', columns),
    ...lines.map(([name, row]) =>
      format(
        name,
        columns.map((column) => row[column]),
      ),
    ),
  ].join('\n');
}
