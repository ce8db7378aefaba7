/**
 * Taking values out of records after the fact: what a detector missed, by leaf, by a search, or from what `scan --stored` found. The record shows
 * `[REDACTED leaf N]` instead; its receipt, and disclosures of the values beside it, verify as before.
 */
import { toHex, utf8 } from '../core/bytes.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import type { JsonObject } from '../core/json.ts';
import { sha256 } from '../core/sha256.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { OpenRecord } from '../log/open-record.ts';
import { isPointer } from '../log/record.ts';
import type { AccessRecorder } from './access-recorder.ts';
import { type AskedBy, permissionFacts, permitOperation, type Permission } from './asked-operation.ts';
import { certifyRemoval, type CertifyParts } from './certify-removal.ts';
import { asPairs } from './find-subject.ts';
import type { Blind } from './hold-scope.ts';
import { rangesOf } from './leaf-ranges.ts';
import { whoAndWhy } from './look-up-report.ts';
import type { Removal, RemovalResult, RemovedFields } from './remove-records.ts';
import type { RequestDesk } from './requests.ts';

/** Which values: of leaves, of what a query finds, or both. */
export interface RedactRequest {
  /** [default] */
  log?: string;
  /** Leaves, each with RFC 6901 pointers: of a field, of an element of one, or of all below. */
  places?: readonly { leafIndex: number; pointers: readonly string[] }[];
  /** Records that a query finds, and the pointers that are taken out of each. */
  query?: { q: string; pointers: readonly string[]; since?: string; until?: string };
  /** Leaves below this one only: what an approved request was made for [all]. */
  below?: number;
  /** The pointers are personal too: they go with their values. */
  hidePointers?: boolean;
  /** A stable code or a legal basis [missed-by-detection]; never personal. */
  reason?: string;
}

/** What a redaction would take out. (A type, because it is JSON.) */
export type RedactionPlan = {
  log: string;
  fields: number;
  /** The same pointers in several leaves, [from, to, …]. */
  values: { pointers: string[]; leaves: number[] }[];
  /** Places at which there is nothing (any more). */
  absent: { leafIndex: number; pointer: string }[];
  below: number;
  held?: string;
  needsTwo: boolean;
  detail: JsonObject;
};

export type Redaction = { plan: RedactionPlan; removal: RemovalResult; certificate: string };

export interface RedactParts {
  logs(): string[];
  treeSize(log: string): Promise<number>;
  search(
    log: string,
    request: { q: string; limit: number; cursor?: string; since?: string; until?: string },
  ): Promise<{ hits: (OpenRecord & { leafIndex: number })[]; nextCursor?: string }>;
  /** Kinds of the real values that a query asks for. @throws VeiltrailError `query_syntax`, `query_too_complex` */
  kindsAskedFor(query: string): string[];
  /** The fields of a record; undefined where there is none (any more). */
  fieldsOf(log: string, leafIndex: number): Promise<OpenRecord | undefined>;
  holds: { refuseHeld(removal: { tokens: readonly string[]; records: []; fields: readonly RemovedFields[] }): Promise<void> };
  desk: Pick<RequestDesk, 'permit' | 'needsTwo'>;
  remove(removal: Removal): Promise<RemovalResult>;
  certify: CertifyParts;
  recorder: Pick<AccessRecorder, 'write'>;
  /** Keyed digest of a text. */
  blind: Blind;
}

export const redactLimits = { placesMax: 10_000, pointersMax: 100, fieldsMax: 10_000 } as const;
const pageMax = 1_000;
const absentShown = 100;
const detailUnitsMax = 50_000;
const reasonDefault = 'missed-by-detection';
const reasonPattern = /^[A-Za-z0-9][A-Za-z0-9 .,:;()§/_-]{0,99}$/;

/**
 * What would be taken out; changes nothing, and is on record: a search tells something, whatever it is for.
 * @throws VeiltrailError `redact_request`, `redact_nothing`, `log_unknown`, `query_syntax` …
 */
export async function planRedaction(parts: RedactParts, request: RedactRequest, asked: AskedBy): Promise<RedactionPlan> {
  const { query, log = 'default' } = request;
  const metadata: JsonObject = {
    places: request.places?.length ?? 0,
    ...(query === undefined ? {} : { queries: [toHex(parts.blind(`query ${query.q}`))] }),
  };
  const entry = {
    ...whoAndWhy(asked),
    action: 'value.find',
    category: 'sensitive_record',
    severity: 2,
    ...(parts.logs().includes(log) ? { log } : {}),
  } as const;
  try {
    const { plan } = await look(parts, request);
    await parts.recorder.write({ ...entry, outcome: 'success', metadata: { ...metadata, fields: plan.fields } });
    return plan;
  } catch (error) {
    // That nothing was found is an answer, too.
    if (error instanceof VeiltrailError && error.code === 'redact_nothing')
      await parts.recorder.write({ ...entry, outcome: 'success', metadata: { ...metadata, fields: 0 } });
    throw error;
  }
}

