/**
 * Paths of fields, few of them however many names senders make up. A path is names divided by dots from the top of the event, `*` for an
 * element, as a rule would name it. Names that look made by a machine (ids, dates, addresses) are `*` at once; a place with more different
 * names than {@link siblingsMax} takes all of them together as `*` from then on; and behind {@link pathsMax} paths everything new is `**`.
 */
import { normalName } from './fields.ts';

/** Different names in one place. */
export const siblingsMax = 512;
/** Paths of one log. */
export const pathsMax = 8_192;
/** The path of all fields that there was no room for. */
export const beyondPaths = '**';

const nameMax = 64;
const any = '*';

/**
 * A member's name as parts of a path, as rules see it: those that a dot divides are the flattened form of nested objects.
 * @param isPersonal nothing of the name may be told
 */
export function segmentsOf(name: string, isPersonal = false): readonly string[] {
  if (!name.includes('.')) return [isPersonal || looksGenerated(name) ? any : name];
  if (name.length > nameMax * 4) return [any];
  const parts = name.split('.');
  const isData = isPersonal || beyondNames.test(name);
  return parts.map((part) => (isData || looksGenerated(part) ? any : part));
}

/** What names do not have, and addresses, paths, times and sentences do. */
const beyondNames = /[^\p{L}\p{M}\p{N}_\-$:. ]|:.*:/u;
const generated = /^\d|\d{5}|^[0-9a-f-]{16,}$/i;

/** A name that is data. */
function looksGenerated(name: string): boolean {
  if (name.length === 0 || name.length > nameMax || generated.test(name) || beyondNames.test(name)) return true;
  return name.length >= 16 && (name.match(/\d/g)?.length ?? 0) >= 4;
}

export interface SettledPath {
  path: string;
  /** A place whose names were too many, this one included: what was told of them before is now told of `*`. */
  collapsed?: string;
}

export class FieldPaths {
  readonly #siblingsMax: number;
  readonly #pathsMax: number;
  /** Names by the place they are in: the normalised name, and how it was first written. */
  readonly #names = new Map<string, Map<string, string>>();
  readonly #collapsed = new Set<string>();
  readonly #paths = new Set<string>();

  constructor(bounds: { siblingsMax?: number; pathsMax?: number } = {}) {
    this.#siblingsMax = bounds.siblingsMax ?? siblingsMax;
    this.#pathsMax = bounds.pathsMax ?? pathsMax;
  }

  get size(): number {
    return this.#paths.size;
  }

  /** The path under which a field is known, from now on if it is new. */
  settle(segments: readonly string[]): SettledPath {
    const known = this.#find(segments);
    if (known !== undefined) return { path: known };
    if (this.#paths.size >= this.#pathsMax) return { path: beyondPaths };
    let path = '';
    let collapsed: string | undefined;
    for (const segment of segments) {
      const name = this.#nameIn(path, segment);
      if (name === undefined) {
        this.#collapse(path);
        collapsed ??= path;
      }
      path = joined(path, name ?? any);
    }
    this.#paths.add(path);
    return collapsed === undefined ? { path } : { path, collapsed };
  }

  /** A path that was settled before, by this object or another. */
  has(path: string): boolean {
    return this.#paths.has(path);
  }

  #find(segments: readonly string[]): string | undefined {
    let path = '';
    for (const segment of segments) {
      const name = this.#known(path, segment);
      if (name === undefined) return undefined;
      path = joined(path, name);
    }
    return this.#paths.has(path) ? path : undefined;
  }

  #known(place: string, segment: string): string | undefined {
    return segment === any || this.#collapsed.has(place) ? any : this.#names.get(place)?.get(normalName(segment));
  }

  /** The name as it is known in a place; undefined when there is no room for it. */
  #nameIn(place: string, segment: string): string | undefined {
    const known = this.#known(place, segment);
    if (known !== undefined) return known;
    const names = this.#names.get(place) ?? new Map<string, string>();
    if (names.size >= this.#siblingsMax) return undefined;
    this.#names.set(place, names.set(normalName(segment), segment));
    return segment;
  }

  /** Forgets the names in a place, and what is below them. */
  #collapse(place: string): void {
    this.#collapsed.add(place);
    this.#names.delete(place);
    for (const path of this.#paths) if (isNamedIn(place, path)) this.#paths.delete(path);
    for (const other of this.#names.keys()) if (isNamedIn(place, other)) this.#names.delete(other);
  }
}

/** Is a path in a place that has too many names, and still told by one of them? */
export function isNamedIn(place: string, path: string): boolean {
  const prefix = place === '' ? '' : `${place}.`;
  return (
    path.length > prefix.length &&
    path.startsWith(prefix) &&
    path !== `${prefix}${any}` &&
    !path.startsWith(`${prefix}${any}.`) &&
    path !== beyondPaths
  );
}

/** The path that takes the place of one for which {@link isNamedIn} holds. */
export function mergedPath(place: string, path: string): string {
  const prefix = place === '' ? '' : `${place}.`;
  const rest = path.indexOf('.', prefix.length);
  return prefix + any + (rest < 0 ? '' : path.slice(rest));
}

function joined(place: string, name: string): string {
  return place === '' ? name : `${place}.${name}`;
}
