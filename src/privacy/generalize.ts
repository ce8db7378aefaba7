/**
 * Wider values that still say something: the network of an address (/24, /48), the month or year of a date, the bucket of a number, the region
 * of a place, the beginning of a postcode. What cannot be understood is `undefined`, and gets redacted. Doing it twice changes nothing.
 */
import { canonicalIp, formatIpv4, parseIpv4 } from './detectors/network.ts';
import { isShortest } from './plain-address.ts';
import type { TransformOptions } from './policy-model.ts';
import ipaddr from 'ipaddr.js';

const placeKind = /location|address|place|city|region/;
const postcodeKind = /postcode|postal_code|zip/;

export function generalize(kind: string, value: string, options: TransformOptions = {}): string | undefined {
  if (kind === 'ip_address') return generalizeIp(value, options);
  if (options.keepFirst !== undefined || postcodeKind.test(kind)) return generalizePostcode(value, options);
  return (
    generalizeDate(value, options) ??
    generalizeNumber(value, options) ??
    (options.parts !== undefined || placeKind.test(kind) ? generalizePlace(value, options) : undefined)
  );
}

function generalizeIp(value: string, { ipv4 = 24, ipv6 = 48 }: TransformOptions): string | undefined {
  const written = parseIpv4(value);
  if (written !== undefined && (ipv4 & 7) === 0 && isShortest(written, value)) return wholeOctets(value, ipv4 >> 3);
  const four = written ?? parseIpv4(canonicalIp(value));
  if (four !== undefined) return `${formatIpv4(ipv4 === 0 ? 0 : (four & (-1 << (32 - ipv4))) >>> 0)}/${ipv4}`;
  const address = canonicalIp(value);
  if (!ipaddr.IPv6.isValid(address)) return undefined;
  const bytes = ipaddr.IPv6.parse(address).toByteArray();
  for (let bit = ipv6; bit < 128; bit++) bytes[bit >> 3] = (bytes[bit >> 3] as number) & ~(0x80 >> (bit & 7));
  return `${(ipaddr.fromByteArray(bytes) as InstanceType<typeof ipaddr.IPv6>).toRFC5952String()}/${ipv6}`;
}

/** By the number of octets that are kept: what stands for the others. */
const behindOctets = ['0.0.0.0/0', '.0.0.0/8', '.0.0/16', '.0/24', '/32'];

/** The usual case: what is kept is copied as it is. */
function wholeOctets(text: string, kept: number): string {
  let end = kept === 0 ? 0 : text.length;
  for (let octet = 4; octet > kept && end > 0; octet--) end = text.lastIndexOf('.', end - 1);
  return text.slice(0, end) + (behindOctets[kept] as string);
}

/** ISO dates and times by month or year; other spellings, whose month is not sure, by year. */
function generalizeDate(value: string, { date }: TransformOptions): string | undefined {
  const iso = /^\s*(\d{4})[-/](\d\d?)(?:[-/]\d\d?(?:[T ].{0,64})?)?\s*$/.exec(value);
  if (iso) return date === 'year' ? (iso[1] as string) : `${iso[1]}-${(iso[2] as string).padStart(2, '0')}`;
  const other =
    /^\s*\d\d?[./-]\d\d?[./-](\d{4})\s*$/.exec(value) ?? /^\s*(?:\d\d?\.?\s+\p{L}{3,12}\.?|\p{L}{3,12}\.?\s+\d\d?),?\s+(\d{4})\s*$/u.exec(value);
  if (other) return other[1];
  const compact = date === undefined ? null : /^\s*((?:1[5-9]|20|21)\d\d)(0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\s*$/.exec(value);
  if (compact) return date === 'year' ? (compact[1] as string) : `${compact[1]}-${compact[2]}`;
  return date !== undefined && /^\s*(?:1[5-9]|20|21)\d\d\s*$/.test(value) ? value.trim() : undefined;
}

function generalizeNumber(value: string, { bucket = 10 }: TransformOptions): string | undefined {
  if (!/^\s*-?\d{1,40}(?:\.\d{1,40})?(?:e[+-]?\d{1,3})?\s*$/i.test(value)) return undefined;
  const low = Math.floor(Number(value) / bucket) * bucket;
  return Number.isFinite(low) ? `${plain(low)}..${plain(low + bucket)}` : undefined;
}

/** Without the noise of binary fractions: 0.3, not 0.30000000000000004. */
function plain(value: number): number {
  return Number(value.toPrecision(12));
}

/** A pair of coordinates as two buckets; `3 Elm Street, 10117 Berlin, Germany` as `*, Germany`. */
function generalizePlace(value: string, options: TransformOptions): string | undefined {
  const pair = /^\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d{1,20})?)\s*$/.exec(value);
  if (pair) {
    const degrees = { bucket: options.bucket ?? 1 };
    return `${generalizeNumber(pair[1] as string, degrees)}, ${generalizeNumber(pair[2] as string, degrees)}`;
  }
  const parts = value.split(',').map((part) => part.trim());
  const kept = parts.slice(-(options.parts ?? 1));
  // One part alone may be as narrow as a street; a part with digits is a street or a postcode.
  if (parts.length <= kept.length || kept.some((part) => part === '' || /\d/.test(part))) return undefined;
  return ['*', ...kept].join(', ');
}

function generalizePostcode(value: string, { keepFirst = 2 }: TransformOptions): string | undefined {
  const code = value
    .trim()
    .toUpperCase()
    .replace(/[\s-]+/g, '');
  return /^[A-Z0-9*]{2,12}$/.test(code) ? code.slice(0, keepFirst) + '*'.repeat(Math.max(0, code.length - keepFirst)) : undefined;
}
