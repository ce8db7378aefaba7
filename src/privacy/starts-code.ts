/**
 * The code of the first look at digit runs in WebAssembly: what a run may begin, as detectors/number-starts.ts has it, and then looked at more closely
 * than is worth it elsewhere, for here it costs a few instructions. A bit that is taken away stands for a detector that would have found nothing.
 */
import {
  add32,
  and32,
  choose32,
  type Code,
  equal32,
  get,
  i32,
  leaveIf,
  less32,
  load32,
  load8,
  loop,
  min32,
  not32,
  or32,
  set,
  shift32,
  store32,
  sub32,
  type WasmFunction,
  when,
} from '../log/wasm-code.ts';
import { countsAt, digitsAt, sortsAt, startsAt, tablesAt, unitsAt } from './survey-memory.ts';

/** Runs of more digits are one size, and so are gaps of more units. */
export const sizeMax = 31;
export const gapMax = 4;
/** How a run stands (see number-starts.ts) is kept above what it may be. */
export const howShift = 16;

/** What may begin with a run, as bits. */
export const sorts = {
  ssnBare: 1,
  ssnGroups: 2,
  phoneBare: 4,
  phoneGroups: 8,
  cardBare: 16,
  cardGroups: 32,
  iban: 64,
  age: 128,
  postal: 256,
  announced: 512,
  shapedBare: 1024,
  shapedGroups: 2048,
  fineDegree: 4096,
  signedDegree: 8192,
} as const;

/** How a run stands: {@link sorts} that ask for more look at that. */
export const ways = { behindLetters: 1, behindJoint: 2, free: 3, behindSlash: 4 } as const;

/** What a unit of the survey is, as bits. */
export const unitIs = {
  letter: 1,
  small: 2,
  capital: 4,
  digit: 8,
  /** ASCII letter, digit or `_`. */
  identifier: 16,
  /** May stand between a label and its value. */
  between: 32,
  /** May stand directly before a value that a label announces. */
  follower: 64,
  beyond: 128,
  /** The last letters of a street's name: a letter, a dot, anything beyond ASCII. */
  ofStreet: 256,
  /** The first letter of what makes a number an age. */
  ofAge: 512,
  /** May stand between a word for a phone and its number. */
  phoneLead: 1024,
  /** Before letters and a dash these make it a part of something longer: `-`, `/`, `.`. */
  divider: 2048,
  /** May follow the day of a month: a comma, a blank, a small letter. */
  behindDay: 4096,
  /** May divide the groups of a number behind capitals. */
  groupGap: 8192,
  /** May stand between the words of a label, if it is of ASCII. */
  joint: 16_384,
  /** `-`, `_` */
  dash: 32_768,
} as const;

const units = 129;
/** Where the tables lie, in bytes: what each says is in detectors/start-tables.ts. */
export const pairsAt = tablesAt;
export const sizesAt = pairsAt + 4 * units * units;
export const gapsAt = sizesAt + 4 * (sizeMax + 1);
export const nextsAt = gapsAt + 4 * (gapMax + 1) * (sizeMax + 1);
export const unitBitsAt = nextsAt + 4 * units;
export const endingsAt = unitBitsAt + 4 * units;
export const countriesAt = endingsAt + 8192;
/** Children of nodes, and how skeletons end: see detectors/group-tree.ts. */
export const groupNodesMax = 128;
export const groupsAt = countriesAt + 1024;
export const groupEndsAt = groupsAt + 256 * groupNodesMax;
export const marksAt = groupEndsAt + 4 * groupNodesMax;
/** Where those of runs-code.ts begin. */
export const startTablesEnd = marksAt + 132;

