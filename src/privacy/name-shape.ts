/**
 * Does an unknown word look like a name? A weight for each group of two to four letters, learnt from the lexicon (names against common words of six
 * languages) by scripts/build-name-lexicon.ts. Of words that it had not seen, two names in three pass 1, and one common word in twelve does.
 */
import { shapeWeights } from './name-shape-weights.ts';

/** Groups share slots. */
export const shapeSize = 4096;
/** A weight is the place of its letter here, less 32, divided by the scale. */
export const shapeAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
export const shapeScale = 14;

let weights: Int8Array | undefined;

/** The slots of a folded word's groups. */
export function shapeFeatures(word: string): number[] {
  const marked = `^${word}$`;
  const out: number[] = [];
  for (let i = 0; i + 2 <= marked.length; i++) {
    let hash = 0x811c9dc5;
    for (let j = i; j < i + 4 && j < marked.length; j++) {
      hash = Math.imul(hash ^ marked.charCodeAt(j), 0x01000193);
      if (j > i) out.push((hash ^ (hash >>> 15)) & (shapeSize - 1));
    }
  }
  return out;
}

/** The logarithm of the odds that a folded word in Latin letters is a name rather than a common word. */
export function nameShape(word: string): number {
  weights ??= Int8Array.from(shapeWeights.replaceAll('\n', ''), (letter) => shapeAlphabet.indexOf(letter) - 32);
  let sum = 0;
  for (const feature of shapeFeatures(word)) sum += weights[feature] as number;
  return sum / shapeScale;
}

const initials = 'zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw]';
const finals = 'iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|van|an|ai|ao|en|ei|er|ia|ie|in|iu|ou|ua|ue|ui|un|uo|a|e|i|o|u|v';
/** Two or three syllables as Chinese is written in Latin letters (pinyin). */
const pinyin = new RegExp(`^(?:(?:${initials})?(?:${finals})){2,3}$`);
/** What hardly any other language has in so short a word. */
const ofPinyin = /^(?:zh|x|q)|[^c]zh|[aeiou]x|q[^u]|iao|uo|ian|iang|ao.*[ng]|ng[^aeiou]|[jqx]i/;
/** Three morae or more as Japanese is written in Latin letters. */
const romaji = /^(?:(?:ky|gy|sh|ch|ny|hy|by|py|my|ry|ts|[kgsztdnhbpmyrwjf])?[aiueo]+n?(?![aiueo])){3,6}$/;
const ofRomaji = /(?:ts|sh|ch|k|y|h|w|r|m|z)[aiueo](?:ts|sh|ch|k|y|h|w|r|m|z|g|n)[aiueo]/;

/** Is an unknown folded word built like names of China or Japan, of which no list has all? */
export function isSyllabic(word: string): boolean {
  if (word.length < 5 || word.length > 14) return false;
  return (ofPinyin.test(word) && pinyin.test(word)) || (ofRomaji.test(word) && romaji.test(word));
}
