import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AnsweredEvent, createAnswerFormat } from '../../src/server/format-answer.ts';

const text = fc.string({ unit: 'binary' });
const receipt: fc.Arbitrary<AnsweredEvent> = fc.record(
  {
    id: text,
    leafIndex: fc.maxSafeNat(),
    duplicate: fc.boolean(),
    conflict: fc.constant(true as const),
    stub: text,
    proof: text,
  },
  { requiredKeys: ['id', 'leafIndex', 'duplicate'] },
);
const answer = fc.record({ receipts: fc.array(receipt), treeSize: fc.maxSafeNat(), checkpoint: text });

test('an answer is JSON of what it says, in ASCII, whatever was answered before', () => {
  fc.assert(
    fc.property(fc.array(answer, { minLength: 1 }), (answers) => {
      const format = createAnswerFormat();
      for (const one of answers) {
        const json = format(one);
        expect(JSON.parse(json)).toEqual(one);
        expect(json).toMatch(/^[\x20-\x7e]*$/);
      }
    }),
  );
});
