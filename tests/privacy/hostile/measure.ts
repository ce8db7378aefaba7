/** How much of the values in a cell (a kind in a position, a kind in a disguise) survives the default policy. */
import type { JsonObject } from '../../../src/core/json.ts';
import { cleaned, engineOf } from '../engine-for-test.ts';
import type { Value } from './values.ts';

const engine = engineOf();

export interface Cell {
  readonly leaked: number;
  readonly count: number;
  /** Of the first leak, what went in and what came out. */
  readonly example: string;
}

/** What survives is looked for in any case, and also where it was written with marks that nobody sees. */
function plain(text: string): string {
  return text.replace(/[\u00ad\u200b-\u200f\u202a-\u202e]/g, '').toLowerCase();
}

export function leaks(event: JsonObject, parts: readonly string[]): string | undefined {
  const out = plain(Object.values(cleaned(engine, event).event).map(textOf).join('\n'));
  return parts.some((part) => out.includes(plain(part))) ? out : undefined;
}

/** All strings of a value, names of members too. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value)
    ? value.map(textOf).join('\n')
    : Object.entries(value)
        .map(([key, inner]) => `${key}\n${textOf(inner)}`)
        .join('\n');
}

export function cellOf(values: readonly Value[], eventOf: (value: Value) => { event: JsonObject; parts: readonly string[] }): Cell {
  let leaked = 0;
  let example = '';
  for (const value of values) {
    const { event, parts } = eventOf(value);
    const out = leaks(event, parts);
    if (out === undefined) continue;
    leaked++;
    if (example === '') example = `${JSON.stringify(event)} -> ${JSON.stringify(out)}`;
  }
  return { leaked, count: values.length, example };
}
