/**
 * The code of the survey's pass over a text in WebAssembly SIMD: sixteen characters at a time are told apart, and where digits, runs, capitals and marks
 * are comes out as bits of 64 characters, of which only those that are set cost anything.
 */
import {
  add32,
  and,
  and32,
  and64,
  anyBit,
  type Code,
  constV,
  differ8,
  equal8,
  get,
  half64,
  i32,
  i64,
  leaveIf,
  less32,
  less8,
  load32,
  loadV,
  loop,
  lookUpV,
  more8,
  narrow,
  not32,
  not64,
  or,
  or32,
  or64,
  set,
  shift32,
  shift64,
  shift8,
  store32,
  storeV,
  sub32,
  sub64,
  sub8,
  topBits,
  type Type,
  type WasmFunction,
  when,
  widen,
  xor64,
  zeros64,
} from '../log/wasm-code.ts';
import { capitalsAt, classesAt, colonsAt, countsAt, digitsAt, edgesAt, equalsAt, masksAt, runsAt, unitsAt } from './survey-memory.ts';

/** Bits of what `survey` returns, from the lowest: eight single characters, then eight classes of characters, then sequences. */
export const laneMarks = '@:%&\\= .';
export const laneSequences = [
  'account',
  'written',
  'folder',
  'login',
  'doubleColon',
  'endTag',
  'urlMark',
  'newline',
  'dotPair',
  'outcome',
  'bracket',
  'statement',
  'nonAscii',
] as const;

const anyLetter = String.fromCharCode(...Array.from({ length: 128 }, (_, i) => i));
/**
 * By first, second and third letter, what `lookCloser` looks at: `ser`, `lue`; `dot`, `fro`; `[AB`; `uid`, `ole`; `TTY`, `256`, `)=(`; `(at`, `(to`; `[.]`;
 * `ok_`, `sh_`. The letters of a place that share a half let others through.
 */
