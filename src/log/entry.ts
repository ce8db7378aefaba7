/**
 * The entry of a log: 33 bytes, a version byte (0x01) and the commitment to a record. It tells nothing about the record without the
 * opening (pointers, values, salts), so it may be published.
 */
import { concatBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { sha256Into } from '../core/sha256.ts';
import { hashEntriesInLanes } from './lane-tree.ts';

export const entryBytes = 33;
export const commitmentBytes = 32;
export const entryVersion = 0x01;

/** @throws VeiltrailError `entry_commitment` unless the commitment has 32 bytes */
export function formatEntry(commitment: Uint8Array): Uint8Array {
  if (commitment.length !== commitmentBytes) throw new VeiltrailError('entry_commitment', `a commitment has ${commitmentBytes} bytes`);
  return concatBytes(Uint8Array.of(entryVersion), commitment);
}

/**
 * The commitment in an entry.
 * @throws VeiltrailError `entry_length`, `entry_version`
 */
export function parseEntry(entry: Uint8Array): Uint8Array {
  if (entry.length !== entryBytes) throw new VeiltrailError('entry_length', `an entry has ${entryBytes} bytes`);
  if (entry[0] !== entryVersion) throw new VeiltrailError('entry_version', 'an entry of an unknown version');
  return entry.slice(1);
}

/**
 * The leaf hashes, SHA-256(0x00 ‖ entry), of many entries at once: how whole tiles are written and verified.
 * @param commitments 32 bytes each, one after the other; the answer is laid out the same
 */
export function hashEntries(commitments: Uint8Array): Uint8Array {
  if (commitments.length % commitmentBytes !== 0) throw new VeiltrailError('entry_commitment', `a commitment has ${commitmentBytes} bytes`);
  const inLanes = hashEntriesInLanes(commitments, entryVersion);
  if (inLanes) return inLanes;
  const hashes = new Uint8Array(commitments.length);
  const message = new Uint8Array(1 + entryBytes);
  message[1] = entryVersion;
  for (let at = 0; at < commitments.length; at += commitmentBytes) {
    for (let i = 0; i < commitmentBytes; i++) message[2 + i] = commitments[at + i] as number;
    sha256Into(message, hashes, at);
  }
  return hashes;
}
