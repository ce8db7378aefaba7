/**
 * What is held about a person: tokens, and the records that bear them or the person's id.
 *
 * A person is named by a token, by a real value and its kind (found through the vault's lookups), or by an id as it stands in records. Beside
 * an id stand other tokens of the same person (`actor.id` and `actor.email`): they are found, too, and are taken for the person's own unless
 * anywhere in the records they stand beside another id.
 */
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { OpenRecord } from '../log/open-record.ts';
import { wholePointer, type Field } from '../log/record.ts';
import type { AccessEntry, AccessRecorder } from './access-recorder.ts';
import type { AskedBy } from './asked-operation.ts';
import { tokenPattern } from './hold-scope.ts';
import { rangesOf } from './leaf-ranges.ts';
import { whoAndWhy } from './look-up-report.ts';

/** Whom it is about: at least one. */
export interface SubjectRequest {
  tokens?: readonly string[];
  /** As they stand in records, whole or within a text. */
  ids?: readonly string[];
  /** A dotted path: an id counts only where it is the value of a field whose path ends so. */
  field?: string;
  /** Real values: their tokens are looked up, and nothing is made. */
  values?: readonly { kind: string; value: string }[];
  /** Logs looked through [all but the server's own, where who did what must stay]. */
  logs?: readonly string[];
  /** Whether tokens that stand beside an id are meant, too [where an id is given]. */
  linked?: boolean;
}

export interface FindSubjectParts {
  logs(): string[];
  /** One page of a search, newest first, each hit with its fields. */
  search(
    log: string,
    request: { q: string; limit: number; cursor?: string },
  ): Promise<{ hits: (OpenRecord & { leafIndex: number })[]; nextCursor?: string }>;
  /** What stands for a value in records: a look-up, limited and on record as one. */
  findValue(kind: string, value: string, asked: AskedBy): Promise<{ tokens: string[]; hashes: string[] }>;
  kindsOf(tokens: readonly string[]): Promise<(string | undefined)[]>;
  recorder: Pick<AccessRecorder, 'write'>;
}

type Hit = OpenRecord & { leafIndex: number };

/** A token of the subject. */
export interface SubjectToken {
  token: string;
  /** Absent where the vault knows no such token (any more). */
  kind?: string;
  /** How it was found. */
  by: 'token' | 'value' | 'beside';
  /** Records that bear it, and the paths at which it stands there. */
  records: number;
  paths: string[];
}

/** Leaves of a log. */
export interface SubjectRecords {
  log: string;
  records: number;
  /** [from, to, from, to, …], half open. */
  leaves: number[];
}

export interface FoundSubject {
  tokens: SubjectToken[];
  /** Tokens that stand beside an id and are not meant: of others, or not asked for. */
  notMeant: (SubjectToken & { because: 'beside another id' | 'not asked for' })[];
  /** Hashes of the values, where records bear some: they stay as long as the records do. */
  hashes: { hash: string; records: number; paths: string[] }[];
  /** Where the ids stand: dotted paths, and records. */
  ids: { records: number; paths: string[] };
  records: SubjectRecords[];
  /** The earliest and the latest `receivedAt` of those records. */
  from?: string;
  to?: string;
}

export const subjectLimits = { namesMax: 100, textUnitsMax: 1_024, linkedMax: 100, recordsMax: 5_000_000 } as const;
const pageMax = 1_000;
const pathsShown = 20;

/**
 * Looks for a subject. That nothing is held is an answer, too: then it is on record as one.
 * @throws VeiltrailError `subject_request`, `subject_unknown` where nothing is held about it, `log_unknown`, `subject_too_large`
 */
