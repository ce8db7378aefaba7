/**
 * The seal of a partition: a MAC over everything a search reads of it. SQLite does not notice a flipped bit in a page, and an index that
 * lost a term in silence would answer wrongly; so a partition is read only when its seal was found to be right by this process, or by the
 * one that is writing it.
 *
 * seal = HMAC-SHA-256(HMAC-SHA-256(index key, "veiltrail index seal 2\n"), facts ‖ times ‖ runs ‖ blocks of each run, in the order of their keys)
 * Each row is its columns, a column a type letter, its decimal length, a colon, and the bytes.
 */
import { createHmac, type Hmac } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { utf8 } from '../core/bytes.ts';
import { hmacSha256 } from '../core/sha256.ts';

/** A row of `partitions`, with its log. */
export interface Partition {
  readonly id: number;
  readonly log: string;
  readonly origin: string;
  readonly number: number;
  readonly salt: Uint8Array;
  readonly indexedTo: number;
  readonly lastLeaf: number;
  readonly lastDigest: Uint8Array;
  readonly seal: Uint8Array | null;
}

type Column = string | number | bigint | Uint8Array;

/** Computes the seal of a partition as it stands; throws for what no partition of ours holds. Reads all of it: some 50 ms for a full one. */
export function sealOf(database: DatabaseSync, partition: Partition, indexKey: Uint8Array): Uint8Array {
  const mac = createHmac('sha256', hmacSha256(indexKey, utf8('veiltrail index seal 2\n')));
  const { id, log, origin, number, salt, indexedTo, lastLeaf, lastDigest } = partition;
  for (const column of [id, log, origin, number, salt, indexedTo, lastLeaf, lastDigest]) addColumn(mac, column);
  addRows(mac, database, `SELECT block, min_ms, max_ms FROM times WHERE partition = ${id} ORDER BY block`);
  addRows(mac, database, `SELECT first_leaf, end_leaf, first_block, directory FROM runs WHERE partition = ${id} ORDER BY first_leaf`);
  addRows(
    mac,
    database,
    `SELECT run_blocks.id, bytes FROM runs JOIN run_blocks ON run_blocks.id >= first_block AND run_blocks.id < first_block + length(directory) / 4
     WHERE partition = ${id} ORDER BY first_leaf, run_blocks.id`,
  );
  return new Uint8Array(mac.digest());
}

function addRows(mac: Hmac, database: DatabaseSync, sql: string): void {
  const select = database.prepare(sql);
  select.setReturnArrays(true);
  select.setReadBigInts(true);
  for (const row of select.iterate() as unknown as Iterable<Column[]>) for (const column of row) addColumn(mac, column);
  mac.update('end:');
}

function addColumn(mac: Hmac, column: Column): void {
  if (typeof column === 'number' || typeof column === 'bigint') mac.update(`i${column}:`);
  else if (typeof column === 'string') mac.update(`t${column.length}:`).update(column);
  else mac.update(`b${column.length}:`).update(column);
}
