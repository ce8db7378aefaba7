/**
 * Regular expressions of a policy, with a proof of what they cost. JavaScript's engine tries one way of matching after the other, so an
 * expression can cost exponential time on a text made for it. Here all ways are counted when the policy is loaded: the expression becomes an
 * automaton without empty steps (Glushkov's), and for every text the number of ways that are alive after each character is followed. The
 * most that any text can cost from one place on is `steps`; an expression that could cost more than {@link stepsMax}, or whose count does
 * not end soon, is refused. So a text of n characters costs at most n × `steps`, whatever it says.
 */
import { openRepeatMax, type Part, parsePattern, refused, sourceOf } from './pattern-syntax.ts';

export interface Pattern {
  /** JavaScript's source, for the flag `u`. */
  readonly source: string;
  readonly flags: 'u' | 'iu';
  /** What it can cost at most from one place of a text on. */
  readonly steps: number;
  /** A text that every match contains, or ''. */
  readonly needle: string;
  /** The class that the pattern ends with, if it repeats without a limit: a match goes on as long as there are characters of it. */
  readonly tail: string | undefined;
}

export const stepsMax = 2_000;
const placesMax = 2_048;
/** Different states followed, and sizes of them together, before the count is given up. */
const statesMax = 20_000;
const sizesMax = 500_000;

/** @throws VeiltrailError `pattern_refused`; the message says why, and what would be right */
export function compilePattern(text: string, ignoreCase = false): Pattern {
  const part = parsePattern(text);
  const flags = ignoreCase ? 'iu' : 'u';
  const steps = countSteps(part, flags);
  const last = part.is === 'sequence' ? part.of.at(-1) : part;
  return {
    source: sourceOf(part),
    flags,
    steps,
    needle: ignoreCase ? '' : needleOf(part),
    tail: last?.is === 'repeat' && last.open && !last.lazy && last.of.is === 'set' ? last.of.source : undefined,
  };
}

/** The longest run of plain characters that stands in every match. */
function needleOf(part: Part): string {
  let best = '';
  let run = '';
  for (const one of part.is === 'sequence' ? part.of : [part]) {
    if (one.is === 'mark') continue;
    run = one.is === 'set' && one.literal !== undefined ? run + one.literal : '';
    if (run.length > best.length) best = run;
  }
  return best;
}

/** Glushkov's automaton: a place for each character of the expression, and from each place those that may come next. */
class Automaton {
  /** By place: which set its character is out of. */
  readonly sets: number[] = [];
  readonly follow: number[][] = [];
  readonly sources: string[] = [];
  /** By set: its character, if it is but one. */
  readonly literals: (string | undefined)[] = [];

  add(part: Part): { first: number[]; last: number[]; nullable: boolean } {
    switch (part.is) {
      case 'mark':
        return { first: [], last: [], nullable: true };
      case 'set': {
        if (this.sets.length >= placesMax) throw refused(`it unfolds to more than ${placesMax} characters: lower the limits of its repeats`);
        let set = this.sources.indexOf(part.source);
        if (set < 0) {
          set = this.sources.push(part.source) - 1;
          this.literals.push(part.literal);
        }
        const place = this.sets.push(set) - 1;
        this.follow.push([]);
        return { first: [place], last: [place], nullable: false };
      }
      case 'choice': {
        const parts = part.of.map((one) => this.add(one));
        return {
          first: parts.flatMap(({ first }) => first),
          last: parts.flatMap(({ last }) => last),
          nullable: parts.some(({ nullable }) => nullable),
        };
      }
      case 'sequence':
        return this.#join(part.of, part.of.length, part.of.length);
      default:
        return this.#join([part.of], part.max, part.min);
    }
  }

  /** `count` parts one after the other, going round the list; it may end after `least` of them. */
  #join(parts: readonly Part[], count: number, least: number): { first: number[]; last: number[]; nullable: boolean } {
    const first: number[] = [];
    let open: number[] = [];
    const ends: number[] = [];
    let nullable = true;
    for (let i = 0; i < count; i++) {
      if (i >= least && i > 0) ends.push(...open);
      const next = this.add(parts[i % parts.length] as Part);
      for (const place of open) (this.follow[place] as number[]).push(...next.first);
      if (nullable) first.push(...next.first);
      open = next.nullable ? [...open, ...next.last] : next.last;
      nullable &&= next.nullable;
    }
    return { first, last: [...ends, ...open], nullable: nullable || least === 0 };
  }
}

