/**
 * Our own event, as its sender wrote it. What fits stays in place; a member that does not (unknown at the top, or of another type) moves
 * under `metadata`, so that nothing is lost and nobody's name for something can pass for ours: `receivedAt` and `privacy` are written by us
 * alone. An ill-typed one is noted, an unknown one is not; `null` says no more than absence. Members of `actor`, `context`, `targets` and
 * `changes` that we do not know stay.
 */
import { actorTypes, categories, cruds, dataClasses, outcomes } from '../event/audit-event.ts';
import { parseTimestamp } from '../event/timestamp.ts';
import { isJsonObject, setOwn } from '../core/json.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { Incoming, IngestNote } from './incoming.ts';
import { moveNotes, pointerStep } from './moves.ts';
import type { Move } from './moves.ts';

type Check = (value: JsonValue) => boolean;

const isString: Check = (value) => typeof value === 'string';
const isStrings: Check = (value) => Array.isArray(value) && value.every(isString);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isStringOrObject: Check = (value) => typeof value === 'string' || isJsonObject(value);
const oneOf = (words: readonly string[]): Check => {
  const known = new Set<JsonValue>(words);
  return (value) => known.has(value);
};
const isDataClass = oneOf(dataClasses);

const topChecks = new Map<string, Check>([
  ['source', isString],
  ['sequence', isCount],
  ['action', isString],
  ['category', oneOf(categories)],
  ['crud', oneOf(cruds)],
  ['outcome', oneOf(outcomes)],
  ['reason', isString],
  ['severity', (value) => value === 1 || value === 2 || value === 3 || value === 4 || value === 5],
  ['actor', isJsonObject],
  ['targets', (value) => Array.isArray(value) && value.every((target) => isJsonObject(target) && fits(target, targetChecks))],
  ['context', isJsonObject],
  ['changes', (value) => Array.isArray(value) && value.every((change) => isJsonObject(change) && typeof change.field === 'string')],
  ['message', isString],
  ['purpose', isString],
  ['metadata', isJsonObject],
]);

const actorChecks = new Map<string, Check>([
  ['type', oneOf(actorTypes)],
  ['id', isString],
  ['name', isString],
  ['email', isString],
  ['roles', isStrings],
  ['session', isString],
  ['onBehalfOf', isStringOrObject],
]);

const targetChecks = new Map<string, Check>([
  ['type', isString],
  ['id', isString],
  ['name', isString],
  ['fields', isStrings],
  ['count', isCount],
  ['class', (value) => Array.isArray(value) && value.every(isDataClass)],
]);

const contextChecks = new Map<string, Check>([
  ['ip', isString],
  ['forwarded', isStrings],
  ['userAgent', isString],
  ['requestId', isString],
  ['traceId', isString],
  ['spanId', isString],
  ['location', isStringOrObject],
]);

const actorTypeKnown = oneOf(actorTypes);

/** Whether an object means to be our event: an action, and an actor with one of our types and an id. */
export function isOwnEvent(sent: JsonObject): boolean {
  const { actor } = sent;
  return typeof sent.action === 'string' && isJsonObject(actor) && actorTypeKnown(actor.type ?? null) && isId(actor.id);
}

/** Gives the object our shape, in place: the caller has no further use of it. */
export function readOwnEvent(sent: JsonObject, parserNotes: readonly IngestNote[], bytes: number): Incoming {
  const moves: Move[] = [];
  const notes: IngestNote[] = [];
  const incoming: Incoming = { event: sent, id: undefined, timeMs: undefined, notes, bytes, content: '' };
  // Ids that are numbers are as good as their digits.
  if (typeof sent.id === 'number') sent.id = String(sent.id);
  if (isJsonObject(sent.actor) && typeof sent.actor.id === 'number') sent.actor.id = String(sent.actor.id);
  numbersToIds(sent.targets);
  // First of all, because other members may have to move into it.
  if (sent.metadata !== undefined && sent.metadata !== null && !isJsonObject(sent.metadata))
    notes.push(moveAway(sent, 'metadata', moves, 'ill_typed'));
  if (!fitsAtTop(sent, incoming)) for (const name of Object.keys(sent)) settleMember(sent, name, incoming, moves);
  moveMembers(sent, 'actor', actorChecks, moves, notes);
  moveMembers(sent, 'context', contextChecks, moves, notes);
  if (parserNotes.length > 0) notes.push(...moveNotes(parserNotes, moves, ''));
  return incoming;
}