const hints: readonly (readonly [string, string, string])[] = [
  ['sLl', 'eUu', 'rEe'],
  ['df', 'or', 'to'],
  ['[', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', anyLetter],
  ['uo', 'il', 'de'],
  ['T2)', 'T5=', 'Y6('],
  ['[({', '@adpADPt', anyLetter],
  ['[({', '.:', anyLetter],
  ['os', 'kh', '_'],
];

/** Folders that people have things in, as far as three letters tell them apart: see detectors/person-accounts.ts. */
const folders = ['home', 'Users', 'users', 'people', 'members', 'customers', 'employees', 'profile', 'accounts'] as const;

/** Sixteen bytes of which those at the places of the low or high halves of `letters` have `bit`. */
function halves(sets: readonly (readonly [bit: number, letters: string])[], half: 'low' | 'high'): number[] {
  const table = new Uint8Array(16);
  for (const [bit, letters] of sets)
    for (const letter of letters) {
      const place = half === 'low' ? letter.charCodeAt(0) & 15 : letter.charCodeAt(0) >> 4;
      table[place] = (table[place] as number) | bit;
    }
  return [...table];
}

/**
 * Classes, with the bits of `made` in survey.ts. Each is all that its low and its high halves make together; bit 7 stands for the small letters from p
 * on, which are no such product with the others. Capitals from P on, and `_`, are added one by one.
 */
const classes = [
  [1, '0123456789'],
  [2, 'abcdef'],
  [4, 'ghijklmno'],
  [8, 'ABCDEF'],
  [16, 'GHIJKLMNO'],
  [32, '/+'],
  [64, '-'],
  [128, 'pqrstuvwxyz'],
] as const;
const marks = Array.from(laneMarks, (mark, i) => [1 << i, mark] as const);

/** `survey(base, length)` → flags. */
export function surveyFunction(leads: string): WasmFunction {
  const constants = new Map<string, number>();
  const names = [
    ...'base length at end digitsTo edgesTo capitalsTo colonsTo equalsTo from to runsTo flags'.split(' '),
    ...'digits inRun capitals colons equals digitCarry runCarry bits'.split(' '),
    ...'v v1 v2 v3 low high what capital allMarks allClasses allUnits maybe back'.split(' '),
    ...laneSequences.slice(0, -1),
  ];
  const wide = names.indexOf('digits');
  const vectors = names.indexOf('v');
  const local = (name: string): number => names.indexOf(name);
  const read = (name: string): Code => get(local(name));
  const write = (name: string, value: Code): Code => set(local(name), value);
  /** Constants are made once, before the loop: in it each would be made anew every time. */
  const constant = (bytes: readonly number[]): Code => {
    const key = bytes.join();
    if (!constants.has(key)) constants.set(key, names.length + constants.size);
    return get(constants.get(key) as number);
  };
  const fill = (byte: number): Code => constant(Array.from({ length: 16 }, () => byte));
  const is = (name: string, letter: string): Code => equal8(read(name), fill(letter.charCodeAt(0)));
  const all = (first: Code, ...others: Code[]): Code => others.reduce((sum, other) => and(sum, other), first);
  const note = (name: string, value: Code): Code => write(name, or(read(name), value));
  /** The letters one behind the other, from `v`, `v1` … on. */
  const spell = (letters: string): Code => {
    const [first, ...others] = Array.from(letters, (letter, i) => is(i === 0 ? 'v' : `v${i}`, letter));
    return all(first as Code, ...others);
  };

  /** Bits where one of the words, all of one length, stands `from` units behind. There are eight bits; words that differ in case share one. */
  const oneOf = (words: readonly string[], from: number): Code => {
    const bits = [...new Set(words.map((word) => word.toLowerCase()))];
    const places = Array.from(words[0] as string, (_, i) => {
      const sets = words.map((word) => [1 << bits.indexOf(word.toLowerCase()), word[i] as string] as const);
      const unit = read(`v${from + i}`);
      return and(lookUpV(constant(halves(sets, 'low')), and(unit, fill(15))), lookUpV(constant(halves(sets, 'high')), shift8(unit, -4)));
    });
    return all(...(places as [Code, ...Code[]]));
  };

  /** Bits where a sequence may begin, by its first letters: nothing but some of those in `hints`, and few others. */
  const hint = (): Code => {
    const places = ([0, 1, 2] as const).map((place) => {
      const sets = hints.map((letters, i) => [1 << i, letters[place]] as const);
      const unit = read(place === 0 ? 'v' : `v${place}`);
      return and(lookUpV(constant(halves(sets, 'low')), and(unit, fill(15))), lookUpV(constant(halves(sets, 'high')), shift8(unit, -4)));
    });
    return all(...(places as [Code, ...Code[]]));
  };

  /** Sixteen characters, `k` sixteens behind `at`, of which some may begin a sequence. */
  const lookCloser = (k: number): Code => {
    const here = unitsAt + 16 * k;
    return [
      ...write('v', loadV(read('at'), here)),
      ...write('v1', loadV(read('at'), here + 1)),
      ...write('v2', loadV(read('at'), here + 2)),
      ...write('v3', loadV(read('at'), here + 3)),
      ...note('account', spell('ser ')),
      ...note('written', spell('dot ')),
      ...note('folder', spell('ole/')),
      ...note('login', or(or(spell('from'), spell('uid=')), or(spell('TTY='), spell('(to ')))),
      ...note(
        'bracket',
        and(or(or(is('v', '['), is('v', '{')), is('v', '(')), differ8(oneOf(['.', '@', ':', 'a', 'd', 'p', 'A', 'D', 'P'], 1), fill(0))),
      ),
      ...note('statement', or(or(spell('LUES'), spell('lues')), spell(')=('))),
      ...note(
        'outcome',
        or(
          all(is('v2', '_'), or(and(is('v', 'o'), is('v1', 'k')), and(is('v', 's'), is('v1', 'h')))),
          or(spell('256:'), and(is('v', '['), less8(sub8(read('v1'), fill(65)), fill(26)))),
        ),
      ),
    ];
  };

  /** Sixteen characters, `k` sixteens behind `at`. */
  const look = (k: number): Code => {
    const here = unitsAt + 16 * k;
    const gather = (name: string, bits: Code): Code => write(name, k === 0 ? widen(bits) : or64(read(name), shift64(widen(bits), 16 * k)));
    return [
      ...write('v', loadV(read('at'), here)),
      ...write('v1', loadV(read('at'), here + 1)),
      ...write('v2', loadV(read('at'), here + 2)),
      ...write('v3', loadV(read('at'), here + 3)),
      ...write('back', loadV(read('at'), here - 1)),
      ...write('low', and(read('v'), fill(15))),
      ...write('high', shift8(read('v'), -4)),
      ...write('what', and(lookUpV(constant(halves(classes, 'low')), read('low')), lookUpV(constant(halves(classes, 'high')), read('high')))),
      ...write('capital', less8(sub8(read('v'), fill(65)), fill(26))),
      ...note('what', and(is('v', '_'), fill(64))),
      ...note('what', all(read('capital'), equal8(read('what'), fill(0)), fill(16))),
      ...storeV(read('at'), read('what'), classesAt + 16 * k),
      ...note('allMarks', and(lookUpV(constant(halves(marks, 'low')), read('low')), lookUpV(constant(halves(marks, 'high')), read('high')))),
      ...note('allClasses', read('what')),
      ...note('allUnits', read('v')),
      ...gather('inRun', topBits(differ8(read('what'), fill(0)))),
      ...gather('digits', topBits(shift8(read('what'), 7))),
      ...gather(
        'capitals',
        topBits(
          all(
            or(read('capital'), read('v')),
            leads
              .split('')
              .map((lead) => is('back', lead))
              .reduce((a, b) => or(a, b)),
            more8(loadV(read('at'), here - 2), fill(32)),
          ),
        ),
      ),
      ...gather('colons', topBits(is('v', ':'))),
      ...gather('equals', topBits(is('v', '='))),
      ...(k === 0 ? write('maybe', hint()) : note('maybe', hint())),
      ...note('account', spell(':u')),
      ...note(
        'folder',
        and(
          is('v', '/'),
          differ8(
            oneOf(
              folders.map((folder) => folder.slice(0, 3)),
              1,
            ),
            fill(0),
          ),
        ),
      ),
      ...note('doubleColon', spell('::')),
      ...note('endTag', spell('</')),
      ...note('urlMark', spell('://')),
      ...note('newline', is('v', '\n')),
      ...write('low', loadV(read('at'), here + 4)),
      ...write('high', or(read('low'), fill(32))),
      ...note(
        'dotPair',
        all(
          is('v', '.'),
          equal8(loadV(read('at'), here - 5), fill(46)),
          or(less8(sub8(read('low'), fill(48)), fill(10)), less8(sub8(read('high'), fill(97)), fill(6))),
        ),
      ),
      ...note('outcome', all(is('v', '*'), is('v1', '*'), is('v3', '*'))),
    ];
  };

  /** Appends the place of each bit to the list that `to` is the end of. */
  const list = (bits: string, to: string): Code =>
    loop(
      leaveIf(not64(read(bits))),
      store32(read(to), add32(sub32(read('at'), read('base')), narrow(zeros64(read(bits))))),
      write(to, add32(read(to), i32(4))),
      write(bits, and64(read(bits), sub64(read(bits), i64(1)))),
    );
  /** Where bits begin and end, by turns. */
  const listEdges = (bits: string, carry: string, to: string): Code => [
    ...write('bits', xor64(read(bits), or64(shift64(read(bits), 1), read(carry)))),
    ...write(carry, shift64(read(bits), -63)),
    ...list('bits', to),
  ];

  /** Folds the bits of all bytes of a vector into the lowest eight. */
  const fold = (name: string): Code => [
    ...write('bits', or64(half64(read(name), 0), half64(read(name), 1))),
    ...write('bits', or64(read('bits'), shift64(read('bits'), -32))),
    ...write('bits', or64(read('bits'), shift64(read('bits'), -16))),
    ...write('bits', or64(read('bits'), shift64(read('bits'), -8))),
    ...and32(narrow(read('bits')), i32(255)),
  ];
  const startOf = (at: number): Code => add32(read('base'), i32(at));
  const count = (i: number, to: string, start: number, shift: number): Code =>
    store32(read('base'), shift32(sub32(read(to), startOf(start)), shift), countsAt + 4 * i);

  const body = [
    // What is behind the text, from the text before.
    ...write('at', read('base')),
    ...write('end', add32(read('base'), read('length'))),
    ...[0, 16, 32, 48, 64].flatMap((offset) => storeV(read('end'), fill(0), unitsAt + offset)),
    ...write('digitsTo', startOf(digitsAt)),
    ...write('edgesTo', startOf(edgesAt)),
    ...write('capitalsTo', startOf(capitalsAt)),
    ...write('colonsTo', startOf(colonsAt)),
    ...write('equalsTo', startOf(equalsAt)),
    ...write('runsTo', startOf(runsAt)),
    // One character beyond the end, where a run that reaches it has its edge.
    ...loop(
      leaveIf(less32(read('end'), read('at'))),
      ...[0, 1, 2, 3].map(look),
      when(anyBit(read('maybe')), ...[0, 1, 2, 3].map(lookCloser)),
      listEdges('digits', 'digitCarry', 'digitsTo'),
      listEdges('inRun', 'runCarry', 'edgesTo'),
      list('capitals', 'capitalsTo'),
      list('colons', 'colonsTo'),
      list('equals', 'equalsTo'),
      write('at', add32(read('at'), i32(64))),
    ),
    // Behind the last digit run: far away, and nothing. (starts-code.ts looks at the next two.)
    ...write('from', add32(read('length'), i32(32))),
    ...[0, 4, 8, 12, 16, 20].flatMap((offset) => store32(read('digitsTo'), read('from'), offset)),
    // Runs that are long enough: all are written down, and what is too short is written over.
    ...write('at', startOf(edgesAt)),
    ...loop(
      leaveIf(not32(less32(read('at'), read('edgesTo')))),
      write('from', load32(read('at'), 0)),
      write('to', load32(read('at'), 4)),
      store32(read('runsTo'), read('from')),
      store32(read('runsTo'), read('to'), 4),
      write('at', add32(read('at'), i32(8))),
      write('runsTo', add32(read('runsTo'), [...shift32(less32(i32(7), sub32(read('to'), read('from'))), 2), ...i32(3), 0x6c])),
    ),
    // What each is made of.
    ...write('at', startOf(runsAt)),
    ...loop(
      leaveIf(not32(less32(read('at'), read('runsTo')))),
      write('from', add32(read('base'), load32(read('at'), 0))),
      write('to', add32(read('base'), load32(read('at'), 4))),
      write('what', fill(0)),
      loop(
        leaveIf(less32(read('to'), add32(read('from'), i32(16)))),
        note('what', loadV(read('from'), classesAt)),
        write('from', add32(read('from'), i32(16))),
      ),
      note('what', and(loadV(read('from'), classesAt), loadV(sub32(i32(masksAt + 16), sub32(read('to'), read('from'))), 0))),
      write('flags', fold('what')),
      store32(read('at'), or32(and32(read('flags'), i32(127)), shift32(and32(read('flags'), i32(128)), -5)), 8),
      write('at', add32(read('at'), i32(12))),
    ),
    ...count(0, 'digitsTo', digitsAt, -3),
    ...store32(read('base'), [...sub32(read('runsTo'), startOf(runsAt)), ...i32(12), 0x6e], countsAt + 4),
    ...count(2, 'capitalsTo', capitalsAt, -2),
    ...count(3, 'colonsTo', colonsAt, -2),
    ...count(4, 'equalsTo', equalsAt, -2),
    ...write('flags', fold('allMarks')),
    ...write('flags', or32(read('flags'), shift32(fold('allClasses'), 8))),
    ...laneSequences.slice(0, -1).flatMap((name, i) => write('flags', or32(read('flags'), shift32(anyBit(read(name)), 16 + i)))),
    ...write('flags', or32(read('flags'), shift32(and32(fold('allUnits'), i32(128)), 21))),
    ...read('flags'),
  ];
  const locals: readonly (readonly [number, Type])[] = [
    [wide - 2, 'i32'],
    [vectors - wide, 'i64'],
    [names.length - vectors + constants.size, 'v128'],
  ];
  const prologue = [...constants].flatMap(([key, index]) => set(index, constV(key.split(',').map(Number))));
  return { name: 'survey', parameters: 2, results: 1, locals, code: [...prologue, ...body] };
}
