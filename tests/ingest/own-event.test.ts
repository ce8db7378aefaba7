import { describe, expect, it } from 'vitest';
import type { Incoming } from '../../src/ingest/incoming.ts';
import { readEvents } from '../../src/ingest/read-events.ts';

const whole = {
  id: 'e-1',
  time: '2026-11-22T06:07:08.000Z',
  source: 'billing',
  sequence: 7,
  action: 'customer.update',
  category: 'sensitive_record',
  crud: 'u',
  outcome: 'success',
  reason: 'asked for',
  severity: 2,
  actor: {
    type: 'user',
    id: 'u-1',
    name: 'Ada',
    email: 'ada@example.org',
    roles: ['clerk'],
    session: 's',
    onBehalfOf: { id: 'u-2' },
    department: 'sales',
  },
  targets: [{ type: 'customer', id: 'c-1', name: 'Bob', fields: ['phone'], count: 1, class: ['pii'], tenant: 't' }],
  context: { ip: '192.0.2.1', forwarded: ['192.0.2.2'], userAgent: 'curl', requestId: 'r', traceId: 't', spanId: 's', location: 'Bern' },
  changes: [{ field: 'phone', before: 1, after: { x: null } }],
  message: 'changed',
  purpose: 'support',
  metadata: { free: ['form', 1, null] },
};

function read(event: unknown): Incoming {
  return readEvents(Buffer.from(JSON.stringify(event)), 'auto')[0] as Incoming;
}
const minimal = { action: 'a', actor: { type: 'user', id: 'u' } };

