/** The request by which a witness is asked, and the lines that answer it. Their refusals over HTTP are in tests/witness. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import {
  addCheckpointBytesMax,
  formatAddCheckpoint,
  parseAddCheckpoint,
  parseSignatureLines,
  parseSizeAnswer,
} from '../../src/log/add-checkpoint.ts';
import { refusalOf } from './refusal.ts';

const line = `— witness.example ${Buffer.from('0123456789').toString('base64')}\n`;

test('a request comes back as it was', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
      fc.constantFrom('a\n1\nb\n\nx\n', 'no checkpoint at all'),
      (oldSize, proof, checkpoint) => {
        expect(parseAddCheckpoint(utf8(formatAddCheckpoint({ oldSize, proof, checkpoint })))).toEqual({ oldSize, proof, checkpoint });
      },
    ),
  );
});

test('the specification’s example is read', () => {
  const body = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;
  const { oldSize, proof, checkpoint } = parseAddCheckpoint(utf8(body));
  expect([oldSize, proof.length, checkpoint.split('\n')[1]]).toEqual([20_852_014, 4, '20852163']);
});

test('no bytes make it fail otherwise than by refusing, and too many are refused unread', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(['accepted', 'add_checkpoint_syntax']).toContain(refusalOf(() => parseAddCheckpoint(bytes)));
    }),
  );
  expect(refusalOf(() => parseAddCheckpoint(new Uint8Array(addCheckpointBytesMax + 1)))).toBe('add_checkpoint_syntax');
});

test('signature lines: one at least, each ending in a newline', () => {
  expect(parseSignatureLines(line + line)).toHaveLength(2);
  for (const bad of ['', '\n', line.slice(0, -1), `${line}\n`, line.repeat(65)])
    expect(refusalOf(() => parseSignatureLines(bad))).toBe('note_syntax');
});

test('the size of the answer 409', () => {
  expect([parseSizeAnswer('0\n'), parseSizeAnswer('17\n')]).toEqual([0, 17]);
  for (const bad of ['', '17', '017\n', '-1\n', '17\n\n', ' 17\n', '99999999999999999999\n']) expect(parseSizeAnswer(bad)).toBeUndefined();
});
