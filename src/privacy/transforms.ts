/**
 * What is done to a value. All but `tokenize` are done here; a token comes from the vault, and the engine asks for it.
 *
 * `hash` = `hash_v<key version>_` + base64url of the first 20 bytes of HMAC-SHA-256(key, kind ‖ canonical value), each after its
 * uint32be length. Keyed, because emails, addresses and numbers are few enough to be guessed. It correlates without being revealable.
 */
import { encodeBase64url } from '../core/base64.ts';
import { concatBytes, toHex, uint32be, utf8 } from '../core/bytes.ts';
import { createMac, sha256 } from '../core/sha256.ts';
import { kindSpecs } from './detectors/all.ts';
import { isCapital, isLetter } from './survey.ts';
import type { TransformOptions } from './policy-model.ts';

export interface PseudonymKey {
  version: number;
  /** 32 random bytes. */
  key: Uint8Array;
}

/** `[US_SSN]` or `[REDACTED]`. */
export function redact(kind: string, options: TransformOptions = {}): string {
  return options.label === 'kind' ? `[${kind.toUpperCase()}]` : '[REDACTED]';
}

/** Stars, and the last `keepLast` (4) letters and digits where at least twice as many are hidden. Separators go, so the length tells little. */
export function mask(value: string, options: TransformOptions = {}): string {
  const kept = Array.from(value.replace(/[^\p{L}\p{N}]+/gu, ''));
  const count = options.keepLast ?? 4;
  return kept.length >= count * 3 ? `********${count > 0 ? kept.slice(-count).join('') : ''}` : '********';
}

/** A keyed hash, and the version of the key (of the newest, where it is under several). */
export interface KeyedHash {
  text: string;
  keyVersion: number;
}

export type Hasher = (kind: string, canonical: string, keys?: TransformOptions['keys']) => KeyedHash;

/**
 * A hasher for the versions of the pseudonym key, in any order. By default the oldest that is left is used, so that equal values go on
 * correlating when a new version is made, until the old one is destroyed; `newest` ends correlation with what came before, and `both`
 * (`hash_v1_…+hash_v2_…`) bridges the two.
 */
export function createHasher(keys: readonly PseudonymKey[]): Hasher {
  const ordered = keys.toSorted((a, b) => a.version - b.version).map(createVersionHasher);
  const oldest = ordered[0] as VersionHasher;
  const newest = ordered.at(-1) as VersionHasher;
  return (kind, canonical, which = 'oldest') => {
    if (which === 'both' && oldest !== newest)
      return { text: `${oldest.hash(kind, canonical)}+${newest.hash(kind, canonical)}`, keyVersion: newest.version };
    const { hash, version } = which === 'oldest' ? oldest : newest;
    return { text: hash(kind, canonical), keyVersion: version };
  };
}

/** What `hash` may have made of a value: under each version of the key that is left. */
export function createHashFinder(keys: readonly PseudonymKey[]): (kind: string, canonical: string) => string[] {
  const hashers = keys.map(createVersionHasher);
  return (kind, canonical) => hashers.map(({ hash }) => hash(kind, canonical));
}

interface VersionHasher {
  readonly version: number;
  readonly hash: (kind: string, canonical: string) => string;
}

function createVersionHasher({ version, key }: PseudonymKey): VersionHasher {
  const mac = createMac(key);
  return {
    version,
    hash(kind, canonical) {
      const kindBytes = utf8(kind);
      const valueBytes = utf8(canonical);
      const digest = mac(concatBytes(uint32be(kindBytes.length), kindBytes, uint32be(valueBytes.length), valueBytes));
      return `hash_v${version}_${encodeBase64url(digest.subarray(0, 20))}`;
    },
  };
}

/** `sha256:` and the hex digits of SHA-256 over the canonical value in UTF-8: as other systems make it, and as open to guessing as there. */
export function plainSha256(canonical: string): string {
  return `sha256:${toHex(sha256(utf8(canonical)))}`;
}

