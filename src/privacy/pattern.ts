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
const sizesMax = 1_000_000;

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

  add(part: Part): { first: number[]; last: number[]; nullable: boolean } {
    switch (part.is) {
      case 'mark':
        return { first: [], last: [], nullable: true };
      case 'set': {
        if (this.sets.length >= placesMax) throw refused(`it unfolds to more than ${placesMax} characters: lower the limits of its repeats`);
        let set = this.sources.indexOf(part.source);
        if (set < 0) set = this.sources.push(part.source) - 1;
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
  const letters = classLetters(automaton.sources, flags);
  const counter = new StepCounter(automaton, letters);
  const steps = first.length + counter.from(new Map(first.map((place) => [place, 1])));
  if (steps > stepsMax) throw tooCostly(steps);
  return steps;
}

function tooCostly(steps: number): Error {
  const figure = Number.isFinite(steps) ? `${steps.toLocaleString('en')} steps` : `far more than ${stepsMax.toLocaleString('en')} steps`;
  return refused(
    `one place of a text can cost ${figure}, more than the ${stepsMax.toLocaleString('en')} that are allowed: let each character fit only one way of matching, or lower the limits of repeats (+ and * stand for ${openRepeatMax})`,
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

  /** What may come next: places, and in how many ways each was reached. */
  from(next: ReadonlyMap<number, number>): number {
    let most = 0;
    for (const sets of this.#letters) {
      const alive: [number, number][] = [];
      for (const [place, ways] of next) if (sets[this.#automaton.sets[place] as number]) alive.push([place, ways]);
      if (alive.length > 0) most = Math.max(most, this.#cost(alive));
    }
    return most;
  }

  #cost(alive: [number, number][]): number {
    alive.sort((a, b) => a[0] - b[0]);
    const name = alive.map(([place, ways]) => `${place}*${ways}`).join(' ');
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    this.#sizes += alive.length;
    if (this.#known.size > statesMax || this.#sizes > sizesMax) throw tooCostly(Infinity);
    const next = new Map<number, number>();
    let steps = 0;
    for (const [place, ways] of alive) {
      const follow = this.#automaton.follow[place] as number[];
      steps += ways * Math.max(1, follow.length);
      for (const to of follow) next.set(to, (next.get(to) ?? 0) + ways);
    }
    // Ways only add up: what is too much already need not be followed to its end.
    if (steps > stepsMax) throw tooCostly(Infinity);
    steps += this.from(next);
    this.#known.set(name, steps);
    return steps;
  }
}

/**
 * The different kinds of characters, each as: is it in the set? All of the Basic Multilingual Plane is looked at; what is beyond it is taken
 * to be in every set that could reach there, which can only count too much.
 */
function classLetters(sources: readonly string[], flags: string): boolean[][] {
  const group = new Uint32Array(0x10000);
  let groups = 1;
  for (const source of sources) {
    const set = new RegExp(`^${source}`, flags);
    const split = new Map<number, number>();
    for (let unit = 0; unit < 0x10000; unit++) {
      if (!set.test(String.fromCharCode(unit))) continue;
      const old = group[unit] as number;
      let to = split.get(old);
      if (to === undefined) split.set(old, (to = groups++));
      group[unit] = to;
    }
  }
  const letters: boolean[][] = [];
  const seen = new Set<number>();
  for (let unit = 0; unit < 0x10000; unit++) {
    const id = group[unit] as number;
    if (seen.has(id)) continue;
    seen.add(id);
    letters.push(sources.map((source) => new RegExp(`^${source}`, flags).test(String.fromCharCode(unit))));
  }
  letters.push(sources.map((source) => /^\[\^|^\.|\\[pPDWSu]|[^\0-\uffff]/u.test(source)));
  return letters;
}
