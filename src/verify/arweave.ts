/**
 * Transactions of Arweave, format 2, with data of one chunk: that a wallet signed one over exactly these bytes. Nobody is asked, so it is not said that
 * the network holds it, or since when: its blocks are bound by proofs of work and of access that nothing this small could check.
 *
 *     id        = SHA-256(signature)                    address = SHA-256(owner), the wallet's RSA modulus
 *     data_root = SHA-256(SHA-256(SHA-256(data)) ‖ SHA-256(uint256be(length)))
 *     signed    = deepHash([format, owner, target, quantity, reward, last_tx, [[name, value]…], data_size, data_root]), RSASSA-PSS with SHA-256
 *
 * deepHash, SHA-384: of bytes H(H("blob" ‖ length) ‖ H(bytes)); of a list H(…H(H("list" ‖ count) ‖ deepHash(first)) … ‖ deepHash(last)).
 * Numbers are decimal text. Source: ar_tx.erl and ar_merkle.erl of ArweaveTeam/arweave.
 */
import { sha384 } from '@noble/hashes/sha2.js';
import { decodeBase64url, encodeBase64url } from '../core/base64.ts';
import { concatBytes, equalBytes, utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import { sha256 } from '../core/sha256.ts';
import { isPssSignature } from './rsa.ts';

/** More would be several chunks. */
const dataBytesMax = 262_143;
const tagsMax = 128;
/** As the network writes amounts, in winston. */
const decimal = /^(?:0|[1-9]\d{0,29})$/;
const members = new Set('format id last_tx owner tags target quantity data data_size data_root data_tree reward signature'.split(' '));
/** 65 bytes in base64url. */
const ecdsaSignatureLength = 87;
const exponent = Uint8Array.of(1, 0, 1);

export interface ArweaveTransaction {
  /** base64url of 32 bytes: where a gateway has it. */
  readonly id: string;
  /** base64url of 32 bytes: the wallet that signed. */
  readonly address: string;
}

/**
 * @param transaction as the network has it, in JSON; its data is left out, or stands there as well; other members than the network's are refused
 * @throws VeiltrailError `arweave_unsupported` for one of a later format, or signed otherwise than by RSA; `arweave_transaction` for anything else that is not a signed transaction over these bytes
 */
export function verifyArweaveTransaction(transaction: JsonValue | undefined, data: Uint8Array): ArweaveTransaction {
  if (transaction !== undefined && isJsonObject(transaction) && isOfAnotherForm(transaction))
    throw new VeiltrailError('arweave_unsupported', 'a transaction of Arweave in a form that is not known here');
  if (transaction === undefined || !isJsonObject(transaction) || transaction['format'] !== 2 || data.length > dataBytesMax) throw wrong();
  // What is not signed would be shown as if it were.
  if (!Object.keys(transaction).every((name) => members.has(name))) throw wrong();
  const text = (name: string): string => textOf(transaction[name]);
  const bytes = (name: string): Uint8Array => bytesOf(transaction[name]);
  const { tags } = transaction;
  if (!Array.isArray(tags) || tags.length > tagsMax) throw wrong();
  const pairs = tags.map((tag) => {
    if (!isJsonObject(tag) || Object.keys(tag).length !== 2) throw wrong();
    return [bytesOf(tag['name']), bytesOf(tag['value'])];
  });
  const [owner, signature, root, target, before] = [bytes('owner'), bytes('signature'), bytes('data_root'), bytes('target'), bytes('last_tx')];
  const [size, quantity, reward] = [text('data_size'), text('quantity'), text('reward')];
  if (![0, 32].includes(target.length) || ![32, 48].includes(before.length)) throw wrong();
  if (!decimal.test(quantity) || !decimal.test(reward)) throw wrong();
  if (transaction['data'] !== undefined && transaction['data'] !== '' && !equalBytes(bytes('data'), data)) throw wrong();
  // The network's own library writes an empty list.
  const { data_tree: tree = [] } = transaction;
  if (!Array.isArray(tree) || tree.length > 0) throw wrong();
  if (size !== String(data.length) || !equalBytes(root, dataRoot(data))) throw wrong();
  const signed = deepHash([utf8('2'), owner, target, utf8(quantity), utf8(reward), before, pairs, utf8(size), root]);
  const id = encodeBase64url(sha256(signature));
  if (id !== text('id') || !isPssSignature({ bytes: 32, hash: sha256 }, signed, signature, { modulus: owner, exponent })) throw wrong();
  return { id, address: encodeBase64url(sha256(owner)) };
}

/** Another format, another type of signature (1 is RSA-PSS), or what an ECDSA key leaves: 65 bytes, from which its owner follows. */
function isOfAnotherForm({ format, signature_type: type, owner, signature }: JsonObject): boolean {
  if (typeof format === 'number' && Number.isSafeInteger(format) && format > 2) return true;
  if (type !== undefined && type !== 1 && type !== '1') return true;
  return owner === '' && typeof signature === 'string' && signature.length === ecdsaSignatureLength;
}

/** Of data that is one chunk. */
function dataRoot(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(32);
  new DataView(length.buffer).setUint32(28, data.length);
  return sha256(concatBytes(sha256(sha256(data)), sha256(length)));
}

type Hashed = Uint8Array | readonly Hashed[];

function deepHash(value: Hashed): Uint8Array {
  if (value instanceof Uint8Array) return sha384(concatBytes(sha384(utf8(`blob${value.length}`)), sha384(value)));
  return value.reduce<Uint8Array>((hash, one) => sha384(concatBytes(hash, deepHash(one))), sha384(utf8(`list${value.length}`)));
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw wrong();
  return value;
}

function bytesOf(value: JsonValue | undefined): Uint8Array {
  try {
    return decodeBase64url(textOf(value));
  } catch {
    throw wrong();
  }
}

function wrong(): VeiltrailError {
  return new VeiltrailError('arweave_transaction', 'not a transaction of Arweave that signs this checkpoint');
}
