/**
 * Tables in a text: a first line of column names, then rows. A column's name says of every cell what a label says of the value behind it.
 * Comma, semicolon, tab, or the bars of Markdown and of database consoles.
 */
import { has, isLetter } from '../survey.ts';
import { type Detector, type ScanContext } from './detector.ts';
import { wordLabels } from './attributes.ts';
import { readAnnounced } from './announced-values.ts';
import { judgeWhole } from './identifiers.ts';
import { LabelSet } from './labels.ts';
import { labelOfField } from './vocabulary.ts';

/** Columns whose cells other detectors cannot know without their header, or not in every state. */
const columns = new LabelSet<{ readonly kind: string; readonly shape: RegExp }>();
columns.add(
  'name, full name, first name, last name, given name, family name, surname, middle name, customer name, employee name, patient name, contact name, holder, cardholder, account holder, owner name',
  { kind: 'person_name', shape: /^\p{L}[\p{L}\p{M} .,'’-]{1,79}$/u },
);
columns.add('user name, login, user id, account name', { kind: 'username', shape: /^[\p{L}][\p{L}\p{N}._@-]{1,63}$/u });
columns.add('ssn, social security number, social security, us ssn', { kind: 'us_ssn', shape: /^\d{3}[- .]?\d{2}[- .]?\d{4}$/ });
columns.add('phone, phone number, mobile, mobile phone, cell, cell phone, telephone, tel, fax, home phone, work phone, telefon, handy', {
  kind: 'phone',
  shape: /^\+?[\d ().x/-]{7,24}$/,
});
columns.add('card, card number, credit card, credit card number, cc number, pan', { kind: 'credit_card', shape: /^\d[\d -]{10,24}\d$/ });
columns.add('iban, iban number', { kind: 'iban', shape: /^[A-Za-z]{2}\d{2}[A-Za-z0-9 ]{8,40}$/ });
columns.add('address, street, street address, home address, mailing address, postal address, billing address, shipping address, address line', {
  kind: 'postal_address',
  shape: /\p{L}{2}/u,
});
columns.add('password, passwd, secret, api key, token', { kind: 'secret', shape: /^\S.{2,}$/ });

const headerUnitsMax = 2048;
const columnsMax = 128;
const rule = /^[\s|+=:_-]*$/;
const columnName = /^["']?[\p{L}_][\p{L}\p{M}_ ./()#&-]{0,47}["']?$/u;

/** Reads a cell; undefined where the column's name says nothing. */
export type Column = ((cell: string) => { kind: string; start: number; end: number; confidence: number } | undefined) | undefined;

function detectTables({ text, survey, found }: ScanContext): void {
  const { digitRuns, digitRunCount } = survey;
  const opening = text.charCodeAt(0);
  if (!isLetter(opening) && opening !== 34 && opening !== 124 && opening !== 95 && opening !== 43) return;
  let line = text.indexOf('\n');
  if (line < 0) return;
  let start = 0;
  // The frame above the header.
  if (text.charCodeAt(0) === 43 && rule.test(text.slice(0, Math.min(line, headerUnitsMax)))) {
    start = line + 1;
    line = text.indexOf('\n', start);
  }
  if (line < 0 || line - start > headerUnitsMax || line - start < 3) return;
  // Column names have no digits: nearly all texts of several lines end here.
  if (digitRunCount > 0 && (digitRuns[0] as number) < line) return;
  const first = text.charCodeAt(start);
  if (!isLetter(first) && first !== 34 && first !== 124 && first !== 95) return;
  const header = text.slice(start, line).trimEnd();
  const divider = dividerOf(header);
  if (divider === '') return;
  const names = cellsOf(header, 0, divider).map(([from, to]) => header.slice(from, to));
  if (names.length < 2 || names.length > columnsMax || !names.every((name) => columnName.test(name))) return;
  const readers = names.map(columnOf);
  // `name` alone may be anything's.
  if (readers.every((reader, i) => reader === undefined || /^["']?name["']?$/i.test(names[i] as string))) return;
  for (let at = line + 1; at < text.length;) {
    let end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    readRow(text.slice(at, end), at, divider, readers, found);
    at = end + 1;
  }
}

function dividerOf(header: string): string {
  if (header.startsWith('|')) return '|';
  for (const divider of [',', ';', '\t', '|']) if (header.includes(divider)) return divider;
  return '';
}

/** The cells of a line as spans without blanks and quotes; a quoted cell may hold the divider. */
function cellsOf(line: string, offset: number, divider: string): [number, number][] {
  const out: [number, number][] = [];
  const bars = divider === '|' && line.startsWith('|');
  const limit = bars && line.trimEnd().endsWith('|') ? line.trimEnd().length - 1 : line.length;
  for (let at = bars ? 1 : 0; at <= limit && out.length <= columnsMax;) {
    let from = at;
    while (from < limit && line[from] === ' ') from++;
    let to: number;
    if (line[from] === '"') {
      from++;
      to = from;
      while (to < limit && (line[to] !== '"' || line[to + 1] === '"')) to += line[to] === '"' ? 2 : 1;
      at = line.indexOf(divider, to);
    } else {
      at = line.indexOf(divider, from);
      to = at < 0 || at > limit ? limit : at;
      while (to > from && line.charCodeAt(to - 1) <= 32) to--;
    }
    out.push([offset + from, offset + Math.max(from, Math.min(to, limit))]);
    if (at < 0 || at >= limit) break;
    at++;
  }
  return out;
}

function readRow(row: string, offset: number, divider: string, readers: readonly Column[], found: ScanContext['found']): void {
  if (rule.test(row)) return;
  const cells = cellsOf(row, 0, divider);
  // A line that is no row of this table ends nothing, but says nothing either.
  if (cells.length !== readers.length) return;
  for (const [i, [from, to]] of cells.entries()) {
    const one = to > from ? readers[i]?.(row.slice(from, to)) : undefined;
    if (one) found.push({ ...one, start: offset + from + one.start, end: offset + from + one.end });
  }
}

/** How the cells of a column are read, or undefined if its name says nothing. */
export function columnOf(name: string): Column {
  const plain = name
    .toLowerCase()
    .replace(/[^\p{L}]+/gu, '')
    .replace(/(?<=.{2})(?:no|nr|num|nbr)$/, '');
  const column = columns.ofField(plain)?.values[0];
  if (column) return (cell) => (column.shape.test(cell) ? { kind: column.kind, start: 0, end: cell.length, confidence: 0.8 } : undefined);
  const words = wordLabels.ofField(plain)?.values[0];
  if (words) {
    const { kind, values } = words;
    return (cell) => (!values || values.has(cell.toLowerCase()) ? { kind, start: 0, end: cell.length, confidence: 0.7 } : undefined);
  }
  const label = labelOfField(plain);
  const first = label?.values[0];
  if (!label || !first || first.reads === 'filler') return undefined;
  if (first.reads === 'number') return (cell) => judgeWhole(label, cell);
  return (cell) => {
    const span = readAnnounced(first.reads, cell, 0, { label, start: 0, end: 0, marked: true });
    return span ? { kind: first.kind, ...span, confidence: 0.8 } : undefined;
  };
}

export const tableDetector: Detector = { kinds: [], gate: has.newline, detect: detectTables };
