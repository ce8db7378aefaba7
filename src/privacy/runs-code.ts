/**
 * The code of the first look at runs in WebAssembly: whether any run of a text may be, begin or hide something that its detectors look for. It may say too
 * much and never too little.
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
  sub32,
  type WasmFunction,
  when,
} from '../log/wasm-code.ts';
import { runsAt, unitsAt } from './survey-memory.ts';
import { startTablesEnd } from './starts-code.ts';
import { made, mixed } from './survey-flags.ts';

/** What runs may hold, as bits. */
export const runMay = {
  /** Names joined by marks, or in the name of a document: see detectors/person-joined.ts. */
  beNames: 1,
  /** Keys, tokens and what stands around them: see detectors/secrets.ts. */
  beSecret: 2,
  /** Text in base64 or hexadecimal digits: see runs.ts. */
  hideText: 4,
} as const;

/** What a unit of a run is, as bits. */
export const runUnitIs = { letter: 1, digit: 2, joint: 4, small: 8 } as const;

/** Where the tables lie, in bytes: detectors/run-tables.ts fills them. */
export const runUnitsAt = startTablesEnd;
/** Bits by the first two units of a token. */
export const tokenStartsAt = runUnitsAt + 256;
/** By unit: its value in base64. */
export const sixBitsAt = tokenStartsAt + 2048;
/** By the first byte of a character: how many are still to come; 4 where it is none. */
export const bytesAt = sixBitsAt + 128;
/** By the first letter of a document's ending: bits of its second one. */
export const documentsAt = bytesAt + 256;
/** As `mayBeNamed` has it: see name-lexicon.ts. */
export const namesAt = documentsAt + 128;

const tokenMin = 16;
const hiddenMin = 10;
const bytesMin = 7;
const partMin = 3;
const partMax = 20;

