/** No parser costs more than linear time: the exponent of its run time over input size is fitted, and stays well below quadratic. */
import { expect, test } from 'vitest';
import { encodeBase64 } from '../../src/core/base64.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import {
  type Field,
  parseCheckpointText,
  parseDisclosure,
  parseEntryBundle,
  parseNote,
  parseProof,
  parseTilePath,
  parseVerifierKey,
  unflattenRecord,
} from '../../src/log/index.ts';
import { growthOf } from '../setup/cpu-time.ts';
import { checkpoint, receipt } from './sample-log.ts';

const sizes = [20_000, 40_000, 80_000, 160_000];
const digest = encodeBase64(new Uint8Array(32));

/** What is refused costs as well. */
function attempt(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
  }
}

const hidden = (count: number): Field[] => Array.from({ length: count }, (_, i) => ({ pointer: `/${String(i).padStart(7, '0')}`, value: '1' }));

const cases: [string, (size: number) => () => unknown][] = [
  ['a note of empty lines', (n) => () => parseNote(`${'\n'.repeat(n)}x`)],
  ['a note of spaces', (n) => () => parseNote(`text\n\n— ${' '.repeat(n)} AAAA\n`)],
  ['a note with a long name', (n) => () => parseNote(`text\n\n— ${'a'.repeat(n)}+ AAAA\n`)],
  ['a note with a long signature', (n) => () => parseNote(`text\n\n— a ${'A'.repeat(n)}\n`)],
  ['a checkpoint of extension lines', (n) => () => parseCheckpointText(`o\n1\n${digest}\n${'x\n'.repeat(n)}`)],
  ['a checkpoint with a long size', (n) => () => parseCheckpointText(`o\n${'1'.repeat(n)}\n${digest}\n`)],
  ['a receipt of hashes', (n) => () => parseProof(`c2sp.org/tlog-proof@v1\nindex 0\n${`${digest}\n`.repeat(n / 10)}\n${checkpoint}`)],
  ['a receipt with extra data', (n) => () => parseProof(`c2sp.org/tlog-proof@v1\nextra ${'A'.repeat(n)}\nindex 0\n\n${checkpoint}`)],
  ['a path of many groups', (n) => () => parseTilePath(`tile/0/${'x001/'.repeat(n)}001`)],
  ['a key with a long name', (n) => () => parseVerifierKey(`${'a'.repeat(n)}+00000000+AQ==`)],
  ['a key of pluses', (n) => () => parseVerifierKey('+'.repeat(n))],
  ['an entry bundle of nothings', (n) => () => parseEntryBundle(new Uint8Array(2 * n), 256)],
  ['fields in order', (n) => () => unflattenRecord(hidden(n / 10))],
  ['a pointer of many steps', (n) => () => unflattenRecord([{ pointer: '/a'.repeat(n / 4), value: '1' }])],
  ['a value of many brackets', (n) => () => unflattenRecord([{ pointer: '/a', value: '['.repeat(n) }])],
  [
    'a disclosure of hidden fields',
    (n) => {
      const fields = hidden(n / 40).map(({ pointer }) => ({ pointer, valueDigest: digest }));
      const text = JSON.stringify({ format: 'veiltrail.disclosure/v1', fields, receipt });
      return () => parseDisclosure(text);
    },
  ],
];

test.each(cases)('%s', (_, prepare) => {
  const attempts = (size: number): (() => void) => {
    const run = prepare(size);
    return () => attempt(run);
  };
  expect(growthOf(sizes, attempts, { exponentMax: 1.6 })).toBeLessThanOrEqual(1.6);
});
