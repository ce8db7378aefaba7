/**
 * Learning which fields a log has, as its events are read. A field that is known costs a comparison and an addition: each place in the shape of
 * events remembers what was last known of it (`PathNode.sighting`). Only what is new is put into words: a path, a type, and how the field is
 * settled; never a value, and where a name on the path is personal, or has been found so in this event, `*` in its place.
 */
import type { PathNode } from './fields.ts';
import { FieldPaths, isNamedIn, segmentsOf } from './field-paths.ts';
import type { Frame } from './plan.ts';
import type { FieldRule } from './policy-model.ts';
import type { Reading } from './reading.ts';

export const fieldTypes = ['string', 'number', 'boolean'] as const;
export type FieldType = (typeof fieldTypes)[number];

/** How a field is settled: by a rule, by the detectors, or withheld or redacted because nobody knows it. */
export type SettledBy = 'rule' | 'scan' | 'unknown';

const strength: Readonly<Record<SettledBy, number>> = { scan: 0, rule: 1, unknown: 2 };

/** News of a field. */
export interface SeenField {
  path: string;
  /** As bits: 1 string, 2 number, 4 boolean. */
  types: number;
  settledBy: SettledBy;
  /** How often since it was last told of. */
  count: number;
}

/** What is known of a field in one log. */
export interface Sighting {
  readonly watch: FieldWatch;
  readonly path: string;
  types: number;
  settledBy: SettledBy;
  count: number;
  /** The count at which it is told again. */
  tellAt: number;
  told: number;
}

/** A value that was met where it was not known. */
export interface Unmet {
  readonly frame: Frame;
  readonly key: string | number;
  readonly node: PathNode;
  readonly type: number;
  readonly rule: FieldRule | undefined;
}

/** Is it all known: whose field, of which type, and is it too soon to tell of it again? Then it is counted. */
export function isCounted({ sighting }: PathNode, watch: FieldWatch, type: number): boolean {
  if (sighting === undefined || sighting.watch !== watch || (sighting.types & type) === 0 || sighting.count + 1 >= sighting.tellAt) return false;
  sighting.count++;
  return true;
}

/** A field is told of again when its count has grown so many times over. */
const growth = 10;

/** Of one log. */
export class FieldWatch {
  readonly log: string;
  readonly #paths: FieldPaths;
  readonly #sightings = new Map<string, Sighting>();
  #news = new Set<Sighting>();

  constructor(log: string, paths: FieldPaths = new FieldPaths()) {
    this.log = log;
    this.#paths = paths;
  }

  /** Learns what a reading met that was not known. @param unknown the rule for fields without one */
  learn(reading: Reading, unknown: FieldRule | undefined): void {
    const personal = personalNames(reading);
    for (const { frame, key, node, type, rule } of reading.unmet) {
      const sighting = this.#sightingAt(segmentsTo(frame, key, personal));
      node.sighting = sighting;
      const settledBy = rule === undefined ? 'scan' : rule === unknown ? 'unknown' : 'rule';
      // Rules that look at neighbours hold now and then: that they do is what counts.
      const isStronger = strength[settledBy] > strength[sighting.settledBy];
      const isNews = isStronger || (sighting.types & type) === 0;
      sighting.types |= type;
      if (isStronger) sighting.settledBy = settledBy;
      sighting.count++;
      if (!isNews && sighting.count < sighting.tellAt) continue;
      this.#news.add(sighting);
      while (sighting.tellAt <= sighting.count) sighting.tellAt *= growth;
    }
  }

  /** What is new since the last call. */
  takeNews(): SeenField[] {
    if (this.#news.size === 0) return [];
    const news = this.#news;
    this.#news = new Set();
    return Array.from(news, (sighting): SeenField => {
      const { path, types, settledBy, count, told } = sighting;
      sighting.told = count;
      return { path, types, settledBy, count: count - told };
    });
  }

  #sightingAt(segments: readonly string[]): Sighting {
    const { path, collapsed } = this.#paths.settle(segments);
    if (collapsed !== undefined) for (const other of this.#sightings.keys()) if (isNamedIn(collapsed, other)) this.#sightings.delete(other);
    const known = this.#sightings.get(path);
    if (known) return known;
    const made: Sighting = { watch: this, path, types: 0, settledBy: 'scan', count: 0, tellAt: 1, told: 0 };
    this.#sightings.set(path, made);
    return made;
  }
}

/** The path of a field as a rule would name it. Within a JSON text it begins anew. */
export function pathTo(frame: Frame, key: string | number): string {
  return segmentsTo(frame, key, undefined).join('.');
}

function segmentsTo(frame: Frame, key: string | number, personal: Personal | undefined): string[] {
  const names: string[] = [];
  const add = (at: Frame, name: string | number): void => {
    if (typeof name === 'number') names.push('*');
    else names.push(...segmentsOf(name, personal?.get(at)?.has(name)).toReversed());
  };
  add(frame, key);
  for (let at: Frame = frame; at.parent; at = at.parent) add(at.parent, at.key);
  return names.toReversed();
}

/** Names of members that are personal, by the container they are in. */
type Personal = Map<Frame, Set<string>>;

function personalNames({ names }: Reading): Personal | undefined {
  if (names.length === 0) return undefined;
  const out: Personal = new Map();
  for (const { frame, key } of names) {
    const there = out.get(frame);
    if (there) there.add(key);
    else out.set(frame, new Set([key]));
  }
  return out;
}
