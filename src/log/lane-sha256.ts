/**
 * SHA-256 of four messages at a time, in WebAssembly SIMD: one lane of 32 bits for each. A record is hashed as some thirty short messages, and
 * calling Node's hash costs more than hashing does; four lanes take about a third of its time for each. The module is assembled here, at
 * first use, from the text of FIPS 180-4: 64 rounds written out, nothing precompiled. Where there is no WebAssembly (or no SIMD, or a policy
 * against it), {@link createLaneSha256} gives undefined, and the caller hashes one by one.
 *
 * The module's functions (all parameters and results are i32; addresses are of its memory):
 *
 *     frameValue(to, salt, from, length) → blocks     writes 0x12 ‖ salt[16] ‖ bytes, padded
 *     frameField(to, from, length) → blocks           writes 0x10 ‖ bytes ‖ room for a digest of 32, padded
 *     digest(table, groups)                           hashes 4 × groups messages; each has in the table: address, blocks, address of its digest
 *
 * Framing writes up to 15 bytes behind a message's last block, and hashing reads behind the shorter messages of a group, so messages are framed
 * in ascending order, and memory goes on behind them as far as the longest is long.
 */

import { utf8 } from '../core/bytes.ts';

/** WebAssembly as far as it is used here: neither Node's types nor the DOM's are everywhere. */
interface WasmHost {
  WebAssembly?: {
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object) => { exports: object };
  };
}

export interface LaneSha256 {
  readonly memory: { readonly buffer: ArrayBuffer };
  frameValue(to: number, salt: number, from: number, length: number): number;
  frameField(to: number, from: number, length: number): number;
  digest(table: number, groups: number): void;
}

/** The first bytes of the memory are the module's own: constants and state. */
export const laneMemoryStart = 2048;
/** Bytes of one row of the table that `digest` reads. */
export const laneRowBytes = 12;
const statesAt = 1024;

/** @param pages size of the memory, in units of 65,536 bytes */
export function createLaneSha256(pages: number): LaneSha256 | undefined {
  const { WebAssembly } = globalThis as WasmHost;
  if (WebAssembly === undefined) return undefined;
  try {
    const lanes = new WebAssembly.Instance(new WebAssembly.Module(assemble(pages))).exports as LaneSha256;
    const words = new Uint32Array(lanes.memory.buffer);
    roundConstants.split(/\s+/).forEach((constant, t) => words.fill(Number.parseInt(constant, 16), 4 * t, 4 * t + 4));
    return lanes;
  } catch {
    return undefined; // no SIMD, or the page's policy forbids compiling
  }
}

/** First 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2), in hex. */
const roundConstants = `428a2f98 71374491 b5c0fbcf e9b5dba5 3956c25b 59f111f1 923f82a4 ab1c5ed5 d807aa98 12835b01 243185be 550c7dc3 72be5d74 80deb1fe 9bdc06a7 c19bf174
   e49b69c1 efbe4786 0fc19dc6 240ca1cc 2de92c6f 4a7484aa 5cb0a9dc 76f988da 983e5152 a831c66d b00327c8 bf597fc7 c6e00bf3 d5a79147 06ca6351 14292967
   27b70a85 2e1b2138 4d2c6dfc 53380d13 650a7354 766a0abb 81c2c92e 92722c85 a2bfe8a1 a81a664b c24b8b70 c76c51a3 d192e819 d6990624 f40e3585 106aa070
   19a4c116 1e376c08 2748774c 34b0bcb5 391c0cb3 4ed8aa4a 5b9cca4f 682e6ff3 748f82ee 78a5636f 84c87814 8cc70208 90befffa a4506ceb bef9a3f7 c67178f2`;

/** Square roots of the first 8 primes, likewise (5.3.3). */
const initialState = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

// ---- A small assembler: each function gives the bytes of an instruction, or of a few that belong together.

type Code = readonly number[];

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}

/** Signed LEB128 of 32 bits. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  while (rest < -64 || rest > 63) {
    bytes.push((rest & 127) | 128);
    rest >>= 7;
  }
  return [...bytes, rest & 127];
}

const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number, ...value: Code[]): Code => [...value.flat(), 0x21, ...unsigned(local)];
const tee = (local: number, ...value: Code[]): Code => [...value.flat(), 0x22, ...unsigned(local)];
const i32 = (value: number): Code => [0x41, ...signed(value)];
const add32 = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
const shift32 = (a: Code, by: number): Code => (by < 0 ? [...a, ...i32(-by), 0x76] : [...a, ...i32(by), 0x74]);
const load32 = (address: Code, offset: number): Code => [...address, 0x28, 2, ...unsigned(offset)];
const store8 = (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x3a, 0, ...unsigned(offset)];
/** Repeats the body while the condition, evaluated behind it, is not zero. */
const repeat = (body: Code, condition: Code): Code => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b];