export async function findSubject(parts: FindSubjectParts, request: SubjectRequest, asked: AskedBy): Promise<FoundSubject> {
  checkRequest(request);
  const logs = logsOf(parts, request);
  const gathered = new Gathered();
  const tokens = new Map<string, Sighting>();
  for (const token of request.tokens ?? []) tokens.set(tokenIn(token), new Sighting('token'));
  const hashes = new Map<string, Sighting>();
  for (const { kind, value } of request.values ?? []) {
    const found = await parts.findValue(kind, value, asked);
    for (const token of found.tokens) tokens.set(token, new Sighting('value'));
    for (const hash of found.hashes) hashes.set(hash, new Sighting('value'));
  }

  const ids = new Sighting('token');
  const beside = new Map<string, Sighting>();
  const anchors = new Anchors();
  for (const id of request.ids ?? []) {
    for (const log of logs) {
      for await (const hit of eachHit(parts, log, idQuery(id, request.field))) {
        const places = placesOf(hit.fields, id, request.field);
        if (places.length === 0) continue;
        ids.note(log, hit.leafIndex, places);
        gathered.add(log, hit);
        for (const { token, place } of tokensBeside(hit.fields, places)) sightingOf(beside, token, 'beside').note(log, hit.leafIndex, [place]);
        anchors.learn(id, places);
      }
    }
  }
  const notMeant: FoundSubject['notMeant'] = [];
  const kept = [...beside].filter(([token]) => !tokens.has(token)).slice(0, subjectLimits.linkedMax);
  for (const [token, sighting] of kept) {
    const own = await bearersUnlessShared(parts, logs, token, anchors);
    if (own && (request.linked ?? true)) {
      tokens.set(token, own.sighting);
      for (const { log, hit } of own.hits) gathered.add(log, hit);
    } else notMeant.push({ ...sighting.shown(token), because: own ? 'not asked for' : 'beside another id' });
  }
  for (const [pseudonym, sighting] of [...tokens, ...hashes]) {
    if (sighting.isComplete) continue;
    for (const log of logs) {
      for await (const hit of eachHit(parts, log, quoted(pseudonym))) {
        const places = placesOfPseudonym(hit.fields, pseudonym);
        if (places.length === 0) continue;
        sighting.note(log, hit.leafIndex, places);
        gathered.add(log, hit);
      }
    }
  }
  const kinds = await parts.kindsOf([...tokens.keys()]);
  const shown = [...tokens].map(([token, sighting], i) => ({ ...sighting.shown(token), ...(kinds[i] === undefined ? {} : { kind: kinds[i] }) }));
  const held = shown.filter(({ kind, records }) => kind !== undefined || records > 0);
  const hashed = [...hashes]
    .filter(([, sighting]) => sighting.records > 0)
    .map(([hash, sighting]) => ({ hash, records: sighting.records, paths: sighting.paths() }));
  if (held.length === 0 && ids.records === 0 && hashed.length === 0) {
    await parts.recorder.write(findEntry(asked, { tokens: [], ids: request.ids?.length ?? 0, records: 0 }));
    throw new VeiltrailError('subject_unknown', 'nothing is held about such a person here');
  }
  return { tokens: held, notMeant, hashes: hashed, ids: { records: ids.records, paths: ids.paths() }, ...gathered.answer() };
}

/** The event that somebody looked for a person. */
export function findEntry(asked: AskedBy, metadata: JsonObject): AccessEntry {
  return { ...whoAndWhy(asked), action: 'subject.find', category: 'sensitive_record', severity: 2, outcome: 'success', metadata };
}

