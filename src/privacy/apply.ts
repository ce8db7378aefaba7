/** Carrying out a plan: the event is changed in place, names of members included, and what was done is written down without the values. */
import { compareUtf8 } from '../core/bytes.ts';
import { type JsonObject, type JsonValue, setOwn } from '../core/json.ts';
import type { Edit, Frame, Piece, Plan, Replacement, TokenNeed } from './plan.ts';

/** One thing that was done, for `privacy.applied` of the record. Never holds a value. */
export interface Applied {
  /** RFC 6901, in the event as it is afterwards; a dropped member's is where it was. */
  pointer: string;
  kind: string;
  transform: string;
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
  const done: Done[] = [];
  const written = (pieces: readonly Piece[]): string => {
    let out = '';
    for (const piece of pieces) out += typeof piece === 'string' ? piece : piece.need ? tokenText(piece, token(piece.need)) : (piece.text ?? '');
    return out;
  };
  const renames = carryOut(plan.edits, written, (frame, key, what) => done.push({ frame, key, what }));
  return { event: plan.event, applied: done.length === 0 ? [] : listApplied(done, renames, explain) };
}

function tokenText({ shape }: Replacement, token: string): string {
  return shape ? shape.before + token + shape.behind : token;
}

/** A place and the different things that were done there. */
interface Done {
  readonly frame: Frame;
  readonly key: string | number;
  readonly what: readonly Replacement[];
}

/** One entry for each different thing, however often it was done to a text; sorted. */
function listApplied(done: readonly Done[], renames: Renames, explain: boolean): Applied[] {
  const applied: Applied[] = [];
  const pointers = new Map<Frame, string>();
  for (const { frame, key, what } of done) {
    // Put together once a place: a long name would otherwise be copied for each thing done below it.
    const pointer = pointerOf(frame, key, renames, pointers);
    for (const { kind, transform, keyVersion, why } of what) {
      const one: Applied = keyVersion === undefined ? { pointer, kind, transform } : { pointer, kind, transform, keyVersion };
      if (explain && why !== undefined) one.why = why;
      applied.push(one);
    }
  }
  if (applied.length < 2) return applied;
  applied.sort((a, b) => compareUtf8(a.pointer, b.pointer) || compareUtf8(a.kind, b.kind) || compareUtf8(a.transform, b.transform));
  return applied.filter((one, i) => {
    const before = applied[i - 1];
    return !before || before.kind !== one.kind || before.transform !== one.transform || before.pointer !== one.pointer;
  });
}

/** The different replacements of a text, by kind and transform. */
function distinct(pieces: readonly Piece[]): Replacement[] {
  const out: Replacement[] = [];
  for (const piece of pieces)
    if (typeof piece !== 'string' && !out.some(({ kind, transform }) => kind === piece.kind && transform === piece.transform)) out.push(piece);
  return out;
}

type Renames = Map<Frame, Map<string, string>>;

/** Values first, names last: an edit finds its value under the name it was planned with. */
function carryOut(
  edits: readonly Edit[],
  written: (pieces: readonly Piece[]) => string,
  note: (frame: Frame, key: string | number, what: readonly Replacement[]) => void,
): Renames {
  const renames: Renames = new Map();
  for (const edit of edits) {
    const { frame, key } = edit;
    switch (edit.type) {
      case 'text':
        put(frame.container, key, written(edit.pieces));
        note(frame, key, distinct(edit.pieces));
        break;
      case 'drop':
        if (Array.isArray(frame.container)) frame.container[key as number] = null;
        else delete frame.container[key];
        note(frame, key, [edit.replacement]);
        break;
      case 'json': {
        // What was done within the text is on record under the pointer of the string that holds it, each different thing once.
        const within: Replacement[] = [];
        carryOut(edit.edits, written, (_, __, what) => within.push(...what));
        note(frame, key, distinct(within));
        put(frame.container, key, JSON.stringify(edit.root[0]));
        break;
      }
      case 'name': {
        let names = renames.get(frame);
        if (!names) renames.set(frame, (names = new Map()));
        names.set(edit.key, written(edit.pieces));
        note(frame, key, distinct(edit.pieces));
        break;
      }
    }
  }
  for (const [frame, names] of renames) renameMembers(frame.container as JsonObject, names);
  return renames;
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

/** RFC 6901, with the names that members have after renaming. `pointers` remembers those of containers. */
function pointerOf(frame: Frame, key: string | number, renames: Renames, pointers: Map<Frame, string>): string {
  const way: Frame[] = [];
  let top: Frame | undefined = frame;
  for (; top?.parent && !pointers.has(top); top = top.parent) way.push(top);
  let out = (top && pointers.get(top)) ?? '';
  for (let one = way.pop(); one; one = way.pop()) {
    const parent = one.parent as Frame;
    out += `/${escapeName(renames.get(parent)?.get(one.key as string) ?? one.key)}`;
    pointers.set(one, out);
  }
  return `${out}/${escapeName(renames.get(frame)?.get(key as string) ?? key)}`;
}

function escapeName(key: string | number): string {
  if (typeof key === 'number' || (!key.includes('~') && !key.includes('/'))) return String(key);
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
