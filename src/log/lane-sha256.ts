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
 *     frameRecord(…) → to                             both for every field of a packed record (`lane-frame.ts`)
 *     digest(table, groups)                           hashes 4 × groups messages; each has in the table: address, blocks, address of its digest
 *     shake(seedA, toA, seedB, toB, blocks)           SHAKE256 of two seeds (`lane-shake.ts`)
 *
 * Framing writes up to 15 bytes behind a message's last block, and hashing reads behind the shorter messages of a group, so messages are framed
 * in ascending order, and memory goes on behind them as far as the longest is long.
 */

import { frameFieldFunction, frameRecordFunction, frameValueFunction, laneRowBytes } from './lane-frame.ts';
import { shakeFunction, writeShakeConstants } from './lane-shake.ts';
import {
  add32,
  and,
  assembleModule,
  type Code,
  get,
  i32,
  load32,
  loadV,
  or,
  repeat,
  set,
  simd,
  storeV,
  tee,
  unsigned,
  type WasmFunction,
  xor,
} from './wasm-code.ts';

export { laneRowBytes } from './lane-frame.ts';

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
  frameRecord(at: number, end: number, count: number, salts: number, to: number, digests: number, checked: number): number;
  digest(table: number, groups: number): void;
  shake(seedA: number, toA: number, seedB: number, toB: number, blocks: number): void;
}

/** The first bytes of the memory are the module's own: constants and state. */
export const laneMemoryStart = 2048;
const statesAt = 1024;

/** @param pages size of the memory, in units of 65,536 bytes */
export function createLaneSha256(pages: number): LaneSha256 | undefined {
  const { WebAssembly } = globalThis as WasmHost;
  if (WebAssembly === undefined) return undefined;
  try {
    const lanes = new WebAssembly.Instance(new WebAssembly.Module(assembleModule(pages, functions()))).exports as LaneSha256;
    const words = new Uint32Array(lanes.memory.buffer);
    roundConstants.split(/\s+/).forEach((constant, t) => words.fill(Number.parseInt(constant, 16), 4 * t, 4 * t + 4));
    writeShakeConstants(lanes.memory.buffer);
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

// ---- Vectors of four lanes of 32 bits.

const add = (first: Code, ...others: Code[]): Code => [...first, ...others.flatMap((other) => [...other, ...simd(0xae)])];
const shiftRight = (a: Code, by: number): Code => [...a, ...i32(by), ...simd(0xad)];
const rotateRight = (a: Code, by: number): Code => or(shiftRight(a, by), [...a, ...i32(32 - by), ...simd(0xab)]);
const splat = (value: Code): Code => [...value, ...simd(0x11)];
/** The bytes of each lane in the other order: messages and digests are big-endian. */
const swapBytes = (a: Code): Code => [...a, ...a, ...simd(0x0d), 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12];

// ---- The function.

const lanes = [0, 1, 2, 3] as const;

function digestFunction(): WasmFunction {
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
    ...rounds(state, word, { sum, differs: [33, 34] }),
    // A lane whose message has ended keeps its state.
    ...set(mask, [...get(left), ...splat(i32(0)), ...simd(0x3b)]),
    ...Array.from({ length: 8 }, (_, i) =>
      storeV(i32(0), [...add(get(state(i)), stateAt(i)), ...stateAt(i), ...get(mask), ...simd(0x52)], statesAt + 16 * i),
    ).flat(),
    ...lanes.flatMap((lane) => set(from(lane), add32(get(from(lane)), i32(64)))),
    ...set(left, [...get(left), ...splat(i32(1)), ...simd(0xb1)]),
  ];
  const code = repeat(
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
  return {
    name: 'digest',
    parameters: 2,
    results: 0,
    locals: [
      [4, 'i32'],
      [29, 'v128'],
    ],
    code,
  };
}

/** The 64 rounds (6.2.2); instead of moving a to h along, each round calls the locals by other names. */
function rounds(
  state: (i: number) => number,
  word: (t: number) => number,
  { sum, differs }: { sum: number; differs: readonly [number, number] },
): Code {
  // b ^ c of a round is a ^ b of the one before.
  const code: number[] = [...set(differs[1], xor(get(state(1)), get(state(2))))];
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
    const [now, before] = t % 2 === 0 ? differs : ([differs[1], differs[0]] as const);
    const majority = xor(v(1), and(tee(now, xor(v(0), v(1))), get(before)));
    code.push(...set(at(7), add(get(sum), sigma(v(0), [2, 13, 22]), majority)));
  }
  return code;
}

// ---- The module.

/** Those that call others say so by index. */
function functions(): WasmFunction[] {
  return [frameValueFunction(), frameFieldFunction(), frameRecordFunction(0, 1), digestFunction(), shakeFunction()];
}
