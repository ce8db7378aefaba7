/**
 * Any JSON object as an audit event, as far as it goes: members are recognised by the names that products use for them, whatever their
 * spelling (`eventTime`, `event_time`, `EventTime`), at the top or inside a `event`, `data`, `attributes` or `protoPayload`. What fits a
 * member of ours moves there; everything else stays whole under `metadata`. Only exact values move: what is merely concluded (`outcome` from
 * "SUCCEEDED", UTC where a time names no offset) is added, and the words it was concluded from stay.
 *
 * No id is taken: products reuse `id` for the thing that was touched, and a wrong one would turn two events into a duplicate.
 */
import { isIP } from 'node:net';
import { actorTypes } from '../event/audit-event.ts';
import type { Outcome } from '../event/audit-event.ts';
import { formatTimestamp, parseLooseTimestamp } from '../event/timestamp.ts';
import { isJsonObject } from '../core/json.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { Incoming, IngestNote } from './incoming.ts';
import { moveNotes, pointerStep } from './moves.ts';
import type { Move } from './moves.ts';
import { innerScopes, inside, names, outcomeWords, plainName, requestScopes, severityWords } from './vocabulary.ts';

/** An object under scrutiny: where it stands, and its members by their plain names. */
interface Scope {
  object: JsonObject;
  path: string;
  plain: Map<string, string>;
  /** The object it is a member of, and under which name. */
  outer?: { object: JsonObject; name: string };
}

/** Gives any object our shape, using it up. */
export function readAnyJson(sent: JsonObject, parserNotes: readonly IngestNote[], bytes: number): Incoming {
  const mapper = new Mapper(sent);
  const { event, notes } = mapper;
  const incoming: Incoming = { event, notes, bytes, content: '' };
  const timeMs = mapper.time();
  if (timeMs !== undefined) incoming.timeMs = timeMs;
  // The actor, the targets and the request before the bare texts: `user.name` is not the name of the event.
  mapper.actor();
  mapper.targets();
  mapper.context();
  mapper.text('action', names.action, 256);
  mapper.text('source', names.source, 256);
  mapper.text('message', names.message);
  mapper.text('reason', names.reason);
  mapper.outcome();
  mapper.severity();
  mapper.dropEmptied();
  if (Object.keys(sent).length > 0) event.metadata = sent;
  if (parserNotes.length > 0) notes.push(...moveNotes(parserNotes, mapper.moves, '/metadata'));
  return incoming;
}

class Mapper {
  readonly event: JsonObject = {};
  readonly notes: IngestNote[] = [];
  readonly moves: Move[] = [];
  readonly #scopes: Scope[];
  /** Objects within the event that something may be moved out of, outer ones first. */
  readonly #opened: Scope[] = [];

  constructor(sent: JsonObject) {
    const top = scopeOf(sent, '');
    this.#scopes = [top];
    for (const name of innerScopes) {
      const inner = this.#open(top, top.plain.get(name));
      if (inner) this.#scopes.push(inner);
    }
  }

  /** Milliseconds of the first readable time; a time that is there and unreadable is noted. */
  time(): number | undefined {
    let unreadable: string | undefined;
    for (const [scope, name, value] of this.#find(names.time)) {
      const time = readTime(value);
      if (time) {
        this.event.time = time.canonical;
        if (time.exact) this.#move(scope, name, '/time');
        return time.ms;
      }
      if (typeof value === 'string' || typeof value === 'number') unreadable ??= `/metadata${scope.path}${pointerStep(name)}`;
    }
    if (unreadable !== undefined) this.notes.push({ pointer: unreadable, note: 'time_unreadable' });
    return undefined;
  }

  text(member: string, candidates: readonly string[], lengthMax = Infinity): void {
    for (const [scope, name, value] of this.#find(candidates)) {
      if (typeof value !== 'string' || value === '' || value.length > lengthMax) continue;
      this.event[member] = value;
      this.#move(scope, name, `/${member}`);
      return;
    }
  }

  outcome(): void {
    for (const [scope, name, value] of this.#find(names.outcome)) {
      const said = isJsonObject(value) ? (value.result ?? value.status ?? null) : value;
      const outcome = outcomeOf(said);
      if (outcome === undefined) continue;
      this.event.outcome = outcome;
      if (value === outcome) this.#move(scope, name, '/outcome');
      return;
    }
  }