/** `runs(base, count)` → bits of {@link runMay}. */
export function runsFunction(): WasmFunction {
  const names = 'base count at stop what from to all mark place next end'.split(' ');
  const local = (name: string): number => names.indexOf(name);
  const read = (name: string): Code => get(local(name));
  const write = (name: string, value: Code): Code => set(local(name), value);
  const unitAt = (name: string, offset = 0): Code => load8(read(name), unitsAt + offset);
  const is = (unit: Code, letters: string): Code =>
    Array.from(letters, (letter) => equal32(unit, i32(letter.charCodeAt(0)))).reduce((sum, one) => or32(sum, one));
  const bits = (unit: Code, of: number): Code => and32(load8(unit, runUnitsAt), i32(of));
  const plus = (name: string, by: number): Code => add32(read(name), i32(by));
  const on = (name: string): Code => write(name, plus(name, 1));
  const distance = (from: string, to: string): Code => sub32(read(to), read(from));
  const atLeast = (a: Code, b: number): Code => less32(i32(b - 1), a);
  const bitOf = (table: number, slots: Code): Code => and32([...load8(shift32(slots, -3), table), ...and32(slots, i32(7)), 0x76], i32(1));
  /** All conditions hold; those behind one that does not are not looked at. */
  const note = (bit: number, ...conditions: Code[]): Code =>
    conditions.reduceRight((inner, condition) => when(condition, inner), write('what', or32(read('what'), i32(bit))));
  const tokenBegins = (name: string): Code => bitOf(tokenStartsAt, or32(shift32(unitAt(name), 7), and32(unitAt(name, 1), i32(127))));
  /** May the letters from one place to another be a name? */
  const named = (from: string, to: string): Code =>
    bitOf(
      namesAt,
      or32(
        or32(shift32(sub32(min32(distance(from, to), i32(6)), i32(3)), 15), shift32(and32(unitAt(from), i32(31)), 10)),
        or32(shift32(and32(unitAt(from, 1), i32(31)), 5), and32(unitAt(to, -1), i32(31))),
      ),
    );
  const toWordEnd = (name: string, limit: Code): Code => loop(leaveIf(not32(and32(bits(unitAt(name), runUnitIs.letter), limit))), on(name));

  /** What stands before, at and behind the ends of the run. */
  const secretEdges = [
    ...note(runMay.beSecret, is(read('mark'), ' '), is(unitAt('from', -2), 'rcRC')),
    // `…ord `, `…ase `
    ...note(runMay.beSecret, is(unitAt('to'), ' '), is(unitAt('to', -1), 'dteDTE'), is(unitAt('to', -2), 'rdsweRDSWE')),
    ...note(runMay.beSecret, is(unitAt('to'), ' '), is(unitAt('from'), '-'), is(unitAt('to', -1), 'e')),
    ...note(runMay.beSecret, is(read('mark'), ':'), bits(unitAt('from', -2), runUnitIs.digit), atLeast(distance('from', 'to'), 35)),
    ...note(runMay.beSecret, is(read('mark'), '~')),
    ...note(runMay.beSecret, is(unitAt('from'), '-'), is(unitAt('from', 1), 'p')),
    ...note(runMay.beSecret, is(unitAt('to', -1), 'N'), is(unitAt('to', -6), '-')),
    ...when(
      is(read('mark'), '.'),
      // `com/services/`, `com/api/webhooks/`
      note(runMay.beSecret, is(unitAt('from', 3), '/'), is(unitAt('from'), 'c'), is(unitAt('from', 6), 'ri')),
      // `hvs.…`
      write('place', plus('from', -1)),
      loop(
        leaveIf(not32(and32(not32(not32(bits(unitAt('place', -1), runUnitIs.letter | runUnitIs.digit))), less32(distance('place', 'from'), i32(5))))),
        write('place', plus('place', -1)),
      ),
      note(runMay.beSecret, tokenBegins('place')),
    ),
  ];

  /** Whether the first bytes that the place would stand for are text, as runs.ts decodes it. */
  const inText = Array.from({ length: bytesMin }, (_, i) => i).reduceRight<Code>((inner, i) => {
    const first = Math.floor((8 * i) / 6);
    const offset = (8 * i) % 6;
    return [
      ...write('next', shift32(load8(unitAt('place', first), sixBitsAt), 2 + offset)),
      ...write('next', and32(or32(read('next'), shift32(load8(unitAt('place', first + 1), sixBitsAt), offset - 4)), i32(255))),
      ...write(
        'end',
        choose32(choose32(plus('end', -1), i32(4), equal32(shift32(read('next'), -6), i32(2))), load8(read('next'), bytesAt), read('end')),
      ),
      ...when(less32(read('end'), i32(4)), inner),
    ];
  }, note(runMay.hideText));

  /** Where words of the run begin: at its start, and behind each mark. */
  const parts = [
    ...note(
      runMay.hideText,
      not32(and32(read('all'), i32(made.ofLower | made.ofUpper | made.ofSlashes | made.ofDashes))),
      atLeast(distance('from', 'to'), hiddenMin),
    ),
    ...note(runMay.hideText, is(unitAt('from', 1), 'x')),
    ...write('place', read('from')),
    ...loop(
      leaveIf(not32(atLeast(distance('place', 'to'), hiddenMin))),
      leaveIf(less32(read('to'), read('place'))),
      note(runMay.beSecret, tokenBegins('place'), atLeast(distance('place', 'to'), tokenMin)),
      write('end', i32(0)),
      inText,
      loop(leaveIf(bits(unitAt('place'), runUnitIs.joint)), leaveIf(not32(less32(read('place'), read('to')))), on('place')),
      on('place'),
    ),
  ];

  /** `jane-doe`: two words that may be names, with a mark between. */
  const joined = [
    ...write('place', read('from')),
    ...loop(
      write('end', read('place')),
      toWordEnd('end', less32(read('end'), read('to'))),
      leaveIf(not32(less32(plus('end', partMin), read('to')))),
      when(
        is(unitAt('end'), '-_'),
        // What JupyterHub writes for marks.
        note(runMay.beNames, is(unitAt('end'), '-'), is(unitAt('end', 1), '25')),
        when(
          atLeast(distance('place', 'end'), partMin),
          write('next', plus('end', 1)),
          toWordEnd('next', less32(read('next'), read('to'))),
          write('mark', plus('end', 1)),
          note(runMay.beNames, atLeast(distance('mark', 'next'), partMin), named('place', 'end'), named('mark', 'next')),
        ),
      ),
      write('place', plus('end', 1)),
    ),
  ];

  const dotted = [
    // The name of a document: two words or more, divided by marks and capitals, one of which may be a name.
    ...when(
      and32([...load32(shift32(and32(unitAt('to', 1), i32(31)), 2), documentsAt), ...and32(unitAt('to', 2), i32(31)), 0x76], i32(1)),
      write('place', read('to')),
      loop(leaveIf(is(unitAt('place', -1), '/')), leaveIf(not32(less32(read('from'), read('place')))), write('place', plus('place', -1))),
      write('next', i32(0)),
      write('mark', i32(0)),
      loop(
        loop(leaveIf(bits(unitAt('place'), runUnitIs.letter)), leaveIf(not32(less32(read('place'), read('to')))), on('place')),
        leaveIf(not32(less32(read('place'), read('to')))),
        write('end', plus('place', 1)),
        loop(
          leaveIf(not32(bits(unitAt('end'), runUnitIs.letter))),
          leaveIf(less32(bits(unitAt('end'), runUnitIs.small), bits(unitAt('end', -1), runUnitIs.small))),
          on('end'),
        ),
        write('next', plus('next', 1)),
        when(atLeast(distance('place', 'end'), partMin), write('mark', or32(read('mark'), named('place', 'end')))),
        write('place', read('end')),
      ),
      note(runMay.beNames, read('mark'), atLeast(read('next'), 2)),
    ),
    // `/contacts/jane.doe/`
    ...when(
      and32(read('all'), i32(made.ofSlashes)),
      write('place', plus('to', 1)),
      write('end', read('place')),
      toWordEnd('end', less32(distance('to', 'end'), i32(partMax + 2))),
      write('next', read('to')),
      loop(
        leaveIf(not32(bits(unitAt('next', -1), runUnitIs.letter))),
        leaveIf(less32(i32(partMax), distance('next', 'to'))),
        write('next', plus('next', -1)),
      ),
      note(
        runMay.beNames,
        atLeast(distance('place', 'end'), partMin),
        named('place', 'end'),
        is(unitAt('next', -1), '/-'),
        atLeast(distance('next', 'to'), partMin),
        named('next', 'to'),
      ),
    ),
  ];

  const body = [
    ...write('at', read('base')),
    ...write('stop', add32(read('base'), [...read('count'), ...i32(12), 0x6c])),
    ...loop(
      leaveIf(not32(less32(read('at'), read('stop')))),
      write('from', add32(read('base'), load32(read('at'), runsAt))),
      write('to', add32(read('base'), load32(read('at'), runsAt + 4))),
      write('all', load32(read('at'), runsAt + 8)),
      write('mark', unitAt('from', -1)),
      secretEdges,
      when(and32(read('all'), i32(mixed)), parts),
      when(
        and32(read('all'), i32(made.ofLower | made.ofUpper)),
        when(and32(read('all'), i32(made.ofDashes)), joined),
        when(and32(is(unitAt('to'), '.'), bits(unitAt('to', 1), runUnitIs.letter)), dotted),
      ),
      write('at', plus('at', 12)),
    ),
    ...read('what'),
  ];
  return { name: 'runs', parameters: 2, results: 1, locals: [[names.length - 2, 'i32']], code: body };
}
