import { createHash, randomBytes } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { createLaneSha256, laneMemoryStart, laneRowBytes, type LaneSha256 } from '../../src/log/lane-sha256.ts';

const lanes = createLaneSha256(8) as LaneSha256;
const bytes = new Uint8Array(lanes.memory.buffer);
const words = new Int32Array(lanes.memory.buffer);
const [tableAt, saltAt, fromAt, messagesAt, digestsAt] = [laneMemoryStart, 4096, 8192, 65_536, 400_000];

afterEach(() => vi.unstubAllGlobals());

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Frames messages of these lengths, values and fields in turn, hashes them, and gives the digests beside those of Node. */
function hashAll(lengths: readonly number[]): { ours: string[]; nodes: string[] } {
  const nodes: string[] = [];
  let to = messagesAt;
  lengths.forEach((length, i) => {
    const text = randomBytes(length);
    const salt = randomBytes(16);
    bytes.set(text, fromAt);
    bytes.set(salt, saltAt);
    const blocks = i % 2 === 0 ? lanes.frameValue(to, saltAt, fromAt, length) : lanes.frameField(to, fromAt, length);
    const digest = randomBytes(32);
    if (i % 2 === 1) bytes.set(digest, to + 1 + length);
    const message = i % 2 === 0 ? Buffer.concat([Uint8Array.of(0x12), salt, text]) : Buffer.concat([Uint8Array.of(0x10), text, digest]);
    expect(blocks).toBe(Math.ceil((message.length + 9) / 64));
    nodes.push(sha256(message));
    words.set([to, blocks, digestsAt + 32 * i], (tableAt + laneRowBytes * i) / 4);
    to += 64 * blocks;
  });
  lanes.digest(tableAt, lengths.length / 4);
  const ours = lengths.map((_, i) => Buffer.from(bytes.subarray(digestsAt + 32 * i, digestsAt + 32 * (i + 1))).toString('hex'));
  return { ours, nodes };
}

test('every length up to 300, lanes of equal length', () => {
  for (let length = 0; length <= 300; length++) {
    const { ours, nodes } = hashAll([length, length, length, length]);
    expect(ours).toEqual(nodes);
  }
});

test('lanes of different lengths, several groups', () => {
  for (const lengths of [
    [0, 500, 1, 64],
    [1000, 0, 0, 0],
    [0, 0, 0, 5000],
    [38, 39, 40, 41, 46, 47, 102, 103, 119, 120, 121, 0],
  ]) {
    const { ours, nodes } = hashAll(lengths);
    expect(ours).toEqual(nodes);
  }
  for (let run = 0; run < 200; run++) {
    const { ours, nodes } = hashAll(Array.from({ length: 8 }, () => Math.floor(Math.random() ** 3 * 600)));
    expect(ours).toEqual(nodes);
  }
});

test('a length that takes more than three bytes in bits', () => {
  const length = 200_000;
  const big = createLaneSha256(16) as LaneSha256;
  const memory = new Uint8Array(big.memory.buffer);
  const text = randomBytes(length);
  memory.set(text, 65_536);
  const blocks = big.frameField(300_000, 65_536, length);
  memory.fill(7, 300_001 + length, 300_033 + length);
  const rows = new Int32Array(big.memory.buffer);
  rows.set([300_000, blocks, 4096, ...Array.from({ length: 3 }, () => [300_000, 0, 8192]).flat()], laneMemoryStart / 4);
  big.digest(laneMemoryStart, 1);
  const expected = sha256(Buffer.concat([Uint8Array.of(0x10), text, Buffer.alloc(32, 7)]));
  expect(Buffer.from(memory.subarray(4096, 4128)).toString('hex')).toBe(expected);
});

test('is not there without WebAssembly, or where compiling is forbidden', () => {
  vi.stubGlobal('WebAssembly', undefined);
  expect(createLaneSha256(1)).toBeUndefined();
  vi.stubGlobal('WebAssembly', {
    Module: function forbid() {
      throw new Error('forbidden by the content security policy');
    },
  });
  expect(createLaneSha256(1)).toBeUndefined();
});
