/**
 * YAML against a shape (policy-shape.ts), and what is wrong with it: all of it at once, each with file, line, column and what would be right. Messages
 * quote the file, which is the operator's own.
 */
import { isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair, type YAMLMap } from 'yaml';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { kindNames, type Shape } from './policy-shape.ts';

const problemsShown = 10;
/** Words of a list that are shown; there are more kinds than that. */
const shownMax = 24;

export interface ShapeCheckerOptions {
  /** Of the error that is thrown. */
  code: string;
  /** Kinds that the file makes itself. */
  kinds?: readonly string[];
}

export class ShapeChecker {
  readonly #problems: { offset: number; message: string }[] = [];
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #kinds: readonly string[];
  readonly #code: string;
  /** Where each value stands, by its path: `kinds.email`, `fields[0].path[1]`. */
  readonly #places = new Map<string, number>();

  constructor(file: string, lines: LineCounter, { code, kinds = [] }: ShapeCheckerOptions) {
    this.#file = file;
    this.#lines = lines;
    this.#code = code;
    this.#kinds = [...kindNames, ...kinds];
  }

  /** The place of the value at `path`, or of the nearest that holds it. */
  placeOf(path: string): number {
    for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.search(/(?:\.[^.[]*|\[\d+\])$/)))) {
      const place = this.#places.get(at);
      if (place !== undefined) return place;
    }
    return 0;
  }

  warning(offset: number, message: string): { line: number; column: number; message: string } {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col, message: `${this.#file}:${line}:${col}: ${message}` };
  }

  report(offset: number, message: string): undefined {
    this.#problems.push({ offset, message });
    return undefined;
  }

  /** @throws VeiltrailError of the code given; `detail` has `line` and `column` of the first problem and the number of `problems` */
  throwIfAny(): void {
    const problems = this.#problems.sort((a, b) => a.offset - b.offset);
    const [first] = problems;
    if (!first) return;
    const shown = problems.slice(0, problemsShown).map(({ offset, message }) => {
      const { line, col } = this.#lines.linePos(offset);
      return `${this.#file}:${line}:${col}: ${message}`;
    });
    if (problems.length > problemsShown) shown.push(`and ${problems.length - problemsShown} more`);
    const { line, col } = this.#lines.linePos(first.offset);
    throw new VeiltrailError(this.#code, shown.join('\n'), { line, column: col, problems: problems.length });
  }

  /** Checks a node against a shape; returns its plain value, or undefined after a report. `at` is where to point if there is no node. */
  check(node: Node | null | undefined, shape: Shape, what: string, at: number, path: string): JsonValue | undefined {
    const offset = node?.range?.[0] ?? at;
    this.#places.set(path, offset);
    if (isAlias(node)) return this.report(offset, 'aliases (*name) are not allowed: write the value out');
    switch (shape.is) {
      case 'text': {
        const value = isScalar(node) ? node.value : undefined;
        const text = typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
        if (text === '') return this.report(offset, `${what} must not be empty`);
        if (typeof text !== 'string') return this.report(offset, `${what} must be a text`);
        const problem = shape.test?.(text);
        return problem ? this.report(offset, `${what} ${quoted(text)}: ${problem}`) : text;
      }
      case 'number': {
        const value = isScalar(node) ? node.value : undefined;
        if (typeof value === 'number' && value >= shape.min && value <= shape.max && (!shape.whole || Number.isInteger(value))) return value;
        return this.report(offset, `${what} must be a ${shape.whole ? 'whole ' : ''}number from ${shape.min} to ${shape.max}`);
      }
      case 'yes-no': {
        const value = isScalar(node) ? node.value : undefined;
        return typeof value === 'boolean' ? value : this.report(offset, `${what} must be true or false`);
      }
      case 'one-of':
        return this.#checkWord(node, shape.values, what, offset);
      case 'kind':
        return this.#checkWord(node, this.#kinds, what, offset);
      case 'list':
        return this.#checkList(node, shape, what, offset, path);
      case 'map':
        return this.#checkMap(node, shape, what, offset, path);
      default:
        return this.#checkDictionary(node, shape, what, offset, path);
    }
  }

  #checkWord(node: Node | null | undefined, values: readonly string[], what: string, offset: number): JsonValue | undefined {
    const value = isScalar(node) ? node.value : undefined;
    if (typeof value === 'string' && values.includes(value)) return value;
    const given = typeof value === 'string' ? `${what} cannot be ${quoted(value)}` : `${what} must be a word`;
    return this.report(offset, `${given}; ${this.#suggestion(typeof value === 'string' ? value : '', values)}`);
  }

  #checkList(node: Node | null | undefined, shape: Shape & { is: 'list' }, what: string, offset: number, path: string): JsonValue | undefined {
    if (!isSeq(node)) {
      if (shape.orOne && isScalar(node)) {
        const one = this.check(node, shape.of, what, offset, `${path}[0]`);
        return one === undefined ? undefined : [one];
      }
      if (shape.empty && isScalar(node) && node.value === null) return [];
      return this.report(offset, `${what} must be a list ("- …" lines)`);
    }
    if (node.items.length === 0 && !shape.empty) return this.report(offset, `${what} must not be empty`);
    const out: JsonValue[] = [];
    node.items.forEach((item, i) => {
      const value = this.check(item as Node, shape.of, shape.of.is === 'map' ? `${what}[${i}]` : what, offset, `${path}[${i}]`);
      if (value !== undefined) out.push(value);
    });
    return out;
  }

  #checkMap(node: Node | null | undefined, shape: Shape & { is: 'map' }, what: string, offset: number, path: string): JsonValue | undefined {
    const short = shape.shorthand === undefined ? undefined : shape.members[shape.shorthand];
    if (short && isScalar(node)) {
      const value = this.check(node, short, what, offset, path);
      return value === undefined ? undefined : { [shape.shorthand as string]: value };
    }
    if (!isMap(node)) return this.report(offset, `${what} must be a mapping ("name: value" lines)`);
    const out: JsonObject = {};
    for (const { name, at, value } of this.#members(node, what)) {
      const member = Object.hasOwn(shape.members, name) ? shape.members[name] : undefined;
      if (!member) {
        this.report(at, `unknown name ${quoted(name)} in ${what}; ${this.#suggestion(name, Object.keys(shape.members))}`);
        continue;
      }
      const checked = this.check(value, member, name, at, path === '' ? name : `${path}.${name}`);
      if (checked !== undefined) out[name] = checked;
    }
    for (const name of shape.required) {
      if (!node.has(name)) this.report(offset, `${what} lacks ${quoted(name)}`);
    }
    return out;
  }

  #checkDictionary(
    node: Node | null | undefined,
    shape: Shape & { is: 'dictionary' },
    what: string,
    offset: number,
    path: string,
  ): JsonValue | undefined {
    if (!isMap(node)) return this.report(offset, `${what} must be a mapping ("name: value" lines)`);
    const out: [string, JsonValue][] = [];
    for (const { name, at, value } of this.#members(node, what)) {
      if (shape.names && !this.#kinds.includes(name)) {
        this.report(at, `unknown name ${quoted(name)} in ${what}; ${this.#suggestion(name, this.#kinds)}`);
        continue;
      }
      const checked = this.check(value, shape.of, name, at, `${path}.${name}`);
      if (checked !== undefined) out.push([name, checked]);
    }
    return Object.fromEntries(out);
  }

  *#members(node: YAMLMap, what: string): Generator<{ name: string; at: number; value: Node | null }> {
    const seen = new Map<string, number>();
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const at = pair.key.range?.[0] ?? 0;
      const name: unknown = isScalar(pair.key) ? pair.key.value : undefined;
      if (typeof name !== 'string') {
        this.report(at, `a name in ${what} must be a text`);
        continue;
      }
      const before = seen.get(name);
      seen.set(name, before ?? at);
      if (before === undefined) yield { name, at, value: pair.value };
      else this.report(at, `${quoted(name)} is in ${what} twice, first in line ${this.#lines.linePos(before).line}: keep one of them`);
    }
  }

  /** Nobody reads what would be right in the place of the hundredth name that is wrong. */
  #suggestion(given: string, known: readonly string[]): string {
    return this.#problems.length > 100 ? '' : suggestion(given, known);
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

