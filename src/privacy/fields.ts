/**
 * Path patterns and the tree of paths seen. Events have the same shapes over and over: the first time a path is met its rule is worked
 * out, afterwards it is one map look-up per member. The tree is bounded, so that an event full of random names costs time but no memory.
 */
import type { Candidate } from './finding.ts';
import type { Sighting } from './field-watch.ts';
import { isValueName, lastPart } from './paired-names.ts';
import type { FieldRule } from './policy-model.ts';

/** A name as patterns see it: case and the separators `_`, `-`, space do not matter. */
export function normalName(name: string): string {
  return name.toLowerCase().replace(/[_\-\s]+/g, '');
}

interface Pattern {
  readonly id: number;
  readonly rule: number;
  readonly segments: readonly Segment[];
}

type Segment = { readonly any: true } | { readonly one: true } | { readonly name: string } | { readonly glob: RegExp };

/** A rule that fits members by their own name. */
export interface NameRule {
  readonly fits: (name: string) => boolean;
  /** For what stands under such names: the index among the rules by path. */
  readonly value?: number;
  /** For the names themselves: an index of the caller's. */
  readonly name?: number;
}

/** One place in the shape of events. */
export interface PathNode {
  /** Indices of the rules that fit, in the policy's order. */
  readonly rules: readonly number[];
  /** The last name on the path, normalised; an element has the name of its array. */
  readonly field: string;
  /** Does the name say nothing about the value (`value`, `old`, `new`), so that what is named beside or above it counts? */
  readonly isValue: boolean;
  /** Of those, what holds below the place too: rules by the name of something above. */
  readonly below: readonly number[];
  /** The rule for the member's own name. */
  readonly nameRule: number | undefined;
  /** RFC 6901, where it is the same for every event: not below elements, nor where names are long. */
  readonly pointer: string | undefined;
  /** What there is to know of the member's own name: worked out once, by the reader. */
  name: NameFacts | undefined;
  /** Values of late in which nothing was found: a ring, `cleanNext` is where the next one goes. */
  readonly clean: string[];
  /** What the words of each begin with (names.ts). */
  readonly cleanStarts: number[];
  cleanNext: number;
  /** Values in a row that were not among them. */
  cleanMisses: number;
  /** What is known of the field here, in the log that was last read. */
  sighting: Sighting | undefined;
  readonly states: readonly State[];
  readonly children: Map<string, PathNode>;
  /** Names of members in the order of late, and their places: events have theirs in the same order over and over. */
  readonly names: string[];
  readonly places: PathNode[];
  element: PathNode | undefined;
}

export interface NameFacts {
  /** What detectors find in the name. */
  readonly found: readonly Candidate[];
  /** Is it of a known shape, so that nobody is looked for in it? */
  readonly isStructural: boolean;
  /** Does it hold anything encoded? */
  readonly layered: boolean;
  /** What its words begin with (names.ts). */
  readonly starts: number;
}

interface State {
  readonly pattern: Pattern;
  readonly position: number;
}

const nodesMax = 16_384;
const nameMax = 256;
/** Members of a container whose order is remembered. */
const orderMax = 32;
const pointerMax = 512;

/** A name as RFC 6901 writes it. */
export function escapePointer(name: string): string {
  return name.includes('~') || name.includes('/') ? name.replaceAll('~', '~0').replaceAll('/', '~1') : name;
}

export interface PathTree {
  root(): PathNode;
  /** The array that holds a JSON text as its only element: what is in the element is matched like a whole event. */
  document(): PathNode;
  member(node: PathNode, name: string): PathNode;
  /** The same for the `at`th member of a container: nothing is looked up while they come as they came before. */
  memberAt(node: PathNode, name: string, at: number): PathNode;
  element(node: PathNode): PathNode;
  /** All names that patterns spell out, normalised. */
  readonly names: ReadonlySet<string>;
}

