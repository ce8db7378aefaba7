/**
 * The terms under which a record is found. Query and record go through the same two functions, so a record that a query is true of always
 * has the query's terms; the other way round need not hold, and every candidate is compared with the query itself.
 *
 *     value term   name=text    of a value of at most {@link valueTermMax} characters, or without words; name is the last step of its path
 *     word term    word         for every word of a text (see words.ts), up to {@link wordTermMax} characters of it
 *
 * A longer value is found by its words. A word holds no `=`, so the two kinds never meet.
 */
import { eachWord } from './words.ts';

export const valueTermMax = 20;
export const wordTermMax = 64;

/** Takes one term: a value term where there is a name, else a word term. */
export interface TermSink {
  value(name: string, text: string): void;
  word(word: string): void;
}

/** The terms of one value, in any order, repeated ones included. */
export function termsOfValue(name: string, text: string, hasWords: boolean, sink: TermSink): void {
  let words = 0;
  if (hasWords) {
    eachWord(text, (word) => {
      words++;
      sink.word(word.length > wordTermMax ? word.slice(0, wordTermMax) : word);
    });
  }
  if (words === 0 || text.length <= valueTermMax) sink.value(name, text.length > wordTermMax ? text.slice(0, wordTermMax) : text);
}
