/**
 * How the fields of a packed record (`packed-record.ts`) become the messages that `commitment.ts` hashes: copied, framed and padded in WebAssembly,
 * each with a row in a list of those that have as many blocks, so that the lanes of a group end together.
 */
import {
  add32,
  and32,
  call,
  choose32,
  type Code,
  differ32,
  get,
  i32,
  leaveIf,
  less32,
  load32,
  load8,
  loadV,
  loop,
  min32,
  not32,
  or32,
  repeat,
  returnValue,
  set,
  shift32,
  simd,
  store32,
  store8,
  storeV,
  sub32,
  tee,
  type WasmFunction,
  when,
} from './wasm-code.ts';

/** Bytes of one row: address of the message, its blocks, address of its digest. */
export const laneRowBytes = 12;
/** Messages of so many blocks and more share a list. */
export const listBlocksMax = 8;
/** Addresses at which the lists of value and of field messages go on, by blocks from 0 to `listBlocksMax`: set before, found raised behind. */
export const valueListsAt = 1792;
export const fieldListsAt = valueListsAt + 64;

/** Sixteen zeros. */
const zeroV: Code = [...i32(0), ...simd(0x11)];

/** Copies `length` bytes, then pads them as SHA-256 asks (5.1.1): 0x80, zeros, the length in bits. Leaves the number of blocks. */
function frame(local: { to: number; from: number; length: number; at: number; end: number }, copyAt: number, behind: number): Code {
  const { to, from, length, at, end } = local;
  const total = add32(get(length), i32(copyAt + behind));
  // In steps of 16 bytes, from first to last, so what a step writes too much is written over by the next, or by the padding.
  const copy = repeat(
    [...storeV(add32(get(to), get(at)), loadV(add32(get(from), get(at)), 0), copyAt), ...tee(at, add32(get(at), i32(16)))],
    [...get(length), 0x49], // what `tee` left is less than the length
  );
  const bits = (shift: number): Code => shift32(get(length), shift);
  return [
    ...set(at, i32(0)),
    ...copy,
    ...set(length, total),
    ...set(end, add32(get(to), and32(add32(get(length), i32(72)), i32(-64)))), // to + ⌈(length + 9) / 64⌉ · 64
    ...set(at, add32(get(to), get(length))),
    ...repeat([...storeV(get(at), zeroV, 0), ...tee(at, add32(get(at), i32(16)))], [...get(end), 0x49]),
    ...store8(add32(get(to), get(length)), i32(0x80)),
    ...store8(add32(get(end), i32(-4)), bits(-21)),
    ...store8(add32(get(end), i32(-3)), bits(-13)),
    ...store8(add32(get(end), i32(-2)), bits(-5)),
    ...store8(add32(get(end), i32(-1)), bits(3)),
    ...shift32(sub32(get(end), get(to)), -6),
  ];
}

/** `frameValue(to, salt, from, length)` → blocks: writes 0x12 ‖ salt[16] ‖ bytes, padded. */
export function frameValueFunction(): WasmFunction {
  const [to, salt, from, length, at, end] = [0, 1, 2, 3, 4, 5] as const;
  return {
    name: 'frameValue',
    parameters: 4,
    results: 1,
    locals: [[2, 'i32']],
    code: [...store8(get(to), i32(0x12)), ...storeV(get(to), loadV(get(salt), 0), 1), ...frame({ to, from, length, at, end }, 17, 0)],
  };
}

/** `frameField(to, from, length)` → blocks: writes 0x10 ‖ bytes ‖ room for a digest of 32, padded. */
export function frameFieldFunction(): WasmFunction {
  const [to, from, length, at, end] = [0, 1, 2, 3, 4] as const;
  return {
    name: 'frameField',
    parameters: 3,
    results: 1,
    locals: [[2, 'i32']],
    code: [...store8(get(to), i32(0x10)), ...frame({ to, from, length, at, end }, 1, 32)],
  };
}

