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
import { checkpoint, receipt } from './sample-log.ts';

const sizes = [20_000, 40_000, 80_000, 160_000];
const digest = encodeBase64(new Uint8Array(32));

function timeOf(run: () => unknown): number {
  const start = performance.now();
  try {
    run();
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
  }
  return performance.now() - start;
}

/** The slope of log(time) over log(size), each time the best of several: what disturbs a run only makes it slower. */
function exponentOf(prepare: (size: number) => () => unknown): number {
  const points = sizes.map((size) => {
    const run = prepare(size);
    const best = Math.min(...Array.from({ length: 7 }, () => timeOf(run)));
    return [Math.log(size), Math.log(Math.max(best, 0.05))] as const;
  });
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const cov = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return cov / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
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

test.each(cases)('%s', { retry: 2 }, (_, prepare) => {
  expect(exponentOf(prepare)).toBeLessThan(1.6);
});