/** The most steps that any text can cost, from one place of it on. */
function countSteps(part: Part, flags: string): number {
  const automaton = new Automaton();
  const { first } = automaton.add(part);
  const letters = lettersOf(automaton, flags);
  const counter = new StepCounter(automaton, letters);
  return first.length + counter.from(new Map(first.map((place) => [place, 1])), first.length);
}

function tooCostly(): Error {
  return refused(
    `from one place of a text it can cost more than ${stepsMax.toLocaleString('en')} steps, which is too much: let each character fit only one way of matching, or lower the limits of repeats (+ and * stand for ${openRepeatMax})`,
  );
}

class StepCounter {
  readonly #automaton: Automaton;
  readonly #letters: readonly (readonly boolean[])[];
  readonly #known = new Map<string, number>();
  #sizes = 0;

  constructor(automaton: Automaton, letters: readonly (readonly boolean[])[]) {
    this.#automaton = automaton;
    this.#letters = letters;
  }

  /**
   * What the rest can cost.
   * @param next what may come next: places, and in how many ways each was reached
   * @param spent on the way here: a way that has cost too much already need not be followed to its end
   */
  from(next: ReadonlyMap<number, number>, spent: number): number {
    let most = 0;
    for (const sets of this.#letters) {
      const alive: [number, number][] = [];
      for (const [place, ways] of next) if (sets[this.#automaton.sets[place] as number]) alive.push([place, ways]);
      if (alive.length > 0) most = Math.max(most, this.#cost(alive, spent));
    }
    return most;
  }

  #cost(alive: [number, number][], spent: number): number {
    alive.sort((a, b) => a[0] - b[0]);
    const name = alive.map(([place, ways]) => `${place}*${ways}`).join(' ');
    const known = this.#known.get(name);
    if (known !== undefined && spent + known > stepsMax) throw tooCostly();
    if (known !== undefined) return known;
    this.#sizes += alive.length;
    if (this.#known.size > statesMax || this.#sizes > sizesMax) throw tooCostly();
    const next = new Map<number, number>();
    let steps = 0;
    for (const [place, ways] of alive) {
      const follow = this.#automaton.follow[place] as number[];
      steps += ways * Math.max(1, follow.length);
      for (const to of follow) next.set(to, (next.get(to) ?? 0) + ways);
    }
    if (spent + steps > stepsMax) throw tooCostly();
    steps += this.from(next, spent + steps);
    this.#known.set(name, steps);
    return steps;
  }
}

/**
 * The different kinds of characters, each as: is it in the set? A plain character is a kind of its own. All of the Basic Multilingual Plane is
 * looked at; what is beyond it is taken to be in every set that could reach there, which can only count too much.
 */
function lettersOf({ sources, literals }: Automaton, flags: string): boolean[][] {
  const sets = sources.map((source, i) => (literals[i] === undefined || flags !== 'u' ? membersOf(source, flags) : undefined));
  const units = new Set<number>(literals.flatMap((literal) => (literal === undefined ? [] : [literal.charCodeAt(0)])));
  for (const unit of representatives(sets.flatMap((set) => set ?? []))) units.add(unit);
  const letters = [...units].map((unit) => sets.map((set, i) => (set ? set[unit] === 1 : literals[i]?.charCodeAt(0) === unit)));
  letters.push(sources.map((source) => /^\[\^|^\.|\\[pPDWSu]|[^\0-\uffff]/u.test(source)));
  return letters;
}

/** A unit of each kind that the sets tell apart. */
function representatives(sets: readonly Uint8Array[]): number[] {
  const group = new Uint32Array(planeSize);
  let groups = 1;
  for (const set of sets) {
    const split = new Uint32Array(groups);
    for (let unit = 0; unit < planeSize; unit++) {
      if (set[unit] === 0) continue;
      const old = group[unit] as number;
      if (split[old] === 0) split[old] = groups++;
      group[unit] = split[old] as number;
    }
  }
  const out = new Map<number, number>();
  for (let unit = planeSize - 1; unit >= 0; unit--) out.set(group[unit] as number, unit);
  return [...out.values()];
}

const planeSize = 0x10000;
const setsMax = 64;
/** Classes repeat from pattern to pattern. */
let knownSets = new Map<string, Uint8Array>();

/** For each UTF-16 unit: is it in the class? */
function membersOf(source: string, flags: string): Uint8Array {
  const name = `${flags} ${source}`;
  const known = knownSets.get(name);
  if (known) return known;
  const members = new Uint8Array(planeSize);
  const set = new RegExp(`^${source}`, flags);
  for (let unit = 0; unit < planeSize; unit++) if (set.test(String.fromCharCode(unit))) members[unit] = 1;
  if (knownSets.size >= setsMax) knownSets = new Map();
  knownSets.set(name, members);
  return members;
}
