/**
 * Fields that no rule names. A policy with `unknown: quarantine` withholds their values as tokens of the kind `quarantine`, whose value is the
 * JSON text of what was sent, so that they can be put back when somebody has classified the field; with `unknown: redact` they are gone.
 *
 * What an event has by our own description (docs/reference/events.md) is known: those fields are left to the detectors. A registry of fields
 * adds what it has settled as rules of its own (`fieldRules` of the engine's options).
 */
import type { FieldRule, UnknownMode } from './policy-model.ts';

export const withheldKind = 'quarantine';
export const unknownKind = 'unknown';

/** Members of our own event whose values are words of its language or free text: for the detectors, like every text. */
const known: FieldRule = {
  path: [
    ...membersOf('', 'id time source sequence action category crud outcome reason severity message purpose ingestNotes'),
    ...membersOf('actor.', 'id type name email roles session onBehalfOf onBehalfOf.id onBehalfOf.type onBehalfOf.name'),
    ...membersOf('targets.*.', 'id type name fields count class'),
    ...membersOf('context.', 'ip forwarded userAgent requestId traceId spanId location'),
    'changes.*.field',
  ],
  transform: 'scan',
};

function membersOf(holder: string, names: string): string[] {
  return names.split(' ').map((name) => holder + name);
}

/** Rules that stand behind those of a policy in these modes. */
export function knownFieldRules(mode: UnknownMode): readonly FieldRule[] {
  return mode === 'scan' ? [] : [known];
}

/** The rule for a field without one; undefined leaves it to the detectors. */
export function unknownFieldRule(mode: UnknownMode): FieldRule | undefined {
  if (mode === 'quarantine') return { path: [], kind: withheldKind, transform: 'tokenize' };
  return mode === 'redact' ? { path: [], kind: unknownKind, transform: 'redact' } : undefined;
}

/** A value that is withheld, and where it stood. */
export interface Withheld {
  /** '' where there is none. */
  log: string;
  /** Of the field, as a rule would name it. */
  path: string;
  /** The value, as JSON. */
  json: string;
}

/** What the token of a withheld value commits to (its canonical form): a value belongs to one field of one log. */
export function withheldText({ log, path, json }: Withheld): string {
  return `${JSON.stringify([log, path])} ${json}`;
}

const withheldHead = /^\["(?:[^"\\]|\\.)*","(?:[^"\\]|\\.)*"\] /;

/** Undefined for what {@link withheldText} does not make. */
export function parseWithheld(text: string): Withheld | undefined {
  const head = withheldHead.exec(text)?.[0];
  if (head === undefined) return undefined;
  const json = text.slice(head.length);
  try {
    const [log, path] = JSON.parse(head) as [string, string];
    return JSON.stringify(JSON.parse(json)) === json ? { log, path, json } : undefined;
  } catch {
    return undefined;
  }
}
