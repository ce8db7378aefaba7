/**
 * A small assembler for WebAssembly with SIMD: each function gives the bytes of an instruction, or of a few that belong together. As much of the
 * binary format (webassembly.github.io/spec/core/binary) as the lanes of this folder need.
 */
import { utf8 } from '../core/bytes.ts';

export type Code = readonly number[];

/** Unsigned LEB128. */
export function unsigned(value: number): number[] {
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

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, ...value: Code[]): Code => [...value.flat(), 0x21, ...unsigned(local)];
export const tee = (local: number, ...value: Code[]): Code => [...value.flat(), 0x22, ...unsigned(local)];
export const call = (index: number, ...parameters: Code[]): Code => [...parameters.flat(), 0x10, ...unsigned(index)];

export const i32 = (value: number): Code => [0x41, ...signed(value)];
export const add32 = (first: Code, ...others: Code[]): Code => [...first, ...others.flatMap((other) => [...other, 0x6a])];
export const sub32 = (a: Code, b: Code): Code => [...a, ...b, 0x6b];
export const and32 = (a: Code, b: Code): Code => [...a, ...b, 0x71];
export const or32 = (a: Code, b: Code): Code => [...a, ...b, 0x72];
/** To the left, or to the right (unsigned) where `by` is negative. */
export const shift32 = (a: Code, by: number): Code => (by < 0 ? [...a, ...i32(-by), 0x76] : [...a, ...i32(by), 0x74]);
/** 1 where a is less than b, both unsigned. */
export const less32 = (a: Code, b: Code): Code => [...a, ...b, 0x49];
export const min32 = (a: Code, b: Code): Code => choose32(a, b, less32(a, b));
export const load32 = (address: Code, offset: number): Code => [...address, 0x28, 2, ...unsigned(offset)];
export const load8 = (address: Code, offset: number): Code => [...address, 0x2d, 0, ...unsigned(offset)];
export const store32 = (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x36, 2, ...unsigned(offset)];
export const store8 = (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x3a, 0, ...unsigned(offset)];
/** Repeats the body while the condition, evaluated behind it, is not zero. */
export const repeat = (body: Code, condition: Code): Code => [0x03, 0x40, ...body, ...condition, 0x0d, 0, 0x0b];

/** The body where the condition is not zero. */
export const when = (condition: Code, ...body: Code[]): Code => [...condition, 0x04, 0x40, ...body.flat(), 0x0b];
/** The body again and again until one of its {@link leaveIf}. */
export const loop = (...body: Code[]): Code => [0x02, 0x40, 0x03, 0x40, ...body.flat(), 0x0c, 0, 0x0b, 0x0b];
/** Out of the loop it stands in. */
export const leaveIf = (condition: Code): Code => [...condition, 0x0d, 1];
export const returnValue = (value: Code): Code => [...value, 0x0f];
export const not32 = (a: Code): Code => [...a, 0x45];
export const equal32 = (a: Code, b: Code): Code => [...a, ...b, 0x46];
export const differ32 = (a: Code, b: Code): Code => [...a, ...b, 0x47];
/** The first where the condition is not zero, else the second. */
export const choose32 = (first: Code, second: Code, condition: Code): Code => [...first, ...second, ...condition, 0x1b];

export const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)];
export const loadV = (address: Code, offset: number): Code => [...address, ...simd(0x00), 0, ...unsigned(offset)];
export const storeV = (address: Code, value: Code, offset: number): Code => [...address, ...value, ...simd(0x0b), 0, ...unsigned(offset)];
export const xor = (first: Code, ...others: Code[]): Code => [...first, ...others.flatMap((other) => [...other, ...simd(0x51)])];
export const and = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x4e)];
/** a and not b. */
export const andNot = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x4f)];
export const or = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x50)];

