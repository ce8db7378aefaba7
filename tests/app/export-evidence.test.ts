/** Making evidence, on a small log in memory: whose checkpoint is taken, and what becomes of records that are gone. */
import { describe, expect, test } from 'vitest';
import { exportEvidence, type EvidenceParts } from '../../src/app/export-evidence.ts';
import type { EvidenceRequest } from '../../src/app/evidence-request.ts';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import { formatEntryBundle } from '../../src/log/entry-bundle.ts';
import * as log from '../../src/log/index.ts';
import { redactRecord } from '../../src/log/redacted-record.ts';
import { verifyEvidence } from '../../src/verify/index.ts';

const origin = 'example.com/log';
const signer = log.createNoteSigner(origin, new Uint8Array(32).fill(1));
const witness = log.createCosigner('witness.example', new Uint8Array(32).fill(3));
const count = 600;
const seed = new Uint8Array(32).fill(9);

const packed = Array.from({ length: count }, (_, i) => {
  const fields = log.flattenRecord({ action: 'user.login', actor: { id: `u-${i}` }, n: i });
  const out = new Uint8Array(log.packedBytesMax(fields));
  return { bytes: out.slice(0, log.packRecord(out, 0, seed, fields)), entry: log.formatEntry(log.commitFields(origin, fields, seed)) };
});
const leafHashes = packed.map(({ entry }) => log.leafHash(entry));
const read = log.createNodeReader(leafHashes);

function checkpointOf(treeSize: number): string {
  const root = treeSize === count ? log.hashRoot(count, read) : log.hashTree(leafHashes.slice(0, treeSize));
  return log.signCheckpoint({ origin, treeSize, root, extensions: [] }, [signer]);
}

function cosigned(checkpoint: string): string {
  const { text, signatures } = log.parseNote(checkpoint);
  return log.formatNote({ text, signatures: [...signatures, witness.cosign(text, 1_700_000_000)] });
}

const files = new Map<string, Uint8Array>([['checkpoint', utf8(checkpointOf(count))]]);
for (const { bytes, ...tile } of log.growTiles(0, concatBytes(...leafHashes), () => undefined)) files.set(log.formatTilePath(tile), bytes);
for (const { index, width } of log.entryBundlesBetween(0, count)) {
  const entries = packed.slice(index * 256, index * 256 + width).map(({ entry }) => entry);
  files.set(log.formatTilePath({ level: 'entries', index, width }), formatEntryBundle(entries));
}

/** @param found leaves that a search finds, newest first; two pages of them */
function partsOf(found: number[], change: Partial<EvidenceParts> & { witnessed?: string } = {}): EvidenceParts {
  const { witnessed, ...others } = change;
  return {
    published: { log: 'default', origin, vkey: signer.vkey },
    signers: [signer],
    witnesses: [witness.vkey],
    anchors: () => Promise.resolve([]),
    policy: { label: 'default@1', digest: '0'.repeat(64), text: 'x' },
    tiles: { read: (_log, path) => Promise.resolve(path === 'checkpoint.witnessed' ? (witnessed && utf8(witnessed)) || undefined : files.get(path)) },
    records: {
      record: (_log, leafIndex) => Promise.resolve({ leafIndex, receivedAtMs: 0, packed: (packed[leafIndex] as { bytes: Uint8Array }).bytes }),
    },
    search: ({ cursor }) => Promise.resolve(cursor === undefined ? { leaves: found.slice(0, 1), nextCursor: '2' } : { leaves: found.slice(1) }),
    clock: { now: () => 1_790_000_000_000 },
    ...others,
  };
}

const asked: EvidenceRequest = { log: 'default', audience: 'a', purpose: 'p', by: { id: 'key' }, query: 'q' };

