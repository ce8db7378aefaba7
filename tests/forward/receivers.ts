/** Receivers of forwarders, as they are: an HTTP server, a syslog listener on TCP. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';

export interface Received {
  headers: IncomingHttpHeaders;
  /** As it was sent. */
  body: Buffer;
  /** Its records, whatever the format. */
  items: JsonObject[];
}

export interface HttpReceiver {
  url: string;
  received: Received[];
  /** Connections that it has reset. */
  resets: number;
  /** What it answers next; 0: it resets the connection, once, and answers 200 from then on. */
  answer: { status: number; headers?: Record<string, string>; afterMs?: number };
  /** Resolves when it has had so many requests. */
  had(count: number): Promise<void>;
  /** Leaves of all that it has taken, in order of arrival. */
  leaves(): number[];
}

export async function receiveHttp(): Promise<HttpReceiver> {
  const waiting: (() => void)[] = [];
  const receiver: HttpReceiver = {
    url: '',
    received: [],
    resets: 0,
    answer: { status: 200 },
    async had(count) {
      while (receiver.received.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    leaves: () => receiver.received.flatMap(({ items }) => items.map(leafOf)),
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    if (receiver.answer.status === 0) {
      receiver.resets++;
      receiver.answer = { status: 200 };
      request.socket.resetAndDestroy();
      return;
    }
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('error', () => undefined);
    request.on('end', () => {
      const body = Buffer.concat(parts);
      const plain = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
      const isBatch = request.headers['content-type'] === 'application/cloudevents-batch+json';
      const lines = isBatch ? (JSON.parse(plain.toString()) as JsonObject[]) : linesOf(plain.toString());
      const { status, headers = {}, afterMs = 0 } = receiver.answer;
      setTimeout(() => response.writeHead(status, headers).end('{"secret":"of the receiver"}'), afterMs);
      receiver.received.push({ headers: request.headers, body, items: lines });
      for (const wake of waiting.splice(0)) wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`;
  return receiver;
}

export function linesOf(text: string): JsonObject[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JsonObject);
}

export function leafOf(item: JsonObject): number {
  return (item['specversion'] === undefined ? item['leafIndex'] : Number(item['id'])) as number;
}

export interface SyslogReceiver {
  port: number;
  messages: string[];
  /** Connections that it cut off at once. */
  cuts: number;
  cut: boolean;
  had(count: number): Promise<void>;
}

/** RFC 6587, 3.4.1. @param listen for TLS */
export async function receiveSyslog(
  listen: (onSocket: (socket: Socket) => void) => ReturnType<typeof createTcpServer> = createTcpServer,
): Promise<SyslogReceiver> {
  const waiting: (() => void)[] = [];
  const receiver: SyslogReceiver = {
    port: 0,
    messages: [],
    cuts: 0,
    cut: false,
    async had(count) {
      while (receiver.messages.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
  const server = listen((socket) => {
    socket.on('error', () => undefined);
    if (receiver.cut) {
      receiver.cuts++;
      socket.destroy();
      return;
    }
    let read = Buffer.alloc(0);
    socket.on('data', (part: Buffer) => {
      read = Buffer.concat([read, part]);
      for (;;) {
        const space = read.indexOf(0x20);
        const length = Number(read.subarray(0, Math.max(0, space)).toString());
        if (space < 0 || read.length < space + 1 + length) break;
        receiver.messages.push(read.subarray(space + 1, space + 1 + length).toString());
        read = read.subarray(space + 1 + length);
      }
      for (const wake of waiting.splice(0)) wake();
    });
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  receiver.port = (server.address() as AddressInfo).port;
  return receiver;
}

/** Until something is so; for what no event tells. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 10_000; !(await isSo()); left--) {
    if (left === 0) throw new Error('it never came about');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