/** So many letters tell the ends of labels apart; a label of fewer has to begin where a word does. */
export const endLettersMax = 4;
/** The first letters count least: with one bit above them, so that fewer letters are another ending. */
const spread = 0x9e3779b1 | 0;
/** The place of the bit of an ending: at most {@link endLettersMax} ASCII letters. */
export function endingSlot(letters: string): number {
  let code = 1;
  for (let i = letters.length - 1; i >= 0; i--) code = (code << 5) | (letters.charCodeAt(i) & 31);
  return Math.imul(code, spread) >>> 16;
}

/** As in labels.ts. */
const jointsMax = 2;
/** How far before a run a word is looked for. */
const reach = 40;

/** `starts(base, count)` → all bits of all runs. Fills the list of starts and their sorts, of which there are `counts[5]`. */
export function startsFunction(): WasmFunction {
  const names =
    'base count at stop listTo sortsTo i any run end next nextEnd third previous how what keep start place unit code letters joints behind bits'.split(
      ' ',
    );
  const local = (name: string): number => names.indexOf(name);
  const read = (name: string): Code => get(local(name));
  const write = (name: string, value: Code): Code => set(local(name), value);
  /** The unit `offset` units behind the place that a local holds. */
  const unitAt = (name: string, offset = 0): Code => load8(read(name), unitsAt + offset);
  const bits = (unit: Code, of: number): Code => and32(load32(shift32(unit, 2), unitBitsAt), i32(of));
  const is = (unit: Code, letter: string): Code => equal32(unit, i32(letter.charCodeAt(0)));
  const yes = (value: Code): Code => not32(not32(value));
  const all = (first: Code, ...others: Code[]): Code => others.reduce((sum, other) => and32(sum, yes(other)), yes(first));
  const any = (first: Code, ...others: Code[]): Code => others.reduce((sum, other) => or32(sum, other), first);
  const atLeast = (a: Code, b: number): Code => less32(i32(b - 1), a);
  const keepIf = (condition: Code): Code => write('keep', or32(read('keep'), condition));
  /** Keeps the bit if all conditions hold; looks at none behind one that does not. */
  const keepIfAll = (...conditions: Code[]): Code => conditions.reduceRight((inner, condition) => when(condition, inner), write('keep', i32(1)));
  const distance = (from: string, to: string): Code => sub32(read(to), read(from));
  /** Takes the bit away if nothing keeps it. */
  const narrow = (bit: number, ...body: Code[]): Code =>
    when(
      and32(read('what'), i32(bit)),
      write('keep', i32(0)),
      ...body,
      write('what', choose32(read('what'), and32(read('what'), i32(~bit)), read('keep'))),
    );
  const back = (name: string): Code => write(name, sub32(read(name), i32(1)));
  const on = (name: string): Code => write(name, add32(read(name), i32(1)));

  /** A bit of the table of endings. */
  const isEnding = (): Code => {
    const slot = shift32([...read('code'), ...i32(spread), 0x6c], -16);
    return and32([...load8(shift32(slot, -3), endingsAt), ...and32(slot, i32(7)), 0x76], i32(1));
  };
  /** Keeps the bit if a label may end before `place`: letter by letter backwards, over marks between its words, as labels.ts does. */
  const keepIfLabelled: Code = when(
    bits(unitAt('place', -1), unitIs.letter),
    write('code', i32(1)),
    write('letters', i32(0)),
    write('joints', i32(0)),
    write('behind', i32(0)),
    loop(
      write('unit', unitAt('place', -1)),
      write('bits', load32(shift32(read('unit'), 2), unitBitsAt)),
      // A word begins behind the unit; letters beyond ASCII pass for none.
      when(
        all(
          and32(read('behind'), i32(unitIs.letter)),
          any(not32(and32(read('bits'), i32(unitIs.letter))), and32(shift32(read('behind'), -1), and32(read('bits'), i32(unitIs.small)))),
        ),
        keepIf(isEnding()),
      ),
      leaveIf(not32(and32(read('bits'), i32(unitIs.letter | unitIs.joint)))),
      back('place'),
      write('behind', read('bits')),
      write('joints', choose32(i32(0), add32(read('joints'), i32(1)), and32(read('bits'), i32(unitIs.letter)))),
      leaveIf(less32(i32(jointsMax), read('joints'))),
      when(not32(read('joints')), write('code', or32(shift32(read('code'), 5), and32(read('unit'), i32(31)))), on('letters')),
      leaveIf(equal32(read('letters'), i32(endLettersMax))),
    ),
    when(equal32(read('letters'), i32(endLettersMax)), keepIf(isEnding())),
    keepIf(and32(read('bits'), i32(unitIs.beyond))),
  );

  /** `536-22-1845`: a third run of four. */
  const ssn = keepIf(
    all(equal32(distance('run', 'third'), i32(7)), equal32(sub32(load32(read('at'), digitsAt + 20), load32(read('at'), digitsAt)), i32(11))),
  );

  const phone = [
    // Up to three digits, a dot, up to three, a dot, up to three, the first no zero: an address or a version.
    ...write('unit', i32(1)),
    ...when(
      is(unitAt('end'), '.'),
      write(
        'unit',
        not32(
          all(
            less32(distance('run', 'end'), i32(4)),
            equal32(distance('end', 'next'), i32(1)),
            less32(sub32(load32(read('at'), digitsAt + 20), load32(read('at'), digitsAt + 16)), i32(4)),
            is(unitAt('third', -1), '.'),
            not32(is(unitAt('run'), '0')),
          ),
        ),
      ),
    ),
    // Three groups; a bracket or plus before it; or seven digits that begin with a zero or stand behind a word.
    ...when(
      read('unit'),
      keepIf(any(less32(distance('nextEnd', 'third'), i32(4)), is(unitAt('run', -1), '('), is(unitAt('run', -1), '+'))),
      when(
        atLeast(add32(distance('run', 'end'), distance('next', 'nextEnd')), 7),
        write('place', read('run')),
        loop(leaveIf(not32(all(bits(unitAt('place', -1), unitIs.phoneLead), less32(distance('place', 'run'), i32(6))))), back('place')),
        keepIf(any(is(unitAt('run'), '0'), bits(unitAt('place', -1), unitIs.letter | unitIs.beyond))),
      ),
    ),
  ];

  /** Two letters that stand for a country, and nothing that they belong to before them. */
  const iban = keepIfAll(
    bits(unitAt('run', -2), unitIs.letter),
    not32(bits(unitAt('run', -3), unitIs.identifier)),
    load8(or32(shift32(and32(unitAt('run', -2), i32(31)), 5), and32(unitAt('run', -1), i32(31))), countriesAt),
  );

  const age = [
    ...write('unit', unitAt('end')),
    ...write('unit', choose32(unitAt('end', 1), read('unit'), any(is(read('unit'), ' '), is(read('unit'), '-')))),
    ...keepIf(bits(read('unit'), unitIs.ofAge)),
  ];

  const postal = [
    // `the corner of 5th …`; a street before the number, or before a comma and the number.
    ...when(
      is(unitAt('run', -1), ' '),
      keepIfAll(is(unitAt('run', -2), 'f'), is(unitAt('run', -3), 'o')),
      keepIfAll(
        bits(unitAt('run', -2), unitIs.ofStreet),
        bits(unitAt('run', -3), unitIs.ofStreet),
        not32(
          any(
            is(unitAt('end'), '_'),
            all(any(is(unitAt('end'), '.'), is(unitAt('end'), ':'), is(unitAt('end'), '%')), bits(unitAt('end', 1), unitIs.identifier)),
          ),
        ),
      ),
    ),
    ...keepIfAll(is(unitAt('run', -2), ','), bits(unitAt('run', -3), unitIs.ofStreet)),
    // A word behind it, or one more number and a word.
    ...write('place', add32(read('end'), yes(bits(unitAt('end'), unitIs.letter)))),
    ...when(
      is(unitAt('place'), ' '),
      on('place'),
      when(
        bits(unitAt('place'), unitIs.digit),
        loop(leaveIf(not32(all(bits(unitAt('place'), unitIs.digit), less32(distance('end', 'place'), i32(10))))), on('place')),
        when(is(unitAt('place'), ' '), on('place')),
      ),
      keepIf(bits(unitAt('place'), unitIs.letter | unitIs.beyond)),
    ),
    ...keepIfAll(any(is(unitAt('end'), '-'), is(unitAt('end'), '/')), bits(unitAt('end', 1), unitIs.digit)),
  ];

  /** As {@link GroupTree.mayBegin} has it; anything beyond ASCII may be a mark. */
  const groups = [
    ...write('place', read('at')),
    ...write('code', i32(0)),
    ...loop(
      write('start', add32(read('base'), load32(read('place'), digitsAt + 4))),
      write('letters', sub32(read('start'), add32(read('base'), load32(read('place'), digitsAt)))),
      write('unit', unitAt('start')),
      leaveIf(not32(less32(read('letters'), i32(32)))),
      when(
        and32([...load32(shift32(read('code'), 2), groupEndsAt), ...read('letters'), 0x76], less32(i32(0), read('code'))),
        // No number ends before `.1`. (Of seven digits the first group may be one by itself.)
        keepIf(
          not32(
            all(
              less32(distance('run', 'end'), i32(7)),
              any(bits(read('unit'), unitIs.divider), is(read('unit'), ':')),
              bits(unitAt('start', 1), unitIs.identifier),
            ),
          ),
        ),
      ),
      keepIf(bits(read('unit'), unitIs.capital | unitIs.beyond)),
      leaveIf(read('keep')),
      write('code', load8(or32(or32(shift32(read('code'), 8), shift32(read('letters'), 3)), load8(read('unit'), marksAt)), groupsAt)),
      leaveIf(not32(read('code'))),
      write('unit', unitAt('start', 1)),
      keepIfAll(
        and32(load32(shift32(read('code'), 2), groupEndsAt), i32(1)),
        any(bits(read('unit'), unitIs.capital), is(read('unit'), '('), is(read('unit'), ')')),
      ),
      leaveIf(not32(bits(read('unit'), unitIs.digit))),
      write('place', add32(read('place'), i32(8))),
    ),
  ];

  const announced = [
    ...write('start', read('run')),
    ...when(equal32(read('how'), i32(ways.behindSlash)), write('place', sub32(read('run'), i32(1))), keepIfLabelled),
    ...when(
      not32(equal32(read('how'), i32(ways.behindSlash))),
      // Letters that hang on the digits; unless they begin with a small one the whole may be a number by its shape.
      when(
        equal32(read('how'), i32(ways.behindLetters)),
        loop(leaveIf(not32(all(bits(unitAt('start', -1), unitIs.letter), less32(distance('start', 'run'), i32(reach))))), back('start')),
        keepIf(
          all(
            not32(bits(unitAt('start'), unitIs.small)),
            any(
              atLeast(distance('start', 'end'), 7),
              bits(unitAt('end'), unitIs.capital),
              bits(unitAt('end', 1), unitIs.letter | unitIs.digit | unitIs.beyond),
            ),
          ),
        ),
      ),
      write('unit', unitAt('start', -1)),
      write('bits', load32(shift32(read('unit'), 2), unitBitsAt)),
      keepIf(any(is(read('unit'), '$'), and32(read('bits'), i32(unitIs.beyond)))),
      // `May 4, 1983`, `DE 123456789`
      when(
        is(read('unit'), ' '),
        keepIfAll(
          less32(distance('start', 'end'), i32(3)),
          bits(unitAt('end'), unitIs.behindDay),
          any(bits(unitAt('start', -2), unitIs.small), is(unitAt('start', -2), '.')),
        ),
        keepIfAll(
          bits(unitAt('start', -2), unitIs.capital),
          atLeast(distance('start', 'end'), 2),
          any(atLeast(distance('start', 'end'), 6), bits(unitAt('end'), unitIs.groupGap)),
        ),
      ),
      // `POL-2434569`
      when(
        and32(read('bits'), i32(unitIs.dash)),
        write('place', sub32(read('start'), i32(1))),
        loop(leaveIf(not32(all(bits(unitAt('place', -1), unitIs.letter), less32(distance('place', 'start'), i32(9))))), back('place')),
        keepIfAll(less32(i32(1), distance('place', 'start')), not32(bits(unitAt('place', -1), unitIs.identifier | unitIs.divider))),
      ),
      // A label, and marks between it and the value.
      when(
        and32(read('bits'), i32(unitIs.follower)),
        write('place', read('start')),
        loop(leaveIf(not32(all(bits(unitAt('place', -1), unitIs.between), less32(distance('place', 'start'), i32(reach))))), back('place')),
        write('unit', unitAt('place', -1)),
        keepIf(any(bits(read('unit'), unitIs.beyond | unitIs.between), is(read('unit'), ')'), is(read('unit'), ']'))),
        keepIfLabelled,
      ),
    ),
  ];

  const pair = add32([...unitBeforeRun(2, 0), ...i32(units), 0x6c], unitBeforeRun(1, 10));
  /** The unit so many before the run, or what stands for it where there is none. */
  function unitBeforeRun(distanceBack: number, without: number): Code {
    return choose32(unitAt('run', -distanceBack), i32(without), less32(add32(read('base'), i32(distanceBack - 1)), read('run')));
  }
  const gapSlot = add32(shift32(min32(distance('end', 'next'), i32(gapMax)), 5), min32(distance('next', 'nextEnd'), i32(sizeMax)));
  const body = [
    ...write('at', read('base')),
    ...write('stop', add32(read('base'), shift32(read('count'), 3))),
    ...write('listTo', read('base')),
    ...write('sortsTo', read('base')),
    ...loop(
      leaveIf(not32(less32(read('at'), read('stop')))),
      write('run', add32(read('base'), load32(read('at'), digitsAt))),
      write('end', add32(read('base'), load32(read('at'), digitsAt + 4))),
      write('next', add32(read('base'), load32(read('at'), digitsAt + 8))),
      write('nextEnd', add32(read('base'), load32(read('at'), digitsAt + 12))),
      write('third', add32(read('base'), load32(read('at'), digitsAt + 16))),
      write('what', load32(shift32(pair, 2), pairsAt)),
      write('how', shift32(read('what'), -howShift)),
      when(
        read('how'),
        write('what', and32(read('what'), load32(shift32(min32(distance('run', 'end'), i32(sizeMax)), 2), sizesAt))),
        write('what', and32(read('what'), load32(shift32(unitAt('end'), 2), nextsAt))),
        write('what', and32(read('what'), load32(shift32(gapSlot, 2), gapsAt))),
        narrow(sorts.ssnGroups, ssn),
        narrow(sorts.phoneGroups, phone),
        narrow(sorts.iban, iban),
        narrow(sorts.age, age),
        narrow(sorts.postal, postal),
        narrow(sorts.shapedGroups, groups),
        narrow(sorts.announced, announced),
        store32(read('listTo'), read('i'), startsAt),
        store32(read('listTo'), read('how'), startsAt + 4),
        store32(read('sortsTo'), read('what'), sortsAt),
        write('any', or32(read('any'), read('what'))),
        write('listTo', add32(read('listTo'), i32(8))),
        write('sortsTo', add32(read('sortsTo'), i32(4))),
      ),
      write('at', add32(read('at'), i32(8))),
      on('i'),
    ),
    ...store32(read('base'), shift32(sub32(read('sortsTo'), read('base')), -2), countsAt + 20),
    ...read('any'),
  ];
  return { name: 'starts', parameters: 2, results: 1, locals: [[names.length - 2, 'i32']], code: body };
}
