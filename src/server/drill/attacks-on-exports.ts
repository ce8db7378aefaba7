/**
 * Attacks of a drill on the file of a raw export, by whoever has it in hand: with the log's key alone `verify FILE` finds what contradicts the log; what the
 * file only says of itself (docs/reference/raw-export.md) it lists as not proved, and so it is shown here.
 */
import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { createTrust } from '../../log/trust.ts';
import { RawExportVerifier } from '../../verify/raw-export.ts';
import type { OpenTrail } from '../compose.ts';
import type { ExportAttack } from './attack.ts';

/** A raw export, and the key of the log that it is of. */
export interface ExportedFile {
  vkey: string;
  /** Without line feeds: what it is, one a record, and what it was. */
  lines: readonly string[];
}

const common = { class: 'raw export', by: 'holder of the file' } as const;

export const attacksOnExports: readonly ExportAttack[] = [
  {
    ...common,
    name: 'a value changed where it stands in an event, and the last line made anew',
    claim: 'alone',
    change: (lines) => ended(changed(lines, 3, ({ event, ...line }) => ({ ...line, event: otherActor(event) }))),
  },
  {
    ...common,
    name: 'a value changed in an event and in what opens its token, and the last line made anew',
    claim: 'alone',
    change: (lines) =>
      ended(
        changed(lines, 3, ({ event, revealed, ...line }) => ({
          ...line,
          event: otherActor(event),
          revealed: JSON.parse(JSON.stringify(revealed).replaceAll('person-', 'nobody-')),
        })),
      ),
  },
  {
    ...common,
    name: 'two events swapped, and the last line made anew',
    claim: 'alone',
    change: ([head = '', first = '', second = '', ...rest]) => ended([head, second, first, ...rest]),
  },
  {
    ...common,
    name: 'an event dropped',
    claim: 'alone',
    change: (lines) => lines.toSpliced(3, 1),
  },
  {
    ...common,
    name: 'the last line forged: more events and values than there are',
    claim: 'alone',
    change: (lines) =>
      changed(lines, lines.length - 1, (last) => ({ ...last, events: Number(last['events']) + 1, values: Number(last['values']) + 1 })),
  },
  {
    ...common,
    name: 'an event dropped, and the last line made anew: not proved, as `verify` says; evidence proves that none was left out',
    claim: 'nobody',
    change: (lines) => ended(lines.toSpliced(3, 1)),
  },
  {
    ...common,
    name: 'an event replaced by a line that says it was removed, and the last line made anew: not proved, as `verify` says',
    claim: 'nobody',
    change: (lines) => ended(changed(lines, 3, ({ leafIndex }) => ({ leafIndex: leafIndex ?? null, removed: true }))),
  },
  {
    ...common,
    name: 'another purpose in the first line, and the last line made anew: not proved, as `verify` says; _system has it',
    claim: 'nobody',
    change: (lines) => ended(changed(lines, 0, (head) => ({ ...head, purpose: 'another' }))),
  },
];

/** An export of the newest events of a log, as a single person makes it. */
export async function exportNewest(trail: OpenTrail, log: string): Promise<ExportedFile> {
  const { text } = await trail.lookUps.exportRaw({ principal: 'drill', purpose: 'drill', reference: 'drill', log, limit: 20 });
  let whole = '';
  for await (const piece of text) whole += piece;
  return { vkey: trail.vkeyOf(log), lines: whole.split('\n').slice(0, -1) };
}

/** What `verify FILE` says of it: the code of what is wrong, and the leaf; undefined where nothing is. */
export function findingOf({ vkey, lines }: ExportedFile): { code: string; leafIndex: number | null } | undefined {
  const verifier = new RawExportVerifier(createTrust([vkey]));
  try {
    for (const line of lines) verifier.add(line);
    verifier.end();
    return undefined;
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    const { leafIndex } = error.detail;
    return { code: error.code, leafIndex: typeof leafIndex === 'number' ? leafIndex : null };
  }
}

function changed(lines: readonly string[], at: number, change: (line: JsonObject) => JsonObject): string[] {
  return lines.with(at, JSON.stringify(change(JSON.parse(lines[at] as string) as JsonObject)));
}

function otherActor(event: JsonObject[string] | undefined): JsonObject {
  const text = JSON.stringify(event);
  const forged = JSON.parse(text.replaceAll('person-', 'nobody-')) as JsonObject;
  if (!isJsonObject(forged) || JSON.stringify(forged) === text) throw new VeiltrailError('drill_failed', 'the export shows no value');
  return forged;
}

/** With a last line that fits the others, as whoever forges a file makes it. */
function ended(lines: readonly string[]): string[] {
  const kept = lines.filter((line) => !line.startsWith('{"end":'));
  const records = kept.slice(1).map((line) => JSON.parse(line) as { removed?: true; revealed?: unknown[] });
  const removed = records.filter((line) => line.removed === true).length;
  const values = records.reduce((sum, { revealed = [] }) => sum + revealed.length, 0);
  const sha256 = createHash('sha256')
    .update(kept.map((line) => `${line}\n`).join(''))
    .digest('hex');
  return [...kept, JSON.stringify({ end: true, events: records.length - removed, removed, values, sha256 })];
}
