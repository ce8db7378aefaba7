/** Entry bundles (C2SP tlog-tiles): up to 256 entries, each a uint16 length, big-endian, and that many bytes. */
import { VeiltrailError } from '../core/errors.ts';
import { tileWidthMax } from './tile-path.ts';

const entryBytesMax = 0xffff;

/** @throws VeiltrailError `bundle_width` unless there are 1 to 256 entries, `bundle_entry` for one of more than 65,535 bytes */
export function formatEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  checkWidth(entries.length);
  let length = 0;
  for (const entry of entries) {
    if (entry.length > entryBytesMax) throw new VeiltrailError('bundle_entry', `an entry has at most ${entryBytesMax} bytes`);
    length += 2 + entry.length;
  }
  const bundle = new Uint8Array(length);
  let at = 0;
  for (const entry of entries) {
    bundle[at] = entry.length >>> 8;
    bundle[at + 1] = entry.length & 0xff;
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/**
 * The entries in a bundle, exactly `width` of them; views of the bundle's own bytes.
 * @throws VeiltrailError `bundle_width`, `bundle_bytes` for a bundle that is cut short, has bytes behind its end, or too many entries
 */
export function parseEntryBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  checkWidth(width);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bundle.length) {
    if (at + 2 > bundle.length) throw badBundle(at);
    const end = at + 2 + (((bundle[at] as number) << 8) | (bundle[at + 1] as number));
    if (end > bundle.length) throw badBundle(at);
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  if (entries.length !== width) throw badBundle(at);
  return entries;
}

function checkWidth(width: number): void {
  if (!Number.isInteger(width) || width < 1 || width > tileWidthMax) {
    throw new VeiltrailError('bundle_width', `a bundle has 1 to ${tileWidthMax} entries`);
  }
}

function badBundle(offset: number): VeiltrailError {
  return new VeiltrailError('bundle_bytes', 'not an entry bundle of that width', { offset });
}