/** Sixteen bytes. */
export const constV = (bytes: readonly number[]): Code => [...simd(0x0c), ...bytes];
/** Of each byte of `a`, below 16, the byte of `table` in that place. */
export const lookUpV = (table: Code, a: Code): Code => [...table, ...a, ...simd(0x0e)];
/** Bytes of ones where the bytes are equal, zeros elsewhere; and so on, unsigned. */
export const equal8 = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x23)];
export const differ8 = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x24)];
export const less8 = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x26)];
export const more8 = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x28)];
export const sub8 = (a: Code, b: Code): Code => [...a, ...b, ...simd(0x71)];
/** Each byte to the left, or to the right where `by` is negative. */
export const shift8 = (a: Code, by: number): Code => (by < 0 ? [...a, ...i32(-by), ...simd(0x6d)] : [...a, ...i32(by), ...simd(0x6b)]);
/** The highest bit of each byte, as 16 bits. */
export const topBits = (a: Code): Code => [...a, ...simd(0x64)];
/** 1 where any bit is set. */
export const anyBit = (a: Code): Code => [...a, ...simd(0x53)];
export const half64 = (a: Code, half: 0 | 1): Code => [...a, ...simd(0x1d), half];

export const i64 = (value: number): Code => [0x42, ...signed(value)];
export const and64 = (a: Code, b: Code): Code => [...a, ...b, 0x83];
export const or64 = (first: Code, ...others: Code[]): Code => [...first, ...others.flatMap((other) => [...other, 0x84])];
export const xor64 = (a: Code, b: Code): Code => [...a, ...b, 0x85];
export const sub64 = (a: Code, b: Code): Code => [...a, ...b, 0x7d];
/** To the left, or to the right (unsigned) where `by` is negative. */
export const shift64 = (a: Code, by: number): Code => (by < 0 ? [...a, ...i64(-by), 0x88] : [...a, ...i64(by), 0x86]);
export const not64 = (a: Code): Code => [...a, 0x50];
/** From 32 bits, unsigned. */
export const widen = (a: Code): Code => [...a, 0xad];
/** The lower 32 bits. */
export const narrow = (a: Code): Code => [...a, 0xa7];
/** How many zeros stand below the lowest bit that is set. */
export const zeros64 = (a: Code): Code => [...a, 0x7a];

export type Type = 'i32' | 'i64' | 'v128';
const typeBytes: Readonly<Record<Type, number>> = { i32: 0x7f, i64: 0x7e, v128: 0x7b };

export interface WasmFunction {
  readonly name: string;
  /** All of them are i32. */
  readonly parameters: number;
  readonly results: 0 | 1;
  /** Behind the parameters. */
  readonly locals: readonly (readonly [number, Type])[];
  readonly code: Code;
}

/** A module that exports its `memory` and its functions. A function's index is its place in the list. */
export function assembleModule(pages: number, functions: readonly WasmFunction[]): Uint8Array {
  const magic = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]; // and version 1
  const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
  const section = (id: number, content: Code): Code => [id, ...unsigned(content.length), ...content];
  const name = (text: string): Code => vector(Array.from(utf8(text), (byte) => [byte]));
  const i32s = (count: number): Code => vector(Array.from({ length: count }, () => [typeBytes.i32]));
  const body = ({ locals, code }: WasmFunction): Code => {
    const content = [...vector(locals.map(([count, type]) => [...unsigned(count), typeBytes[type]])), ...code, 0x0b];
    return [...unsigned(content.length), ...content];
  };
  return Uint8Array.from([
    ...magic,
    ...section(1, vector(functions.map(({ parameters, results }) => [0x60, ...i32s(parameters), ...i32s(results)]))),
    ...section(3, vector(functions.map((_, i) => unsigned(i)))),
    ...section(5, vector([[0, ...unsigned(pages)]])),
    ...section(7, vector([[...name('memory'), 2, 0], ...functions.map((one, i) => [...name(one.name), 0, ...unsigned(i)])])),
    ...section(10, vector(functions.map(body))),
  ]);
}