const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
const loadV = (address: Code, offset: number): Code => [...address, ...simd(0x00), 0, ...unsigned(offset)];
const storeV = (address: Code, value: Code, offset: number): Code => [...address, ...value, ...simd(0x0b), 0, ...unsigned(offset)];
const xor = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x51)];
const and = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x4e)];
const or = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x50)];
const add = (first: Code, ...others: Code[]): Code => [...first, ...others.flatMap((other) => [...other, ...simd(0xae)])];
const shiftRight = (a: Code, by: number): Code => [...a, ...i32(by), ...simd(0xad)];
const rotateRight = (a: Code, by: number): Code => or(shiftRight(a, by), [...a, ...i32(32 - by), ...simd(0xab)]);
const splat = (value: Code): Code => [...value, ...simd(0x11)];
/** The bytes of each lane in the other order: messages and digests are big-endian. */
const swapBytes = (a: Code): Code => [...a, ...a, ...simd(0x0d), 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];

// ---- The functions.

/** Copies `length` bytes, then pads them as SHA-256 asks (5.1.1): 0x80, zeros, the length in bits. Leaves the number of blocks. */
function frame(local: { to: number; from: number; length: number; at: number; end: number }, copyAt: number, behind: number): Code {
  const { to, from, length, at, end } = local;
  const total = add32(get(length), i32(copyAt + behind));
  // In steps of 16 bytes, from first to last, so what a step writes too much is written over by the next, or by the padding.
  const copy = repeat(
    [...storeV(add32(get(to), get(at)), loadV(add32(get(from), get(at)), 0), copyAt), ...tee(at, add32(get(at), i32(16)))],
    [...get(length), 0x49], // i32.lt_u of what `tee` left and the length
  );
  const bits = (shift: number): Code => shift32(get(length), shift);
  return [
    ...set(at, i32(0)),
    ...copy,
    ...set(length, total),
    ...set(end, add32(get(to), [...add32(get(length), i32(72)), ...i32(-64), 0x71])), // to + ⌈(length + 9) / 64⌉ · 64
    ...set(at, add32(get(to), get(length))),
    ...repeat([...storeV(get(at), splat(i32(0)), 0), ...tee(at, add32(get(at), i32(16)))], [...get(end), 0x49]),
    ...store8(add32(get(to), get(length)), i32(0x80)),
    ...store8(add32(get(end), i32(-4)), bits(-21)),
    ...store8(add32(get(end), i32(-3)), bits(-13)),
    ...store8(add32(get(end), i32(-2)), bits(-5)),
    ...store8(add32(get(end), i32(-1)), bits(3)),
    ...get(end),
    ...get(to),
    0x6b,
    ...i32(6),
    0x76,
  ];
}

function frameValue(): Code {
  const [to, salt, from, length, at, end] = [0, 1, 2, 3, 4, 5] as const;
  return [...store8(get(to), i32(0x12)), ...storeV(get(to), loadV(get(salt), 0), 1), ...frame({ to, from, length, at, end }, 17, 0)];
}

function frameField(): Code {
  const [to, from, length, at, end] = [0, 1, 2, 3, 4] as const;
  return [...store8(get(to), i32(0x10)), ...frame({ to, from, length, at, end }, 1, 32)];
}

const lanes = [0, 1, 2, 3] as const;

