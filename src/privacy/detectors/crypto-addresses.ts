/** Addresses of Bitcoin (Base58Check; BIP 173 and 350) and Ethereum (EIP-55): each has a check of its own. Found among the survey's runs. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { sha256 } from '../../core/sha256.ts';
import { has, isDigit, isHex, isWord, made } from '../survey.ts';
import { type Detector, type KindSpec, lowerTrimmed, type ScanContext } from './detector.ts';
import { labelsNear } from './vocabulary.ts';

const bitcoin: KindSpec = {
  kind: 'bitcoin_address',
  family: 'money',
  example: '1BoatSLRHtKNngkdXEeobR76b53LETtpyT',
  check: 'Base58Check with a double SHA-256, or Bech32 and Bech32m behind bc1',
  floor: 0.5,
  canonical: (value) => value.trim(),
};

const ethereum: KindSpec = {
  kind: 'ethereum_address',
  family: 'money',
  example: '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  check: '0x and forty hex digits whose capitals are the EIP-55 check; in one case only, a word such as wallet near by',
  floor: 0.5,
  canonical: lowerTrimmed,
};

const base58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const legacyMin = 26;
const legacyMax = 35;
const segwitMin = 42;
const segwitMax = 62;
const ethereumSize = 42;

function detectCryptoAddresses({ text, survey, found }: ScanContext): void {
  const { runs, runCount, units } = survey;
  for (let i = 0; i < 3 * runCount; i += 3) {
    const start = runs[i] as number;
    const end = runs[i + 1] as number;
    const size = end - start;
    if (size < legacyMin || size > segwitMax || ((runs[i + 2] as number) & (made.ofDashes | made.ofSlashes)) !== 0) continue;
    if (isWord(text.charCodeAt(end)) || isWord(text.charCodeAt(start - 1))) continue;
    const first = units[start] as number;
    if ((first === 49 || first === 51) && size <= legacyMax) {
      if (passesBase58Check(text.slice(start, end))) found.push({ kind: 'bitcoin_address', start, end, confidence: 0.99 });
    } else if ((first | 32) === 98 && size >= segwitMin) {
      if (passesBech32(text.slice(start, end))) found.push({ kind: 'bitcoin_address', start, end, confidence: 0.99 });
    } else if (first === 48 && size === ethereumSize && (units[start + 1] as number) === 120) {
      const address = text.slice(start + 2, end);
      const confidence = passesEip55(address) ? 0.95 : isOneCase(address) && speaksOfWallets(text, start, end) ? 0.8 : 0;
      if (confidence > 0) found.push({ kind: 'ethereum_address', start, end, confidence });
    }
  }
}

/** Version, 20 bytes of hash, and the first four bytes of the double SHA-256 of both. */
export function passesBase58Check(address: string): boolean {
  const bytes = new Uint8Array(25);
  for (const letter of address) {
    let carry = base58.indexOf(letter);
    if (carry < 0) return false;
    for (let i = 24; i >= 0; i--) {
      carry += (bytes[i] as number) * 58;
      bytes[i] = carry & 0xff;
      carry >>= 8;
    }
    if (carry !== 0) return false;
  }
  if (bytes[0] !== 0 && bytes[0] !== 5) return false;
  const digest = sha256(sha256(bytes.subarray(0, 21)));
  return digest.subarray(0, 4).every((byte, i) => byte === bytes[21 + i]);
}

const bech32Alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const bech32Generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const bech32mConstant = 0x2bc830a3;

/** The checksum of BIP 173 (version 0) or BIP 350 (later ones), over the prefix `bc` or `tb`. */
export function passesBech32(written: string): boolean {
  const address = written.toLowerCase();
  if ((address !== written && written !== written.toUpperCase()) || !/^(?:bc|tb)1/.test(address)) return false;
  let check = 1;
  const feed = (value: number): void => {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    for (let i = 0; i < 5; i++) if (((top >>> i) & 1) === 1) check ^= bech32Generators[i] as number;
  };
  const prefix = address.slice(0, 2);
  for (const letter of prefix) feed(letter.charCodeAt(0) >> 5);
  feed(0);
  for (const letter of prefix) feed(letter.charCodeAt(0) & 31);
  for (const letter of address.slice(3)) {
    const value = bech32Alphabet.indexOf(letter);
    if (value < 0) return false;
    feed(value);
  }
  return check === 1 || check === bech32mConstant;
}

/** A letter is a capital where the same place of the Keccak-256 of the small letters is 8 or more. Forty places, of both cases. */
export function passesEip55(address: string): boolean {
  for (let i = 0; i < address.length; i++) if (!isHex(address.charCodeAt(i))) return false;
  if (isOneCase(address)) return false;
  const lower = address.toLowerCase();
  const digest = keccak_256(Uint8Array.from(lower, (letter) => letter.charCodeAt(0)));
  for (let i = 0; i < address.length; i++) {
    const unit = address.charCodeAt(i);
    if (isDigit(unit)) continue;
    const nibble = ((digest[i >> 1] as number) >> (i % 2 === 0 ? 4 : 0)) & 15;
    if (nibble >= 8 !== unit < 97) return false;
  }
  return true;
}

function isOneCase(address: string): boolean {
  return address === address.toLowerCase() || address === address.toUpperCase();
}

function speaksOfWallets(text: string, start: number, end: number): boolean {
  return labelsNear(text, start, end).some(({ values }) => values.some(({ kind }) => kind === 'ethereum_address'));
}

export const cryptoAddressDetector: Detector = { kinds: [bitcoin, ethereum], gate: has.run, detect: detectCryptoAddresses };
