/**
 * The registry of fields: every path and type that was ever seen in a log, since when, how often, how it is settled, and what somebody said it
 * is. In memory as a whole, because it is bounded (`field-paths.ts`); on disk sealed, before the first event that has the field.
 */
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { type ClassifiedField, createPathMatcher } from '../pipeline/classified-fields.ts';
import { beyondPaths, FieldPaths, isNamedIn, mergedPath } from '../privacy/field-paths.ts';
import { type FieldType, fieldTypes, type SeenField, type SettledBy } from '../privacy/field-watch.ts';
import type { FieldRule } from '../privacy/policy-model.ts';
import { knownFieldRules } from '../privacy/unknown-fields.ts';
import type { FieldSource, FieldStore } from '../storage/field-store.ts';
import type { TextSealer } from '../vault/sealed-text.ts';

export interface FieldInfo {
  log: string;
  /** Names divided by dots, `*` for elements and for names that are data or too many. */
  path: string;
  types: FieldType[];
  /** RFC 3339. */
  firstSeenAt: string;
  /** Seen at least so often: a power of ten, or nearly. */
  seen: number;
  settledBy: SettledBy | 'classification';
  classification?: Classification;
}

/** What somebody said that a field is. */
export interface Classification {
  /** For these fields: a path as rules have it. */
  path: string;
  /** '' for every log. */
  log: string;
  /** `keep`, `scan`, `redact`, `drop`, or a kind of personal data. */
  as: string;
  by: string;
  why?: string;
  /** The request that a second person approved for it. */
  request?: string;
  /** RFC 3339. */
  at: string;
}

export interface FieldFilter {
  log?: string;
  /** Only those that neither a rule nor anybody has settled. */
  unclassified?: boolean;
}

interface Field {
  log: string;
  path: string;
  types: number;
  firstSeenMs: number;
  count: number;
  settledBy: SettledBy;
  isTold: boolean;
}

/** One that is not done is settled again at the next start. */
interface StoredClassification extends Classification {
  id: number;
  isDone: boolean;
}

export interface RegistryParts {
  sealer: TextSealer;
  clock: Clock;
}

const asTransform = new Set(['keep', 'scan', 'redact', 'drop']);
const pathPattern = /^\P{Cc}{1,512}$/u;

export class FieldRegistry {
  readonly #store: FieldSource;
  readonly #parts: RegistryParts;
  readonly #fields = new Map<string, Map<string, Field>>();
  readonly #paths = new Map<string, FieldPaths>();
  readonly #classifications: StoredClassification[];
  readonly #learnt = new Map<string, number>();
  /** By the path of a classification. */
  readonly #matchers = new Map<string, (path: string) => boolean>();
  #untold: Set<Field>;

  constructor(store: FieldSource, parts: RegistryParts) {
    this.#store = store;
    this.#parts = parts;
    for (const { sealed, isTold } of store.fields()) this.#put({ ...(JSON.parse(parts.sealer.open(sealed)) as Field), isTold });
    this.#untold = new Set(this.#all().filter(({ isTold }) => !isTold));
    this.#classifications = store
      .classifications()
      .map(({ id, sealed, isDone }) => ({ ...(JSON.parse(parts.sealer.open(sealed)) as Classification), id, isDone }));
  }

  /**
   * Learns what is new, durable when it returns. @returns whether there are fields that nobody was told of
   * @throws VeiltrailError those of `storage-error.ts`
   */
  learn(log: string, seen: readonly SeenField[]): boolean {
    const changed = new Set<Field>();
    const removed: Field[] = [];
    for (const one of seen) this.#learnOne(log, one, changed, removed);
    if (changed.size > 0 || removed.length > 0) this.#write([...changed], removed);
    return this.#untold.size > 0;
  }

