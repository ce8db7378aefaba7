/**
 * What is done to a value. All but `tokenize` are done here; a token comes from the vault, and the engine asks for it.
 *
 * `hash` = `hash_v<key version>_` + base64url of the first 20 bytes of HMAC-SHA-256(key, kind ‖ canonical value), each after its
 * uint32be length. Keyed, because emails, addresses and numbers are few enough to be guessed. It correlates without being revealable.
 */
import { encodeBase64url } from '../core/base64.ts';
import { concatBytes, uint32be, utf8 } from '../core/bytes.ts';
import { sha256 } from '../core/sha256.ts';
import { kindSpecs } from './detectors/all.ts';
import { canonicalIp, formatIpv4, parseIpv4 } from './detectors/network.ts';
import { isCapital } from './survey.ts';
import type { TransformOptions } from './policy-model.ts';
import ipaddr from 'ipaddr.js';

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

/**
 * A wider value that still says something: the network of an address (/24, /48), the month or year of a date, the bucket of a number.
 * What cannot be understood is redacted.
 */
export function generalize(kind: string, value: string, options: TransformOptions = {}): string {
  if (kind === 'ip_address') return generalizeIp(value, options) ?? redact(kind);
  const date = generalizeDate(value, options);
  if (date !== undefined) return date;
  return generalizeNumber(value, options) ?? redact(kind);
}

function generalizeIp(value: string, { ipv4 = 24, ipv6 = 48 }: TransformOptions): string | undefined {
  const address = canonicalIp(value);
  const four = parseIpv4(address);
  if (four !== undefined) return `${formatIpv4(ipv4 === 0 ? 0 : (four & (-1 << (32 - ipv4))) >>> 0)}/${ipv4}`;
  if (!ipaddr.IPv6.isValid(address)) return undefined;
  const bytes = ipaddr.IPv6.parse(address).toByteArray();
  for (let bit = ipv6; bit < 128; bit++) bytes[bit >> 3] = (bytes[bit >> 3] as number) & ~(0x80 >> (bit & 7));
  return `${(ipaddr.fromByteArray(bytes) as InstanceType<typeof ipaddr.IPv6>).toRFC5952String()}/${ipv6}`;
}

function generalizeDate(value: string, { date = 'month' }: TransformOptions): string | undefined {
  const match = /^\s*(\d{4})-(\d\d)(?:-\d\d(?:[T ].*)?)?\s*$/.exec(value) ?? /^\s*(\d{4})\/(\d\d?)\/\d\d?\s*$/.exec(value);
  if (!match) return undefined;
  return date === 'year' ? (match[1] as string) : `${match[1]}-${(match[2] as string).padStart(2, '0')}`;
}

function generalizeNumber(value: string, { bucket = 10 }: TransformOptions): string | undefined {
  if (!/^\s*-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\s*$/i.test(value)) return undefined;
  const low = Math.floor(Number(value) / bucket) * bucket;
  return Number.isFinite(low) ? `${low}..${low + bucket}` : undefined;
}

/** A hasher for one key version. */
export function createHasher({ version, key }: PseudonymKey): (kind: string, canonical: string) => string {
  const block = new Uint8Array(64);
  block.set(key.length > 64 ? sha256(key) : key);
  const inner = block.map((byte) => byte ^ 0x36);
  const outer = block.map((byte) => byte ^ 0x5c);
  return (kind, canonical) => {
    const kindBytes = utf8(kind);
    const valueBytes = utf8(canonical);
    const digest = sha256(concatBytes(inner, uint32be(kindBytes.length), kindBytes, uint32be(valueBytes.length), valueBytes));
    return `hash_v${version}_${encodeBase64url(sha256(concatBytes(outer, digest)).subarray(0, 20))}`;
  };
}

/** What transforms leave behind: tokens (the vault makes them, everyone recognises them), hashes, marks, stars. */
const labels = ['REDACTED', ...[...kindSpecs.keys()].map((kind) => kind.toUpperCase())].join('|');
const pseudonym = '(?:tok_[A-Za-z0-9_-]{27}|hash_v\\d{1,9}_[A-Za-z0-9_-]{27})';
const outcome = new RegExp(`(?<![A-Za-z0-9])${pseudonym}(?![A-Za-z0-9_-])|\\[(?:${labels})\\]|\\*{8}`, 'g');
const whole = new RegExp(`^(?:${pseudonym}|\\[(?:${labels})\\]|\\*{8}[\\p{L}\\p{N}]{0,8}|-?\\d[\\d.e+]{0,20}\\.\\.-?\\d[\\d.e+]{0,20})$`, 'u');

/** Is the whole value the outcome of a transform already? */
export function isTransformed(value: string): boolean {
  return whole.test(value);
}

/** Longer than any token or hash: as far as one may reach before or behind a place within it. */
const outcomeUnitsMax = 48;

/** Could [start, end) lie within something that a transform has left? A cheap look at the surroundings. */
export function mayLieInOutcome(text: string, start: number, end: number): boolean {
  const around = text.slice(Math.max(0, start - outcomeUnitsMax), end + outcomeUnitsMax);
  if (around.includes('_') && (around.includes('tok_') || around.includes('hash_v'))) return true;
  if (around.includes('********')) return true;
  for (let at = around.indexOf('['); at >= 0; at = around.indexOf('[', at + 1))
    if (isCapital(around.charCodeAt(at + 1)) && isCapital(around.charCodeAt(at + 2))) return true;
  return false;
}

/** Spans of what transforms have left in a text, as pairs (start, end). Detectors must not find anything within them. */
export function outcomeSpans(text: string): number[] {
  return [...text.matchAll(outcome)].flatMap((match) => [match.index, match.index + match[0].length]);
}