/**
 * Takes values out. Done for good when it returns.
 * @throws VeiltrailError as {@link planRedaction}, `held`, and what `RequestDesk.permit` and removing throw
 */
export async function redactValues(parts: RedactParts, request: RedactRequest, asked: AskedBy): Promise<Redaction> {
  const { plan, fields } = await look(parts, request);
  if (plan.held !== undefined) {
    const { held } = plan;
    await parts.recorder.write({
      ...whoAndWhy(asked),
      action: 'value.redact',
      category: 'log_control',
      severity: 3,
      outcome: 'denied',
      reason: 'held',
      log: plan.log,
      target: { type: 'hold', id: held },
    });
    throw new VeiltrailError('held', `the hold ${held} covers something of this; nothing was removed`, { hold: held });
  }
  const permission = await permitOperation(parts.desk, 'value.redact', plan.detail, asked);
  const removal: Removal = {
    operation: 'redact',
    fields,
    reason: request.reason ?? reasonDefault,
    by: asked.principal,
    ...(permission ? { request: permission } : {}),
  };
  const result = await parts.remove(removal);
  const certificate = await certifyRemoval(parts.certify, removal, result, { permission, reference: asked.reference });
  await tell(parts, plan, result, { asked, permission, hidePointers: request.hidePointers ?? false });
  return { plan, removal: result, certificate };
}

async function look(parts: RedactParts, request: RedactRequest): Promise<{ plan: RedactionPlan; fields: RemovedFields[] }> {
  checkRequest(request);
  const [kind] = request.query ? parts.kindsAskedFor(request.query.q) : [];
  // It would find nothing, which reads as if there were nothing.
  if (kind !== undefined)
    throw new VeiltrailError(
      'redact_request',
      `records bear tokens, not values of the kind ${kind}: search for the token (token find, report subject)`,
    );
  const { log = 'default', hidePointers = false, reason = reasonDefault } = request;
  if (!parts.logs().includes(log)) throw new VeiltrailError('log_unknown', 'there is no log of that name');
  const below = Math.min(request.below ?? Infinity, await parts.treeSize(log));
  const found = new FoundValues();
  for (const { leafIndex, pointers } of request.places ?? []) {
    const open = leafIndex < below ? await parts.fieldsOf(log, leafIndex) : undefined;
    found.take(leafIndex, pointers, open);
  }
  if (request.query) for await (const hit of eachHit(parts, log, request.query, below)) found.take(hit.leafIndex, request.query.pointers, hit, false);
  if (found.count === 0) throw new VeiltrailError('redact_nothing', 'there is no value at these places, or it is redacted already');
  const fields = found
    .list()
    .map(({ leafIndex, pointers }): RemovedFields => ({ log, leafIndex, pointers, ...(hidePointers ? { hidePointers } : {}) }));
  const values = grouped(fields);
  let held: string | undefined;
  try {
    await parts.holds.refuseHeld({ tokens: [], records: [], fields });
  } catch (error) {
    if (!(error instanceof VeiltrailError) || error.code !== 'held') throw error;
    held = error.detail['hold'] as string;
  }
  const plan: RedactionPlan = {
    log,
    fields: found.count,
    values,
    absent: found.absent.slice(0, absentShown),
    below,
    ...(held === undefined ? {} : { held }),
    needsTwo: parts.desk.needsTwo(),
    detail: { log, below, ...detailOf(parts, values, hidePointers), hidePointers, reason },
  };
  return { plan, fields };
}

/** Pointers that are personal by keyed digest; and a list that is too long for people by its digest. */
function detailOf({ blind }: RedactParts, values: RedactionPlan['values'], hidePointers: boolean): JsonObject {
  const named = hidePointers ? values.map(({ pointers, leaves }) => ({ pointers: pointers.map((one) => toHex(blind(one))), leaves })) : values;
  const text = canonicalJson(named);
  const fields = values.reduce((sum, { pointers, leaves }) => sum + pointers.length * countOf(leaves), 0);
  return text.length <= detailUnitsMax ? { values: named } : { valuesDigest: toHex(sha256(utf8(text))), fields };
}

function countOf(leaves: readonly number[]): number {
  return asPairs(leaves).reduce((sum, [from, to]) => sum + to - from, 0);
}

function checkRequest({ places = [], query, reason = reasonDefault, below }: RedactRequest): void {
  const pointers = [...places.flatMap((place) => place.pointers), ...(query?.pointers ?? [])];
  const bad = (message: string): VeiltrailError => new VeiltrailError('redact_request', message);
  if (pointers.length === 0 || pointers.length > redactLimits.placesMax)
    throw bad(`name 1 to ${redactLimits.placesMax} values by leaf and pointer, or a query and pointers`);
  if (query && (query.pointers.length === 0 || query.pointers.length > redactLimits.pointersMax))
    throw bad(`a query needs 1 to ${redactLimits.pointersMax} pointers`);
  if (pointers.some((pointer) => !isPointer(pointer) || pointer === '')) throw bad('a pointer is an RFC 6901 one, such as /actor/email');
  if (pointers.some((pointer) => /^\/tombstone(?:\/|$)/.test(pointer))) throw bad('what accounts for a removal cannot be redacted');
  if (places.some(({ leafIndex }) => !Number.isSafeInteger(leafIndex) || leafIndex < 0)) throw bad('a leaf index is a whole number from 0 on');
  if (below !== undefined && (!Number.isSafeInteger(below) || below < 0)) throw bad('below is a leaf index');
  if (!reasonPattern.test(reason)) throw bad('a reason is a code or a legal basis in at most 100 characters, such as missed-by-detection');
}

