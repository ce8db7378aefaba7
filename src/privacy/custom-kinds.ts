/**
 * Kinds that a policy makes itself, as detectors: expressions whose cost was counted (see {@link file://./pattern.ts}), dictionaries of
 * digests, and what speaks for a match: a keyword near by or in the field's name, a check that holds. The evidence adds up like everywhere:
 *
 *     neither keywords nor check are asked for   0.97
 *     keyword 0.98, none 0.3 · check holds 0.98, fails 0.2 · both asked for: both 0.99, one 0.7, none 0.1
 *
 * and what falls below the kind's floor (0.5, or the policy's) is left alone. What a policy says outright outweighs what detectors conclude:
 * of two kinds for the same characters the policy's own wins.
 */
import { before, compact, type Detector, digitsOf, type KindSpec, lowerTrimmed, type ScanContext } from './detectors/detector.ts';
import { passesLuhn, passesMod112, passesVerhoeff, remainder } from './detectors/checksums.ts';
import { normalName } from './fields.ts';
import { compilePattern } from './pattern.ts';
import type { CanonicalName, CheckName, CustomKind } from './policy-model.ts';
import { isWord } from './survey.ts';
import { createPhraseFinder } from './word-digests.ts';

/** How far before and behind a match a keyword may begin and end. */
const keywordsBefore = 40;
const keywordsBehind = 20;

const canonicals: Readonly<Record<CanonicalName, (value: string) => string>> = {
  lower: lowerTrimmed,
  digits: digitsOf,
  compact,
  exact: (value) => value,
};

const checks: Readonly<Record<CheckName, (value: string) => boolean>> = {
  // Letters before a number, such as a prefix, are no part of it.
  luhn: (value) => digitsOf(value).length > 1 && passesLuhn(digitsOf(value)),
  // As an IBAN has it: the first four characters go to the end, letters are numbers, the remainder is 1.
  mod97: (value) => /^[0-9A-Z]{5,}$/.test(value) && remainder(value.slice(4) + value.slice(0, 4), 97) === 1,
  'mod11-2': (value) => /\d[\dX]$/.test(value) && passesMod112(value.replace(/[^\d]+(?=.)/g, '')),
  verhoeff: (value) => digitsOf(value).length > 1 && passesVerhoeff(digitsOf(value)),
};

const checkWords: Readonly<Record<CheckName, string>> = {
  luhn: 'Luhn',
  mod97: 'ISO 7064 mod 97-10',
  'mod11-2': 'ISO 7064 mod 11-2',
  verhoeff: 'Verhoeff',
};

/** One detector a kind. @throws VeiltrailError `pattern_refused` */
export function compileCustomKinds(custom: readonly CustomKind[]): Detector[] {
  return custom.map(compileCustomKind);
}

function compileCustomKind(custom: CustomKind): Detector {
  const { kind, example = '', check, dictionary } = custom;
  const canonical = canonicals[custom.canonical ?? 'lower'];
  const spec: KindSpec = { kind, family: 'other', example, check: checkInWords(custom), floor: 0.5, canonical };
  const searches = (custom.pattern ?? []).map((pattern) => createSearch(pattern, custom.ignoreCase ?? false));
  const phrases = dictionary && createPhraseFinder(dictionary);
  const keywords = (custom.keywords ?? []).map((word) => word.toLowerCase().trim());
  const fieldWords = keywords.map(normalName);
  return {
    kinds: [spec],
    gate: ~0,
    detect(context) {
      const { text, found, field } = context;
      for (const search of searches) {
        search(text, (start, end) => {
          const value = text.slice(start, end);
          const near = keywords.length > 0 && (fieldWords.some((word) => field.includes(word)) || isKeywordNear(context, start, end, keywords));
          const passes = check !== undefined && checks[check](compact(value));
          const confidence = weigh(keywords.length > 0, near, check !== undefined, passes);
          found.push({ kind, start, end, confidence, canonical: canonical(value) || value });
        });
      }
      phrases?.(text, (start, end) => found.push({ kind, start, end, confidence: 0.97, canonical: canonical(text.slice(start, end)) }));
    },
  };
}

function weigh(wantsKeyword: boolean, near: boolean, wantsCheck: boolean, passes: boolean): number {
  if (wantsKeyword && wantsCheck) return near && passes ? 0.99 : near || passes ? 0.7 : 0.1;
  if (wantsKeyword) return near ? 0.98 : 0.3;
  if (wantsCheck) return passes ? 0.98 : 0.2;
  return 0.97;
}

function isKeywordNear({ text }: ScanContext, start: number, end: number, keywords: readonly string[]): boolean {
  const around = [before(text, start, keywordsBefore), text.slice(end, end + keywordsBehind).toLowerCase()];
  return around.some((part) => keywords.some((word) => hasWord(part, word)));
}

/** Does `text` hold `word` as a word, not within another? */
function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const behind = at + word.length;
    if (!(at > 0 && isWord(text.charCodeAt(at - 1))) && !(behind < text.length && isWord(text.charCodeAt(behind)))) return true;
  }
  return false;
}

type Search = (text: string, found: (start: number, end: number) => void) => void;

function createSearch(source: string, ignoreCase: boolean): Search {
  const pattern = compilePattern(source, ignoreCase);
  const expression = new RegExp(pattern.source, `g${pattern.flags}`);
  const tail = pattern.tail === undefined ? undefined : new RegExp(`${pattern.tail}*`, `y${pattern.flags}`);
  return (text, found) => {
    if (pattern.needle !== '' && !text.includes(pattern.needle)) return;
    expression.lastIndex = 0;
    for (let match = expression.exec(text); match; match = expression.exec(text)) {
      let end = match.index + match[0].length;
      if (tail) {
        // An open repeat was given a limit; what goes on behind it belongs to the value.
        tail.lastIndex = end;
        tail.test(text);
        end = Math.max(end, tail.lastIndex);
        expression.lastIndex = end;
      }
      found(match.index, end);
    }
  };
}

function checkInWords({ pattern, dictionary, keywords, check }: CustomKind): string {
  const parts = [
    ...(pattern ? [pattern.length === 1 ? 'an expression of the policy' : `${pattern.length} expressions of the policy`] : []),
    ...(dictionary ? [`a dictionary of ${dictionary.hashes.length}`] : []),
    ...(keywords ? ['a keyword near by'] : []),
    ...(check ? [checkWords[check]] : []),
  ];
  return parts.join(', ');
}