  severity(): void {
    for (const [scope, name, value] of this.#find(names.severity)) {
      const severity = typeof value === 'string' ? severityWords.get(value.toLowerCase()) : undefined;
      if (severity !== undefined) {
        this.event.severity = severity;
        return;
      }
      // A number's scale is its product's own, but for ours.
      if (scope === this.#scopes[0] && name === 'severity' && Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 5) {
        this.event.severity = value;
        this.#move(scope, name, '/severity');
        return;
      }
    }
  }

  actor(): void {
    for (const [scope, name, value] of this.#find(names.actor)) {
      if (typeof value === 'string' && value !== '') {
        this.event.actor = { id: value };
        this.#move(scope, name, '/actor/id');
        return;
      }
      const actor = isJsonObject(value) ? this.#person(scope, name) : undefined;
      if (!actor) continue;
      this.event.actor = actor;
      return;
    }
    const actor: JsonObject = {};
    this.#textInto(actor, 'id', names.actorId, '/actor');
    if (actor.id === undefined) return;
    this.#textInto(actor, 'name', names.actorName, '/actor');
    this.#textInto(actor, 'email', names.actorEmail, '/actor');
    this.event.actor = actor;
  }

  /** An actor out of an object that has an id of some kind, itself or in a `user` within it. */
  #person(outer: Scope, name: string): JsonObject | undefined {
    const here = this.#open(outer, name) as Scope;
    const scope = firstId(here, inside.id) === undefined ? (this.#open(here, here.plain.get('user')) ?? here) : here;
    const idName = firstId(scope, inside.id);
    if (idName === undefined) return undefined;
    const actor: JsonObject = {};
    const typeName = here.plain.get('type');
    const type = typeName === undefined ? undefined : here.object[typeName];
    if (typeof type === 'string' && (actorTypes as readonly string[]).includes(type.toLowerCase())) {
      actor.type = type.toLowerCase();
      if (actor.type === type) this.#move(here, typeName as string, '/actor/type');
    }
    actor.id = String(scope.object[idName] as string | number);
    this.#move(scope, idName, '/actor/id');
    this.#takeText(scope, inside.name, actor, 'name', '/actor');
    this.#takeText(scope, inside.email, actor, 'email', '/actor');
    return actor;
  }

  targets(): void {
    for (const [scope, name, value] of this.#find(names.target)) {
      if (typeof value === 'string' && value !== '') {
        this.event.targets = [{ type: plainName(name), id: value }];
        this.#move(scope, name, '/targets/0/id');
        return;
      }
      const objects = Array.isArray(value)
        ? value.map((object, i) => (isJsonObject(object) ? scopeOf(object, `${scope.path}${pointerStep(name)}/${i}`) : undefined))
        : [this.#open(scope, name)];
      const targets: JsonObject[] = [];
      for (const object of objects) {
        const target = object && this.#target(object, plainName(name), targets.length);
        if (target) targets.push(target);
      }
      if (targets.length === 0) continue;
      this.event.targets = targets;
      if (Array.isArray(value) && objects.every((object) => object && Object.keys(object.object).length === 0)) delete scope.object[name];
      return;
    }
  }

  #target(scope: Scope, fallbackType: string, index: number): JsonObject | undefined {
    const idName = firstId(scope, inside.targetId);
    if (idName === undefined) return undefined;
    const to = `/targets/${index}`;
    const target: JsonObject = { type: fallbackType, id: String(scope.object[idName] as string | number) };
    this.#move(scope, idName, `${to}/id`);
    this.#takeText(scope, inside.targetType, target, 'type', to);
    this.#takeText(scope, inside.targetName, target, 'name', to);
    return target;
  }

  context(): void {
    const scopes = [...this.#scopes];
    for (const scope of this.#scopes) {
      for (const name of requestScopes) {
        const inner = this.#open(scope, scope.plain.get(name));
        if (inner) scopes.push(inner);
      }
    }
    const context: JsonObject = {};
    this.#address(context, scopes);
    this.#textInto(context, 'userAgent', names.userAgent, '/context', scopes);
    this.#textInto(context, 'requestId', names.requestId, '/context', scopes);
    this.#textInto(context, 'traceId', names.traceId, '/context', scopes);
    if (Object.keys(context).length > 0) this.event.context = context;
  }

  #address(context: JsonObject, scopes: readonly Scope[]): void {
    for (const [scope, name, value] of this.#find(names.ip, scopes)) {
      if (typeof value === 'string' && isIP(value) !== 0) {
        context.ip = value;
        this.#move(scope, name, '/context/ip');
        return;
      }
      // Of a list only the last is one that the server itself saw (Kubernetes); those before are what the client claims.
      if (!Array.isArray(value) || value.length === 0 || !value.every((item) => typeof item === 'string' && isIP(item) !== 0)) continue;
      context.ip = value.at(-1) as string;
      if (value.length > 1) context.forwarded = value.slice(0, -1);
      delete scope.object[name];
      return;
    }
  }

