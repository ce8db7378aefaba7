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
