/**
 * The WebAssembly behind known-pieces.ts: finds the pieces of a text that stand in quotation marks, makes a keyed digest of each, and surveys the text as
 * if those that are known were not there.
 *
 * The digest is NH (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC, CRYPTO 1999) with two keys, one the other shifted by a block: two pieces have the
 * same 128 bits with a probability of 2⁻⁶⁴, for whoever does not know the keys.
 */
import {
  add32,
  addV32,
  addV64,
  and,
  and32,
  andNot,
  anyBit,
  call,
  choose32,
  type Code,
  constV,
  equal8,
  get,
  half64,
  i32,
  i64,
  leaveIf,
  less32,
  less8,
  loadV,
  lookUpV,
  loop,
  multiplyV32,
  narrow,
  not32,
  not64,
  or,
  or64,
  pickV,
  set,
  shift32,
  shift64,
  spreadV32,
  store32,
  storeV,
  sub32,
  sub64,
  and64,
  sub8,
  topBits,
  type Type,
  type WasmFunction,
  when,
  widen,
  xor,
  zeros64,
} from '../log/wasm-code.ts';
import { countsAt, laneUnitsMax, masksAt, unitsAt } from './survey-code.ts';

/** From one mark to the other, in units. A shorter piece is looked through as soon as it is known; a longer one hardly ever comes again. */
export const pieceMin = 16;
export const pieceMax = 512;
/** How much of what stands around a piece is part of it, on either side. */
export const aroundPiece = 16;
/** Pieces of one text that can be told apart from known ones; more are looked through and not remembered. */
export const unknownMax = 64;
/** Each has room for two digests. */
export const bucketCount = 4096;

const keyBlocks = pieceMax / 16 + 5;
/** The text as it was, pieces that are not known (from, to, eight bytes, digest), keys, the table of digests: they lie behind what surveys take. */
const savedAt = masksAt + 64;
export const unknownAt = savedAt + laneUnitsMax + 128;
export const keysAt = unknownAt + 32 * unknownMax;
export const keyBytes = 16 * (keyBlocks + 1);
export const tableAt = keysAt + keyBytes;
export const tableBytes = 32 * bucketCount;
export const memoryPages = Math.ceil((tableAt + tableBytes) / 65_536);

/** Indexes of the counts of pieces among those of a survey. */
export const unknownCountAt = 5;
export const knownCountAt = 6;

const names = [
  ...'base length at end open wasOpen from to size near key slot isKnown known unknownTo flags'.split(' '),
  'bits',
  ...'v t sum more digest marks zero swap'.split(' '),
];
const wide = names.indexOf('bits');
const vectors = names.indexOf('v');
const read = (name: string): Code => get(names.indexOf(name));
const write = (name: string, value: Code): Code => set(names.indexOf(name), value);
const fill = (byte: number): Code => constV(Array.from({ length: 16 }, () => byte));
const bytes = (...order: readonly number[]): number[] => order.flatMap((half) => Array.from({ length: 8 }, (_, i) => 8 * half + i));

/** Adds sixteen bytes to the sums of both keys. */
function mix(value: Code, keyOffset = 0, key: Code = i32(keysAt)): Code {
  const add = (sum: string, shift: number): Code => [
    ...write('t', addV32(read('v'), loadV(key, keyOffset + shift))),
    ...write(sum, addV64(read(sum), multiplyV32(read('t'), lookUpV(read('t'), read('swap'))))),
  ];
  return [...write('v', value), ...add('sum', 0), ...add('more', 16)];
}

/** What stands around a piece, its digits not told apart. */
function withoutDigits(value: Code): Code {
  const isDigit = less8(sub8(read('t'), fill(48)), fill(10));
  return [...write('t', value), ...or(andNot(read('t'), isDigit), and(fill(48), isDigit))];
}

