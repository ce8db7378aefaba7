/**
 * Dictionaries that can be handed on without handing on their words: a policy keeps of each phrase the first 12 bytes of
 * HMAC-SHA-256(salt, phrase), as 16 characters of base64url. A phrase is its words (letters and digits) after NFKC and in lower case,
 * divided by one space. Whoever has the policy can try words out, so this hides a list of names from a reader and not from an attacker who
 * has candidates.
 */
import { decodeBase64url, encodeBase64url } from '../core/base64.ts';
import { utf8 } from '../core/bytes.ts';
import { createMac } from '../core/sha256.ts';
import type { Dictionary } from './policy-model.ts';
import { isWord } from './survey.ts';

const digestBytes = 12;
export const saltBytesMin = 16;
export const phraseWordsMax = 5;
const wordUnitsMax = 64;
/** Spaces and joints between two words of a phrase, at most. */
const jointUnitsMax = 3;
const rememberedMax = 8_192;

/** A phrase as it is compared, and how many words it has. */
export function normalPhrase(phrase: string): { text: string; words: number } {
  const folded = phrase.normalize('NFKC').toLowerCase();
  const words: string[] = [];
  let start = -1;
  for (let i = 0; i <= folded.length; i++) {
    const inside = i < folded.length && isWord(folded.charCodeAt(i));
    if (inside && start < 0) start = i;
    else if (!inside && start >= 0) {
      words.push(folded.slice(start, i));
      start = -1;
    }
  }
  return { text: words.join(' '), words: words.length };
}

/** Makes a dictionary for a policy. Phrases without a word, or with more than five, are left out and returned. */
export function createDictionary(phrases: readonly string[], salt: Uint8Array): { dictionary: Dictionary; refused: string[] } {
  const digest = createDigest(salt);
  const refused: string[] = [];
  const hashes = new Set<string>();
  let longest = 1;
  for (const phrase of phrases) {
    const { text, words } = normalPhrase(phrase);
    if (words === 0 || words > phraseWordsMax || text.split(' ').some((word) => word.length > wordUnitsMax)) {
      refused.push(phrase);
      continue;
    }
    longest = Math.max(longest, words);
    hashes.add(digest(text));
  }
  return { dictionary: { salt: encodeBase64url(salt), words: longest, hashes: [...hashes].sort() }, refused };
}

function createDigest(salt: Uint8Array): (text: string) => string {
  const mac = createMac(salt);
  return (text) => encodeBase64url(mac(utf8(text)).subarray(0, digestBytes));
}

/** Finds phrases of a dictionary: calls `found` with each span, the longest first at each place, not overlapping. Linear. */
export function createPhraseFinder({
  salt,
  words: longest,
  hashes,
}: Dictionary): (text: string, found: (start: number, end: number) => void) => void {
  const digest = createDigest(decodeBase64url(salt));
  const known = new Set(hashes);
  // Words repeat: what they turned out to be is remembered, and forgotten all at once.
  let remembered = new Map<string, boolean>();
  const isKnown = (phrase: string): boolean => {
    let is = remembered.get(phrase);
    if (is === undefined) {
      is = known.has(digest(phrase));
      if (remembered.size >= rememberedMax) remembered = new Map();
      remembered.set(phrase, is);
    }
    return is;
  };
  return (text, found) => {
    const spans = wordSpans(text);
    for (let i = 0; i < spans.length; i++) {
      let phrase = '';
      let end = -1;
      let last = i;
      for (let j = i; j < spans.length && j < i + longest; j++) {
        const { word, start } = spans[j] as WordSpan;
        if (word === undefined || (j > i && start - (spans[j - 1] as WordSpan).end > jointUnitsMax)) break;
        phrase = j === i ? word : `${phrase} ${word}`;
        if (isKnown(phrase)) {
          end = (spans[j] as WordSpan).end;
          last = j;
        }
      }
      if (end < 0) continue;
      found((spans[i] as WordSpan).start, end);
      i = last;
    }
  };
}

interface WordSpan {
  readonly start: number;
  readonly end: number;
  /** As it is compared; undefined if it is too long to be known. */
  readonly word: string | undefined;
}

function wordSpans(text: string): WordSpan[] {
  const out: WordSpan[] = [];
  let start = -1;
  for (let i = 0; i <= text.length; i++) {
    const inside = i < text.length && isWord(text.charCodeAt(i));
    if (inside && start < 0) start = i;
    else if (!inside && start >= 0) {
      const word = i - start > wordUnitsMax ? undefined : text.slice(start, i).normalize('NFKC').toLowerCase();
      out.push({ start, end: i, word });
      start = -1;
    }
  }
  return out;
}
