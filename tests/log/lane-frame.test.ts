/** The functions of the lanes that work on whole records: framing, and the salts of two at a time. */
import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { fieldListsAt, laneRowBytes, listBlocksMax, valueListsAt } from '../../src/log/lane-frame.ts';
import { createLaneSha256, laneMemoryStart, type LaneSha256 } from '../../src/log/lane-sha256.ts';
import { shakeBlockBytes } from '../../src/log/lane-shake.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';

const lanes = createLaneSha256(8) as LaneSha256;
const bytes = new Uint8Array(lanes.memory.buffer);
const words = new Int32Array(lanes.memory.buffer);
const [recordAt, saltsAt, rowsAt, digestsAt, messagesAt] = [laneMemoryStart, 20_000, 32_768, 131_072, 196_608];
const headerBytes = 37;
const rowsOfList = 12 * 128;

test('shake gives SHAKE256 of two seeds, as many blocks as asked for', () => {
  for (const blocks of [1, 2, 3, 7, 61]) {
    const seeds = [randomBytes(32), randomBytes(32)] as const;
    bytes.set(seeds[0], recordAt);
    bytes.set(seeds[1], recordAt + 1001);
    bytes.fill(0xaa, saltsAt, messagesAt);
    const length = blocks * shakeBlockBytes;
    lanes.shake(recordAt, saltsAt, recordAt + 1001, saltsAt + length, blocks);
    const expected = seeds.map((seed) => createHash('shake256', { outputLength: length }).update(seed).digest('hex')).join('');
    expect(Buffer.from(bytes.subarray(saltsAt, saltsAt + 2 * length)).toString('hex')).toBe(expected);
    expect(bytes[saltsAt + 2 * length]).toBe(0xaa);
  }
});

interface Row {
  message: string;
  blocks: number;
  digestAt: number;
}

function setLists(): void {
  for (let list = 0; list <= listBlocksMax; list++) {
    words[valueListsAt / 4 + list] = rowsAt + list * rowsOfList;
    words[fieldListsAt / 4 + list] = rowsAt + (listBlocksMax + 1 + list) * rowsOfList;
  }
}

function rowsOf(listsAt: number): Row[] {
  const found: Row[] = [];
  for (let list = 0; list <= listBlocksMax; list++) {
    const first = rowsAt + (list + (listsAt === fieldListsAt ? listBlocksMax + 1 : 0)) * rowsOfList;
    for (let at = first; at < (words[listsAt / 4 + list] as number); at += laneRowBytes) {
      const [address, blocks, digestAt] = words.subarray(at / 4, at / 4 + 3) as unknown as [number, number, number];
      expect(Math.min(blocks, listBlocksMax)).toBe(list);
      found.push({ message: Buffer.from(bytes.subarray(address, address + 64 * blocks)).toString('hex'), blocks, digestAt });
    }
  }
  return found;
}

function padded(message: Uint8Array): string {
  const blocks = Math.ceil((message.length + 9) / 64);
  const out = Buffer.alloc(64 * blocks);
  out.set(message);
  out[message.length] = 0x80;
  out.writeUInt32BE(8 * message.length, out.length - 4);
  return out.toString('hex');
}

const fields = [
  { pointer: '', value: '""' },
  { pointer: '/a', value: `"${'x'.repeat(38)}"` },
  { pointer: '/a/b', value: '1' },
  { pointer: `/a/b${'c'.repeat(40)}`, value: `"${'y'.repeat(700)}"` },
  { pointer: '/ä', value: '"ü"' },
];

function pack(list: readonly { pointer: string; value: string }[]): number {
  const out = new Uint8Array(packedBytesMax(list));
  const end = packRecord(out, 0, randomBytes(32), list);
  bytes.set(out.subarray(0, end), recordAt);
  return recordAt + end;
}

function frame(end: number, count: number, checked: number): number {
  setLists();
  return lanes.frameRecord(recordAt + headerBytes, end, count, saltsAt, messagesAt, digestsAt, checked);
}

test.each([0, 1])('frameRecord frames every field, by blocks (checked: %i)', (checked) => {
  bytes.set(randomBytes(16 * fields.length), saltsAt);
  bytes.fill(0, messagesAt, messagesAt + 4096);
  const end = frame(pack(fields), fields.length, checked);
  const salted = fields.map(({ value }, i) =>
    padded(Buffer.concat([Uint8Array.of(0x12), bytes.subarray(saltsAt + 16 * i, saltsAt + 16 * i + 16), Buffer.from(value)])),
  );
  const named = fields.map(({ pointer }) => {
    const text = Buffer.from(pointer);
    return padded(Buffer.concat([Uint8Array.of(0x10, 0, text.length), text, Buffer.alloc(32)]));
  });
  // The digest of a value goes where the message of its field has room for it.
  const values = rowsOf(valueListsAt);
  for (const { digestAt } of values) bytes.fill(0, digestAt, digestAt + 32);
  const all = rowsOf(fieldListsAt);
  expect(values.map(({ message }) => message).toSorted()).toEqual(salted.toSorted());
  expect(all.map(({ message }) => message).toSorted()).toEqual(named.toSorted());
  expect(all.map(({ digestAt }) => digestAt).toSorted((a, b) => a - b)).toEqual(fields.map((_, i) => digestsAt + 32 * i));
  expect(end).toBe(messagesAt + 64 * [...values, ...all].reduce((sum, { blocks }) => sum + blocks, 0));
});

test('frameRecord refuses what is cut short, or has bytes behind its end', () => {
  const end = pack(fields);
  for (let short = recordAt + headerBytes; short < end; short++) expect(frame(short, fields.length, 1), String(short - end)).toBe(0);
  expect(frame(end + 1, fields.length, 1)).toBe(0);
  expect(frame(end, fields.length - 1, 1)).toBe(0);
  expect(frame(end, fields.length + 1, 1)).toBe(0);
  // A length that would wrap around the end of the addresses.
  bytes.fill(0xff, recordAt + headerBytes, recordAt + headerBytes + 12);
  expect(frame(end, fields.length, 1)).toBe(0);
});

test('frameRecord, checked, refuses pointers that do not ascend', () => {
  for (const [one, two] of [
    ['/b', '/a'],
    ['/a', '/a'],
    ['/ab', '/a'],
    ['/a', ''],
    ['', ''],
    ['/ä', '/z'],
  ] as const) {
    const end = pack([
      { pointer: one, value: '1' },
      { pointer: two, value: '2' },
    ]);
    expect(frame(end, 2, 1), `${one} ${two}`).toBe(0);
    expect(frame(end, 2, 0)).toBeGreaterThan(messagesAt);
  }
});
