/** Appending, reading, searching and proving events. */
import type { FastifyInstance } from 'fastify';
import type { AppendRequest } from '../../app/append-events.ts';
import type { SearchRequest, Trail } from '../../app/trail.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { parseTimestamp } from '../../event/timestamp.ts';
import { forwardedHeader } from '../../forward/forwarded-header.ts';
import { decompress } from '../../ingest/decompress.ts';
import { freeBytes } from '../../thread/free-buffer.ts';
import type { Admission } from '../admission.ts';
import { type AnsweredEvent, createAnswerFormat } from '../format-answer.ts';
import { appendAnswer, appendQuery, foundEventAnswer, leafParams, logParams, noQuery, searchAnswer, searchQuery } from '../schemas.ts';
import type { AppendQuery, SearchQuery } from '../schemas.ts';

interface LogParams {
  log: string;
}
interface LeafParams extends LogParams {
  leaf: string;
}

const jsonType = 'application/json; charset=utf-8';

export function registerEventRoutes(app: FastifyInstance, trail: Trail, bodyBytesMax: number): void {
  const formatAnswer = createAnswerFormat();
  app.post<{ Params: LogParams; Querystring: AppendQuery; Body: Buffer | undefined }>(
    '/api/v1/logs/:log/events',
    {
      schema: {
        summary: 'Append events: an object, an array, or one a line (application/x-ndjson); gzip or zstd. A batch is all or nothing.',
        params: logParams,
        querystring: appendQuery,
        response: { 201: appendAnswer },
      },
    },
    async (request, reply) => {
      const { body, headers, params, query, principal } = request;
      const admission = request.admission as Admission;
      refuseOwn(headers[forwardedHeader], trail);
      const encoding = headers['content-encoding'];
      const sent = body ?? Buffer.alloc(0);
      const plain = encoding === undefined ? sent : await decompress(sent, encoding, bodyBytesMax);
      if (plain !== sent) admission.hold(plain.length);
      const append: AppendRequest = { log: params.log, principal: principal.id, body: plain, format: query.format ?? 'auto' };
      if (headers['content-type'] !== undefined) append.contentType = headers['content-type'];
      if (query.dedupe !== undefined) append.dedupe = query.dedupe;
      if (query.conflict !== undefined) append.onConflict = query.conflict;
      if (query.repeats !== undefined) append.repeats = parseRepeats(query.repeats);
      const { receipts, treeSize, checkpoint } = await trail.append(append);
      freeBytes(plain);
      void reply.code(201).header('content-type', jsonType);
      if (query.proof === undefined) return formatAnswer({ receipts, treeSize, checkpoint });
      const proven: AnsweredEvent[] = [];
      for (const receipt of receipts) {
        const proof = await trail.proveEvent(params.log, receipt.leafIndex);
        proven.push(proof === undefined ? receipt : { ...receipt, proof });
      }
      return formatAnswer({ receipts: proven, treeSize, checkpoint });
    },
  );

  app.get<{ Params: LogParams; Querystring: SearchQuery }>(
    '/api/v1/logs/:log/events',
    {
      schema: { summary: 'Search, newest first', params: logParams, querystring: searchQuery, response: { 200: searchAnswer } },
    },
    async (request, reply) => {
      const { params, query, principal } = request;
      const { hides } = principal;
      const answer = await trail.search(params.log, { ...searchOf(query), ...(hides ? { hides } : {}) });
      request.seen = {
        leaves: answer.events.map(({ leafIndex }) => leafIndex),
        ...(query.q === undefined ? {} : { query: query.q }),
      };
      return reply.send(answer);
    },
  );

  app.get<{ Params: LeafParams }>(
    '/api/v1/logs/:log/events/:leaf',
    {
      schema: { summary: 'One record', params: leafParams, querystring: noQuery, response: { 200: foundEventAnswer } },
    },
    async (request, reply) => {
      const { params, principal } = request;
      const event = found(await trail.readEvent(params.log, leafOf(params), principal.hides));
      request.seen = { leaves: [event.leafIndex] };
      return reply.send(event);
    },
  );

  app.get<{ Params: LeafParams }>(
    '/api/v1/logs/:log/events/:leaf/proof',
    {
      schema: { summary: 'The receipt of one event: a C2SP tlog-proof', params: leafParams, querystring: noQuery, produces: ['text/plain'] },
    },
    async (request, reply) => {
      const leafIndex = leafOf(request.params);
      const proof = found(await trail.proveEvent(request.params.log, leafIndex));
      request.seen = { leaves: [leafIndex] };
      return reply.type('text/plain; charset=utf-8').send(proof);
    },
  );
}

function leafOf({ leaf }: LeafParams): number {
  const leafIndex = Number(leaf);
  // Sixteen digits may be more than a log can hold: there is no such leaf.
  if (!Number.isSafeInteger(leafIndex)) throw notFound();
  return leafIndex;
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw notFound();
  return value;
}

function notFound(): VeiltrailError {
  return new VeiltrailError('not_found', 'the log has no such leaf');
}

function searchOf({ q, since, until, limit, cursor }: SearchQuery): SearchRequest {
  const search: SearchRequest = {};
  if (q !== undefined) search.q = q;
  if (since !== undefined) search.since = checkTime('since', since);
  if (until !== undefined) search.until = checkTime('until', until);
  if (limit !== undefined) search.limit = Number(limit);
  if (cursor !== undefined) search.cursor = cursor;
  return search;
}

function checkTime(parameter: string, text: string): string {
  const time = parseTimestamp(text);
  if (!time) throw new VeiltrailError('invalid_parameter', `the parameter ${parameter} is an RFC 3339 time`, { parameter });
  return time.canonical;
}

function parseRepeats(text: string): Map<number, number> {
  return new Map(text.split(',').map((pair) => pair.split(':').map(Number) as [number, number]));
}

/** What comes of a log that is here would be forwarded again, for ever. @throws VeiltrailError `forward_circle` */
function refuseOwn(origin: string | string[] | undefined, trail: Pick<Trail, 'logs' | 'vkeyOf'>): void {
  // A verifier key begins with the log's origin, in which no + stands.
  if (typeof origin !== 'string' || !trail.logs().some((log) => trail.vkeyOf(log).startsWith(`${origin}+`))) return;
  throw new VeiltrailError('forward_circle', 'these records are forwarded from a log of this server, to the same server');
}
