/** Carrying out a plan: the event is changed in place, names of members included, and what was done is written down without the values. */
import { compareUtf8 } from '../core/bytes.ts';
import { type JsonObject, type JsonValue, setOwn } from '../core/json.ts';
import { escapePointer } from './fields.ts';
import type { Edit, Frame, Piece, Plan, Replacement, TokenNeed } from './plan.ts';

/** One thing that was done, for `privacy.applied` of the record. Never holds a value. */
export interface Applied {
  /** RFC 6901, in the event as it is afterwards; a dropped member's is where it was. */
  pointer: string;
  kind: string;
  transform: string;
  /** How many different tokens were put there, where it is more than one: any other token there was written by the sender. */
  tokens?: number;
  /** Of the pseudonym key, for `hash`. */
  keyVersion?: number;
  /** Why the policy does it; only where an explanation was asked for. */
  why?: string;
}

/**
 * Carries out `plan`. The event of the plan is consumed: it is changed in place and returned.
 * @param token the vault's token for a need of `plan.tokens`
 * @param explain also say why, as the policy has it
 */
export function applyPlan(plan: Plan, token: (need: TokenNeed) => string, explain = false): { event: JsonObject; applied: Applied[] } {
  const { event, edits } = plan;
  const renames = carryOut(edits, token);
  return { event, applied: listApplied(edits, renames, token, explain) };
}

/** One entry for each different thing, however often it was done to a text; sorted. */
function listApplied(edits: readonly Edit[], renames: Renames | undefined, token: (need: TokenNeed) => string, explain: boolean): Applied[] {
  const noted: Applied[] = [];
  let repeats = false;
  for (const edit of edits) if (noteDone(edit, placeOf(edit, renames), explain, noted, noted.length)) repeats = true;
  const many = noted.length;
  const applied = many < 2 ? noted : withoutDoubles(sorted(noted));
  if (repeats || applied.length < many) countTokens(edits, renames, token, applied);
  return applied;
}

function placeOf({ pointer, frame, key }: Edit, renames: Renames | undefined): string {
  return renames || pointer === undefined ? pointerOf(frame, key, renames) : pointer;
}

/** Says of places with several tokens how many different ones of each kind they are. Only where something was done more than once. */
function countTokens(edits: readonly Edit[], renames: Renames | undefined, token: (need: TokenNeed) => string, applied: readonly Applied[]): void {
  // By place, then by kind: a place's pointer may be as long as a text, and is looked up once an edit, not once a piece.
  const made = new Map<string, Map<string, Set<string>>>();
  const count = ({ pieces, document }: Edit, kinds: Map<string, Set<string>>): void => {
    for (const piece of pieces) {
      if (typeof piece === 'string' || !piece.need) continue;
      const known = kinds.get(piece.kind);
      if (known) known.add(token(piece.need));
      else kinds.set(piece.kind, new Set([token(piece.need)]));
    }
    if (document) for (const edit of document.edits) count(edit, kinds);
  };
  for (const edit of edits) {
    const pointer = placeOf(edit, renames);
    const kinds = made.get(pointer) ?? new Map<string, Set<string>>();
    made.set(pointer, kinds);
    count(edit, kinds);
  }
  for (const one of applied) {
    const { size } = (one.transform === 'tokenize' ? made.get(one.pointer)?.get(one.kind) : undefined) ?? { size: 0 };
    if (size > 1) one.tokens = size;
  }
}

/**
 * Adds what an edit did, each different thing once: `applied` from `from` on is about the same place. What was done within a JSON text is on
 * record under the pointer of the string that holds it.
 * @param isWithin it is within a JSON text
 * @returns whether it put in tokens of one kind more than once, and they are still to be counted
 */
function noteDone({ pieces, document }: Edit, pointer: string, explain: boolean, applied: Applied[], from: number, isWithin = false): boolean {
  let repeats = false;
  for (let at = 0; at < pieces.length; at++) {
    const piece = pieces[at] as Piece;
    if (typeof piece === 'string') continue;
    const { kind, transform, keyVersion, why, need } = piece;
    let i = from;
    while (i < applied.length && ((applied[i] as Applied).kind !== kind || (applied[i] as Applied).transform !== transform)) i++;
    if (i < applied.length) {
      if (!need) continue;
      // Mostly a few values in one text: those are told apart here.
      if (isWithin || at > fewPieces) repeats = true;
      else if (!standsBefore(pieces, at, need)) (applied[i] as Applied).tokens = ((applied[i] as Applied).tokens ?? 1) + 1;
      continue;
    }
    const one: Applied = keyVersion === undefined ? { pointer, kind, transform } : { pointer, kind, transform, keyVersion };
    if (explain && why !== undefined) one.why = why;
    applied.push(one);
  }
  if (document) for (const edit of document.edits) if (noteDone(edit, pointer, explain, applied, from, true)) repeats = true;
  return repeats;
}