/** "did you mean X?" for a near miss, else all that is known. */
function suggestion(given: string, known: readonly string[]): string {
  const plain = given.toLowerCase().replace(/[_\-\s]/g, '');
  let best = '';
  let least = Math.max(2, Math.floor(plain.length / 3)) + 1;
  for (const name of known) {
    const distance = editDistance(plain, name.toLowerCase().replace(/[_-]/g, ''));
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  if (best && least <= 1) return `did you mean ${quoted(best)}?`;
  // `card` is `credit_card`, and nearer to it than to `cn_id`; `street_address` is a `postal_address`.
  const words = given.toLowerCase().split(/[_\-\s]+/);
  const sharing = known.filter((name) => name.split('_').some((word) => word.length > 2 && words.includes(word)));
  if (sharing.length > 0 && sharing.length <= 6) return `did you mean ${sharing.map(quoted).join(' or ')}?`;
  if (best) return `did you mean ${quoted(best)}?`;
  return known.length <= shownMax ? `known are ${known.join(', ')}` : `there are ${known.length}: \`veiltrail policy kinds\` lists them`;
}

/** Optimal string alignment: insertions, deletions, substitutions, swaps of neighbours. For short names only. */
export function editDistance(a: string, b: string): number {
  if (a.length > 40 || b.length > 40) return 99;
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    const above = rows[i - 1] as number[];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((above[j] as number) + 1, (row[j - 1] as number) + 1, (above[j - 1] as number) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) value = Math.min(value, ((rows[i - 2] as number[])[j - 2] as number) + 1);
      row.push(value);
    }
    rows.push(row);
  }
  return (rows[a.length] as number[])[b.length] as number;
}
