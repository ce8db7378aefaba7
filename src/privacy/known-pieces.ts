/**
 * Pieces of texts that come again and again, and in which nothing was found: in logs what stands in quotation marks, most of all names of browsers,
 * referring pages and requests. A survey leaves out those that it knows (pieces-code.ts), so that detectors begin nowhere in them; what begins elsewhere
 * reads them as before.
 *
 * What is remembered is a keyed digest of 128 bits of the piece, its marks, and sixteen units on either side (there digits are not told apart); the key is
 * random and in this thread's memory alone. No text is kept, and none can be made of what is. Two digests a bucket, the older one goes: 128 KiB, for ever.
 *
 * A piece is remembered if nothing at all was found in it, however unsure; if nothing in the text is encoded or says of other parts what they are; and if
 * no detector judged anything in it by what stands farther away than the digest reaches (far-looks.ts).
 */
import { wasJudgedBy } from './far-looks.ts';
import type { Candidate } from './finding.ts';
import { aroundPiece, bucketCount } from './pieces-code.ts';
import { has, isDigit, type Survey } from './survey.ts';

/** Where a text has any of these, its pieces mean more, or may, than they say by themselves. */
const unfit =
  has.at |
  has.percent |
  has.ampersand |
  has.backslash |
  has.nonAscii |
  has.bracket |
  has.mail |
  has.statement |
  has.endTag |
  has.newline |
  has.written;

/** What begins before a piece goes on in it, or looks how far the next digits are: not over a mark and three units that are no digits. */
const edge = 3;

/** Remembers pieces of a text that was looked through, if none of them is encoded. @param found all candidates, before anything is settled */
export function rememberPieces({ units, lane, flags, unknownPieces }: Survey, found: readonly Candidate[]): void {
  if ((flags & unfit) !== 0 || !lane?.pieces) return;
  const { unknown, table } = lane.pieces;
  for (let i = 0; i < 8 * unknownPieces; i += 8) {
    const from = unknown[i] as number;
    const to = (unknown[i + 1] as number) + 1;
    if (
      !isApart(units, from) ||
      isTouched(found, from - aroundPiece, to + aroundPiece) ||
      !wasJudgedBy(from - aroundPiece, from, to, to + aroundPiece)
    )
      continue;
    const bucket = 8 * (((unknown[i + 4] as number) >>> 20) & (bucketCount - 1));
    for (let k = 0; k < 4; k++) {
      table[bucket + 4 + k] = table[bucket + k] as number;
      table[bucket + k] = unknown[i + 4 + k] as number;
    }
  }
}

function isApart(units: Uint8Array, from: number): boolean {
  for (let i = 1; i <= edge; i++) if (isDigit(units[from + i] as number)) return false;
  return true;
}

function isTouched(found: readonly Candidate[], from: number, to: number): boolean {
  for (const { start, end } of found) if (start < to && end > from) return true;
  return false;
}
