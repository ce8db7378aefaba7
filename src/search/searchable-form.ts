/** A record of which some values were redacted, as one that never had them: what search reads. */
import { packedBytesMax, packRecord } from '../log/packed-record.ts';
import { isKept, redactedForm, unpackRedacted } from '../log/redacted-record.ts';
import { seedBytes } from '../log/commitment.ts';

/** No seed: what it is good for is not search's business. */
const noSeed = new Uint8Array(seedBytes);

/** @throws VeiltrailError `bad_record`, `invalid_utf8` */
export function searchableForm(packed: Uint8Array): Uint8Array {
  if (packed[0] !== redactedForm) return packed;
  const fields = unpackRedacted(packed).filter(isKept);
  const out = new Uint8Array(packedBytesMax(fields));
  return out.subarray(0, packRecord(out, 0, noSeed, fields));
}
