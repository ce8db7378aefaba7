/**
 * RSA signatures (RFC 8017): verification only, of public values, so nothing here has to take the same time whatever it is given. Keys have 2,048 to 8,192
 * bits, whole bytes of them; a signature is exactly as long as the modulus.
 */
import { concatBytes, equalBytes } from '../core/bytes.ts';

export interface RsaKey {
  /** Big-endian, without zeros in front. */
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

export interface Digest {
  readonly bytes: number;
  readonly hash: (data: Uint8Array) => Uint8Array;
}

const modulusBits = { min: 2_048, max: 8_192 };
const exponentMax = 1n << 33n;

/** signature^e mod n, as long as the modulus; undefined for what is no signature of this key, and for keys that are too weak or too long. */
export function rsaPower(signature: Uint8Array, { modulus, exponent }: RsaKey): Uint8Array | undefined {
  const bits = 8 * modulus.length;
  if (bits < modulusBits.min || bits > modulusBits.max || (modulus[0] as number) < 0x80 || signature.length !== modulus.length) return undefined;
  const n = toBigint(modulus);
  const e = toBigint(exponent);
  const s = toBigint(signature);
  if (!(n & 1n) || e < 3n || e > exponentMax || !(e & 1n) || s >= n) return undefined;
  let power = 1n;
  for (let base = s, rest = e; rest > 0n; rest >>= 1n, base = (base * base) % n) if (rest & 1n) power = (power * base) % n;
  const hex = power.toString(16).padStart(2 * modulus.length, '0');
  return Uint8Array.from({ length: modulus.length }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

/**
 * RSASSA-PKCS1-v1_5: 8.2.2 and 9.2.
 * @param prefix the DER before the digest, which names the hash
 */
export function isPkcs1Signature({ hash, bytes }: Digest, prefix: Uint8Array, message: Uint8Array, signature: Uint8Array, key: RsaKey): boolean {
  const encoded = rsaPower(signature, key);
  if (!encoded || encoded.length < prefix.length + bytes + 11) return false;
  // What it must be is made and compared whole: nothing is left over that a forger could choose.
  const filler = new Uint8Array(encoded.length - prefix.length - bytes - 3).fill(0xff);
  return equalBytes(encoded, concatBytes(Uint8Array.of(0, 1), filler, Uint8Array.of(0), prefix, hash(message)));
}

/**
 * RSASSA-PSS: 8.1.2 and 9.1.2; the digest of the mask is that of the message.
 * @param saltBytes undefined: as many as stand there
 */
export function isPssSignature(digest: Digest, message: Uint8Array, signature: Uint8Array, key: RsaKey, saltBytes?: number): boolean {
  const encoded = rsaPower(signature, key);
  // Moduli of whole bytes only: then one bit is left over at the front.
  const dbBytes = (encoded?.length ?? 0) - digest.bytes - 1;
  if (!encoded || encoded.at(-1) !== 0xbc || (encoded[0] as number) >= 0x80) return false;
  const found = encoded.subarray(dbBytes, -1);
  const db = unmask(encoded.subarray(0, dbBytes), found, digest);
  db[0] = (db[0] as number) & 0x7f;
  const saltAt = db.findIndex((byte) => byte !== 0) + 1;
  if (saltAt === 0 || db[saltAt - 1] !== 1 || (saltBytes !== undefined && saltBytes !== dbBytes - saltAt)) return false;
  return equalBytes(found, digest.hash(concatBytes(new Uint8Array(8), digest.hash(message), db.subarray(saltAt))));
}

/** XOR with MGF1 of the seed. */
function unmask(masked: Uint8Array, seed: Uint8Array, { hash, bytes }: Digest): Uint8Array {
  const out = Uint8Array.from(masked);
  for (let at = 0, counter = 0; at < out.length; at += bytes, counter++) {
    const mask = hash(concatBytes(seed, Uint8Array.of(0, 0, 0, counter)));
    for (let i = 0; i < bytes && at + i < out.length; i++) out[at + i] = (out[at + i] as number) ^ (mask[i] as number);
  }
  return out;
}

function toBigint(bytes: Uint8Array): bigint {
  let hex = '0x0';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return BigInt(hex);
}
