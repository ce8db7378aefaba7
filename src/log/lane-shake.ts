/**
 * SHAKE256 (FIPS 202) of two seeds of 32 bytes at a time: Keccak-f[1600] in WebAssembly SIMD, one lane of 64 bits for each. Of a record's salts as
 * many are needed as it has fields, three permutations' worth; calling Node for them costs twice as much.
 */
import { add32, andNot, type Code, get, i32, less32, loadV, or, repeat, set, simd, tee, unsigned, type WasmFunction, xor } from './wasm-code.ts';

/** Bytes that each permutation gives (the rate of SHAKE256). */
export const shakeBlockBytes = 136;
/** Where the module keeps 24 round constants, each in both lanes, and behind them those of the padding. */
const roundConstantsAt = 1280;
const paddingAt = roundConstantsAt + 24 * 16;

const xs = [0, 1, 2, 3, 4] as const;
/** FIPS 202, 3.2.2: rotation of the lane at x + 5y. */
const rotations = [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14];

/** 3.2.5: the round constants, by the linear feedback shift register that defines them. */
function roundConstants(): bigint[] {
  let register = 1;
  const bit = (): boolean => {
    const out = (register & 1) === 1;
    register = register & 0x80 ? ((register << 1) ^ 0x171) & 0xff : register << 1;
    return out;
  };
  return Array.from({ length: 24 }, () => {
    let constant = 0n;
    for (let j = 0; j <= 6; j++) if (bit()) constant |= 1n << (2n ** BigInt(j) - 1n);
    return constant;
  });
}

/** Writes the constants into the module's memory. */
export function writeShakeConstants(memory: ArrayBuffer): void {
  const words = new BigUint64Array(memory);
  // SHAKE's suffix 1111 and the first bit of the padding behind 32 bytes, its last bit at the end of the block.
  [...roundConstants(), 0x1fn, 1n << 63n].forEach((constant, i) =>
    words.fill(constant, roundConstantsAt / 8 + 2 * i, roundConstantsAt / 8 + 2 * i + 2),
  );
}

/** `shake(seedA, toA, seedB, toB, blocks)`: writes the first `blocks` × 136 bytes of SHAKE256 of the 32 bytes at each seed. */
export function shakeFunction(): WasmFunction {
  const [seedA, toA, seedB, toB, left, round] = [0, 1, 2, 3, 4, 5] as const;
  const state = (i: number): number => 6 + i;
  const moved = (i: number): number => 31 + i;
  const [parity, spread] = [(x: number): number => 56 + (x % 5), (x: number): number => 61 + (x % 5)];
  const rotate = (value: number, by: number): Code =>
    by === 0 ? get(value) : or([...get(value), ...i32(by), ...simd(0xcb)], [...get(value), ...i32(64 - by), ...simd(0xcd)]);
  /** The 64 bits at an address into one lane of what is on the stack. */
  const lane = (address: number, vector: Code, offset: number, which: number): Code => [
    ...get(address),
    ...vector,
    ...simd(0x57),
    0,
    ...unsigned(offset),
    which,
  ];
  const zero: Code = [...i32(0), ...simd(0x11)];
  const absorb: Code = [
    ...[0, 1, 2, 3].flatMap((i) => set(state(i), lane(seedB, lane(seedA, zero, 8 * i, 0), 8 * i, 1))),
    ...Array.from({ length: 21 }, (_, i) => set(state(4 + i), zero)).flat(),
    ...set(state(4), loadV(i32(0), paddingAt)),
    ...set(state(16), loadV(i32(0), paddingAt + 16)),
  ];
  const oneRound: Code = [
    // θ
    ...xs.flatMap((x) => set(parity(x), xor(get(state(x)), ...[5, 10, 15, 20].map((y) => get(state(x + y)))))),
    ...xs.flatMap((x) => set(spread(x), xor(get(parity(x + 4)), rotate(parity(x + 1), 1)))),
    // ρ and π: the lane at x + 5y goes to y + 5(2x + 3y)
    ...rotations.flatMap((by, from) => {
      const [x, y] = [from % 5, Math.floor(from / 5)];
      const to = moved(y + 5 * ((2 * x + 3 * y) % 5));
      return [...set(to, xor(get(state(from)), get(spread(x)))), ...set(to, rotate(to, by))];
    }),
    // χ
    ...rotations.flatMap((_, at) => {
      const row = 5 * Math.floor(at / 5);
      const [b, c] = [row + ((at + 1 - row) % 5), row + ((at + 2 - row) % 5)];
      return set(state(at), xor(get(moved(at)), andNot(get(moved(c)), get(moved(b)))));
    }),
    // ι
    ...set(state(0), xor(get(state(0)), loadV(get(round), roundConstantsAt))),
  ];
  const squeeze: Code = Array.from({ length: shakeBlockBytes / 8 }, (_, i) =>
    [toA, toB].flatMap((to, which) => [...get(to), ...get(state(i)), ...simd(0x5b), 0, ...unsigned(8 * i), which]),
  ).flat();
  return {
    name: 'shake',
    parameters: 5,
    results: 0,
    locals: [
      [1, 'i32'],
      [60, 'v128'],
    ],
    code: [
      ...absorb,
      ...repeat(
        [
          ...set(round, i32(0)),
          ...repeat(oneRound, less32(tee(round, add32(get(round), i32(16))), i32(24 * 16))),
          ...squeeze,
          ...set(toA, add32(get(toA), i32(shakeBlockBytes))),
          ...set(toB, add32(get(toB), i32(shakeBlockBytes))),
        ],
        tee(left, add32(get(left), i32(-1))),
      ),
    ],
  };
}