/** Whether every member may stay as it is, as nearly always; takes id and time of those that do. */
function fitsAtTop(sent: JsonObject, incoming: Incoming): boolean {
  // `for … in` makes no list of the names; what JSON gives inherits none.
  for (const name in sent) {
    const value = sent[name] as JsonValue;
    if (name === 'time') {
      const time = typeof value === 'string' ? parseTimestamp(value) : undefined;
      if (time === undefined || time.canonical !== value) return false;
      incoming.timeMs = time.ms;
    } else if (name === 'id') {
      if (typeof value !== 'string' || value === '') return false;
      incoming.id = value;
    } else if (value === null || !topChecks.get(name)?.(value)) return false;
  }
  return true;
}

/** Leaves a member in place, or moves it, or takes it out if it says nothing. */
function settleMember(sent: JsonObject, name: string, incoming: Incoming, moves: Move[]): void {
  const { notes } = incoming;
  const value = sent[name] as JsonValue;
  const check = topChecks.get(name);
  if (value === null && (check || name === 'id' || name === 'time')) {
    delete sent[name];
  } else if (check) {
    if (!check(value)) notes.push(moveAway(sent, name, moves, 'ill_typed'));
  } else if (name === 'id') {
    if (isString(value) && value !== '') incoming.id = value as string;
    else notes.push(moveAway(sent, name, moves, 'ill_typed'));
  } else if (name === 'time') {
    const time = typeof value === 'string' ? parseTimestamp(value) : undefined;
    if (time) {
      incoming.timeMs = time.ms;
      if (!time.utc) setFree(metadataOf(sent), name, value);
      sent.time = time.canonical;
    } else notes.push(moveAway(sent, name, moves, 'time_unreadable'));
  } else moveAway(sent, name, moves);
}

function isId(value: JsonValue | undefined): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

function numbersToIds(targets: JsonValue | undefined): void {
  if (!Array.isArray(targets)) return;
  for (const target of targets) if (isJsonObject(target) && typeof target.id === 'number') target.id = String(target.id);
}

function fits(object: JsonObject, checks: ReadonlyMap<string, Check>): boolean {
  for (const name in object) {
    const check = checks.get(name);
    if (check && object[name] !== null && !check(object[name] as JsonValue)) return false;
  }
  return true;
}

/** Moves the ill-typed members of `actor` or `context` to the same name under `metadata`. */
function moveMembers(event: JsonObject, parent: string, checks: ReadonlyMap<string, Check>, moves: Move[], notes: IngestNote[]): void {
  const object = event[parent];
  if (!isJsonObject(object) || fits(object, checks)) return;
  const apart: JsonObject = {};
  for (const [name, check] of checks) {
    const value = object[name];
    if (value === undefined || value === null || check(value)) continue;
    apart[name] = value;
    delete object[name];
  }
  const to = `/metadata/${setFree(metadataOf(event), parent, apart)}`;
  for (const name of Object.keys(apart)) {
    moves.push({ from: `/${parent}/${name}`, to: `${to}/${name}` });
    notes.push({ pointer: `${to}/${name}`, note: 'ill_typed' });
  }
}

function moveAway(event: JsonObject, name: string, moves: Move[], note: 'ill_typed' | 'time_unreadable' = 'ill_typed'): IngestNote {
  const value = event[name] as JsonValue;
  delete event[name];
  const to = `/metadata${pointerStep(setFree(metadataOf(event), name, value))}`;
  moves.push({ from: pointerStep(name), to });
  return { pointer: to, note };
}

/** The event's metadata, made when there is none. */
function metadataOf(event: JsonObject): JsonObject {
  if (isJsonObject(event.metadata)) return event.metadata;
  const metadata: JsonObject = {};
  event.metadata = metadata;
  return metadata;
}

/** Sets a member under its name, or under that name and as many `_` as it takes to find a free one; returns the name. */
function setFree(object: JsonObject, name: string, value: JsonValue): string {
  let free = name;
  while (Object.hasOwn(object, free)) free += '_';
  setOwn(object, free, value);
  return free;
}