async function* eachHit(
  parts: RedactParts,
  log: string,
  { q, since, until }: NonNullable<RedactRequest['query']>,
  below: number,
): AsyncGenerator<OpenRecord & { leafIndex: number }> {
  let cursor: string | undefined;
  do {
    const page = await parts.search(log, {
      q,
      limit: pageMax,
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* page.hits.filter(({ leafIndex }) => leafIndex < below);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** Fields as committed, by leaf. */
class FoundValues {
  readonly #byLeaf = new Map<number, Set<string>>();
  readonly absent: { leafIndex: number; pointer: string }[] = [];
  count = 0;

  /** @param misses whether a place with nothing there is worth telling */
  take(leafIndex: number, pointers: readonly string[], open: OpenRecord | undefined, misses = true): void {
    const places = open && new Places(open);
    for (const pointer of pointers) {
      const found = places?.fieldsAt(pointer) ?? [];
      if (found.length === 0 && misses) this.absent.push({ leafIndex, pointer });
      for (const one of found) this.#add(leafIndex, one);
    }
  }

  #add(leafIndex: number, pointer: string): void {
    const known = this.#byLeaf.get(leafIndex) ?? new Set();
    this.#byLeaf.set(leafIndex, known);
    if (known.has(pointer)) return;
    known.add(pointer);
    if (++this.count > redactLimits.fieldsMax) {
      throw new VeiltrailError('redact_request', `more than ${redactLimits.fieldsMax} values: redact them in several steps, with --below or a time`);
    }
  }

  list(): { leafIndex: number; pointers: string[] }[] {
    return [...this.#byLeaf].toSorted(([a], [b]) => a - b).map(([leafIndex, pointers]) => ({ leafIndex, pointers: [...pointers].toSorted() }));
  }
}

/** The fields of a record that hold values and are not redacted yet. */
class Places {
  /** Every pointer that has others below it. */
  readonly #parents = new Set<string>();
  readonly #values = new Set<string>();
  readonly #all: readonly string[];

  constructor({ fields, redacted = [] }: OpenRecord) {
    this.#all = fields.map(({ pointer }) => pointer);
    for (const pointer of this.#all)
      for (let parent = parentOf(pointer); parent !== '' && !this.#parents.has(parent); parent = parentOf(parent)) this.#parents.add(parent);
    const gone = new Set(redacted.map(({ pointer }) => pointer));
    // The length of an array of containers is no value of anybody's.
    for (const pointer of this.#all) if (!gone.has(pointer) && !this.#parents.has(pointer)) this.#values.add(pointer);
  }

  /** The field at a pointer, those below it, or the one it is within: an element of an array of scalars, something in a text that holds JSON. */
  fieldsAt(pointer: string): string[] {
    if (this.#values.has(pointer)) return [pointer];
    if (this.#parents.has(pointer)) return this.#all.filter((one) => one.startsWith(`${pointer}/`) && this.#values.has(one));
    for (let parent = parentOf(pointer); parent !== ''; parent = parentOf(parent)) {
      if (this.#values.has(parent)) return [parent];
      if (this.#parents.has(parent)) return [];
    }
    return [];
  }
}

function parentOf(pointer: string): string {
  return pointer.slice(0, pointer.lastIndexOf('/'));
}

/** Leaves with the same pointers together. */
function grouped(fields: readonly RemovedFields[]): { pointers: string[]; leaves: number[] }[] {
  const groups = new Map<string, { pointers: string[]; leaves: number[] }>();
  for (const { leafIndex, pointers } of fields) {
    const name = pointers.join('\n');
    const group = groups.get(name) ?? { pointers: [...pointers], leaves: [] };
    groups.set(name, group);
    group.leaves.push(leafIndex);
  }
  return [...groups.values()].map(({ pointers, leaves }) => ({ pointers, leaves: rangesOf(leaves) }));
}

async function tell(
  { recorder }: RedactParts,
  { log, values }: RedactionPlan,
  { id, fields }: RemovalResult,
  { asked, permission, hidePointers }: { asked: AskedBy; permission: Permission; hidePointers: boolean },
): Promise<void> {
  await recorder.write({
    action: 'value.redact',
    category: 'log_control',
    severity: 4,
    ...whoAndWhy(asked),
    outcome: 'success',
    log,
    target: { type: 'removal', id },
    // Pointers may be personal where they are hidden: then only their number is told.
    metadata: {
      fields,
      values: values.slice(0, 200).map(({ pointers, leaves }) => ({ leaves, pointers: hidePointers ? pointers.length : pointers })),
      ...permissionFacts(permission),
    },
  });
}
