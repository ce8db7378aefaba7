/**
 * CPU time of `readEvents` by kind of input, on one thread: `node bench/ingest.ts [FILE]`. A file is read as the command line would read it.
 */
import { readFileSync } from 'node:fs';
import { readEvents } from '../src/ingest/read-events.ts';
import type { Format } from '../src/ingest/incoming.ts';

const eventCount = 1_000;

function ownEvent(i: number): Record<string, unknown> {
  return {
    id: `01J9ZK3V6Q${String(i).padStart(12, '0')}`,
    time: new Date(1_760_000_000_000 + i * 17).toISOString(),
    source: 'billing-api',
    action: 'customer.update',
    category: 'sensitive_record',
    crud: 'u',
    outcome: 'success',
    severity: 1,
    actor: { type: 'user', id: `u-${i % 97}`, name: 'Ada Byron', email: `ada${i % 97}@example.org`, session: `s-${i % 389}` },
    targets: [{ type: 'customer', id: `c-${i}`, fields: ['email', 'phone'] }],
    context: { ip: `203.0.113.${i % 250}`, userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0)', requestId: `r-${i}` },
    message: `changed the phone number of customer c-${i}`,
  };
}

function measure(name: string, body: Uint8Array, format: Format): void {
  let events = 0;
  for (let i = 0; i < 20; i++) events = readEvents(body, format).length;
  const rounds = Math.max(5, Math.ceil(40_000 / events));
  let best = Infinity;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    readEvents(body, format);
    best = Math.min(best, performance.now() - start);
  }
  const perEvent = (best * 1000) / events;
  process.stdout.write(
    `${name.padEnd(28)} ${events} events of ${Math.round(body.length / events)} B  ${perEvent.toFixed(2)} µs/event  ${(body.length / best / 1000).toFixed(0)} MB/s\n`,
  );
}

const own = Array.from({ length: eventCount }, (_, i) => ownEvent(i));
const lines = (values: readonly unknown[]): Uint8Array => Buffer.from(`${values.map((value) => JSON.stringify(value)).join('\n')}\n`);
measure('own events, lines', lines(own), 'auto');
measure('own events, array', Buffer.from(JSON.stringify(own)), 'auto');
measure('own events, spaced', Buffer.from(own.map((event) => JSON.stringify(event, null, 1).replaceAll(/\n */g, ' ')).join('\n')), 'auto');
measure(
  'any JSON, lines',
  lines(own.map(({ actor, action, time, ...rest }) => ({ ...rest, user: actor, eventName: action, created_at: time }))),
  'auto',
);
measure('text lines', Buffer.from(own.map(({ message }) => message).join('\n')), 'text');
const file = process.argv[2];
if (file !== undefined) measure('file', readFileSync(file), 'auto');
