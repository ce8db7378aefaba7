/**
 * How well the detectors find what people labelled: `node bench/privacy-eval.ts DIR [FILE-PART]`.
 *
 * DIR holds `.jsonl` files; a line is `{text, spans: [{type, start, end}], dont_care?: [{start, end}]}` with offsets in Unicode code
 * points, or `{input, expected_entities: [{type, start, end}]}`. Printed by file and label: characters that survive (leak rate), recall
 * (any overlap), and for all labels precision and F2. Labels that need not be anonymised by default count neither way.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivacyEngine } from '../src/privacy/engine.ts';
import { defaultPolicyYaml, parsePolicy } from '../src/privacy/policy.ts';

interface Span {
  type: string;
  start: number;
  end: number;
}

interface Tally {
  spans: number;
  hit: number;
  chars: number;
  leaked: number;
}

/** Labelled, but not personal data that the default policy is there to take out. */
const neutral = new Set([
  'TIMESTAMP',
  'DATE_TIME',
  'DATE',
  'TITLE',
  'ORGANIZATION',
  'ORGANIZATION_NAME',
  'GPE',
  'LOCATION',
  'DOMAIN_NAME',
  'NRP',
  'AGE',
]);

/** UTF-16 offset of each code point, and the end. */
function unitOffsets(text: string): number[] {
  const out: number[] = [];
  for (let i = 0; i < text.length; i += (text.codePointAt(i) as number) > 0xffff ? 2 : 1) out.push(i);
  out.push(text.length);
  return out;
}

function overlaps(a: { start: number; end: number }, b: { start: number; end: number }): boolean {
  return a.start < b.end && b.start < a.end;
}

function evaluate(path: string, show: string | undefined): void {
  const engine = createPrivacyEngine(parsePolicy(defaultPolicyYaml), { pseudonymKey: { version: 1, key: new Uint8Array(32) } });
  const byType = new Map<string, Tally>();
  const falseAlarms = new Map<string, number>();
  let right = 0;
  let wrong = 0;
  let shown = 0;
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  const started = performance.now();
  for (const line of lines) {
    const row = JSON.parse(line) as { text?: string; input?: string; spans?: Span[]; expected_entities?: Span[]; dont_care?: Span[] };
    const text = row.text ?? row.input ?? '';
    const offsets = unitOffsets(text);
    const place = (span: Span): Span => ({ type: span.type, start: offsets[span.start] ?? text.length, end: offsets[span.end] ?? text.length });
    const spans = (row.spans ?? row.expected_entities ?? []).map(place);
    const free = [...(row.dont_care ?? []).map(place), ...spans.filter((span) => neutral.has(span.type))];
    const found = engine.scanText(text);
    for (const span of spans) {
      if (neutral.has(span.type)) continue;
      const tally = byType.get(span.type) ?? { spans: 0, hit: 0, chars: 0, leaked: 0 };
      byType.set(span.type, tally);
      tally.spans++;
      let left = 0;
      for (let i = span.start; i < span.end; i++)
        if (/[\p{L}\p{N}]/u.test(text[i] as string) && !found.some((one) => one.start <= i && i < one.end)) left++;
      tally.leaked += left;
      tally.chars += text.slice(span.start, span.end).replace(/[^\p{L}\p{N}]/gu, '').length;
      if (found.some((one) => overlaps(one, span))) tally.hit++;
      else if (show === span.type && shown++ < 40)
        console.log(
          `  missed ${span.type}: ${text.slice(Math.max(0, span.start - 40), span.start)}[[${text.slice(span.start, span.end)}]]${text.slice(span.end, span.end + 30)}`.replaceAll(
            '\n',
            '⏎',
          ),
        );
    }
    for (const one of found) {
      if (spans.some((span) => !neutral.has(span.type) && overlaps(span, one))) right++;
      else if (!free.some((span) => overlaps(span, one))) {
        wrong++;
        falseAlarms.set(one.kind, (falseAlarms.get(one.kind) ?? 0) + 1);
        if (show === 'false' && shown++ < 60)
          console.log(
            `  false ${one.kind}: ${text.slice(Math.max(0, one.start - 40), one.start)}[[${text.slice(one.start, one.end)}]]${text.slice(one.end, one.end + 30)}`.replaceAll(
              '\n',
              '⏎',
            ),
          );
      }
    }
  }
  const seconds = (performance.now() - started) / 1000;
  report(path, lines.length, seconds, byType, right, wrong, falseAlarms);
}

function report(
  path: string,
  lines: number,
  seconds: number,
  byType: Map<string, Tally>,
  right: number,
  wrong: number,
  falseAlarms: Map<string, number>,
): void {
  const all: Tally = { spans: 0, hit: 0, chars: 0, leaked: 0 };
  console.log(`${path}: ${lines} texts, ${seconds.toFixed(2)} s`);
  for (const [type, tally] of [...byType].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const key of ['spans', 'hit', 'chars', 'leaked'] as const) all[key] += tally[key];
    print(type, tally);
  }
  print('all', all);
  const precision = right / (right + wrong || 1);
  const recall = all.hit / (all.spans || 1);
  const f2 = (5 * precision * recall) / (4 * precision + recall || 1);
  console.log(
    `  precision ${percent(precision)}, recall ${percent(recall)}, F2 ${f2.toFixed(3)}; false alarms: ${[...falseAlarms].map(([kind, n]) => `${kind} ${n}`).join(', ') || 'none'}`,
  );
}

function print(label: string, { spans, hit, chars, leaked }: Tally): void {
  console.log(
    `  ${label.padEnd(26)} ${String(spans).padStart(6)} spans  recall ${percent(hit / (spans || 1)).padStart(7)}  leaked ${percent(leaked / (chars || 1)).padStart(7)}`,
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

const [dir, part = '', show] = process.argv.slice(2);
if (dir === undefined) {
  console.error('usage: node bench/privacy-eval.ts DIR [FILE-PART [LABEL|false]]   the label whose misses, or the false alarms, to print');
  process.exitCode = 2;
} else for (const name of readdirSync(dir).sort()) if (name.endsWith('.jsonl') && name.includes(part)) evaluate(join(dir, name), show);