  /** Members that are there under one of these names, in the order of scopes and then of names. */
  #find(candidates: readonly string[], scopes: readonly Scope[] = this.#scopes): [Scope, string, JsonValue][] {
    const found: [Scope, string, JsonValue][] = [];
    for (const scope of scopes) {
      const { plain, object } = scope;
      for (let i = 0; i < candidates.length; i++) {
        const name = plain.get(candidates[i] as string);
        const value = name === undefined ? undefined : object[name];
        if (value !== undefined) found.push([scope, name as string, value]);
      }
    }
    return found;
  }

  #textInto(into: JsonObject, member: string, candidates: readonly string[], to: string, scopes: readonly Scope[] = this.#scopes): void {
    for (const [scope, name, value] of this.#find(candidates, scopes)) {
      if ((typeof value !== 'string' || value === '') && !(typeof value === 'number' && member === 'id')) continue;
      into[member] = String(value);
      this.#move(scope, name, `${to}/${member}`);
      return;
    }
  }

  #takeText(scope: Scope, candidates: readonly string[], into: JsonObject, member: string, to: string): void {
    this.#textInto(into, member, candidates, to, [scope]);
  }

  #move(scope: Scope, name: string, to: string): void {
    delete scope.object[name];
    this.moves.push({ from: scope.path + pointerStep(name), to });
  }

  #open(scope: Scope, name: string | undefined): Scope | undefined {
    const value = name === undefined ? undefined : scope.object[name];
    if (name === undefined || !isJsonObject(value)) return undefined;
    const inner = { ...scopeOf(value, scope.path + pointerStep(name)), outer: { object: scope.object, name } };
    this.#opened.push(inner);
    return inner;
  }

  /** An object whose members have all moved says nothing more. */
  dropEmptied(): void {
    for (const { object, plain, outer } of this.#opened.toReversed()) {
      if (outer && plain.size > 0 && Object.keys(object).length === 0) delete outer.object[outer.name];
    }
  }
}

function scopeOf(object: JsonObject, path: string): Scope {
  const plain = new Map<string, string>();
  for (const name of Object.keys(object)) {
    const key = plainName(name);
    if (!plain.has(key)) plain.set(key, name);
  }
  return { object, path, plain };
}

function firstId(scope: Scope, candidates: readonly string[]): string | undefined {
  for (const plain of candidates) {
    const name = scope.plain.get(plain);
    const value = name === undefined ? undefined : scope.object[name];
    if ((typeof value === 'string' && value !== '') || typeof value === 'number') return name;
  }
  return undefined;
}

/** A text, or a count of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by size. */
function readTime(value: JsonValue): { ms: number; canonical: string; exact: boolean } | undefined {
  const written = typeof value === 'number' ? String(value) : value;
  if (typeof written !== 'string') return undefined;
  if (!/^\d{9,19}(?:\.\d{1,9})?$/.test(written)) {
    const time = parseLooseTimestamp(written);
    return time && { ms: time.ms, canonical: time.canonical, exact: time.utc && !time.assumed };
  }
  const [whole, fraction] = written.split('.') as [string, string?];
  const unit = whole.length <= 11 ? 1e3 : whole.length <= 14 ? 1 : whole.length <= 17 ? 1e-3 : 1e-6;
  const ms = Math.floor(Number(written) * unit);
  const canonical = formatTimestamp(ms);
  return canonical === undefined ? undefined : { ms, canonical, exact: unit >= 1 && fraction === undefined };
}

function outcomeOf(said: JsonValue): Outcome | undefined {
  if (typeof said === 'boolean') return said ? 'success' : 'failure';
  return typeof said === 'string' ? outcomeWords.get(said.toLowerCase()) : undefined;
}