describe('the checkpoint', () => {
  test('is one that witnesses cosigned, where it reaches so far', async () => {
    const witnessed = cosigned(checkpointOf(300));
    const near = verifyEvidence((await exportEvidence(asked, partsOf([299, 250], { witnessed }))).text, { vkeys: [signer.vkey] });
    expect(near.problems).toEqual([]);
    expect(near.checkpoint?.treeSize).toBe(300);
    expect(near.witnesses.map(({ name }) => name)).toEqual(['witness.example']);
    const far = verifyEvidence((await exportEvidence(asked, partsOf([300, 250], { witnessed }))).text);
    expect(far.problems).toEqual([]);
    expect([far.checkpoint?.treeSize, far.witnesses, far.log?.witnesses]).toEqual([600, [], []]);
  });

  test('is needed', async () => {
    const none = partsOf([1], { tiles: { read: () => Promise.resolve(undefined) } });
    await expect(exportEvidence(asked, none)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('what is shown', () => {
  test('is what is found, and what lies between is hidden; a removed record is hidden, too', async () => {
    const records: EvidenceParts['records'] = {
      record(_log, leafIndex) {
        if (leafIndex === 4) return Promise.reject(new VeiltrailError('record_removed', 'gone'));
        return Promise.resolve({ leafIndex, receivedAtMs: 0, packed: (packed[leafIndex] as { bytes: Uint8Array }).bytes });
      },
    };
    const made = await exportEvidence(asked, partsOf([6, 4, 2], { records }));
    expect(made.shown).toEqual([2, 6]);
    const { problems, events } = verifyEvidence(made.text);
    expect(problems).toEqual([]);
    expect(events.map(({ leafIndex, fields }) => [leafIndex, fields !== undefined])).toEqual([
      [2, true],
      [3, false],
      [4, false],
      [5, false],
      [6, true],
    ]);
    // What cannot be read for another reason is no evidence of anything.
    const broken = partsOf([6], { records: { record: () => Promise.reject(new VeiltrailError('chunk_damaged', 'x')) } });
    await expect(exportEvidence(asked, broken)).rejects.toMatchObject({ code: 'chunk_damaged' });
  });

  test('is what is left of a redacted record', async () => {
    const redacted = redactRecord((packed[3] as { bytes: Uint8Array }).bytes, {
      pointers: new Set(['/actor/id']),
      hidePointers: true,
      tombstone: 10,
    });
    const records = { record: () => Promise.resolve({ leafIndex: 3, receivedAtMs: 0, packed: redacted as Uint8Array }) };
    const { problems, events } = verifyEvidence((await exportEvidence(asked, partsOf([3], { records }))).text);
    expect(problems).toEqual([]);
    expect(events[0]?.fields).toEqual([{ pointer: '/action', value: 'user.login' }, {}, { pointer: '/n', value: 3 }]);
  });

  test('stays within its range, and ends where nothing older can be found', async () => {
    let pages = 0;
    const search: EvidenceParts['search'] = () => Promise.resolve({ leaves: [[500, 420], [410, 390], [1]][pages++] ?? [], nextCursor: 'more' });
    const made = await exportEvidence({ ...asked, range: { from: 400, to: 450 } }, partsOf([], { search }));
    expect([made.shown, made.leaves, pages]).toEqual([[410, 420], 50, 2]);
  });

  test('may be nothing of a range', async () => {
    const made = await exportEvidence({ ...asked, range: { from: 0, to: 600 } }, partsOf([]));
    expect([made.shown, made.leaves]).toEqual([[], 600]);
    expect(verifyEvidence(made.text).problems).toEqual([]);
  });
});

test('more than one file may hold is refused', async () => {
  const many = Array.from({ length: 10_001 }, (_, i) => i % count);
  const search: EvidenceParts['search'] = () => Promise.resolve({ leaves: many.map((_, i) => i).filter((leaf) => leaf < count) });
  await expect(exportEvidence({ ...asked, query: '', range: { from: 0, to: 20_000 } }, partsOf([], { search }))).rejects.toMatchObject({
    code: 'evidence_request',
  });
  const huge = partsOf([1], { anchors: () => Promise.resolve([{ target: 't', text: 'x', checkpoint: 'x', treeSize: count + 1 }]) });
  expect(verifyEvidence((await exportEvidence(asked, huge)).text).anchors).toEqual([]);
});
