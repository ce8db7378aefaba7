/** The text of a raw export, a piece at a time: a line that says what it is, one a record, and one that says how much it was (docs/reference/raw-export.md). */
import { createHash } from 'node:crypto';
import { utf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { RecordReader } from '../ledger/reader.ts';
import { createDisclosure, disclosureFormat, jsonOfField } from '../log/disclosure.ts';
import { openRecord, recordOfFields } from '../log/open-record.ts';
import { fieldsOf, isKept } from '../log/redacted-record.ts';
import { createHiddenTest } from '../search/hidden.ts';
import { dottedOf } from '../search/record-values.ts';
import type { TileSource } from '../storage/tile-store.ts';
import { type Revealed, rowProblems } from '../vault/vault-reader.ts';
import { putBack } from '../verify/put-back.ts';
import { rawExportFormat, recordOfDisclosure } from '../verify/raw-export.ts';
import type { HeldRecords } from './held-records.ts';
import type { LogSnapshot } from './log-snapshot.ts';
import { type Restore, restoreWithheld } from './restore-withheld.ts';
import { revealedToken } from './reveal-token.ts';
import { appliedOf, type TokenAt, tokensAt } from './revealed-record.ts';
import { createFieldTest, type FieldTest } from './shown-fields.ts';

export interface RawTextParts {
  records: Pick<RecordReader, 'record'>;
  tiles: TileSource;
  vault: { reveal(token: string): Promise<Revealed | undefined> };
  restore: Restore;
  snapshot: LogSnapshot;
}

export interface RawTextRequest {
  log: string;
  /** Ascending. */
  leaves: readonly number[];
  /** Members of the first line. */
  head: JsonObject;
  hides?: readonly string[] | undefined;
  /** Told what is opened, before it is. */
  held: HeldRecords;
}

/** What went out. A type, because it is JSON. */
export type Sent = { events: number; removed: number; values: number; bytes: number };

/** Records that are worked on at once, and UTF-16 units that are handed out at once. */
const leavesEach = 64;
const pieceUnits = 65_536;

/**
 * Reads no further ahead of whoever reads it than {@link leavesEach} records.
 * @param sent told how much went out, with each piece
 */
export async function* rawExportText(
  parts: RawTextParts,
  { log, leaves, head, hides, held }: RawTextRequest,
  sent: Sent,
): AsyncGenerator<string, void> {
  const hash = createHash('sha256');
  const made: Sent = { ...sent };
  let waiting = '';
  const put = (line: JsonObject): void => {
    const text = `${JSON.stringify(line)}\n`;
    const bytes = utf8(text);
    hash.update(bytes);
    made.bytes += bytes.length;
    waiting += text;
  };
  const reading = { shows: createFieldTest({ hides }), hides };
  put({ format: rawExportFormat, ...head });
  for (let from = 0; from < leaves.length; from += leavesEach) {
    const some = leaves.slice(from, from + leavesEach);
    const tokens = held.begin(some);
    const batch = await openBatch(parts, log, some, reading);
    for (const one of batch) if ('tokens' in one) for (const { token } of one.tokens) tokens.add(token);
    for (const { line, values } of await revealBatch(parts, batch, hides)) {
      put(line);
      if (line['removed'] === true) made.removed++;
      else made.events++;
      made.values += values;
      if (waiting.length < pieceUnits) continue;
      Object.assign(sent, made);
      yield waiting;
      waiting = '';
    }
  }
  const { events, removed, values } = made;
  const last = `${JSON.stringify({ end: true, events, removed, values, sha256: hash.digest('hex') })}\n`;
  Object.assign(sent, made, { bytes: made.bytes + last.length });
  yield waiting + last;
}

interface OpenedRecord {
  leafIndex: number;
  record: JsonObject;
  disclosure: JsonObject;
  /** What of the record is shown, still with its tokens. */
  visible: JsonObject;
  tokens: TokenAt[];
  redacted: JsonObject[];
}

/** The records of some leaves, without those that are gone. */
async function openBatch(
  { records, snapshot }: RawTextParts,
  log: string,
  leaves: readonly number[],
  { shows, hides }: { shows: FieldTest; hides: readonly string[] | undefined },
): Promise<(OpenedRecord | { leafIndex: number })[]> {
  const batch: (OpenedRecord | { leafIndex: number })[] = [];
  const isHidden = createHiddenTest(hides ?? []);
  for (const leafIndex of leaves) {
    const packed = await packedAt(records, log, leafIndex);
    if (!packed) {
      batch.push({ leafIndex });
      continue;
    }
    const redactable = fieldsOf(packed);
    const open = openRecord(packed);
    const record = recordOfFields(open);
    const shown = new Set(redactable.flatMap((field) => (isKept(field) && shows(field) ? [field.pointer] : [])));
    const disclosed = createDisclosure({ redactable, receipt: await snapshot.prove(leafIndex) }, shown);
    // What was redacted while this is written is behind the checkpoint, which cannot tell of it: it is left out.
    const gone = (open.redacted ?? []).filter(
      ({ pointer, tombstone }) => tombstone < snapshot.treeSize && (pointer === undefined || !isHidden(dottedOf(pointer))),
    );
    const redacted = gone.map((one): JsonObject => ({ ...one }));
    const visible = recordOfDisclosure(disclosed, redacted);
    const disclosure = { format: disclosureFormat, fields: disclosed.fields.map(jsonOfField), receipt: disclosed.receipt };
    const emptied = new Set((open.redacted ?? []).flatMap(({ pointer }) => (pointer === undefined ? [] : [pointer])));
    batch.push({ leafIndex, record, disclosure, visible, tokens: tokensAt(appliedOf(record), visible, emptied), redacted });
  }
  return batch;
}

async function packedAt(records: RawTextParts['records'], log: string, leafIndex: number): Promise<Uint8Array | undefined> {
  try {
    return (await records.record(log, leafIndex)).packed;
  } catch (error) {
    if (error instanceof VeiltrailError && error.code === 'record_removed') return undefined;
    throw error;
  }
}

/** Opens what a batch may show: each token once, and none is remembered beyond it, since it may be erased meanwhile. */
async function revealBatch(
  parts: RawTextParts,
  batch: readonly (OpenedRecord | { leafIndex: number })[],
  hides: readonly string[] | undefined,
): Promise<{ line: JsonObject; values: number }[]> {
  const opened = new Map<string, Promise<Revealed | 'erased' | 'damaged'>>();
  const open = (token: string): Promise<Revealed | 'erased' | 'damaged'> => {
    const known = opened.get(token) ?? openToken(parts.vault, token);
    opened.set(token, known);
    return known;
  };
  // Asked for all together: the vault answers in turn.
  for (const one of batch) if ('tokens' in one) for (const at of one.tokens) if (mayOpen(at)) void open(at.token).catch(() => undefined);
  const lines: { line: JsonObject; values: number }[] = [];
  for (const one of batch) {
    if (!('tokens' in one)) {
      lines.push({ line: { leafIndex: one.leafIndex, removed: true }, values: 0 });
      continue;
    }
    const values = new Map<string, { kind: string; value: string }>();
    const revealed: JsonObject[] = [];
    const kept: JsonObject[] = [];
    for (const at of one.tokens) {
      const { pointer, token, kinds } = at;
      const found = mayOpen(at) ? await open(token) : at.isDoubtful ? doubtful : foreign;
      const because = typeof found === 'string' ? found : kinds.has(found.kind) ? undefined : foreign;
      if (typeof found === 'string' || because !== undefined) kept.push({ pointer, token, because: because as string });
      else {
        values.set(`${pointer}\n${token}`, { kind: found.kind, value: found.value });
        const { opening, ...rest } = revealedToken(token, found);
        revealed.push({ pointer, ...rest, opening: { ...opening } });
      }
    }
    const restored = hides ? undefined : await restoreWithheld(one.record, parts.restore);
    const line: JsonObject = {
      leafIndex: one.leafIndex,
      event: putBack(one.visible, ({ pointer, token }) => values.get(`${pointer}\n${token}`)),
      revealed,
      ...(kept.length > 0 ? { kept } : {}),
      ...(one.redacted.length > 0 ? { redacted: one.redacted } : {}),
      ...(restored ? { restored: restored as unknown as JsonValue[] } : {}),
      ...(hides ? { hidden: [...hides] } : {}),
      disclosure: one.disclosure,
    };
    lines.push({ line, values: revealed.length });
  }
  return lines;
}

/** Why a token is not opened. */
const foreign = 'not put here by the policy';
const doubtful = 'beside a token that the policy did not put here';

function mayOpen({ kinds, isDoubtful }: TokenAt): boolean {
  return kinds.size > 0 && !isDoubtful;
}

async function openToken(vault: RawTextParts['vault'], token: string): Promise<Revealed | 'erased' | 'damaged'> {
  try {
    return (await vault.reveal(token)) ?? 'erased';
  } catch (error) {
    if (error instanceof VeiltrailError && rowProblems.has(error.code)) return 'damaged';
    throw error;
  }
}