  #learnOne(log: string, { path: given, types, settledBy, count }: SeenField, changed: Set<Field>, removed: Field[]): void {
    const { path, collapsed } = given === beyondPaths ? { path: given } : this.#pathsOf(log).settle(given.split('.'));
    if (collapsed !== undefined) this.#merge(log, collapsed, changed, removed);
    const known = this.#fields.get(log)?.get(path);
    if (!known) {
      const field = { log, path, types, firstSeenMs: this.#parts.clock.now(), count, settledBy, isTold: false };
      this.#put(field);
      this.#untold.add(field);
      this.#learnt.set(log, (this.#learnt.get(log) ?? 0) + 1);
      changed.add(field);
      return;
    }
    const isNews = (known.types | types) !== known.types;
    const bucket = bucketOf(known.count);
    known.count += count;
    if (!isNews && known.settledBy === settledBy && bucketOf(known.count) === bucket) return;
    known.types |= types;
    known.settledBy = settledBy;
    if (isNews) {
      known.isTold = false;
      this.#untold.add(known);
    }
    changed.add(known);
  }

  /** What was known of single names in a place is known of `*`, when there are too many. */
  #merge(log: string, place: string, changed: Set<Field>, removed: Field[]): void {
    const merged = Array.from(this.#fields.get(log)?.values() ?? []).filter(({ path }) => isNamedIn(place, path));
    for (const field of merged) {
      this.#fields.get(log)?.delete(field.path);
      changed.delete(field);
      this.#untold.delete(field);
      removed.push({ ...field });
      const path = this.#pathsOf(log).settle(mergedPath(place, field.path).split('.')).path;
      const into = this.#fields.get(log)?.get(path);
      if (into) {
        into.types |= field.types;
        into.count += field.count;
        into.firstSeenMs = Math.min(into.firstSeenMs, field.firstSeenMs);
        changed.add(into);
      } else {
        const together = { ...field, path, isTold: false };
        this.#put(together);
        this.#untold.add(together);
        changed.add(together);
      }
    }
  }

