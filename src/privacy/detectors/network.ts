/**
 * IP and MAC addresses. Not personal: unspecified, loopback, private, link-local, unique-local and documentation addresses, networks
 * as wide as the default generalisation (/24, /48), and what only looks like an address: versions, times, identifiers.
 */
import ipaddr from 'ipaddr.js';
import { beyondHex, has, isDigit, isHex, isIdentifier, isLetter, isWord, made } from '../survey.ts';
import { before, type Detector, type KindSpec, type ScanContext } from './detector.ts';

const ip: KindSpec = {
  kind: 'ip_address',
  family: 'network',
  example: '8.8.4.4',
  check: 'strict IPv4 or IPv6, also with a prefix length, port or brackets; private, loopback, link-local and documentation ranges excluded',
  floor: 0.5,
  canonical: canonicalIp,
};

const mac: KindSpec = {
  kind: 'mac_address',
  family: 'network',
  example: 'a3:0f:84:df:6a:8f',
  check:
    'six pairs of hex digits divided by : or -, or three groups of four divided by dots, : or -; without a mark between, or with a dot or space, after a word that says so; all-zero and broadcast excluded',
  floor: 0.5,
  canonical: (value) => value.replace(/[^0-9a-fA-F]/g, '').toLowerCase(),
};

/** An address without its prefix length, IPv6 compressed (RFC 5952), IPv4-mapped IPv6 as IPv4. */
export function canonicalIp(value: string): string {
  const plain = parseIpv4(value);
  if (plain !== undefined) return formatIpv4(plain);
  const bare = value.replace(/\/\d+$/, '').replace(/^\[|\]$/g, '');
  const four = parseIpv4(bare);
  if (four !== undefined) return formatIpv4(four);
  const zone = bare.indexOf('%');
  const address = zone >= 0 ? bare.slice(0, zone) : bare;
  if (!ipaddr.IPv6.isValid(address)) return bare.toLowerCase();
  const six = ipaddr.IPv6.parse(address);
  return six.isIPv4MappedAddress() ? six.toIPv4Address().toString() : six.toRFC5952String();
}

/** The address as an unsigned 32-bit number, or undefined. Leading zeros are read as decimal. */
export function parseIpv4(text: string): number | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  let out = 0;
  let at = 0;
  for (let i = 0; i < 4; i++) {
    if (i > 0 && text.charCodeAt(at++) !== 46) return undefined;
    const start = at;
    let octet = 0;
    for (; at - start < 3 && isDigit(text.charCodeAt(at)); at++) octet = octet * 10 + text.charCodeAt(at) - 48;
    if (at === start || octet > 255) return undefined;
    out = out * 256 + octet;
  }
  return at === text.length ? out : undefined;
}