/** `surveyPieces(base, length)` → flags. Of the first level only, whose `base` is 0. `survey` is the first function of the module. */
export function piecesFunction(): WasmFunction {
  const blockAt = (block: number): number => 16 * (keyBlocks - block);
  const makeDigest = [
    ...write('sum', read('zero')),
    ...write('more', read('zero')),
    ...write('near', read('from')),
    ...write('key', i32(keysAt)),
    ...loop(
      leaveIf(less32(read('to'), add32(read('near'), i32(15)))),
      mix(loadV(read('near'), unitsAt), 0, read('key')),
      write('near', add32(read('near'), i32(16))),
      write('key', add32(read('key'), i32(16))),
    ),
    // The rest, and zeros.
    ...mix(and(loadV(read('near'), unitsAt), loadV(sub32(i32(masksAt + 15), sub32(read('to'), read('near'))), 0)), 0, read('key')),
    // As it was before a piece there was covered.
    ...mix(withoutDigits(loadV(read('from'), savedAt - aroundPiece)), blockAt(3)),
    ...mix(withoutDigits(loadV(read('to'), unitsAt + 1)), blockAt(2)),
    ...mix(spreadV32(read('size')), blockAt(1)),
    ...write('digest', addV64(pickV(read('sum'), read('more'), bytes(0, 2)), pickV(read('sum'), read('more'), bytes(1, 3)))),
    ...write('slot', shift32(and32(shift32(narrow(half64(read('digest'), 0)), -20), i32(bucketCount - 1)), 5)),
  ];
  const isIn = (way: number): Code => not32(anyBit(xor(read('digest'), loadV(read('slot'), tableAt + 16 * way))));
  const decide = [
    ...makeDigest,
    ...write('isKnown', [...isIn(0), ...isIn(1), 0x72]),
    ...when(
      read('isKnown'),
      write('near', read('from')),
      loop(
        leaveIf(less32(read('to'), add32(read('near'), i32(15)))),
        storeV(read('near'), read('marks'), unitsAt),
        write('near', add32(read('near'), i32(16))),
      ),
      storeV(read('to'), read('marks'), unitsAt - 15),
      write('known', add32(read('known'), i32(1))),
    ),
    ...when(
      less32(read('isKnown'), less32(read('unknownTo'), i32(32 * unknownMax))),
      store32(read('unknownTo'), read('from'), unknownAt),
      store32(read('unknownTo'), read('to'), unknownAt + 4),
      storeV(read('unknownTo'), read('digest'), unknownAt + 16),
      write('unknownTo', add32(read('unknownTo'), i32(32))),
    ),
  ];
  const look = (k: number): Code => [
    ...write('v', loadV(read('at'), unitsAt + 16 * k)),
    ...storeV(read('at'), read('v'), savedAt + 16 * k),
    ...write(
      'bits',
      k === 0
        ? widen(topBits(equal8(read('v'), read('marks'))))
        : or64(read('bits'), shift64(widen(topBits(equal8(read('v'), read('marks')))), 16 * k)),
    ),
  ];
  const code = [
    ...write('marks', fill(34)),
    ...write('swap', constV(bytes(1, 0))),
    ...write('end', read('length')),
    // What is behind the text, from the text before.
    ...[0, 16, 32, 48, 64].flatMap((offset) => storeV(read('end'), read('zero'), unitsAt + offset)),
    ...loop(
      leaveIf(not32(less32(read('at'), read('end')))),
      ...[0, 1, 2, 3].map(look),
      loop(
        leaveIf(not64(read('bits'))),
        write('to', add32(read('at'), narrow(zeros64(read('bits'))))),
        write('bits', and64(read('bits'), sub64(read('bits'), i64(1)))),
        // One more than the place of the mark that is open.
        write('wasOpen', read('open')),
        write('open', choose32(i32(0), add32(read('to'), i32(1)), read('wasOpen'))),
        write('from', sub32(read('wasOpen'), i32(1))),
        write('size', choose32(sub32(read('to'), read('from')), i32(0), read('wasOpen'))),
        when(less32(sub32(read('size'), i32(pieceMin)), i32(pieceMax - pieceMin + 1)), decide),
      ),
      write('at', add32(read('at'), i32(64))),
    ),
    ...store32(i32(0), shift32(read('unknownTo'), -5), countsAt + 4 * unknownCountAt),
    ...store32(i32(0), read('known'), countsAt + 4 * knownCountAt),
    ...write('flags', call(0, read('base'), read('length'))),
    ...when(
      read('known'),
      write('at', i32(0)),
      loop(
        leaveIf(not32(less32(read('at'), read('end')))),
        storeV(read('at'), loadV(read('at'), savedAt), unitsAt),
        write('at', add32(read('at'), i32(16))),
      ),
    ),
    ...read('flags'),
  ];
  const locals: readonly (readonly [number, Type])[] = [
    [wide - 2, 'i32'],
    [vectors - wide, 'i64'],
    [names.length - vectors, 'v128'],
  ];
  return { name: 'surveyPieces', parameters: 2, results: 1, locals, code };
}
