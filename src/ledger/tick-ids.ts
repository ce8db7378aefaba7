/**
 * Which events of a tick are repetitions: of what is stored, of another batch in the same tick, or of an event of the same batch. An id is
 * known by its key; the same key with the same body is a repetition, with another body a conflict.
 */
import { idConflicts, idIsNew } from '../storage/record-store.ts';
import { idempotencyBytes, idempotencyKeyBytes } from '../pipeline/packed-batch.ts';

interface KnownId {
  body: string;
  leafIndex: number;
  /** Other bodies under the same key, where a protocol knows no conflict. */
  others?: Map<string, number>;
}

/** The ids that one tick adds to one log. */
export class TickIds {
  readonly #known = new Map<string, KnownId>();

  /** The leaf of a row with this key and body, {@link idConflicts}, or {@link idIsNew}. */
  find(row: IdRow): number {
    const known = this.#known.get(row.key);
    if (!known) return idIsNew;
    if (known.body === row.body) return known.leafIndex;
    return known.others?.get(row.body) ?? idConflicts;
  }

  add(row: IdRow, leafIndex: number): void {
    const known = this.#known.get(row.key);
    if (known) (known.others ??= new Map()).set(row.body, leafIndex);
    else this.#known.set(row.key, { body: row.body, leafIndex });
  }

  /** Undoes an {@link TickIds.add} of a batch that is refused: such a batch never added another body to a known key. */
  remove(row: IdRow): void {
    this.#known.delete(row.key);
  }
}

/** One idempotency row, as strings of its bytes (`latin1`), which is what a Map can look up. */
export interface IdRow {
  key: string;
  body: string;
}

export function idRow(idempotency: Buffer, i: number): IdRow {
  const at = i * idempotencyBytes;
  return {
    key: idempotency.toString('latin1', at, at + idempotencyKeyBytes),
    body: idempotency.toString('latin1', at + idempotencyKeyBytes, at + idempotencyBytes),
  };
}