/** Compiles the patterns of the rules; the first rule that fits a path is the one that counts. */
export function createPathTree(rules: readonly FieldRule[], nameRules: readonly NameRule[] = []): PathTree {
  const all = rules.flatMap((rule, index) => rule.path.flatMap(asStored).map((path) => ({ rule: index, segments: parsePattern(path) })));
  const names = new Set(all.flatMap(({ segments }) => segments.flatMap((segment) => ('name' in segment ? [segment.name] : []))));
  // `**.name` is what nearly all patterns look like: those are found by name; the others are followed state by state.
  const anywhere = new Map<string, number[]>();
  const patterns: Pattern[] = [];
  for (const { rule, segments } of all) {
    const [first, second] = segments;
    if (segments.length === 2 && first && 'any' in first && second && 'name' in second)
      anywhere.set(second.name, [...(anywhere.get(second.name) ?? []), rule]);
    else patterns.push({ id: patterns.length, rule, segments });
  }
  let count = 0;
  let root = createNode(closure(patterns.map((pattern) => ({ pattern, position: 0 }))), '', [], '');

  function child(node: PathNode, name: string): PathNode {
    let states = node.states;
    let last = '';
    // A dot within a name divides it: `{"user.email": …}` is the flattened form of `{"user": {"email": …}}`.
    // The name of a claim may be an address, of which the end is its name: `http://schemas.xmlsoap.org/…/claims/surname`.
    const written = name.includes('://') ? lastPart(name) : name;
    for (const part of written.length > nameMax ? [written.slice(0, nameMax)] : written.split('.')) {
      last = normalName(part);
      states = advance(states, last);
    }
    const isShort = node.pointer !== undefined && node.pointer.length + name.length < pointerMax;
    const pointer = isShort ? `${node.pointer}/${escapePointer(name)}` : undefined;
    if (nameRules.length === 0) return createNode(states, last, anywhere.get(last) ?? [], pointer);
    const fitting = nameRules.filter(({ fits }) => fits(name) || (name.includes('.') && fits(name.slice(name.lastIndexOf('.') + 1))));
    const below = [...node.below, ...fitting.flatMap(({ value }) => value ?? [])];
    return createNode(states, last, [...(anywhere.get(last) ?? []), ...below], pointer, below, fitting.find((rule) => rule.name !== undefined)?.name);
  }

  return {
    names,
    root() {
      if (count > nodesMax) {
        count = 0;
        root = createNode(root.states, '', [], '');
      }
      return root;
    },
    document() {
      const top = this.root();
      return { ...createNode([], '', [], undefined), element: top };
    },
    member(node, name) {
      let found = node.children.get(name);
      if (found === undefined) {
        found = child(node, name);
        // Beyond the limit nodes are made and forgotten; the next event starts a new tree.
        if (count++ < nodesMax && name.length <= nameMax) node.children.set(name, found);
      }
      return found;
    },
    memberAt(node, name, at) {
      const { names, places } = node;
      if (at < names.length && names[at] === name) return places[at] as PathNode;
      const found = this.member(node, name);
      // What is not kept is not remembered here either.
      if (at < orderMax && at <= names.length && node.children.has(name)) {
        names[at] = name;
        places[at] = found;
      }
      return found;
    },
    element(node) {
      node.element ??= createNode(advance(node.states, undefined), node.field, node.rules, undefined, node.below);
      return node.element;
    },
  };
}

/** An element that no pattern names itself takes the rules of its array: `**.emails` is meant for each of them. */
function createNode(
  states: readonly State[],
  field: string,
  inherited: readonly number[],
  pointer: string | undefined,
  below: readonly number[] = nothingBelow,
  nameRule?: number,
): PathNode {
  const own = states.filter(({ pattern, position }) => position === pattern.segments.length).map(({ pattern }) => pattern.rule);
  const rules = [...new Set([...own, ...inherited])].sort((a, b) => a - b);
  return {
    rules,
    field,
    isValue: isValueName(field),
    below,
    nameRule,
    pointer,
    name: undefined,
    clean: [],
    cleanStarts: [],
    cleanNext: 0,
    cleanMisses: 0,
    sighting: undefined,
    states,
    children: new Map(),
    names: [],
    places: [],
    element: undefined,
  };
}

const nothingBelow: readonly number[] = [];

/**
 * A path from the top of the event as it was sent, and as it is stored: what is no member of ours moves below `metadata` before the policy
 * sees it (ingest/own-event.ts).
 */
function asStored(path: string): string[] {
  const first = path.split('.', 1)[0] as string;
  return first === '**' || normalName(first) === 'metadata' ? [path] : [path, `metadata.${path}`];
}

function parsePattern(path: string): Segment[] {
  return path.split('.').map((part): Segment => {
    if (part === '**') return { any: true };
    if (part === '*') return { one: true };
    if (!part.includes('*')) return { name: normalName(part) };
    return {
      glob: new RegExp(
        `^${part
          .split('*')
          .map((piece) => normalName(piece).replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
          .join('.*')}$`,
      ),
    };
  });
}

/** Adds the states behind each `**`, which also stands for nothing, and drops doubles. */
function closure(states: State[]): State[] {
  const seen = new Set<number>();
  const out: State[] = [];
  const queue = [...states];
  for (const state of queue) {
    const id = state.pattern.id * 256 + state.position;
    if (seen.has(id)) continue;
    seen.add(id);
    out.push(state);
    const segment = state.pattern.segments[state.position];
    if (segment && 'any' in segment) queue.push({ pattern: state.pattern, position: state.position + 1 });
  }
  return out;
}

/** Consumes one name, or one array element (`undefined`). */
function advance(states: readonly State[], name: string | undefined): State[] {
  const next: State[] = [];
  for (const state of states) {
    const { pattern, position } = state;
    const segment = pattern.segments[position];
    if (!segment) continue;
    if ('any' in segment) next.push(state);
    else if ('one' in segment || (name !== undefined && ('name' in segment ? segment.name === name : segment.glob.test(name))))
      next.push({ pattern, position: position + 1 });
  }
  return closure(next);
}
