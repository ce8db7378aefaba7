/**
 * The load generator: its own process, plain sockets and as little JavaScript a request as will do, because it runs on the cores that it loads.
 *
 * node bench/load.ts PORT KEYFILE CONNECTIONS EVENTS_PER_REQUEST SECONDS SEED
 * prints {"requests","events","bytes","seconds","errors","p50Ms","p99Ms"}
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { createEvents } from './events.ts';

const [port, keyFile, connections, perRequest, seconds, seed] = process.argv.slice(2) as [string, string, string, string, string, string];
const key = readFileSync(keyFile, 'utf8').trim();
const eventsPerRequest = Number(perRequest);
const nextEvent = createEvents(Number(seed));

/** Bodies are made before the clock starts, so that making them is not measured; enough of them that ids never repeat within a run. */
function makeRequest(): Buffer {
  const lines: string[] = [];
  for (let i = 0; i < eventsPerRequest; i++) lines.push(JSON.stringify(nextEvent()));
  const body = Buffer.from(lines.join('\n'));
  const type = eventsPerRequest === 1 ? 'application/json' : 'application/x-ndjson';
  const head = `POST /api/v1/logs/default/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

const prepared: Buffer[] = [];
const wanted = eventsPerRequest === 1 ? 20_000 * Number(seconds) : Math.ceil((70_000 * Number(seconds)) / eventsPerRequest);
for (let i = 0; i < wanted; i++) prepared.push(makeRequest());

const latencies: number[] = [];
let errors = 0;
let bytes = 0;
let next = 0;
let startMs = 0;
let endMs = 0;

function drive(): Promise<void> {
  return new Promise((resolve) => {
    const socket: Socket = connect(Number(port), '127.0.0.1');
    let sentMs = 0;
    let pending = Buffer.alloc(0);
    const send = (): void => {
      if (performance.now() >= endMs || next >= prepared.length) {
        socket.end();
        return resolve();
      }
      const request = prepared[next++] as Buffer;
      bytes += request.length;
      sentMs = performance.now();
      socket.write(request);
    };
    socket.setNoDelay(true);
    socket.on('connect', send);
    socket.on('error', () => {
      errors++;
      resolve();
    });
    socket.on('data', (data) => {
      pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
      const head = pending.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = /content-length: (\d+)/i.exec(pending.toString('latin1', 0, head))?.[1];
      if (pending.length < head + 4 + Number(length)) return;
      if (pending.toString('latin1', 9, 12) === '201') latencies.push(performance.now() - sentMs);
      else errors++;
      pending = Buffer.alloc(0);
      send();
    });
  });
}

startMs = performance.now();
endMs = startMs + 1000 * Number(seconds);
await Promise.all(Array.from({ length: Number(connections) }, drive));
const elapsed = (performance.now() - startMs) / 1000;
latencies.sort((a, b) => a - b);
const percentile = (share: number): number =>
  Math.round((latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0) * 100) / 100;
console.log(
  JSON.stringify({
    requests: latencies.length,
    events: latencies.length * eventsPerRequest,
    bytes,
    seconds: elapsed,
    errors,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
  }),
);