  /** Fields and types that no event tells of yet. */
  untold(): { log: string; path: string; types: FieldType[]; settledBy: SettledBy }[] {
    return Array.from(this.#untold, ({ log, path, types, settledBy }) => ({ log, path, types: typesOf(types), settledBy }));
  }

  /** They were told of. Another type that came up meanwhile is told of later. */
  told(fields: readonly { log: string; path: string; types: FieldType[] }[]): void {
    const rows: Field[] = [];
    for (const { log, path, types } of fields) {
      const field = this.#fields.get(log)?.get(path);
      if (!field || typesOf(field.types).length !== types.length) continue;
      field.isTold = true;
      this.#untold.delete(field);
      rows.push(field);
    }
    if (rows.length > 0) this.#write(rows, []);
  }

  list({ log, unclassified }: FieldFilter = {}): FieldInfo[] {
    return this.#all()
      .filter((field) => log === undefined || field.log === log)
      .map((field) => this.#infoOf(field))
      .filter((info) => !unclassified || (info.settledBy !== 'rule' && info.settledBy !== 'classification' && !isOurs(info.path)))
      .toSorted((a, b) => (a.log === b.log ? compare(a.path, b.path) : compare(a.log, b.log)));
  }

  /** How many fields a log has, and how many of them were learnt since the start. */
  figures(log: string): { fields: number; newFields: number } {
    return { fields: this.#fields.get(log)?.size ?? 0, newFields: this.#learnt.get(log) ?? 0 };
  }

  /** Classifications in force, the newest first. */
  classified(): ClassifiedField[] {
    return this.#classifications.map(({ log, path, as }) => ({ log, rule: ruleOf(path, as) })).toReversed();
  }

  /** Those whose settling was cut short, the oldest first. */
  unfinished(): StoredClassification[] {
    return this.#classifications.filter(({ isDone }) => !isDone);
  }

  /**
   * Writes down what a field is; durable when it returns. What was withheld before is still to be settled: see `finish`.
   * @throws VeiltrailError `field_unknown` when no field of that path was seen, `field_settled` when the policy has a rule for all of them,
   * `field_path`, and those of `storage-error.ts`
   */
  classify(asked: Omit<Classification, 'at'>): StoredClassification {
    const { path, log } = asked;
    if (!pathPattern.test(path) || path.split('.').every((name) => /^\*+$/.test(name)))
      throw new VeiltrailError('field_path', 'a path is names divided by dots, at least one of which is no *');
    const fits = createPathMatcher([path]);
    const meant = this.#all().filter((field) => (log === '' || field.log === log) && fits(field.path));
    if (meant.length > 0 && meant.every((field) => this.#infoOf(field).settledBy === 'rule'))
      throw new VeiltrailError('field_settled', 'a rule of the policy settles this field; change the policy');
    if (meant.length === 0) throw new VeiltrailError('field_unknown', 'no field of that path was ever seen; "field list" shows those that were');
    const made: StoredClassification = {
      ...asked,
      at: new Date(this.#parts.clock.now()).toISOString(),
      id: Math.max(0, ...this.#classifications.map(({ id }) => id)) + 1,
      isDone: false,
    };
    this.#writeClassification(made);
    this.#classifications.push(made);
    return made;
  }

  /** What was withheld before is settled, and the log tells of it. */
  finish(classification: StoredClassification): void {
    this.#writeClassification({ ...classification, isDone: true });
    classification.isDone = true;
  }

  #infoOf({ log, path, types, firstSeenMs, count, settledBy }: Field): FieldInfo {
    const found = this.#classifications.findLast((one) => (one.log === '' || one.log === log) && this.#fits(one)(path));
    const info = { log, path, types: typesOf(types), firstSeenAt: new Date(firstSeenMs).toISOString(), seen: bucketOf(count) };
    if (!found) return { ...info, settledBy };
    const { id: _id, isDone: _isDone, ...classification } = found;
    return { ...info, settledBy: 'classification', classification };
  }

  #fits({ path }: Classification): (path: string) => boolean {
    const known = this.#matchers.get(path);
    if (known) return known;
    const made = createPathMatcher([path]);
    this.#matchers.set(path, made);
    return made;
  }

  #all(): Field[] {
    return [...this.#fields.values()].flatMap((fields) => [...fields.values()]);
  }

  #put(field: Field): void {
    const fields = this.#fields.get(field.log) ?? new Map<string, Field>();
    this.#fields.set(field.log, fields.set(field.path, field));
    if (field.path !== beyondPaths) this.#pathsOf(field.log).settle(field.path.split('.'));
  }

  #pathsOf(log: string): FieldPaths {
    const known = this.#paths.get(log);
    if (known) return known;
    const made = new FieldPaths();
    this.#paths.set(log, made);
    return made;
  }

  #write(fields: readonly Field[], removed: readonly Field[]): void {
    const { sealer } = this.#parts;
    const lookup = ({ log, path }: Field): Uint8Array => sealer.lookup(JSON.stringify([log, path]));
    (this.#store as FieldStore).putFields(
      fields.map(({ isTold, ...field }) => ({ lookup: lookup({ ...field, isTold }), sealed: sealer.seal(JSON.stringify(field)), isTold })),
      removed.map(lookup),
    );
  }

  #writeClassification({ id, isDone, ...classification }: StoredClassification): void {
    (this.#store as FieldStore).putClassification({ id, isDone, sealed: this.#parts.sealer.seal(JSON.stringify(classification)) });
  }
}

/** The rule that a classification makes. */
export function ruleOf(path: string, as: string): FieldRule {
  return asTransform.has(as) ? { path: [path], transform: as as 'keep' | 'scan' | 'redact' | 'drop' } : { path: [path], kind: as };
}

/** May a classification say this? @param kinds of the policy and of the detectors */
export function isClassification(as: string, kinds: ReadonlySet<string>): boolean {
  return asTransform.has(as) || kinds.has(as);
}

const isOurs = createPathMatcher(knownFieldRules('quarantine').flatMap(({ path }) => path));

function typesOf(bits: number): FieldType[] {
  return fieldTypes.filter((_, i) => (bits & (1 << i)) !== 0);
}

/** The power of ten that a count has reached. */
function bucketOf(count: number): number {
  let bucket = 1;
  while (bucket * 10 <= count) bucket *= 10;
  return bucket;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
