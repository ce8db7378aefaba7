/**
 * The lines of an evidence file. The file is JSON, and at the same time a list of lines, each with one part of it: so that what was changed can be
 * named even where a line is not JSON any more. Each line has its digest in the file, and the list of digests is what the log's key signs:
 *
 *     line digest = SHA-256(line without its newline)
 *     signed      = "veiltrail.evidence/v1\n" ‖ "log " ‖ origin ‖ "\n" ‖ "digests " ‖ base64(digest of the line of digests) ‖ "\n"
 *
 * as a C2SP signed note. (The `log ` is not a tree size, so nobody can take the note for a checkpoint.) JSON is RFC 8785, and every `<` in it is
 * written `\u003c`: there is one way to write a file, and it can stand in a script element of a page as it is.
 */
import { decodeBase64, encodeBase64 } from '../../core/base64.ts';
import { decodeUtf8, equalBytes, utf8 } from '../../core/bytes.ts';
import { canonicalJson } from '../../core/canonical-json.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { type JsonLimits, type JsonValue, parseJson } from '../../core/json.ts';
import { sha256 } from '../../core/sha256.ts';
import { attempt } from './attempt.ts';
import { evidenceFormat, evidenceLimits } from './model.ts';

/** The parts that have a line each, in their order; events follow the last one. */
export const headParts = ['format', 'export', 'log', 'policy', 'checkpoint', 'anchors', 'ranges', 'proof', 'events'] as const;
export type HeadPart = (typeof headParts)[number];

export const eventsOpen = '"events":[';
export const eventsClose = '],';
/** Events, and everything around them. */
const linesMax = evidenceLimits.leavesMax + 16;
export const formatLine = `{"format":"${evidenceFormat}",`;

/** RFC 8785, and fit to stand in a script element. */
export function writeJson(value: JsonValue): string {
  return canonicalJson(value).replaceAll('<', '\\u003c');
}

/** The line of a part that is one JSON value. */
export function partLine(name: string, value: JsonValue, end: ',' | '}' = ','): string {
  return `"${name}":${writeJson(value)}${end}`;
}

/**
 * The value in a part's line.
 * @throws VeiltrailError `evidence_syntax` for anything {@link partLine} would not write
 */
export function readPartLine(name: string, line: string, bounds: JsonLimits, end: ',' | '}' = ','): JsonValue {
  const open = `"${name}":`;
  if (!line.startsWith(open) || !line.endsWith(end)) throw badEvidence(`the line of “${name}”`);
  return readJson(line.slice(open.length, -1), bounds);
}

/** @throws VeiltrailError `evidence_syntax` for anything {@link writeJson} would not write */
export function readJson(text: string, bounds: JsonLimits): JsonValue {
  const { value: parsed, error } = attempt(() => parseJson(text, bounds));
  if (!parsed) throw badEvidence((error as VeiltrailError).message);
  const { value } = parsed;
  if (writeJson(value) !== text) throw badEvidence('JSON that is not written in its one way');
  return value;
}

/**
 * The lines of a file, without their newlines; undefined where one is not UTF-8. The last one is empty in a file that ends as it should.
 * @throws VeiltrailError `evidence_syntax` for a file that is too long
 */
export function splitLines(file: string | Uint8Array): (string | undefined)[] {
  if (file.length > evidenceLimits.lengthMax) throw badEvidence('longer than allowed');
  if (typeof file === 'string') return checkCount(file.split('\n', linesMax + 1));
  const lines: (string | undefined)[] = [];
  for (let at = 0; at <= file.length && lines.length <= linesMax;) {
    const newline = file.indexOf(0x0a, at);
    const end = newline < 0 ? file.length : newline;
    lines.push(decodeLine(file.subarray(at, end)));
    at = end + 1;
  }
  return checkCount(lines);
}

function checkCount<T>(lines: T[]): T[] {
  if (lines.length > linesMax) throw badEvidence('more lines than allowed');
  return lines;
}

function decodeLine(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes);
  } catch {
    return undefined;
  }
}

export function lineDigest(line: string): Uint8Array {
  return sha256(utf8(line));
}

export function digestsLine(lines: readonly string[]): string {
  return partLine(
    'digests',
    lines.map((line) => encodeBase64(lineDigest(line))),
  );
}

/** @throws VeiltrailError `evidence_syntax` */
export function readDigestsLine(line: string): Uint8Array[] {
  const value = readPartLine('digests', line, { depthMax: 1, nodesMax: evidenceLimits.leavesMax + 16 });
  if (!Array.isArray(value)) throw badEvidence('the digests');
  return value.map((one) => readBytes(one, 32));
}

/** The text that the log's key signs. */
export function signedText(origin: string, lineOfDigests: string): string {
  return `${evidenceFormat}\nlog ${origin}${signedDigests(lineOfDigests)}`;
}

/** The end of the signed text, which does not depend on the log. */
export function signedDigests(lineOfDigests: string): string {
  return `\ndigests ${encodeBase64(lineDigest(lineOfDigests))}\n`;
}

/**
 * Bytes in base64.
 * @param length undefined: any
 * @throws VeiltrailError `evidence_syntax`
 */
export function readBytes(value: JsonValue | undefined, length?: number): Uint8Array {
  if (typeof value !== 'string') throw badEvidence('base64 that is no string');
  let bytes: Uint8Array;
  try {
    bytes = decodeBase64(value);
  } catch {
    throw badEvidence('not base64');
  }
  if (length !== undefined && bytes.length !== length) throw badEvidence(`not ${length} bytes in base64`);
  return bytes;
}

/**
 * Puts lines beside the digests of what they should be. Where there are as many lines as digests, each has its place; else a newline was changed,
 * and lines are matched from both ends.
 * @returns for each digest its line, undefined where there is none that matches or that is UTF-8, and whether it matches
 */
export function matchLines(lines: readonly (string | undefined)[], digests: readonly Uint8Array[]): MatchedLine[] {
  const matches = (line: string | undefined, digest: Uint8Array | undefined): boolean =>
    line !== undefined && digest !== undefined && equalBytes(lineDigest(line), digest);
  if (lines.length === digests.length) return digests.map((digest, i) => ({ line: lines[i], changed: !matches(lines[i], digest) }));
  const shorter = Math.min(lines.length, digests.length);
  let front = 0;
  while (front < shorter && matches(lines[front], digests[front])) front++;
  let back = 0;
  while (back < shorter - front && matches(lines[lines.length - 1 - back], digests[digests.length - 1 - back])) back++;
  // Lines that are too many stand before this one.
  const extraAt = front + back === digests.length ? Math.min(front, digests.length - 1) : -1;
  return digests.map((_, i) => {
    const fromEnd = digests.length - i;
    if (i === extraAt) return { line: lines[i < front ? i : lines.length - fromEnd], changed: true };
    if (i < front) return { line: lines[i], changed: false };
    return fromEnd <= back ? { line: lines[lines.length - fromEnd], changed: false } : { line: undefined, changed: true };
  });
}

export interface MatchedLine {
  readonly line: string | undefined;
  readonly changed: boolean;
}

export function badEvidence(what: string): VeiltrailError {
  return new VeiltrailError('evidence_syntax', `not as evidence is written: ${what}`);
}
