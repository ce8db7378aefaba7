import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { equalBytes, toHex } from '../../src/core/bytes.ts';
import { commitFields } from '../../src/log/commitment.ts';
import { unpackRecord } from '../../src/log/packed-record.ts';
import { reservedNames } from '../../src/pipeline/build-record.ts';
import { idempotencyBytes, type PackedBatch } from '../../src/pipeline/packed-batch.ts';
import { processBatch } from '../../src/pipeline/process-batch.ts';
import { createContext, createRequest, recordsOf } from './context.ts';

const event = {
  id: 'e-1',
  time: '2026-01-02T03:04:05Z',
  action: 'customer.read',
  actor: { type: 'user', id: 'u-1', name: 'Jane Doe', email: 'jane@example.com' },
  message: 'Jane Doe read it',
};

function idempotencyOf(batch: PackedBatch, i: number): string {
  return toHex(batch.idempotency.subarray(i * idempotencyBytes, (i + 1) * idempotencyBytes));
}

describe('processBatch', () => {
  test('a record opens its commitment, bears no personal data, and says what was done', async () => {
    const { batch, ids } = await processBatch(createRequest(JSON.stringify(event)), createContext());
    const [record] = recordsOf(batch);
    expect(ids).toEqual(['e-1']);
    expect(record).toMatchObject({ id: 'e-1', action: 'customer.read', receivedAt: '2026-01-02T03:04:05.000Z', receivedFrom: 'k1' });
    expect(JSON.stringify(record)).not.toMatch(/jane/i);
    expect(record?.['privacy']).toMatchObject({
      policy: 'default@1#test',
      applied: expect.arrayContaining([{ pointer: '/actor/email', kind: 'email', transform: 'tokenize' }]),
    });
    const { seed, fields } = unpackRecord(batch.records);
    expect(equalBytes(commitFields('example.com/default', fields, seed), batch.commitments)).toBe(true);
  });

  test('the same value has one token in a batch, and the message names the same person', async () => {
    const { batch } = await processBatch(createRequest(`${JSON.stringify(event)}\n${JSON.stringify({ ...event, id: 'e-2' })}`), createContext());
    const [first, second] = recordsOf(batch) as { actor: { name: string }; message: string }[];
    expect(first?.actor.name).toBe(second?.actor.name);
    expect(first?.message).toBe(`${first?.actor.name} read it`);
  });

  test('equal records have different commitments: each has a seed of its own', async () => {
    const { batch } = await processBatch(createRequest(`${JSON.stringify(event)}\n${JSON.stringify(event)}`), createContext());
    expect(toHex(batch.commitments.subarray(0, 32))).not.toBe(toHex(batch.commitments.subarray(32)));
  });

  test('a bad line becomes a stub and its neighbours stay', async () => {
    const { batch, stubs } = await processBatch(
      createRequest(`${JSON.stringify(event)}\n{"a":1,"a":2,"email":"jane@example.com"}\n${JSON.stringify({ ...event, id: 'e-3' })}`, {
        format: 'ndjson',
      }),
      createContext(),
    );
    expect([...stubs]).toEqual([[1, 'json_duplicate_name']]);
    const records = recordsOf(batch);
    expect(records[1]).toMatchObject({ action: 'ingest.stub', outcome: 'failure', reason: 'json_duplicate_name', stub: { bytes: 40, line: 2 } });
    expect(JSON.stringify(records[1])).not.toContain('jane');
    expect(records[2]).toMatchObject({ id: 'e-3' });
  });

  test('a sender cannot write what only the server says', async () => {
    const forged = {
      ...event,
      receivedAt: '1999-01-01T00:00:00Z',
      receivedFrom: 'admin',
      privacy: { applied: [] },
      stub: { bytes: 0 },
      ingestNotes: ['x'],
      tombstone: { operation: 'erase', removal: 'rem_x', reason: 'r', generation: 1, ranges: [0, 1] },
    };
    const { batch } = await processBatch(createRequest(JSON.stringify(forged)), createContext());
    const [record] = recordsOf(batch);
    expect(record).toMatchObject({ receivedAt: '2026-01-02T03:04:05.000Z', receivedFrom: 'k1' });
    expect(record?.['stub']).toBeUndefined();
    expect(record?.['tombstone']).toBeUndefined();
    expect(record?.['privacy']).toMatchObject({ applied: expect.arrayContaining([expect.anything()]) });
    for (const name of reservedNames) expect(record?.['metadata']).toHaveProperty(name);
  });

  test('a note about a personal object key does not repeat the key', async () => {
    const { batch } = await processBatch(createRequest('{"jane@example.com": 1e999, "action": "x"}'), createContext());
    const text = JSON.stringify(recordsOf(batch));
    expect(text).toContain('number_kept_as_string');
    expect(text).not.toContain('jane@example.com');
  });

  test('only the whole body is refused', async () => {
    await expect(processBatch(createRequest('{"a":', { format: 'json' }), createContext())).rejects.toMatchObject({ code: 'json_syntax' });
    await expect(processBatch(createRequest(''), createContext())).rejects.toMatchObject({ code: 'batch_empty' });
    await expect(processBatch(createRequest('{}\n'.repeat(10_001), { format: 'ndjson' }), createContext())).rejects.toMatchObject({
      code: 'batch_too_large',
    });
  });

  test('ids from content are the same when sent again, differ by repetition, principal and log', async () => {
    const anonymous = '{"action":"x","message":"y"}';
    const id = async (more: object): Promise<string> =>
      (await processBatch(createRequest(anonymous, { dedupeByContent: true, ...more }), createContext())).ids[0] as string;
    const first = await id({});
    expect(await id({})).toBe(first);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    for (const more of [{ repeats: new Map([[0, 1]]) }, { principal: 'k2' }, { log: 'other' }]) expect(await id(more)).not.toBe(first);
    expect(await id({ dedupeByContent: false })).not.toBe(await id({ dedupeByContent: false }));
  });

  test('idempotency rows: the same for a repetition, another body for another event under one id', async () => {
    const row = async (body: object): Promise<string> =>
      idempotencyOf((await processBatch(createRequest(JSON.stringify(body)), createContext())).batch, 0);
    const first = await row(event);
    expect(await row(event)).toBe(first);
    const other = await row({ ...event, message: 'other' });
    expect(other.slice(0, 48)).toBe(first.slice(0, 48));
    expect(other.slice(48)).not.toBe(first.slice(48));
    expect(first.slice(0, 16)).toBe(Date.UTC(2026, 0, 2, 3, 4, 5).toString(16).padStart(16, '0'));
  });

  test('stubs sent again are repetitions, and two different bad lines are two', async () => {
    const rows = async (): Promise<string[]> => {
      const { batch } = await processBatch(
        createRequest('{"a":1,"a":2}\n{"b":1,"b":2}', { format: 'ndjson', dedupeByContent: true }),
        createContext(),
      );
      return [idempotencyOf(batch, 0), idempotencyOf(batch, 1)];
    };
    const [first, second] = await rows();
    expect(first).not.toBe(second);
    expect(await rows()).toEqual([first, second]);
  });

  test('any JSON objects make records that open their commitments', async () => {
    const context = createContext();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' })), {
          minLength: 1,
          maxLength: 5,
        }),
        async (events) => {
          const { batch } = await processBatch(createRequest(events.map((one) => JSON.stringify(one)).join('\n'), { format: 'ndjson' }), context);
          expect(batch.count).toBe(events.length);
          for (let i = 0; i < batch.count; i++) {
            const { seed, fields } = unpackRecord(batch.records.subarray(batch.recordOffsets[i], batch.recordOffsets[i + 1]));
            expect(equalBytes(commitFields('example.com/default', fields, seed), batch.commitments.subarray(32 * i, 32 * i + 32))).toBe(true);
          }
        },
      ),
    );
  });
});