describe('our own event', () => {
  it('stays as it is when it is as it should be', () => {
    const content = JSON.stringify(whole);
    expect(read(whole)).toEqual({ event: whole, id: 'e-1', timeMs: Date.parse(whole.time), notes: [], bytes: content.length, content });
    expect(read(minimal)).toEqual({ event: minimal, notes: [], bytes: JSON.stringify(minimal).length, content: JSON.stringify(minimal) });
  });

  it('has its time in UTC, and the offset as sent beside it', () => {
    expect(read({ ...minimal, time: '2026-11-22T07:07:08+01:00' })).toMatchObject({
      event: { time: '2026-11-22T06:07:08.000Z', metadata: { time: '2026-11-22T07:07:08+01:00' } },
      timeMs: Date.parse('2026-11-22T06:07:08Z'),
      notes: [],
    });
    expect(read({ ...minimal, time: '2026-11-22T06:07:08Z' }).event).toEqual({ ...minimal, time: '2026-11-22T06:07:08.000Z' });
  });

  it.each([
    ['id', ''],
    ['id', true],
    ['id', ['x']],
    ['source', 1],
    ['sequence', -1],
    ['sequence', 1.5],
    ['category', 'billing'],
    ['crud', 'x'],
    ['outcome', 'maybe'],
    ['reason', {}],
    ['severity', 6],
    ['severity', '1'],
    ['targets', {}],
    ['targets', [1]],
    ['targets', [{ type: 1 }]],
    ['targets', [{ fields: 'x' }]],
    ['targets', [{ fields: [1] }]],
    ['targets', [{ count: 'many' }]],
    ['targets', [{ class: ['personal'] }]],
    ['context', 'x'],
    ['changes', [{ before: 1 }]],
    ['changes', 'x'],
    ['message', 5],
    ['purpose', false],
    ['metadata', 'text'],
    ['metadata', [1]],
  ])('keeps an ill-typed %s (%j) under metadata, and says so', (name, value) => {
    expect(read({ ...minimal, [name]: value })).toMatchObject({
      event: { ...minimal, metadata: { [name]: value } },
      notes: [{ pointer: `/metadata/${name}`, note: 'ill_typed' }],
    });
  });

  it.each([['later'], [17], ['2026-13-01T00:00:00Z'], [{}]])('keeps the time %j under metadata, and says so', (time) => {
    const { event, timeMs, notes } = read({ ...minimal, time });
    expect([event, timeMs, notes]).toEqual([{ ...minimal, metadata: { time } }, undefined, [{ pointer: '/metadata/time', note: 'time_unreadable' }]]);
  });

  it.each([
    ['actor', 'name', 1],
    ['actor', 'roles', 'admin'],
    ['actor', 'onBehalfOf', 7],
    ['context', 'ip', 42],
    ['context', 'forwarded', '192.0.2.1'],
    ['context', 'location', 1],
  ] as const)('keeps an ill-typed %s.%s under metadata, and says so', (parent, name, value) => {
    const sent = {
      ...minimal,
      ...(parent === 'actor' ? { actor: { ...minimal.actor, [name]: value } } : { [parent]: { [name]: value, requestId: 'r' } }),
    };
    const { event, notes } = read(sent);
    expect(event).toEqual({
      ...minimal,
      ...(parent === 'context' ? { context: { requestId: 'r' } } : {}),
      metadata: { [parent]: { [name]: value } },
    });
    expect(notes).toEqual([{ pointer: `/metadata/${parent}/${name}`, note: 'ill_typed' }]);
  });

  it('moves what it does not know under metadata without a word, and never takes what only the server writes', () => {
    const strange = { receivedAt: 'x', privacy: { applied: [] }, receivedFrom: 'me', ingestNotes: ['x'], stub: {}, tenant: { id: 1 } };
    expect(read({ ...minimal, ...strange })).toMatchObject({ event: { ...minimal, metadata: strange }, notes: [] });
  });

  it('finds a free name where metadata has that one', () => {
    expect(read({ ...minimal, tenant: 1, severity: 'x', metadata: { tenant: 2, severity: 3, severity_: 4 } })).toMatchObject({
      event: { metadata: { tenant: 2, tenant_: 1, severity: 3, severity_: 4, severity__: 'x' } },
      notes: [{ pointer: '/metadata/severity__', note: 'ill_typed' }],
    });
    expect(read({ other: 1, ...minimal, metadata: 'text' })).toMatchObject({
      event: { metadata: { metadata: 'text', other: 1 } },
      notes: [{ pointer: '/metadata/metadata', note: 'ill_typed' }],
    });
  });

  it('takes null for absence', () => {
    const nothing = { id: null, time: null, message: null, metadata: null, targets: null };
    expect(read({ ...minimal, ...nothing })).toMatchObject({ event: minimal, notes: [] });
    const nested = { ...minimal, actor: { ...minimal.actor, name: null, roles: 7 }, targets: [{ id: 'x', name: null }] };
    expect(read(nested)).toMatchObject({
      event: { actor: { id: 'u', name: null }, targets: [{ id: 'x', name: null }], metadata: { actor: { roles: 7 } } },
    });
  });

  it('takes numbers for ids', () => {
    expect(read({ id: 5, action: 'a', actor: { type: 'user', id: 6 }, targets: [{ type: 't', id: 7 }] })).toMatchObject({
      id: '5',
      event: { id: '5', actor: { id: '6' }, targets: [{ id: '7' }] },
      notes: [],
    });
  });

  it('says of a number kept as text where it is now', () => {
    const text =
      '{"action":"a","actor":{"type":"user","id":"u","roles":1e999},"context":{"ip":1e999},"a/b":{"n":1e999},"metadata":{"n":1e999},"severity":1e999}';
    const { event, notes } = readEvents(Buffer.from(text), 'auto')[0] as Incoming;
    expect(event['metadata']).toEqual({ n: '1e999', 'a/b': { n: '1e999' }, severity: '1e999', actor: { roles: '1e999' } });
    expect(event['context']).toEqual({ ip: '1e999' });
    expect(notes).toEqual([
      { pointer: '/metadata/severity', note: 'ill_typed' },
      { pointer: '/metadata/actor/roles', note: 'ill_typed' },
      { pointer: '/metadata/actor/roles', note: 'number_kept_as_string' },
      { pointer: '/context/ip', note: 'number_kept_as_string' },
      { pointer: '/metadata/a~1b/n', note: 'number_kept_as_string' },
      { pointer: '/metadata/n', note: 'number_kept_as_string' },
      { pointer: '/metadata/severity', note: 'number_kept_as_string' },
    ]);
  });

  it('is only what says who did what', () => {
    for (const sent of [
      { action: 'a', actor: { type: 'robot', id: 'x' } },
      { action: 'a', actor: { type: 'user' } },
      { action: 1, actor: { type: 'user', id: 'x' } },
    ]) {
      expect(read({ ...sent, tenant: 1, time: 'nonsense' }).notes).toEqual([{ pointer: '/metadata/time', note: 'time_unreadable' }]);
    }
  });
});
