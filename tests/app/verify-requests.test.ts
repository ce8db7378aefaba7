/** The book of requests against the log: what `verify` says of each, and what a crash or a retention may leave without being taken for an attack. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { accessEvent } from '../../src/app/access-event.ts';
import { verifyRequests } from '../../src/app/verify-requests.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { systemRandom } from '../../src/core/random.ts';
import type { StoredRecord } from '../../src/ledger/reader.ts';
import { packedBytesMax, packRecord } from '../../src/log/packed-record.ts';
import { flattenRecord } from '../../src/log/record.ts';
import { anAsk, approve, askedOf, cardOf, newApprover, openDesk, type TestDesk } from './second-person.ts';

let test: TestDesk;
beforeEach(async () => {
  test = openDesk();
  const { approver, asked } = await askedOf(test);
  await approve(test, approver, asked);
  const { purpose: _purpose, reference: _reference, ...what } = anAsk;
  await test.desk.permit({ ...what, request: asked.id });
});
afterEach(() => test.close());

async function* recordsOf(events: readonly JsonObject[]): AsyncGenerator<StoredRecord> {
  for (const [leafIndex, event] of events.entries()) {
    const fields = flattenRecord(event);
    const packed = new Uint8Array(packedBytesMax(fields));
    const length = packRecord(packed, 0, systemRandom.bytes(32), fields);
    yield { leafIndex, receivedAtMs: 0, packed: packed.subarray(0, length) };
  }
}

async function problems(events: readonly JsonObject[], treeSize = events.length): Promise<string[]> {
  const readLog = async (): Promise<{ treeSize: number; records: AsyncIterable<StoredRecord> }> => ({ treeSize, records: recordsOf(events) });
  return (await verifyRequests({ book: test.book, mode: 'auto', readLog })).problems.map(({ code }) => code);
}

const of = (action: string): JsonObject => test.events.find((event) => event['action'] === action) as JsonObject;

it('is all well when the log tells the same', async () => {
  expect(await problems(test.events)).toEqual([]);
});

it('takes an event that was told twice for one, and one that waits to be told for told', async () => {
  expect(await problems([...test.events, of('request.use'), of('approver.enrol')])).toEqual([]);
  test.book.commit({ untold: [test.sealer.seal(JSON.stringify(of('approver.enrol')))] });
  expect(await problems(test.events.filter((event) => event !== of('approver.enrol')))).toEqual([]);
});

it('finds a request that was used twice', async () => {
  expect(await problems([...test.events, { ...of('request.use'), id: 'another' }])).toEqual(['request_used_twice']);
});

it('finds a use without a signature, or with one for something else', async () => {
  const use = of('request.use');
  const metadata = use['metadata'] as JsonObject;
  const others: JsonObject[] = [
    { ...metadata, approvals: [] },
    { ...metadata, approvals: 'single-person' },
    { ...metadata, digest: '0'.repeat(64) },
    { ...metadata, digest: 1 },
  ];
  for (const other of others)
    expect(await problems(test.events.map((event) => (event === use ? { ...use, metadata: other } : event)))).toEqual(['approval_signature']);
  const { metadata: _metadata, ...bare } = use;
  expect(await problems(test.events.map((event) => (event === use ? bare : event)))).toEqual(['approval_signature']);
});

it('finds an approver whom the log does not tell of; where records were let go, nobody can say', async () => {
  const events = test.events.filter((event) => event !== of('approver.enrol'));
  expect(await problems(events)).toEqual(['approver_unrecorded']);
  expect(await problems(events, events.length + 1)).toEqual([]);
});

it('finds an approver whom the log has and the book has not, and one who is there after being removed', async () => {
  const { id, kind, publicKey } = cardOf(newApprover());
  const entry = {
    action: 'approver.enrol',
    principal: 'a',
    outcome: 'success',
    target: { type: 'approver', id },
    metadata: { kind, publicKey },
  } as const;
  const enrolled = accessEvent(entry, { id: 'e', time: '2026-11-22T12:00:00.000Z' });
  expect(await problems([...test.events, enrolled])).toEqual(['approver_missing']);
  const removed = { ...of('approver.enrol'), id: 'r', action: 'approver.remove' };
  expect(await problems([...test.events, removed])).toEqual(['request_rolled_back']);
  // A refusal tells of nothing that was done.
  expect(await problems([...test.events, { ...enrolled, outcome: 'denied' }])).toEqual([]);
});