function checkRequest({ tokens = [], ids = [], values = [], field }: SubjectRequest): void {
  const names = [...tokens, ...ids, ...values.flatMap(({ kind, value }) => [kind, value])];
  const fits = names.every((name) => name.trim() !== '' && name.length <= subjectLimits.textUnitsMax && name.isWellFormed());
  if (names.length === 0 || names.length > subjectLimits.namesMax || !fits) {
    throw new VeiltrailError(
      'subject_request',
      'name the person by a token, an id or a value and its kind: at most 100 of them, none longer than 1,024 characters',
    );
  }
  if (ids.some((id) => !/[\p{L}\p{N}]/u.test(id))) throw new VeiltrailError('subject_request', 'an id has at least a letter or a digit');
  if (field !== undefined && !/^[^\s"():]{1,512}$/.test(field))
    throw new VeiltrailError('subject_request', 'a field is names divided by dots, such as actor.id');
}

function logsOf(parts: FindSubjectParts, { logs }: SubjectRequest): string[] {
  const all = parts.logs();
  if (logs?.some((log) => !all.includes(log))) throw new VeiltrailError('log_unknown', 'there is no log of that name');
  return logs ? [...logs] : all.filter((log) => !log.startsWith('_'));
}

/** A token, out of the form that a policy gave it. @throws VeiltrailError `subject_request` */
function tokenIn(text: string): string {
  const [token, ...more] = text.match(tokenPattern) ?? [];
  if (token === undefined || more.length > 0) throw new VeiltrailError('subject_request', 'not a token: tok_ and 27 characters of base64url');
  return token;
}

/** Every record that a query finds, newest first; tombstones are left out. */
async function* eachHit(parts: FindSubjectParts, log: string, q: string): AsyncGenerator<OpenRecord & { leafIndex: number }> {
  let cursor: string | undefined;
  do {
    const page = await parts.search(log, { q, limit: pageMax, ...(cursor === undefined ? {} : { cursor }) });
    // What accounts for a removal is about no person, and stays.
    yield* page.hits.filter(({ fields }) => !isTombstone(fields));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function idQuery(id: string, field: string | undefined): string {
  return field === undefined ? quoted(id) : `${field}:${quoted(id)}`;
}

/** Pointers at which an id stands: spelt the same, as a whole value or, without a field, within a text with no word cut in two. */
function placesOf(fields: readonly Field[], id: string, field: string | undefined): string[] {
  return fields
    .filter(({ pointer, value }) => pointer !== wholePointer && isAt(pointer, field) && textsOf(value).some((text) => bearsId(text, id, field)))
    .map(({ pointer }) => pointer);
}

function isAt(pointer: string, field: string | undefined): boolean {
  if (field === undefined) return true;
  const dotted = dottedOf(pointer).toLowerCase();
  const wanted = field.toLowerCase();
  return dotted === wanted || dotted.endsWith(`.${wanted}`);
}

function bearsId(text: string, id: string, field: string | undefined): boolean {
  // An accent may be a character of its own: for a reader, and for a search, that is the same id.
  const [whole, wanted] = [text.normalize('NFC'), id.normalize('NFC')];
  return whole === wanted || (field === undefined && standsIn(whole, wanted));
}

/** Whether an id stands in a text, spelt the same and no word cut in two: `u-17` does not stand in `u-178`, nor in `U-17`. */
function standsIn(text: string, id: string): boolean {
  const [opens, closes] = [wordAtStart.test(id), wordAtEnd.test(id.slice(-2))];
  for (let at = text.indexOf(id); at >= 0; at = text.indexOf(id, at + 1)) {
    const cutBefore = opens && wordAtEnd.test(text.slice(Math.max(0, at - 2), at));
    const cutBehind = closes && wordAtStart.test(text.slice(at + id.length, at + id.length + 2));
    if (!cutBefore && !cutBehind) return true;
  }
  return false;
}

// Given two units at the end: a character may take both.
const wordAtEnd = /[\p{L}\p{N}\p{M}]$/u;
const wordAtStart = /^[\p{L}\p{N}\p{M}]/u;

function textsOf(json: string): string[] {
  let value: JsonValue;
  try {
    value = JSON.parse(json) as JsonValue;
  } catch {
    return [];
  }
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === 'string' || typeof one === 'number').map(String);
}

function bears(text: string, token: string): boolean {
  return text.includes(token);
}

/** Tokens that are the values of members beside a place where the id is a whole value. What stands at the top of an event is nobody's. */
function tokensBeside(fields: readonly Field[], places: readonly string[]): { token: string; place: string }[] {
  const containers = new Set(places.map(parentOf).filter((parent) => parent !== ''));
  return fields.flatMap(({ pointer, value }) => {
    if (!containers.has(parentOf(pointer)) || places.includes(pointer)) return [];
    const found = isWhole(value) ? (value.match(tokenPattern) ?? []) : [];
    return found.length === 1 ? [{ token: found[0], place: pointer }] : [];
  });
}

/** Whether a value is a single word, such as a token in the form that a policy gave it; a text that mentions one says nothing of whose it is. */
function isWhole(json: string): boolean {
  return json.startsWith('"') && !/\s/.test(json);
}

/** Names of the members at which the ids stood, and the ids: what says that a token beside such a member is somebody else's. */
class Anchors {
  readonly #names = new Set<string>();
  readonly #ids = new Set<string>();

  learn(id: string, places: readonly string[]): void {
    this.#ids.add(id);
    for (const place of places) if (parentOf(place) !== '') this.#names.add(place.slice(place.lastIndexOf('/') + 1));
  }

  /** Whether a token stands, in this record, beside an id that is not the subject's. */
  isOthers(fields: readonly Field[], token: string): boolean {
    const containers = new Set(fields.filter(({ value }) => isWhole(value) && bears(value, token)).map(({ pointer }) => parentOf(pointer)));
    containers.delete('');
    return fields.some(({ pointer, value }) => {
      if (!containers.has(parentOf(pointer)) || !this.#names.has(pointer.slice(pointer.lastIndexOf('/') + 1))) return false;
      return textsOf(value).some((text) => !this.#ids.has(text));
    });
  }
}

/** Where a token stands, unless in any record it stands beside another id: then it is not the subject's. */
async function bearersUnlessShared(
  parts: FindSubjectParts,
  logs: readonly string[],
  token: string,
  anchors: Anchors,
): Promise<{ sighting: Sighting; hits: { log: string; hit: Hit }[] } | undefined> {
  const sighting = new Sighting('beside');
  const hits: { log: string; hit: Hit }[] = [];
  for (const log of logs) {
    for await (const { leafIndex, fields } of eachHit(parts, log, quoted(token))) {
      if (anchors.isOthers(fields, token)) return undefined;
      const places = placesOfPseudonym(fields, token);
      if (places.length === 0) continue;
      sighting.note(log, leafIndex, places);
      hits.push({ log, hit: { leafIndex, fields: fields.filter(({ pointer }) => pointer === receivedPointer) } });
    }
  }
  sighting.isComplete = true;
  return { sighting, hits };
}

function placesOfPseudonym(fields: readonly Field[], pseudonym: string): string[] {
  return fields.filter(({ pointer, value }) => bears(pointer, pseudonym) || bears(value, pseudonym)).map(({ pointer }) => pointer);
}

/** Whether one of the request's ids stands in a record. */
export function bearsIds(record: OpenRecord, request: SubjectRequest): boolean {
  return !isTombstone(record.fields) && placesOfSubject(record, [], request).length > 0;
}

/** Pointers at which one of the tokens, or of the request's ids, stands in a record. */
export function placesOfSubject({ fields }: OpenRecord, tokens: readonly string[], { ids = [], field }: SubjectRequest): string[] {
  const places = new Set([...tokens.flatMap((token) => placesOfPseudonym(fields, token)), ...ids.flatMap((id) => placesOf(fields, id, field))]);
  return fields.map(({ pointer }) => pointer).filter((pointer) => places.has(pointer));
}

function isTombstone(fields: readonly Field[]): boolean {
  return fields.some(({ pointer }) => pointer.startsWith('/tombstone/'));
}

const receivedPointer = '/receivedAt';

/** Where something was seen. */
class Sighting {
  /** Every record that bears it was noted. */
  isComplete = false;
  readonly #by: SubjectToken['by'];
  readonly #paths = new Map<string, number>();
  readonly #leaves = new Set<string>();

  constructor(by: SubjectToken['by']) {
    this.#by = by;
  }

  get records(): number {
    return this.#leaves.size;
  }

  note(log: string, leafIndex: number, pointers: readonly string[]): void {
    this.#leaves.add(`${log} ${leafIndex}`);
    for (const path of new Set(pointers.map(dottedOf))) this.#paths.set(path, (this.#paths.get(path) ?? 0) + 1);
  }

  /** The commonest first. */
  paths(): string[] {
    return [...this.#paths]
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, pathsShown)
      .map(([path]) => path);
  }

  shown(token: string): SubjectToken {
    return { token, by: this.#by, records: this.records, paths: this.paths() };
  }
}

function sightingOf(sightings: Map<string, Sighting>, token: string, by: SubjectToken['by']): Sighting {
  const known = sightings.get(token) ?? new Sighting(by);
  sightings.set(token, known);
  return known;
}

/** The records that were found, each once. */
class Gathered {
  readonly #leaves = new Map<string, Set<number>>();
  #count = 0;
  #from: string | undefined;
  #to: string | undefined;

  add(log: string, { leafIndex, fields }: Hit): void {
    const leaves = this.#leaves.get(log) ?? new Set();
    this.#leaves.set(log, leaves);
    if (leaves.has(leafIndex)) return;
    if (++this.#count > subjectLimits.recordsMax)
      throw new VeiltrailError('subject_too_large', 'more records than one person has: name the person more exactly');
    leaves.add(leafIndex);
    const receivedAt = fields.find(({ pointer }) => pointer === receivedPointer)?.value.slice(1, -1);
    if (receivedAt === undefined) return;
    if (this.#from === undefined || receivedAt < this.#from) this.#from = receivedAt;
    if (this.#to === undefined || receivedAt > this.#to) this.#to = receivedAt;
  }

  answer(): Pick<FoundSubject, 'records' | 'from' | 'to'> {
    return {
      records: [...this.#leaves].map(([log, leaves]) => ({ log, records: leaves.size, leaves: rangesOf(leaves) })),
      ...(this.#from === undefined ? {} : { from: this.#from }),
      ...(this.#to === undefined ? {} : { to: this.#to }),
    };
  }
}

function parentOf(pointer: string): string {
  return pointer.slice(0, pointer.lastIndexOf('/'));
}

/** Names of a pointer divided by dots, positions left out. */
export function dottedOf(pointer: string): string {
  return pointer
    .slice(1)
    .split('/')
    .filter((step) => !/^\d+$/.test(step))
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.');
}

/** The ranges of `SubjectRecords`, as removals have them. */
export function asPairs(leaves: readonly number[]): [number, number][] {
  const pairs: [number, number][] = [];
  for (let i = 0; i + 1 < leaves.length; i += 2) pairs.push([leaves[i] as number, leaves[i + 1] as number]);
  return pairs;
}
