/**
 * Rotation of the lookup key: rows that were met under an older version of it get their lookup under the newest, so that the older ones can be
 * destroyed and every value keeps its token.
 *
 * New rows are under the newest version from the moment it is known; values that are asked for are looked for under every version, so nothing
 * waits for this. It goes through the rows once, a page in a transaction. A crash in between: rows of either sort, which the next start tells
 * apart, and goes on with.
 */
import { equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { ReplacedLookup, VaultStore } from '../storage/vault-store.ts';
import type { Lookup } from './token.ts';
import { rowProblems, type VaultReader } from './vault-reader.ts';

export interface Rewrapped {
  /** Rows that got another lookup. */
  rows: number;
  /** Rows that do not open: the older versions of the key have to stay, and `verify` says what is wrong with them. */
  unreadable: number;
}

/** Rows in one transaction: the vault does nothing else meanwhile, for some milliseconds. */
const pageRows = 256;

/** One page from a place on. @returns where the next one begins; absent behind the last row */
export async function rewrapPage(
  store: VaultStore,
  reader: VaultReader,
  newest: Lookup,
  from: number,
  counts: Rewrapped,
): Promise<number | undefined> {
  const { rows, next } = await store.readTokens(from, pageRows);
  const replaced: ReplacedLookup[] = [];
  for (const row of rows) {
    // What was destroyed is found by nobody: its lookup is random.
    if (row.sealed.length === 0) continue;
    try {
      const { scope, kind, canonical } = await reader.contentOf(row);
      const to = newest(scope, kind, canonical);
      if (!equalBytes(to, row.lookup)) replaced.push({ id: row.id, from: row.lookup, to });
    } catch (error) {
      if (!(error instanceof VeiltrailError) || !rowProblems.has(error.code)) throw error;
      counts.unreadable++;
    }
  }
  if (replaced.length > 0) await store.replaceLookups(replaced);
  counts.rows += replaced.length;
  return next;
}