describe('repetitions', () => {
  const rowsOf = async (body: string, more: object = {}): Promise<string[]> => {
    const { batch } = await processBatch(createRequest(body, { dedupeByContent: true, ...more }), createContext());
    return Array.from({ length: batch.count }, (_, i) => idempotencyOf(batch, i));
  };

  test('are told by what was sent, however it is spaced, escaped and framed', async () => {
    for (const sent of [event, { ...event, id: undefined }, { action: 'x', n: [1, 200, 'ü'], unknown: null }]) {
      const text = JSON.stringify(sent);
      const [row] = await rowsOf(text);
      for (const other of [JSON.stringify(sent, null, 2), `[${text}]`, text.replaceAll('ü', '\\u00fc'), ` ${text}\n`])
        expect(await rowsOf(other)).toEqual([row]);
    }
  });

  test('a row tells logs, principals and ids apart', async () => {
    const text = JSON.stringify(event);
    const rows = [
      await rowsOf(text),
      await rowsOf(text, { log: 'other' }),
      await rowsOf(text, { principal: 'k2' }),
      // Names are told apart from each other and from the id.
      await rowsOf(text, { log: 'defaultk', principal: '1' }),
      await rowsOf(JSON.stringify({ ...event, id: `1${event.id}` }), { principal: 'k' }),
    ].map(([row]) => (row as string).slice(16, 48));
    expect(new Set(rows).size).toBe(rows.length);
  });
});