function digest(): Code {
  const [table, groups] = [0, 1] as const;
  const from = (lane: number): number => 2 + lane;
  const [left, mask, sum] = [6, 7, 8] as const;
  const state = (i: number): number => 9 + i;
  const word = (t: number): number => 17 + (t & 15);
  const stateAt = (i: number): Code => loadV(i32(0), statesAt + 16 * i);
  const row = (lane: number, column: number): Code => load32(get(table), laneRowBytes * lane + 4 * column);

  /** Word t of all four messages: one load into each lane. */
  const loadWord = (t: number): Code => {
    const first: Code = [...get(from(0)), ...simd(0x5c), 0, ...unsigned(4 * t)];
    const gathered = lanes
      .slice(1)
      .reduce<Code>((vector, lane) => [...get(from(lane)), ...vector, ...simd(0x56), 0, ...unsigned(4 * t), lane], first);
    return set(word(t), swapBytes(gathered));
  };
  const block: Code = [
    ...Array.from({ length: 16 }, (_, t) => loadWord(t)).flat(),
    ...Array.from({ length: 8 }, (_, i) => set(state(i), stateAt(i))).flat(),
    ...rounds(state, word, sum),
    // A lane whose message has ended keeps its state.
    ...set(mask, [...get(left), ...splat(i32(0)), ...simd(0x3b)]),
    ...Array.from({ length: 8 }, (_, i) =>
      storeV(i32(0), [...add(get(state(i)), stateAt(i)), ...stateAt(i), ...get(mask), ...simd(0x52)], statesAt + 16 * i),
    ).flat(),
    ...lanes.flatMap((lane) => set(from(lane), add32(get(from(lane)), i32(64)))),
    ...set(left, [...get(left), ...splat(i32(1)), ...simd(0xb1)]),
  ];
  return repeat(
    [
      ...lanes.flatMap((lane) => set(from(lane), row(lane, 0))),
      ...set(
        left,
        lanes.slice(1).reduce<Code>((vector, lane) => [...vector, ...row(lane, 1), ...simd(0x1c), lane], splat(row(0, 1))),
      ),
      ...initialState.flatMap((value, i) => storeV(i32(0), splat(i32(value)), statesAt + 16 * i)),
      ...repeat(block, [...get(left), ...splat(i32(0)), ...simd(0x3b), ...simd(0x53)]),
      ...Array.from({ length: 8 }, (_, i) => [
        ...set(sum, swapBytes(stateAt(i))),
        ...lanes.flatMap((lane) => [...row(lane, 2), ...get(sum), ...simd(0x5a), 0, ...unsigned(4 * i), lane]),
      ]).flat(),
      ...set(table, add32(get(table), i32(4 * laneRowBytes))),
    ],
    tee(groups, add32(get(groups), i32(-1))),
  );
}

/** The 64 rounds (6.2.2); instead of moving a to h along, each round calls the locals by other names. */
function rounds(state: (i: number) => number, word: (t: number) => number, sum: number): Code {
  const code: number[] = [];
  const sigma = (v: Code, [a, b, c]: readonly [number, number, number]): Code => xor(xor(rotateRight(v, a), rotateRight(v, b)), rotateRight(v, c));
  const small = (v: Code, [a, b, c]: readonly [number, number, number]): Code => xor(xor(rotateRight(v, a), rotateRight(v, b)), shiftRight(v, c));
  for (let t = 0; t < 64; t++) {
    const at = (i: number): number => state((i - t) & 7);
    const v = (i: number): Code => get(at(i));
    const w = (back: number): Code => get(word(t - back));
    if (t >= 16) code.push(...set(word(t), add(w(16), small(w(15), [7, 18, 3]), w(7), small(w(2), [17, 19, 10]))));
    const choose = xor(v(6), and(v(4), xor(v(5), v(6))));
    const temporary = add(v(7), sigma(v(4), [6, 11, 25]), choose, add(loadV(i32(0), 16 * t), w(0)));
    code.push(...set(sum, temporary), ...set(at(3), add(v(3), get(sum))));
    // maj(a, b, c) = b ^ ((a ^ b) & (b ^ c))
    const majority = xor(v(1), and(xor(v(0), v(1)), xor(v(1), v(2))));
    code.push(...set(at(7), add(get(sum), sigma(v(0), [2, 13, 22]), majority)));
  }
  return code;
}

// ---- The module.

function assemble(pages: number): Uint8Array {
  const magic = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]; // and version 1
  const [i32Type, v128Type] = [0x7f, 0x7b];
  const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
  const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content];
  const name = (text: string): Code => vector(Array.from(utf8(text), (byte) => [byte]));
  const type = (parameters: number, results: number): Code => [
    0x60,
    ...vector(Array.from({ length: parameters }, () => [i32Type])),
    ...vector(Array.from({ length: results }, () => [i32Type])),
  ];
  const body = (locals: readonly (readonly [number, number])[], code: Code): Code => {
    const content = [...vector(locals.map(([count, of]) => [...unsigned(count), of])), ...code, 0x0b];
    return [...unsigned(content.length), ...content];
  };
  return Uint8Array.from([
    ...magic,
    ...section(1, vector([type(4, 1), type(3, 1), type(2, 0)])),
    ...section(3, vector([[0], [1], [2]])),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(
      7,
      vector([
        [...name('memory'), 2, 0],
        [...name('frameValue'), 0, 0],
        [...name('frameField'), 0, 1],
        [...name('digest'), 0, 2],
      ]),
    ),
    ...section(
      10,
      vector([
        body([[2, i32Type]], frameValue()),
        body([[2, i32Type]], frameField()),
        body(
          [
            [4, i32Type],
            [27, v128Type],
          ],
          digest(),
        ),
      ]),
    ),
  ]);
}
