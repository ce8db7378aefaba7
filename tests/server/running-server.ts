/** A server as it is, on a data directory and a port of its own, for the tests of this folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { openAuthenticator } from '../../src/access/authenticate.ts';
import { openKeys, type Keys } from '../../src/access/manage-keys.ts';
import { roles, type Role } from '../../src/access/roles.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { openTrail, type OpenTrail, type TrailOptions } from '../../src/server/compose.ts';
import { createHttpServer, type HttpParts, type MistakeReport } from '../../src/server/http.ts';
import { listen } from '../../src/server/listen.ts';

export interface RunningServer {
  url: string;
  port: number;
  dataDir: string;
  app: FastifyInstance;
  trail: OpenTrail;
  keys: Keys;
  key: Record<Role, string>;
  /** What was reported as our own mistakes. */
  mistakes: MistakeReport[];
  /** Sends a request and reads the whole answer. */
  send: (
    method: string,
    path: string,
    options?: { key?: string | undefined; body?: string | Uint8Array<ArrayBuffer>; headers?: Record<string, string> },
  ) => Promise<Answer>;
  close: () => Promise<void>;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body, where it is JSON. */
  json: Record<string, unknown>;
}

/** `change` makes the trail misbehave where a test needs it to: a full disk cannot be had for the asking. */
export async function runServer(
  limits: HttpParts['limits'] = {},
  change: (trail: OpenTrail) => OpenTrail = (trail) => trail,
  options: Partial<TrailOptions> = {},
  more: Partial<HttpParts> = {},
): Promise<RunningServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'veiltrail-server-'));
  const opened = await openTrail({ dataDir, workers: 1, ...options });
  await opened.createLog('default');
  const trail = change(opened);
  const mistakes: MistakeReport[] = [];
  const keys = openKeys(dataDir, { clock: systemClock, random: systemRandom });
  const app = await createHttpServer({
    trail,
    keys,
    authenticator: openAuthenticator(dataDir, systemClock),
    version: '0.0.0',
    limits,
    report: (mistake) => mistakes.push(mistake),
    ...more,
  });
  const url = await listen(app, { host: '127.0.0.1', port: 0 });
  const first = new Map(opened.firstKeys.map(({ role, path }) => [role, readFileSync(path, 'utf8').trim()]));
  const key = Object.fromEntries(roles.map((role) => [role, first.get(role) ?? keys.create({ role }).key])) as Record<Role, string>;
  return {
    url,
    port: Number(new URL(url).port),
    dataDir,
    app,
    trail,
    keys,
    key,
    mistakes,
    async send(method, path, { key: bearer, body, headers } = {}) {
      const response = await fetch(url + path, {
        method,
        headers: { ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }), ...headers },
        ...(body === undefined ? {} : { body }),
      });
      return answerOf(response.status, response.headers, await response.text());
    },
    async close() {
      await app.close();
      await opened.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function answerOf(status: number, headers: Headers, text: string): Answer {
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // not JSON: the text says what it is
  }
  return { status, headers, text, json };
}

export interface SendRawOptions {
  /** Behind each part. */
  pauseMs?: number;
  /** So long at the most. */
  forMs?: number;
  /** Goes away once all is written. */
  leaves?: boolean;
}

/**
 * Writes bytes to the port and reads until the server closes the connection, or `forMs` are over.
 * @param parts bytes, and what is waited for before the next of them
 */
export function sendRaw(
  port: number,
  parts: readonly (string | Uint8Array | (() => Promise<unknown>))[],
  { pauseMs = 0, forMs = 120_000, leaves = false }: SendRawOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(received);
    };
    const timer = setTimeout(done, forMs);
    socket.on('data', (data) => (received += data.toString('latin1')));
    socket.on('close', done);
    socket.on('error', () => undefined);
    socket.on('connect', () => {
      void (async () => {
        for (const part of parts) {
          if (socket.destroyed) return;
          if (typeof part === 'function') await part();
          else socket.write(part);
          if (pauseMs > 0) await new Promise((next) => setTimeout(next, pauseMs));
        }
        if (leaves) done();
      })().catch((error: unknown) => {
        reject(error as Error);
        done();
      });
    });
  });
}
