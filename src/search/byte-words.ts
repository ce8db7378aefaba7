/** Bytes kept four in a number, for comparing them with others: most of a record is compared with what came before, four times as fast so. */

/** Copies bytes to `words` from `wordAt` on; returns the place behind the last one written. */
export function copyBytes(words: Int32Array, wordAt: number, bytes: DataView, at: number, length: number): number {
  const end = at + length;
  let word = wordAt;
  let i = at;
  for (; i + 4 <= end; i += 4) words[word++] = bytes.getInt32(i, true);
  if (i < end) words[word++] = lastWord(bytes, i, end);
  return word;
}

/** Whether `words` hold, from `wordAt` on, the same bytes, and as many. */
export function holdsBytes(words: Int32Array, wordAt: number, bytes: DataView, at: number, length: number): boolean {
  const end = at + length;
  let word = wordAt;
  let i = at;
  for (; i + 4 <= end; i += 4) if (words[word++] !== bytes.getInt32(i, true)) return false;
  return i === end || words[word] === lastWord(bytes, i, end);
}

/** A hash of 32 bits, for finding and not for trusting. */
export function hashBytes(seed: number, bytes: DataView, at: number, length: number): number {
  const end = at + length;
  let hash = Math.imul(seed, 0x9e3779b1);
  let i = at;
  for (; i + 4 <= end; i += 4) hash = mix(hash, bytes.getInt32(i, true));
  if (i < end) hash = mix(hash, lastWord(bytes, i, end));
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 15);
}

function mix(hash: number, word: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ word, 0x9e3779b1);
}

/** One to three bytes. */
function lastWord(bytes: DataView, at: number, end: number): number {
  let value = 0;
  for (let i = at; i < end; i++) value = (value << 8) | bytes.getUint8(i);
  return value;
}
