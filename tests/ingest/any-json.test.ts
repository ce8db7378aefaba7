import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/core/json.ts';
import type { Incoming } from '../../src/ingest/incoming.ts';
import { readEvents } from '../../src/ingest/read-events.ts';

function read(event: unknown): Incoming {
  return readEvents(Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)), 'json')[0] as Incoming;
}

describe('any JSON object', () => {
  it.each([
    ['eventTime', '2026-11-22T06:07:08Z'],
    ['event_time', '2026-11-22t06:07:08z'],
    ['@timestamp', '2026-11-22T06:07:08.000Z'],
    ['TIMESTAMP', 1_795_327_628_000],
    ['created-at', 1_795_327_628],
    ['published', '1795327628'],
    ['ts', '1795327628000'],
  ])('takes its time from %s: %j', (name, value) => {
    const { event, timeMs, notes } = read({ [name]: value, x: 1 });
    expect([event, timeMs, notes]).toEqual([{ time: '2026-11-22T06:07:08.000Z', metadata: { x: 1 } }, 1_795_327_628_000, []]);
  });

  it.each<[string | number, string]>([
    ['2026-11-22 06:07:08', 'a missing offset'],
    ['2026-11-22T07:07:08+01:00', 'an offset'],
    [1_795_327_628.5, 'a fraction'],
    ['1795327628000000', 'microseconds'],
    ['1795327628000000000', 'nanoseconds'],
  ])('keeps a time beside its reading where something was assumed or would be lost: %j', (time) => {
    expect(read({ time }).event).toMatchObject({ time: expect.stringMatching(/^2026-11-22T06:07:08\.[05]00Z$/) as string, metadata: { time } });
  });

  it('notes a time it cannot read only where it finds no other', () => {
    expect(read({ time: 'noon', x: 1 })).toMatchObject({
      event: { metadata: { time: 'noon' } },
      notes: [{ pointer: '/metadata/time', note: 'time_unreadable' }],
    });
    expect(read({ time: 'noon', created: '2026-11-22T06:07:08Z' })).toMatchObject({
      event: { time: '2026-11-22T06:07:08.000Z', metadata: { time: 'noon' } },
      notes: [],
    });
    expect(read({ time: 17 }).notes.length).toBe(1);
    expect(read({ time: { nested: true } }).notes).toEqual([]);
    expect(read({ 'a/time': 1, event: { 'created~at': 'x', time: 'noon' } }).notes).toEqual([
      { pointer: '/metadata/event/time', note: 'time_unreadable' },
    ]);
  });

  it.each([
    [{ user: 'ada' }, { id: 'ada' }],
    [{ actor: { id: 7, name: 'Ada', email: 'a@example.org' } }, { id: '7', name: 'Ada', email: 'a@example.org' }],
    [{ actor: { type: 'user', user: { id: 'u', email: 'a@example.org' } } }, { type: 'user', id: 'u', email: 'a@example.org' }],
    [{ actor: { type: 'USER', id: 'u' } }, { type: 'user', id: 'u' }],
    [{ user: { email: 'a@example.org' } }, { id: 'a@example.org' }],
    [
      { user_id: 5, user_name: 'Ada', user_email: 'a@example.org' },
      { id: '5', name: 'Ada', email: 'a@example.org' },
    ],
    [{ protoPayload: { authenticationInfo: { principalEmail: 'a@example.org' } } }, { id: 'a@example.org' }],
    [{ actor: { id: '' }, user: 'ada' }, { id: 'ada' }],
    [{ actor: 5, user: '' }, undefined],
    [{ name: 'ada' }, undefined],
  ])('finds who acted in %j', (sent, actor) => {
    expect(read(sent).event['actor']).toEqual(actor);
  });

  it.each([
    [{ target: 'c-1' }, [{ type: 'target', id: 'c-1' }]],
    [{ repo: 'a/b' }, [{ type: 'repo', id: 'a/b' }]],
    [{ objectRef: { resource: 'secrets', name: 's', namespace: 'n' } }, [{ type: 'secrets', id: 's' }]],
    [
      { targets: [{ id: 1, type: 'User', displayName: 'Ada' }, { uuid: 'x' }, 'text', { none: 1 }] },
      [
        { type: 'User', id: '1', name: 'Ada' },
        { type: 'targets', id: 'x' },
      ],
    ],
    [{ target: [], resource: { arn: 'arn:x' } }, [{ type: 'resource', id: 'arn:x' }]],
    [{ target: {} }, undefined],
    [{ target: '' }, undefined],
  ])('finds what was touched in %j', (sent, targets) => {
    expect(read(sent).event['targets']).toEqual(targets);
  });

  it.each([
    [
      { ip_address: '192.0.2.1', userAgent: 'x' },
      { ip: '192.0.2.1', userAgent: 'x' },
    ],
    [{ sourceIPs: ['192.0.2.9', '2001:db8::1'] }, { ip: '2001:db8::1', forwarded: ['192.0.2.9'] }],
    [{ sourceIPs: ['2001:db8::1'] }, { ip: '2001:db8::1' }],
    [
      { client: { ipAddress: '192.0.2.1' }, context: { ua: 'x' } },
      { ip: '192.0.2.1', userAgent: 'x' },
    ],
    [
      { data: { request: { ip: '192.0.2.1', requestId: 'r' } }, trace_id: 't' },
      { ip: '192.0.2.1', requestId: 'r', traceId: 't' },
    ],
    [{ ip: 'internal', clientIp: '192.0.2.1' }, { ip: '192.0.2.1' }],
    [{ ip: [], sourceIPs: ['x'] }, undefined],
  ])('finds where from in %j', (sent, context) => {
    expect(read(sent).event['context']).toEqual(context);
  });

  it.each([
    [{ outcome: 'success' }, 'success', undefined],
    [{ outcome: 'SUCCESS' }, 'success', { outcome: 'SUCCESS' }],
    [{ outcome: { result: 'DENY', reason: 'x' } }, 'denied', { outcome: { result: 'DENY', reason: 'x' } }],
    [{ success: false }, 'failure', { success: false }],
    [{ success: true }, 'success', { success: true }],
    [{ status: 'odd', result: { status: 'failed' } }, 'failure', { status: 'odd', result: { status: 'failed' } }],
    [{ result: {} }, undefined, { result: {} }],
    [{ status: 200 }, undefined, { status: 200 }],
  ])('concludes the outcome of %j', (sent, outcome, metadata) => {
    const { event } = read(sent);
    expect([event['outcome'], event['metadata']]).toEqual([outcome, metadata]);
  });

  it.each([
    [{ severity: 3 }, 3, undefined],
    [{ severity: 9 }, undefined, { severity: 9 }],
    [{ Severity: 3 }, undefined, { Severity: 3 }],
    [{ severity: 'HIGH' }, 4, { severity: 'HIGH' }],
    [{ level: 'info' }, 1, { level: 'info' }],
  ])('concludes the severity of %j', (sent, severity, metadata) => {
    const { event } = read(sent);
    expect([event['severity'], event['metadata']]).toEqual([severity, metadata]);
  });

  it('takes action, source, message and reason, and what is too long for them stays', () => {
    expect(read({ eventName: 'n', service: 's', description: 'd', errorCode: 'e' }).event).toEqual({
      action: 'n',
      source: 's',
      message: 'd',
      reason: 'e',
    });
    const long = 'x'.repeat(257);
    expect(read({ action: long, type: 't' }).event).toEqual({ action: 't', metadata: { action: long } });
  });

  it('looks into event, data, attributes and protoPayload, and leaves nothing empty behind', () => {
    expect(read({ event: { action: 'a', user: { name: 'x' } }, data: { message: 'm' } }).event).toEqual({
      action: 'a',
      actor: { id: 'x' },
      message: 'm',
    });
    expect(read({ event: {}, x: { y: {} } }).event).toEqual({ metadata: { event: {}, x: { y: {} } } });
  });

  it('takes no id', () => {
    expect(read({ id: 'x', uuid: 'y', event_id: 'z' })).toMatchObject({ event: { metadata: { id: 'x', uuid: 'y', event_id: 'z' } } });
    expect(read({ id: 'x' }).id).toBeUndefined();
  });

  it('says of numbers kept as text where they are now', () => {
    const { notes } = read('{"user":{"id":1e999,"n":1e999},"message":1e999,"resource":{"id":1e999},"client":{"ua":1e999}}');
    expect(notes.map(({ pointer }) => pointer)).toEqual(['/actor/id', '/metadata/user/n', '/message', '/targets/0/id', '/context/userAgent']);
  });

  it('loses nothing, whatever comes', () => {
    const names = fc.constantFrom(
      'time',
      'action',
      'user',
      'actor',
      'id',
      'name',
      'email',
      'type',
      'target',
      'resources',
      'ip',
      'client',
      'event',
      'data',
      'source',
      'message',
      'outcome',
      'severity',
      'metadata',
      '__proto__',
      'a/b',
      'sourceIPs',
      'success',
      'ID',
      'Id',
    );
    const scalar = fc.oneof(
      fc.constantFrom<JsonValue>('2026-11-22T06:07:08.000Z', '192.0.2.1', 'user', 'success', 'failure', '', null, true, false, 3, 1_795_327_629_000),
      fc.string(),
      fc.integer({ min: -1e6, max: 1e6 }),
    );
    const { object } = fc.letrec<{ value: JsonValue; object: Record<string, JsonValue> }>((tie) => ({
      value: fc.oneof(
        { weight: 3, arbitrary: scalar },
        { weight: 1, arbitrary: tie('object') },
        { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }) },
      ),
      object: fc.array(fc.tuple(names, tie('value')), { maxLength: 6 }).map((members) => Object.fromEntries(members)),
    }));
    fc.assert(
      fc.property(object, (sent) => {
        const text = JSON.stringify(sent);
        const incoming = readEvents(Buffer.from(text), 'json')[0] as Incoming;
        const stored = scalarsOf(incoming.event);
        for (const value of scalarsOf(JSON.parse(text) as JsonValue)) {
          const at = stored.findIndex((other) => textsOf(value).includes(String(other)));
          expect(at, `${String(value)} of ${text} in ${JSON.stringify(incoming.event)}`).toBeGreaterThanOrEqual(0);
          stored.splice(at, 1);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

type Scalar = string | number | boolean;

/** Scalars of a value; those of our own event that were null are absence, so null does not count. */
function scalarsOf(value: JsonValue): Scalar[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(scalarsOf);
  return value === null ? [] : [value];
}

/** Numbers become ids, and those that count milliseconds become times. */
function textsOf(value: Scalar): string[] {
  return value === 1_795_327_629_000 ? [String(value), '2026-11-22T06:07:09.000Z'] : [String(value)];
}
