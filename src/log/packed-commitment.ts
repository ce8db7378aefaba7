/** The commitment of `commitment.ts` to one packed record. Many at once cost half as much each: `commit-many.ts`. */
import { commitPackedMany } from './commit-many.ts';
import { digestBytes } from './commitment.ts';

/**
 * The commitment to a packed record.
 * @param origin the log's origin, 1 to 255 bytes of UTF-8
 * @throws VeiltrailError `bad_record` for what `unpackRecord` refuses (invalid UTF-8 apart, which no commitment made here has), `commitment_origin`,
 * `commitment_fields`
 */
export function commitPacked(origin: string, packed: Uint8Array): Uint8Array {
  const commitment = new Uint8Array(digestBytes);
  commitPackedMany(origin, packed, Uint32Array.of(0, packed.length), 0, 1, commitment, (_, error) => {
    throw error;
  });
  return commitment;
}
