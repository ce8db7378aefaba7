/**
 * The terms under which a record is found. Query and record go through the same two functions, so a record that a query is true of always
 * has the query's terms; the other way round need not hold, and every candidate is compared with the query itself.
 *
 *     word term    word         for every word of a text (see words.ts), up to {@link wordTermMax} characters of it
 *     value term   name=text    of a value that its words would not find well: one without words, or of at most {@link valueTermMax}
 *                               characters and without a word that is likely the only one of its kind (five characters, a digit in them);
 *                               name is the last step of its path, and of a longer text {@link wordTermMax} characters count
 *
 * A word holds no `=`, so the two kinds never meet.
 */
import { eachWord } from './words.ts';

export const valueTermMax = 20;
export const wordTermMax = 64;
const telltaleMin = 5;

/** Takes terms, repeated ones included. */
export interface TermSink {
  value(name: string, text: string): void;
  /** The word is `text` from `start` up to, not including, `end`. */
  word(text: string, start: number, end: number): void;
}

/** The terms of one value, in any order. */
export function termsOfValue(name: string, text: string, hasWords: boolean, sink: TermSink): void {
  let words = 0;
  let telltale = false;
  if (hasWords) {
    eachWord(text, (start, end) => {
      words++;
      telltale ||= end - start >= telltaleMin && hasDigit(text, start, end);
      sink.word(text, start, Math.min(end, start + wordTermMax));
    });
  }
  if (words === 0 || (text.length <= valueTermMax && !telltale)) sink.value(name, text.length > wordTermMax ? text.slice(0, wordTermMax) : text);
}

function hasDigit(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x30 && unit <= 0x39) return true;
  }
  return false;
}