/** Pieces up to which they are compared with each other. */
const fewPieces = 32;

function standsBefore(pieces: readonly Piece[], to: number, need: TokenNeed): boolean {
  for (let i = 0; i < to; i++) {
    const piece = pieces[i] as Piece;
    if (typeof piece !== 'string' && piece.need === need) return true;
  }
  return false;
}

/** Lists up to this length are sorted by insertion: no garbage, and most are nearly sorted. */
const insertionMax = 24;

function sorted(applied: Applied[]): Applied[] {
  if (applied.length > insertionMax) return applied.sort(byPlace);
  for (let i = 1; i < applied.length; i++) {
    const one = applied[i] as Applied;
    let at = i;
    for (; at > 0 && byPlace(applied[at - 1] as Applied, one) > 0; at--) applied[at] = applied[at - 1] as Applied;
    applied[at] = one;
  }
  return applied;
}

function byPlace(a: Applied, b: Applied): number {
  return compareUtf8(a.pointer, b.pointer) || compareUtf8(a.kind, b.kind) || compareUtf8(a.transform, b.transform);
}

/** A place may have had its value and its name changed in the same way. */
function withoutDoubles(applied: Applied[]): Applied[] {
  let count = 1;
  for (let i = 1; i < applied.length; i++) {
    const one = applied[i] as Applied;
    const before = applied[count - 1] as Applied;
    if (before.kind !== one.kind || before.transform !== one.transform || before.pointer !== one.pointer) applied[count++] = one;
  }
  if (count < applied.length) applied.length = count;
  return applied;
}

/** The new names of members, by container and old name. */
type Renames = Map<Frame, Map<string, string>>;

/** Values first, names last: an edit finds its value under the name it was planned with. */
function carryOut(edits: readonly Edit[], token: (need: TokenNeed) => string): Renames | undefined {
  let renames: Renames | undefined;
  for (const { type, frame, key, pieces, document } of edits) {
    const { container } = frame;
    if (type === 'text') put(container, key, written(pieces, token));
    else if (type === 'drop') {
      if (Array.isArray(container)) container[key as number] = null;
      else delete container[key];
    } else if (document) {
      carryOut(document.edits, token);
      put(container, key, JSON.stringify(document.root[0]));
    } else {
      renames ??= new Map();
      let names = renames.get(frame);
      if (!names) renames.set(frame, (names = new Map()));
      names.set(key as string, written(pieces, token));
    }
  }
  if (renames) for (const [frame, names] of renames) renameMembers(frame.container as JsonObject, names);
  return renames;
}

function written(pieces: readonly Piece[], token: (need: TokenNeed) => string): string {
  let out = '';
  for (const piece of pieces) out += typeof piece === 'string' ? piece : piece.need ? tokenText(piece, token(piece.need)) : piece.text;
  return out;
}

function tokenText({ shape }: Replacement, token: string): string {
  return shape ? shape.before + token + shape.behind : token;
}

function put(container: JsonObject | JsonValue[], key: string | number, value: JsonValue): void {
  if (Array.isArray(container)) container[key as number] = value;
  else setOwn(container, key as string, value);
}

/** Renames members in place and in order; a name that is taken gets `~2`, `~3` … so that nothing is lost. Fills in the final names. */
function renameMembers(object: JsonObject, names: Map<string, string>): void {
  const members = Object.entries(object);
  const taken = new Set<string>();
  for (const [name] of members) if (!names.has(name)) taken.add(name);
  const next = new Map<string, number>();
  for (const [name, value] of members) {
    delete object[name];
    let to = name;
    const wanted = names.get(name);
    if (wanted !== undefined) {
      to = wanted;
      for (let n = next.get(wanted) ?? 2; taken.has(to); n++) {
        to = `${wanted}~${n}`;
        next.set(wanted, n + 1);
      }
      taken.add(to);
      names.set(name, to);
    }
    setOwn(object, to, value);
  }
}

/** RFC 6901, with the names that members have after renaming. A container keeps its own: a long one is not put together again for each thing below. */
function pointerOf(frame: Frame, key: string | number, renames: Renames | undefined): string {
  const way: Frame[] = [];
  let top = frame;
  for (; top.parent && top.pointer === undefined; top = top.parent) way.push(top);
  let out = top.pointer ?? '';
  for (let one = way.pop(); one; one = way.pop()) {
    out += `/${nameOf(one.parent as Frame, one.key, renames)}`;
    one.pointer = out;
  }
  return `${out}/${nameOf(frame, key, renames)}`;
}

function nameOf(frame: Frame, key: string | number, renames: Renames | undefined): string {
  return typeof key === 'number' ? String(key) : escapePointer(renames?.get(frame)?.get(key) ?? key);
}