/** What stands before and behind a token that is shaped like its kind. */
export function tokenShape(kind: string, shape: TransformOptions['shape']): { before: string; behind: string } | undefined {
  if (shape === 'readable') return { before: `${readableWord(kind)}-`, behind: '-token' };
  if (shape !== 'kind') return undefined;
  // Only names of ours stand before a token: another would be taken for a part of it, whatever it says.
  return kind === 'email' ? { before: '', behind: tokenDomain } : { before: kindSpecs.has(kind) ? `${kind}:` : 'custom:', behind: '' };
}

/** What stands for a kind before a readable token: letters, digits and `-`. */
function readableWord(kind: string): string {
  if (kind === 'username' || kind === 'person_name') return 'user';
  return kindSpecs.has(kind) ? kind.replaceAll('_', '-') : 'custom';
}

/** RFC 2606: a name that never exists. */
const tokenDomain = '@token.invalid';

/** What transforms leave behind: tokens (the vault makes them, everyone recognises them), hashes, marks, stars. */
const labels = ['REDACTED', ...[...kindSpecs.keys()].map((kind) => kind.toUpperCase())].join('|');
const pseudonym = '(?:tok_[A-Za-z0-9_-]{27}|hash_v\\d{1,9}_[A-Za-z0-9_-]{27})';
const readableWords = [...new Set(['custom', ...kindSpecs.keys()].map(readableWord))].join('|');
const plainHash = 'sha256:[0-9a-f]{64}';
const range = '-?\\d[\\d.e+]{0,20}\\.\\.-?\\d[\\d.e+]{0,20}';
const outcome = new RegExp(
  `(?<![A-Za-z0-9])${pseudonym}(?:@token\\.invalid(?![A-Za-z0-9-])|-token(?![A-Za-z0-9_-])|(?![A-Za-z0-9_-]))|(?<![A-Za-z0-9])${plainHash}(?![A-Za-z0-9])|\\[(?:${labels})\\]|\\*{8}`,
  'g',
);
const whole = new RegExp(
  `^(?:(?:(?:custom|${[...kindSpecs.keys()].join('|')}):)?${pseudonym}(?:\\+${pseudonym}|@token\\.invalid)?|(?:${readableWords})-${pseudonym}-token|${plainHash}|\\[(?:${labels})\\]|\\*{8}[\\p{L}\\p{N}]{0,8}|${range}(?:, ${range})?)$`,
  'u',
);

/** Is the whole value the outcome of a transform already? */
export function isTransformed(value: string): boolean {
  const first = value.charCodeAt(0);
  // What begins with a letter has a token, a keyed hash (both with a `_`) or a plain one.
  if (first > 127 || isCapital(first) || (isLetter(first) && !value.includes('_') && !value.startsWith('sha256:'))) return false;
  return whole.test(value);
}

/** Longer than any token or hash: as far as one may reach before or behind a place within it. */
const outcomeUnitsMax = 72;

/** Could [start, end) lie within something that a transform has left? A cheap look at the surroundings. */
export function mayLieInOutcome(text: string, start: number, end: number): boolean {
  const around = text.slice(Math.max(0, start - outcomeUnitsMax), end + outcomeUnitsMax);
  if (around.includes('_') && (around.includes('tok_') || around.includes('hash_v'))) return true;
  if (around.includes('********') || around.includes('sha256:')) return true;
  for (let at = around.indexOf('['); at >= 0; at = around.indexOf('[', at + 1))
    if (isCapital(around.charCodeAt(at + 1)) && isCapital(around.charCodeAt(at + 2))) return true;
  return false;
}

/** Spans of what transforms have left in a text, as pairs (start, end). Detectors must not find anything within them. */
export function outcomeSpans(text: string): number[] {
  return [...text.matchAll(outcome)].flatMap((match) => [match.index, match.index + match[0].length]);
}