/**
 * `frameRecord(at, end, count, salts, to, digests, checked)` → address behind the last message, or 0 for what is no packed record: frames all
 * fields of a record, from the first one's address to the end of the last. The digest of field i will go to `digests` + 32i. Where `checked` is
 * not 0, pointers that do not ascend are refused too. The indexes are those of the two functions above.
 */
export function frameRecordFunction(frameValueIndex: number, frameFieldIndex: number): WasmFunction {
  const [at, end, count, salts, to, digests, checked] = [0, 1, 2, 3, 4, 5, 6] as const;
  const [pointerBytes, valueAt, valueBytes, blocks, fieldAt, row, previous, previousBytes, common, i] = [
    7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
  ] as const;
  const refuseIf = (condition: Code): Code => when(condition, returnValue(i32(0)));
  const addRow = (listsAt: number, message: Code, digest: Code): Code => {
    const list = shift32(min32(get(blocks), i32(listBlocksMax)), 2);
    return [
      ...set(row, load32(list, listsAt)),
      ...store32(get(row), message),
      ...store32(get(row), get(blocks), 4),
      ...store32(get(row), digest, 8),
      ...store32(list, add32(get(row), i32(laneRowBytes)), listsAt),
    ];
  };
  const byteAt = (address: number): Code => load8(add32(get(address), get(i)), 2);
  /** Not ascending: behind what is common, the previous one is longer, or the same, or its byte is the larger. */
  const descends = choose32(less32(byteAt(at), byteAt(previous)), not32(less32(get(previousBytes), get(pointerBytes))), less32(get(i), get(common)));
  const checkOrder: Code = [
    ...when(
      get(previous),
      set(common, min32(get(previousBytes), get(pointerBytes))),
      set(i, i32(0)),
      loop(leaveIf(not32(less32(get(i), get(common)))), leaveIf(differ32(byteAt(previous), byteAt(at))), set(i, add32(get(i), i32(1)))),
      refuseIf(descends),
    ),
    ...set(previous, get(at)),
    ...set(previousBytes, get(pointerBytes)),
  ];
  const bigEndian = (offset: number, bytes: number): Code =>
    Array.from({ length: bytes }, (_, k) => shift32(load8(get(valueAt), offset + k), 8 * (bytes - 1 - k))).reduce(or32);
  const field: Code = [
    ...refuseIf(less32(get(end), add32(get(at), i32(6)))),
    ...set(pointerBytes, or32(shift32(load8(get(at), 0), 8), load8(get(at), 1))),
    ...set(valueAt, add32(get(at), get(pointerBytes), i32(2))),
    ...refuseIf(less32(get(end), add32(get(valueAt), i32(4)))),
    ...set(valueBytes, bigEndian(0, 4)),
    ...set(valueAt, add32(get(valueAt), i32(4))),
    ...refuseIf(less32(sub32(get(end), get(valueAt)), get(valueBytes))),
    ...when(get(checked), checkOrder),
    ...set(blocks, call(frameValueIndex, get(to), get(salts), get(valueAt), get(valueBytes))),
    ...set(fieldAt, add32(get(to), shift32(get(blocks), 6))),
    ...addRow(valueListsAt, get(to), add32(get(fieldAt), get(pointerBytes), i32(3))),
    ...set(blocks, call(frameFieldIndex, get(fieldAt), get(at), add32(get(pointerBytes), i32(2)))),
    ...addRow(fieldListsAt, get(fieldAt), get(digests)),
    ...set(to, add32(get(fieldAt), shift32(get(blocks), 6))),
    ...set(at, add32(get(valueAt), get(valueBytes))),
    ...set(salts, add32(get(salts), i32(16))),
    ...set(digests, add32(get(digests), i32(32))),
  ];
  return {
    name: 'frameRecord',
    parameters: 7,
    results: 1,
    locals: [[10, 'i32']],
    code: [...repeat(field, tee(count, add32(get(count), i32(-1)))), ...refuseIf(differ32(get(at), get(end))), ...get(to)],
  };
}
