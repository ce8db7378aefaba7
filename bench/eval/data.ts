/**
 * Reading what is measured on. A folder, and the folders in it, hold
 *
 * - labelled texts, `*.jsonl`: `{text, spans: [{type, start, end}], dont_care?: [{start, end}]}` or `{input, expected_entities}` a line, offsets in
 *   Unicode code points;
 * - logs, `*.log`: a line is a text;
 * - events, `*.ndjson`: a line is a JSON object.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { JsonObject } from '../../src/core/json.ts';

/** Offsets in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Label extends Span {
  readonly type: string;
}

export interface LabelledText {
  readonly text: string;
  readonly labels: readonly Label[];
  /** Real identifiers that nobody labelled: they count neither way. */
  readonly ignored: readonly Span[];
}

export interface DataFiles {
  readonly labelled: readonly string[];
  readonly logs: readonly string[];
  readonly events: readonly string[];
}

const depthMax = 2;

/** @param part only files whose name holds it */
export function findData(dir: string, part: string): DataFiles {
  const paths = listFiles(dir, depthMax).filter((path) => basename(path).includes(part));
  const of = (ending: string): string[] => paths.filter((path) => path.endsWith(ending));
  return { labelled: of('.jsonl'), logs: of('.log'), events: of('.ndjson') };
}

function listFiles(dir: string, depth: number): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (!entry.isDirectory()) return [join(dir, entry.name)];
      return depth > 1 ? listFiles(join(dir, entry.name), depth - 1) : [];
    });
}

export function readLines(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').filter(Boolean);
}

export function readEvents(path: string): JsonObject[] {
  return readLines(path).map((line) => JSON.parse(line) as JsonObject);
}

export function readLabelled(path: string): LabelledText[] {
  return readLines(path).map((line) => {
    const row = JSON.parse(line) as { text?: string; input?: string; spans?: Label[]; expected_entities?: Label[]; dont_care?: Span[] };
    const text = row.text ?? row.input ?? '';
    const offsets = unitOffsets(text);
    const unit = (at: number): number => offsets[at] ?? text.length;
    const labels = (row.spans ?? row.expected_entities ?? []).map(({ type, start, end }) => ({ type, start: unit(start), end: unit(end) }));
    return { text, labels, ignored: (row.dont_care ?? []).map(({ start, end }) => ({ start: unit(start), end: unit(end) })) };
  });
}

/** The UTF-16 offset of each code point, and of the end. */
export function unitOffsets(text: string): number[] {
  const out: number[] = [];
  for (let i = 0; i < text.length; i += (text.codePointAt(i) as number) > 0xffff ? 2 : 1) out.push(i);
  out.push(text.length);
  return out;
}
