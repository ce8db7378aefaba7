/**
 * Rows in SQL: `INSERT INTO t (full_name, …) VALUES ('Jane Doe', …)`, and what databases report of a row: `Key (email)=(jane@example.com) already exists`.
 * A column's name says of its values what the header of a table says of its cells.
 */
import { has } from '../survey.ts';
import type { Detector, ScanContext } from './detector.ts';
import { type Column, columnOf } from './tables.ts';

const columnsUnitsMax = 4096;
const columnsMax = 128;
const textMin = 24;
const keyword = /^\s{0,8}\(/;
const columnName = /^\s*[`"[]?(?:[\w$]{1,64}[`"\]]?\.[`"[]?){0,2}(?<name>[\p{L}_][\p{L}\p{N}_$ ]{0,63}?)[`"\]]?\s*$/u;

function detectSql({ text, found }: ScanContext): void {
  if (text.length < textMin) return;
  for (const word of ['VALUES', 'values', 'Values']) {
    // What was read as a row is not read again: a string may hold a statement.
    for (let at = text.indexOf(word); at >= 0;) {
      const columns = columnsBefore(text, at);
      at += word.length;
      at = text.indexOf(word, columns ? readRows(text, at, columns, found) : at);
    }
  }
  for (let at = text.indexOf(')=('); at >= 0; at = text.indexOf(')=(', at + 3)) readKey(text, at, found);
}

/** The columns in brackets before `end`, or undefined if there are none that say anything. */
function columnsBefore(text: string, end: number): Column[] | undefined {
  let close = end - 1;
  while (close > 0 && end - close < 16 && text.charCodeAt(close) <= 32) close--;
  if (text.charCodeAt(close) !== 41) return undefined;
  const from = Math.max(0, close - columnsUnitsMax);
  const open = from + text.slice(from, close).lastIndexOf('(');
  if (open < from) return undefined;
  const names = text.slice(open + 1, close).split(',');
  if (names.length > columnsMax) return undefined;
  const columns = names.map((name) => {
    const plain = columnName.exec(name)?.groups?.['name'];
    return plain === undefined ? undefined : columnOf(plain);
  });
  return columns.some((column) => column !== undefined) ? columns : undefined;
}

/** Reads `(…), (…), …` behind `VALUES`; returns where they end. */
function readRows(text: string, from: number, columns: readonly Column[], found: ScanContext['found']): number {
  let at = from;
  for (;;) {
    const opening = keyword.exec(text.slice(at, at + 10));
    if (!opening) return at;
    at = readRow(text, at + opening[0].length, columns, found);
    if (text.charCodeAt(at) !== 44) return at;
    at++;
  }
}

/** Reads the values of one row; returns the place behind its closing bracket. */
function readRow(text: string, from: number, columns: readonly Column[], found: ScanContext['found']): number {
  let at = from;
  let depth = 0;
  let column = 0;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit === 39 || unit === 34) {
      const end = stringEnd(text, at, unit);
      if (depth === 0) pushValue(text, at + 1, end - 1, columns[column], found);
      at = end;
    } else if (unit === 40) {
      depth++;
      at++;
    } else if (unit === 41) {
      at++;
      if (depth-- === 0) return at;
    } else if (unit === 44) {
      if (depth === 0) column++;
      at++;
    } else if (depth === 0 && unit > 32) {
      const end = bareEnd(text, at);
      pushValue(text, at, end, columns[column], found);
      at = end;
    } else at++;
  }
  return at;
}

/** Behind the quote that closes the string at `at`; a doubled or escaped one does not. */
function stringEnd(text: string, at: number, quote: number): number {
  for (let end = at + 1; end < text.length; end++) {
    const unit = text.charCodeAt(end);
    if (unit === 92) end++;
    else if (unit === quote) {
      if (text.charCodeAt(end + 1) !== quote) return end + 1;
      end++;
    }
  }
  return text.length;
}

/** A number or a word: up to a comma, a bracket, a quote or a blank. */
function bareEnd(text: string, at: number): number {
  let end = at + 1;
  for (; end < text.length; end++) {
    const unit = text.charCodeAt(end);
    if (unit <= 32 || unit === 44 || unit === 40 || unit === 41 || unit === 39 || unit === 34) break;
  }
  return end;
}

const nothing = /^(?:null|default|true|false|now|current_timestamp|\?|\$\d+|:\w+|@\w+|%s)$/i;

function pushValue(text: string, start: number, end: number, column: Column, found: ScanContext['found']): void {
  if (!column || end <= start) return;
  const value = text.slice(start, end);
  if (nothing.test(value)) return;
  const one = column(value);
  if (one) found.push({ ...one, start: start + one.start, end: start + one.end });
}

/** `Key (first, second)=(one, two)`: columns before the mark at `at`, values behind it. */
function readKey(text: string, at: number, found: ScanContext['found']): void {
  const columns = columnsBefore(text, at + 1);
  if (!columns) return;
  let start = at + 3;
  for (const [i, column] of columns.entries()) {
    // Values are not quoted: the last one goes on to the closing bracket before a word or the end.
    const isLast = i === columns.length - 1;
    const end = isLast ? keyEnd(text, start) : valueEnd(text, start);
    if (end < 0) return;
    pushValue(text, start, end, column, found);
    start = end + 2;
  }
}

function valueEnd(text: string, start: number): number {
  const end = text.slice(start, start + keyUnitsMax).indexOf(', ');
  return end < 0 ? -1 : start + end;
}

const keyUnitsMax = 512;
const keyClose = /\)(?=[\s.,;]|$)/;

function keyEnd(text: string, start: number): number {
  const match = keyClose.exec(text.slice(start, start + keyUnitsMax));
  return match ? start + match.index : -1;
}

export const sqlDetector: Detector = { kinds: [], gate: has.statement, detect: detectSql };
