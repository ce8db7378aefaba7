/** The words that names, accounts and addresses are made of. */
import { commonWords, sharedMailboxes, systemAccounts } from './lexicon.ts';
import { isDigit, isWord } from './survey.ts';

/** The words of a text: runs of letters and digits. */
export function wordsOf(text: string): string[] {
  const out: string[] = [];
  let start = -1;
  for (let i = 0; i <= text.length; i++) {
    const inside = i < text.length && isWord(text.charCodeAt(i));
    if (inside && start < 0) start = i;
    else if (!inside && start >= 0) {
      out.push(text.slice(start, i));
      start = -1;
    }
  }
  return out;
}

/** The words of the local part of an address: what dots, dashes, underscores and digits divide. */
export function partsOf(local: string): string[] {
  const out: string[] = [];
  let start = 0;
  for (let i = 0; i <= local.length; i++) {
    const unit = i < local.length ? local.charCodeAt(i) : 46;
    if (unit !== 46 && unit !== 45 && unit !== 95 && !isDigit(unit)) continue;
    if (i > start) out.push(local.slice(start, i));
    start = i + 1;
  }
  return out;
}

/** The local part of an address in lower case, without its `+tag`. */
export function localOf(address: string): string {
  let at = address.length - 1;
  while (at >= 0 && address.charCodeAt(at) !== 64) at--;
  const local = address.slice(0, at).toLowerCase();
  const plus = local.indexOf('+');
  return plus > 0 ? local.slice(0, plus) : local;
}

export function hasDigit(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (isDigit(text.charCodeAt(i))) return true;
  return false;
}

const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** Is anything written in a script without spaces? */
export function isUnspaced(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return unspaced.test(text);
  return false;
}

/** Words that by themselves are nobody's name. */
const indistinct = new Set([...commonWords, ...systemAccounts, ...sharedMailboxes]);

export function isCommon(word: string): boolean {
  return commonWords.has(word);
}

/** From Hebrew on. */
const beyondEurope = 0x590;

/** Long and unusual enough to be looked for by itself: of scripts that write few vowels two letters are enough. */
export function isDistinct(word: string): boolean {
  return word.length >= (word.charCodeAt(0) < beyondEurope ? 3 : 2) && !indistinct.has(word) && !/^\d+$/.test(word);
}
