/** Whatever single byte or bit is changed in what a verifier is given, it is never taken for something else. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import { openCheckpoint, openNote, parseProof, verifyProof } from '../../src/log/index.ts';
import { createNoteVerifier } from '../../src/log/note-key.ts';
import { verifyDisclosure } from '../../src/verify/disclosure.ts';
import notes from '../vectors/signed-note.json' with { type: 'json' };
import { checkpoint, entry, receipt, trust } from './sample-log.ts';

/** Every byte turned into each of a few others (one bit flipped, or one that means something here), left out, doubled, swapped with the next. */
function* mutations(bytes: Uint8Array): Generator<Uint8Array> {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    for (let bit = 0; bit < 8; bit++) yield bytes.with(i, byte ^ (1 << bit));
    for (const other of ' \n+/=-0A"') if (other.charCodeAt(0) !== byte) yield bytes.with(i, other.charCodeAt(0));
    yield Uint8Array.from([...bytes.subarray(0, i), ...bytes.subarray(i + 1)]);
    yield Uint8Array.from([...bytes.subarray(0, i + 1), ...bytes.subarray(i)]);
    if (i + 1 < bytes.length) yield bytes.with(i, bytes[i + 1] as number).with(i + 1, byte);
  }
  for (let end = 0; end < bytes.length; end++) yield bytes.subarray(0, end);
}

/** What a verifier makes of bytes; undefined when it refuses them. Anything but a refusal of ours is a bug. */
function outcome(verify: (bytes: Uint8Array) => unknown, bytes: Uint8Array): string | undefined {
  try {
    return JSON.stringify(verify(bytes));
  } catch (error) {
    if (error instanceof VeiltrailError) return undefined;
    throw error;
  }
}

/** How many mutations were refused, and how many said the same as before; any other outcome fails. */
function tryAll(text: string, verify: (bytes: Uint8Array) => unknown): { refused: number; same: number } {
  const original = utf8(text);
  const right = outcome(verify, original);
  expect(right).toBeDefined();
  const counts = { refused: 0, same: 0 };
  for (const bytes of mutations(original)) {
    if (Buffer.compare(bytes, original) === 0) continue;
    const other = outcome(verify, bytes);
    if (other === undefined) counts.refused++;
    else if (other === right) counts.same++;
    else expect.fail(`taken for something else: ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`);
  }
  return counts;
}

test.each(notes.notes)('a note of $source: every change is refused', ({ vkey, note }) => {
  const verifier = createNoteVerifier(vkey);
  const { refused, same } = tryAll(note, (bytes) => openNote(bytes, [verifier]));
  expect(same).toBe(0);
  expect(refused).toBeGreaterThan(1000);
});

test('a checkpoint: every change is refused', () => {
  expect(tryAll(checkpoint, (bytes) => openCheckpoint(bytes, trust)).same).toBe(0);
});

test('a receipt: every change is refused', () => {
  expect(tryAll(receipt, (bytes) => verifyProof(parseProof(bytes), entry, trust)).same).toBe(0);
});

test('a disclosure: every change but in white space and the spelling of JSON is refused', () => {
  const text = JSON.stringify(JSON.parse(readFileSync(new URL('../vectors/disclosure.json', import.meta.url), 'utf8')));
  const { same, refused } = tryAll(text, (bytes) => {
    const {
      shown,
      hidden,
      redactedCount,
      leafIndex,
      checkpoint: { text: signed },
    } = verifyDisclosure(bytes, trust);
    return { shown, hidden, redactedCount, leafIndex, signed };
  });
  expect(refused).toBeGreaterThan(20_000);
  expect(same).toBeLessThan(refused / 100);
});