export function formatIpv4(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** Does the address say something about a person? */
export function isPersonalIpv4(address: number): boolean {
  const a = address >>> 24;
  const b = (address >>> 16) & 255;
  const c = (address >>> 8) & 255;
  if (a === 0 || a === 10 || a === 127) return false;
  // Masks such as 255.255.255.0, and the multicast groups of a link.
  if ((a === 255 && b === 255) || (a === 224 && b === 0 && c === 0)) return false;
  // 113.0.0.0: nobody's address, but many a product's version.
  if ((address & 0xffffff) === 0) return false;
  if (a === 172 && b >= 16 && b <= 31) return false;
  if (a === 192 && b === 168) return false;
  if (a === 169 && b === 254) return false;
  if (a === 192 && b === 0 && c === 2) return false;
  if (a === 198 && b === 51 && c === 100) return false;
  return !(a === 203 && b === 0 && c === 113);
}

/** Ranges of ipaddr.js that say nothing about a person. */
const impersonalIpv6 = new Set(['unspecified', 'loopback', 'linkLocal', 'uniqueLocal', 'multicast', 'deprecatedSiteLocal', 'discard']);

function isPersonalIpv6(address: InstanceType<typeof ipaddr.IPv6>): boolean {
  const [first = 0, second = 0] = address.parts;
  if (address.isIPv4MappedAddress()) {
    const four = parseIpv4(address.toIPv4Address().toString());
    return four !== undefined && isPersonalIpv4(four);
  }
  if (first === 0x2001 && second === 0x0db8) return false;
  if (first === 0x3fff && second < 0x1000) return false;
  return !impersonalIpv6.has(address.range());
}

const ipv4Max = 15;

function detectIpv4({ text, survey, field, found }: ScanContext): void {
  const { digitRuns, digitRunCount, units } = survey;
  if (digitRunCount < 4 || field.endsWith('version')) return;
  for (let i = 0; i + 3 < digitRunCount; i++) {
    const start = digitRuns[2 * i] as number;
    // Four runs of three digits at most, one unit apart.
    if ((digitRuns[2 * i + 7] as number) - start > ipv4Max || (digitRuns[2 * i + 1] as number) - start > 3) continue;
    if (units[digitRuns[2 * i + 1] as number] === 45 && start > 1 && units[start - 1] === 45 && pushHostAddress(text, survey, i, found)) {
      i += 3;
      continue;
    }
    let size = 1;
    while (size < 4 && isOctetJoint(units, digitRuns, i + size)) size++;
    if (size < 4) {
      i += size - 1;
      continue;
    }
    const end = digitRuns[2 * i + 7] as number;
    if (!boundedIpv4(text, start, end, field)) continue;
    const reversed = units[end] === 46 && text.startsWith('.in-addr.arpa', end);
    const written = addressAt(units, digitRuns, i);
    const address = reversed && written >= 0 ? swapped(written) : written;
    if (address < 0 || !isPersonalIpv4(address) || isVersion(text, start)) continue;
    if (reversed) {
      const value = formatIpv4(address);
      found.push({ kind: 'ip_address', start, end: end + '.in-addr.arpa'.length, confidence: 0.9, value, canonical: value });
      i += 3;
      continue;
    }
    const close = prefixEnd(text, end, address);
    if (close > 0) found.push({ kind: 'ip_address', start, end: close, confidence: 0.9 });
    i += 3;
  }
}

const hostWord =
  /(?:^|[^a-z0-9])(?:ip|ec2|host|dsl|adsl|vdsl|cpe|pool|dyn|dynamic|static|client|cable|ppp|dhcp|customer|broadband|user|rev|mail|server)-$/;

/** `ec2-8-8-4-4.compute.amazonaws.com`: the name of a host that is its address. */
function pushHostAddress(text: string, { digitRuns, digitRunCount, units }: ScanContext['survey'], i: number, found: ScanContext['found']): boolean {
  if (i + 3 >= digitRunCount) return false;
  for (let j = i + 1; j < i + 4; j++) {
    const from = digitRuns[2 * j] as number;
    if (from - (digitRuns[2 * j - 1] as number) !== 1 || units[from - 1] !== 45 || (digitRuns[2 * j + 1] as number) - from > 3) return false;
  }
  const start = digitRuns[2 * i] as number;
  const end = digitRuns[2 * i + 7] as number;
  const address = addressAt(units, digitRuns, i);
  if (address < 0 || !isPersonalIpv4(address) || isIdentifier(units[end] as number) || units[end] === 45 || !hostWord.test(before(text, start, 12)))
    return false;
  const value = formatIpv4(address);
  found.push({ kind: 'ip_address', start, end, confidence: 0.8, value, canonical: value });
  return true;
}

/** The address that the four runs from `i` on stand for, or -1. */
function addressAt(units: Uint8Array, runs: Int32Array, i: number): number {
  let out = 0;
  for (let j = i; j < i + 4; j++) {
    let octet = 0;
    for (let at = runs[2 * j] as number; at < (runs[2 * j + 1] as number); at++) octet = octet * 10 + (units[at] as number) - 48;
    if (octet > 255) return -1;
    out = out * 256 + octet;
  }
  return out;
}

/** The bytes in the other order, as names of reverse look-ups have them. */
function swapped(address: number): number {
  return (address & 255) * 0x1000000 + ((address >>> 8) & 255) * 0x10000 + ((address >>> 16) & 255) * 256 + (address >>> 24);
}

/** Is run `j` of one to three digits, one dot behind the run before it? */
function isOctetJoint(units: Uint8Array, runs: Int32Array, j: number): boolean {
  const from = runs[2 * j] as number;
  const end = runs[2 * j - 1] as number;
  return from - end === 1 && units[end] === 46 && (runs[2 * j + 1] as number) - from <= 3;
}

function boundedIpv4(text: string, start: number, end: number, field: string): boolean {
  const previous = text.charCodeAt(start - 1);
  const next = text.charCodeAt(end);
  // `_` may divide (`host_8.8.4.4`), a letter may not (`v1.2.3.4`); beyond ASCII there is no space to wait for.
  if (isLetter(previous) || (previous === 46 && isWord(text.charCodeAt(start - 2)))) return false;
  // A fifth number makes it a version, unless the field says address.
  if (isLetter(next) || (next === 46 && isDigit(text.charCodeAt(end + 1)) && !/ip(?:s|v4)?$|^ip|addr/.test(field))) return false;
  if (previous === 45 && isLetter(text.charCodeAt(start - 2))) return !(next === 46 || next === 45 || isIdentifier(next));
  return true;
}

const addressWord = /(?:^|[^a-z])(?:ip|addr|address|host|client|from|src|dst|source|to|lookup|peer|remote|whois)$/;

/** `Chrome/32.0.170.77`, `version 1.2.3.4`: four small numbers that are no address. */
function isVersion(text: string, start: number): boolean {
  const mark = text.charCodeAt(start - 1);
  if (mark === 47 && isIdentifier(text.charCodeAt(start - 2))) {
    let word = start - 1;
    const stop = Math.max(0, start - 64);
    while (word > stop && (isIdentifier(text.charCodeAt(word - 1)) || text.charCodeAt(word - 1) === 45)) word--;
    const opener = text.charCodeAt(word - 1);
    if (opener === 47 || opener === 46 || opener === 58) return false;
    // Versions of four small parts are rare and have a zero among them (`Chrome/113.0.0.0`): anything else may be an address.
    return (
      !addressWord.test(text.slice(word, start - 1).toLowerCase()) &&
      isLetter(text.charCodeAt(word)) &&
      /\.0(?!\d)/.test(text.slice(start, start + 15).replace(/[^\d.].*$/s, ''))
    );
  }
  if (mark !== 32 && mark !== 58 && mark !== 61 && mark !== 34 && mark !== 40) return false;
  return /(?:^|[^a-z])(?:versions?|ver|v|release|build|firmware|revision|rev)["']?[\s:=(]{1,3}["']?$/.test(before(text, start, 16));
}

/** The end with a prefix length taken in; -1 for a network so wide that it stands for nobody. */
function prefixEnd(text: string, end: number, address: number): number {
  if (text.charCodeAt(end) !== 47 || !isDigit(text.charCodeAt(end + 1))) return end;
  const close = isDigit(text.charCodeAt(end + 2)) ? end + 3 : end + 2;
  const bits = Number(text.slice(end + 1, close));
  const next = text.charCodeAt(close);
  // Beyond ASCII words run on without a space.
  if (bits > 32 || (next < 128 && isWord(next))) return end;
  return bits <= 24 && (bits === 0 ? address : address << bits) === 0 ? -1 : close;
}

function detectColons({ text, survey, found }: ScanContext): void {
  const { units, colons: places, colonCount, flags } = survey;
  if (colonCount < 5 && (flags & has.doubleColon) === 0) return;
  let behind = 0;
  for (let i = 0; i < colonCount; i++) {
    const colon = places[i] as number;
    if (colon < behind) continue;
    let start = colon;
    while (start > 0 && colon - start < 5 && isHex(units[start - 1] as number)) start--;
    let end = colon + 1;
    let colons = 1;
    let isDouble = false;
    while (end < text.length) {
      const unit = units[end] as number;
      if (unit === 58) {
        colons++;
        isDouble ||= units[end - 1] === 58;
      } else if (!isHex(unit) && unit !== 46) break;
      end++;
    }
    // Times have two or three, and none beside another.
    if (colons >= 5 || isDouble) judgeColons(text, start, end, colons, found);
    behind = end;
  }
}

const ipv6Max = 45;

/** Text between `start` and `end` is made of hex digits, dots and two or more colons. */
function judgeColons(text: string, from: number, to: number, colons: number, found: ScanContext['found']): void {
  let start = from;
  let end = to;
  while (end > start && text.charCodeAt(end - 1) === 46) end--;
  // A single colon at either end is punctuation: `peer 2a02::1: reset`, `client:2a02::1`.
  if (text.charCodeAt(end - 1) === 58 && text.charCodeAt(end - 2) !== 58) end--;
  if (text.charCodeAt(start) === 58 && text.charCodeAt(start + 1) !== 58) start++;
  if (end - start > ipv6Max + 20 || isWord(text.charCodeAt(end))) return;
  const zone = text.charCodeAt(end) === 37 ? (/^%[A-Za-z0-9_.-]{1,16}/.exec(text.slice(end, end + 17))?.[0].length ?? 0) : 0;
  if (isIdentifier(text.charCodeAt(start - 1))) {
    // `ip:2a02::1` begins with the hex tail of a word: start again behind its colon.
    const colon = text.indexOf(':', start);
    if (colon < 0 || colon + 1 >= end || text.charCodeAt(colon + 1) === 58) return;
    start = colon + 1;
  }
  const body = text.slice(start, end);
  if (colons === 5 && /^(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$/.test(body)) {
    pushMac(body, start, end, found);
    return;
  }
  // Without leading zeros, as Solaris and macOS write it.
  if (colons === 5 && /^(?:[0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/.test(body) && /[a-f]/i.test(body)) {
    const full = body.replace(/(?<![0-9a-fA-F])[0-9a-fA-F](?![0-9a-fA-F])/g, '0$&');
    found.push({ kind: 'mac_address', start, end, confidence: 0.8, value: full, canonical: mac.canonical(full) });
    return;
  }
  if (!body.includes('::') && colons < 6) return;
  // `2a02::1.443`: tcpdump writes the port behind a dot.
  const port = /^([0-9a-fA-F:]{4,45})\.\d{1,5}$/.exec(body)?.[1];
  if (port !== undefined) {
    judgeColons(text, start, start + port.length, colons, found);
    return;
  }
  // A port or a key may hang on: try the whole, then without its first and last group.
  for (const [a, b] of [
    [0, body.length],
    [body.indexOf(':') + 1, body.length],
    [0, body.lastIndexOf(':')],
  ] as const) {
    const address = body.slice(a, b);
    if (address.length > ipv6Max || address.length < 3 || !ipaddr.IPv6.isValid(address)) continue;
    const parsed = ipaddr.IPv6.parse(address);
    // Two or three groups outside of what is given out (2000::/3) are as likely `a::b` of a program.
    if (colons <= 3 && ((parsed.parts[0] as number) & 0xe000) !== 0x2000 && !parsed.isIPv4MappedAddress()) return;
    if (!isPersonalIpv6(parsed)) {
      // The address of a link may be made from that of a device (RFC 4291, appendix A).
      if (isOfDevice(parsed)) found.push({ kind: 'mac_address', start: start + a, end: start + b + zone, confidence: 0.7, ...deviceOf(parsed) });
      return;
    }
    const close = b === body.length ? prefixEnd6(text, start + b, parsed) : start + b;
    if (close > 0) found.push({ kind: 'ip_address', start: start + a, end: close, confidence: 0.9 });
    return;
  }
}

/** Is the second half a device's hardware address with `ff:fe` in its middle? */
function isOfDevice({ parts }: InstanceType<typeof ipaddr.IPv6>): boolean {
  return ((parts[5] as number) & 0xff) === 0xff && (parts[6] as number) >> 8 === 0xfe;
}

/** The hardware address in the second half, as the device itself has it. */
function deviceOf(address: InstanceType<typeof ipaddr.IPv6>): { value: string; canonical: string } {
  const bytes = address.toByteArray().slice(8);
  const device = [(bytes[0] as number) ^ 2, bytes[1], bytes[2], bytes[5], bytes[6], bytes[7]].map((byte) =>
    (byte as number).toString(16).padStart(2, '0'),
  );
  return { value: device.join(':'), canonical: device.join('') };
}

function prefixEnd6(text: string, end: number, address: InstanceType<typeof ipaddr.IPv6>): number {
  const match = text.charCodeAt(end) === 47 ? /^\/(\d{1,3})(?![\w.])/.exec(text.slice(end, end + 6)) : null;
  if (!match) return end;
  const bits = Number(match[1]);
  if (bits > 128) return end;
  return bits <= 48 &&
    address
      .toByteArray()
      .slice(6)
      .every((byte) => byte === 0)
    ? -1
    : end + match[0].length;
}

function pushMac(body: string, start: number, end: number, found: ScanContext['found']): void {
  const hex = body.replace(/[^0-9a-fA-F]/g, '');
  if (!/^(?:0+|[fF]+)$/.test(hex)) found.push({ kind: 'mac_address', start, end, confidence: 0.85 });
}

const macWord =
  /(?:^|[^a-z])(?:mac|bssid|hwaddr|hw addr|ether|lladdr|hardware address|physical address|dhcp\w* (?:to|from|on|for))(?:[ _-]?addr(?:ess)?)?["'\s:=(]{1,4}$/i;
const macField = /mac(?:addr(?:ess)?)?$|bssid$|hwaddr$/;
const otherMac =
  /^(?:[0-9a-fA-F]{12}|[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}|[0-9a-fA-F]{4}:[0-9a-fA-F]{4}:[0-9a-fA-F]{4}|[0-9a-fA-F]{1,2}(?:([ .])[0-9a-fA-F]{1,2})(?:\1[0-9a-fA-F]{1,2}){4})$/;

/** `a30f84df6a8f`, `a30f-84df-6a8f`: what may be any identifier, but not behind a word for such an address. */
function pushAnnouncedMac({ text, field, found }: ScanContext, start: number, end: number): void {
  const body = text.slice(start, end);
  if (!otherMac.test(body) || isWord(text.charCodeAt(end)) || isWord(text.charCodeAt(start - 1))) return;
  if ((start === 0 && macField.test(field)) || macWord.test(before(text, start, 32))) pushMac(body, start, end, found);
}

/** `a3-0f-84-df-6a-8f` is a run of its own; `a30f.84df.6a8f` has dots five apart. The colon form is found with IPv6. */
function detectMac(context: ScanContext): void {
  const { text, survey, found } = context;
  const { units, runs, runCount, flags, colons, colonCount } = survey;
  for (let i = 0; i < 3 * runCount; i += 3) {
    const start = runs[i] as number;
    const end = runs[i + 1] as number;
    const size = end - start;
    // Few runs have one of the sizes, and of those few are of hex digits.
    if (size < 12 || size > 17 || ((runs[i + 2] as number) & beyondHex & ~made.ofDashes) !== 0) continue;
    if (size === 12 || size === 14) pushAnnouncedMac(context, start, end);
    else if (size === 17 && units[start + 2] === 45) {
      const body = text.slice(start, end);
      if (/^[0-9a-fA-F]{2}(?:-[0-9a-fA-F]{2}){5}$/.test(body)) pushMac(body, start, end, found);
    }
  }
  for (let i = 0; i + 1 < colonCount; i++)
    if ((colons[i + 1] as number) - (colons[i] as number) === 5) pushAnnouncedMac(context, (colons[i] as number) - 4, (colons[i] as number) + 10);
  if (context.field !== '' && text.length === 17) pushAnnouncedMac(context, 0, 17);
  if ((flags & has.dotPair) === 0) return;
  for (let dot = text.indexOf('.', 4); dot >= 0; dot = text.indexOf('.', dot + 1)) {
    if (text.charCodeAt(dot + 5) !== 46 || !isHex(text.charCodeAt(dot - 1))) continue;
    const body = text.slice(dot - 4, dot + 10);
    if (isWord(text.charCodeAt(dot - 5)) || isWord(text.charCodeAt(dot + 10)) || !/^[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}$/.test(body))
      continue;
    if (text.charCodeAt(dot - 5) === 46 || (text.charCodeAt(dot + 10) === 46 && isWord(text.charCodeAt(dot + 11)))) continue;
    pushMac(body, dot - 4, dot + 10, found);
  }
}

export const ipv4Detector: Detector = { kinds: [ip], gate: has.digit, detect: detectIpv4 };
export const colonDetector: Detector = { kinds: [], gate: has.colon, detect: detectColons };
export const macDetector: Detector = { kinds: [mac], gate: has.run | has.dotPair | has.colon, detect: detectMac };
