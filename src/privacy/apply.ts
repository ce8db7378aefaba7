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
}

/**
 * Carries out `plan`. The event of the plan is consumed: it is changed in place and returned.
 * @param token the vault's token for a need of `plan.tokens`
 */
export function applyPlan(plan: Plan, token: (need: TokenNeed) => string, keyVersion: number): { event: JsonObject; applied: Applied[] } {
  const done: { frame: Frame; key: string | number; replacement: Replacement }[] = [];
  const note = (frame: Frame, key: string | number, pieces: readonly Piece[]): void => {
    for (const piece of pieces) if (typeof piece !== 'string') done.push({ frame, key, replacement: piece });
  };
  const written = (pieces: readonly Piece[]): string => {
    let out = '';
    for (const piece of pieces) out += typeof piece === 'string' ? piece : piece.need ? token(piece.need) : (piece.text ?? '');
    return out;
  };
  const renamed = carryOut(plan.edits, note, written, (frame, key, replacement) => done.push({ frame, key, replacement }));
  if (done.length === 0) return { event: plan.event, applied: [] };
  const applied = new Map<string, Applied>();
  for (const { frame, key, replacement } of done) {
    const { kind, transform } = replacement;
    const pointer = pointerOf(frame, key, renamed);
    const id = `${pointer} ${kind} ${transform}`;
    if (!applied.has(id)) applied.set(id, transform === 'hash' ? { pointer, kind, transform, keyVersion } : { pointer, kind, transform });
  }
  const sorted = [...applied.values()];
  if (sorted.length > 1) sorted.sort((a, b) => compareUtf8(a.pointer, b.pointer) || compareUtf8(a.kind, b.kind) || compareUtf8(a.transform, b.transform));
  return { event: plan.event, applied: sorted };
}

type Renames = Map<Frame, Map<string, string>>;

/** Values first, names last: an edit finds its value under the name it was planned with. */
function carryOut(
  edits: readonly Edit[],
  note: (frame: Frame, key: string | number, pieces: readonly Piece[]) => void,
  written: (pieces: readonly Piece[]) => string,
  dropped: (frame: Frame, key: string | number, replacement: Replacement) => void,
): Renames {
  const renames: Renames = new Map();
  for (const edit of edits) {
    const { frame, key } = edit;
    switch (edit.type) {
      case 'text':
        put(frame.container, key, written(edit.pieces));
        note(frame, key, edit.pieces);
        break;
      case 'drop':
        if (Array.isArray(frame.container)) frame.container[key as number] = null;
        else delete frame.container[key];
        dropped(frame, key, edit.replacement);
        break;
      case 'json': {
        // What was done within the text is on record under the pointer of the string that holds it.
        const outer = { frame, key };
        carryOut(edit.edits, (_, __, pieces) => note(outer.frame, outer.key, pieces), written, (_, __, replacement) => dropped(outer.frame, outer.key, replacement));
        put(frame.container, key, JSON.stringify(edit.root[0]));
        break;
      }
      case 'name': {
        let names = renames.get(frame);
        if (!names) renames.set(frame, (names = new Map()));
        names.set(edit.key, written(edit.pieces));
        note(frame, key, edit.pieces);
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

/** RFC 6901, with the names that members have after renaming. */
function pointerOf(frame: Frame, key: string | number, renames: Renames): string {
  let out = '';
  let name = key;
  for (let at: Frame | undefined = frame; at; at = at.parent) {
    out = `/${escapeName(renames.get(at)?.get(name as string) ?? name)}${out}`;
    name = at.key;
  }
  return out;
}

function escapeName(key: string | number): string {
  if (typeof key === 'number' || (!key.includes('~') && !key.includes('/'))) return String(key);
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
