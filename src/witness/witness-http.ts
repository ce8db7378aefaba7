/**
 * The HTTP of a witness (C2SP tlog-witness), by Node's own server; submission and monitoring prefix are the same:
 *
 *     POST /add-checkpoint
 *     GET  /<hex SHA-256 of the origin>/checkpoint
 *     GET  /                                          name, verifier key and logs, for people
 *
 * Everybody may ask: what counts is the log's signature in the request. Bodies, headers, time and connections are bounded.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { toHex, utf8 } from '../core/bytes.ts';
import { addCheckpointBytesMax, sizeMediaType } from '../log/add-checkpoint.ts';
import { sha256 } from '../core/sha256.ts';
import type { Witness, WitnessAnswer } from './witness.ts';

export interface WitnessHttpOptions {
  /** Told of mistakes of ours and of storage: a code, never what was sent. */
  report?: (error: unknown) => void;
}

const plain = 'text/plain; charset=utf-8';
const connectionsMax = 256;
const headersMs = 5_000;
const requestMs = 10_000;

/** A server that does not listen yet. */
export function createWitnessServer(witness: Witness, { report = () => undefined }: WitnessHttpOptions = {}): Server {
  const server = createServer(
    { headersTimeout: headersMs, requestTimeout: requestMs, keepAliveTimeout: 60_000, maxHeaderSize: 8_192 },
    (request, response) => {
      response.setHeader('x-content-type-options', 'nosniff');
      answer(witness, request, response).catch((error: unknown) => {
        report(error);
        if (!response.headersSent) send(response, 500, 'the witness failed; nothing was cosigned\n', { connection: 'close' });
        else response.destroy();
      });
    },
  );
  server.maxConnections = connectionsMax;
  return server;
}

async function answer(witness: Witness, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = '/' } = request;
  if (url === '/add-checkpoint') {
    if (method !== 'POST') return send(response, 405, 'POST only\n', { allow: 'POST' });
    const body = await readBody(request);
    if (body) return sendAnswer(response, witness.addCheckpoint(body));
    return send(response, 413, 'the request is too large\n', { connection: 'close' });
  }
  if (method !== 'GET') return send(response, 405, 'GET only\n', { allow: 'GET', connection: 'close' });
  const hash = /^\/([0-9a-f]{64})\/checkpoint$/.exec(url)?.[1];
  if (hash !== undefined) {
    const checkpoint = witness.logs().find(({ origin }) => toHex(sha256(utf8(origin))) === hash)?.checkpoint;
    if (checkpoint === undefined) return send(response, 404, 'no checkpoint of such a log was cosigned here\n');
    return send(response, 200, checkpoint, { 'access-control-allow-origin': '*', 'cache-control': 'no-store' });
  }
  if (url === '/') return send(response, 200, describe(witness));
  send(response, 404, 'there is nothing here\n');
}

function sendAnswer(response: ServerResponse, answered: WitnessAnswer): void {
  if (answered.status === 200) send(response, 200, answered.cosignatures);
  else if (answered.status === 409) send(response, 409, `${answered.treeSize}\n`, { 'content-type': sizeMediaType });
  else if (answered.status === 429) send(response, 429, 'too many checkpoints of this log\n', { 'retry-after': String(answered.retryAfterSeconds) });
  else send(response, answered.status, `${answered.reason}\n`);
}

function send(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  const bytes = utf8(body);
  response.writeHead(status, { 'content-type': plain, 'content-length': bytes.length, ...headers }).end(bytes);
}

/** Undefined for a body that is larger than any request of ours: what is left of it is read and forgotten, so that the answer arrives. */
function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    let chunks: Uint8Array[] = [];
    let length = 0;
    request.on('data', (chunk: Uint8Array) => {
      length += chunk.length;
      if (length <= addCheckpointBytesMax) chunks.push(chunk);
      else {
        chunks = [];
        resolve(undefined);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}

function describe(witness: Witness): string {
  const logs = witness.logs().map(({ origin, treeSize }) => `  ${origin}  ${treeSize}\n`);
  return `${witness.name}\n\n${witness.vkey}\n\nlogs:\n${logs.join('')}`;
}
