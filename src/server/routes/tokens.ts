/** Revealing tokens, searching by real values, and whoever was stopped for a sweep. Values are in bodies, never in URLs. */
import type { FastifyInstance } from 'fastify';
import { mayDo, type Principal, rolesWith } from '../../access/roles.ts';
import type { Asker } from '../../app/look-up-report.ts';
import type { SearchRequest, Trail } from '../../app/trail.ts';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { type JsonValue, parseJson } from '../../core/json.ts';
import { parseTimestamp } from '../../event/timestamp.ts';
import { logParams, noQuery } from '../schemas.ts';
import {
  findAnswer,
  findBody,
  revealAnswer,
  revealBody,
  type SearchBody,
  searchBody,
  stopList,
  stopParams,
  valueSearchAnswer,
} from '../token-schemas.ts';
import { shapeOf } from '../validator.ts';

type Body = { Body: Buffer | undefined };

export function registerTokenRoutes(app: FastifyInstance, trail: Pick<Trail, 'lookUps' | 'search'>): void {
  const [reveal, find, search] = [shapeOf(revealBody), shapeOf(findBody), shapeOf(searchBody)];

  app.post<Body>(
    '/api/v1/tokens/reveal',
    {
      schema: {
        summary: 'What a token stands for, and what shows it. Takes a purpose and a reference, and by policy a second person',
        querystring: noQuery,
        body: revealBody,
        response: { 200: revealAnswer },
      },
    },
    async ({ body, principal }, reply) => {
      const value = jsonOf(body);
      const { token, tokens, ...why } = reveal.Check(value) ? value : noReveal();
      if ((token === undefined) === (tokens === undefined)) noReveal();
      const answer = await trail.lookUps.reveal({ tokens: tokens ?? [token as string], ...why, ...askerOf(principal) });
      return reply.send(token === undefined ? answer : answer.tokens[0]);
    },
  );

  app.post<Body>(
    '/api/v1/tokens/find',
    { schema: { summary: 'What stands for a value', querystring: noQuery, body: findBody, response: { 200: findAnswer } } },
    async ({ body, principal }, reply) => {
      const value = jsonOf(body);
      if (!find.Check(value)) throw new VeiltrailError('find_request', 'this takes {"kind", "value", "purpose"?, "reference"?}');
      return reply.send({ kind: value.kind, ...(await trail.lookUps.find({ ...value, ...askerOf(principal) })) });
    },
  );

  app.post<Body & { Params: { log: string } }>(
    '/api/v1/logs/:log/search',
    {
      schema: {
        summary: 'Search, newest first, with a query that no URL should hold: by real values, for whoever has token.search',
        params: logParams,
        querystring: noQuery,
        body: searchBody,
        response: { 200: valueSearchAnswer },
      },
    },
    async (request, reply) => {
      const { body, params, principal } = request;
      const value = jsonOf(body);
      if (!search.Check(value))
        throw new VeiltrailError('search_request', 'a search is {"q"?, "since"?, "until"?, "limit"?, "cursor"?, "purpose"?, "reference"?}');
      const asked = searchOf(value, principal);
      // Without the right a real value is a text like any other, which no record has.
      const answer = mayDo(principal, 'token.search')
        ? await trail.lookUps.search(params.log, { ...asked, ...reasonsOf(value) }, askerOf(principal))
        : await trail.search(params.log, asked);
      // Of a query with real values no digest is kept that outlives them: the event of the look-up has its own.
      const isTold = 'lookedUp' in answer;
      const kinds = mayDo(principal, 'token.search') ? [] : trail.lookUps.kindsAskedFor(value.q ?? '');
      const notSought = kinds.length > 0 ? { notSought: { kinds, right: 'token.search', roles: [...rolesWith('token.search')] } } : {};
      request.seen = { leaves: answer.events.map(({ leafIndex }) => leafIndex), ...(value.q === undefined || isTold ? {} : { query: value.q }) };
      return reply.send({ ...answer, ...notSought });
    },
  );

  app.get(
    '/api/v1/stops',
    { schema: { summary: 'Who was stopped for looking up too many different tokens or values', querystring: noQuery, response: { 200: stopList } } },
    (_request, reply) => reply.send({ stops: trail.lookUps.stops() }),
  );

  app.delete<{ Params: { principal: string } }>(
    '/api/v1/stops/:principal',
    { schema: { summary: 'Let somebody go on who was stopped', params: stopParams, querystring: noQuery, response: { 200: stopList } } },
    async ({ params, principal }, reply) => reply.send({ stops: await trail.lookUps.lift(params.principal, askerOf(principal)) }),
  );
}

export function askerOf({ id, role, owner }: Principal): Asker {
  return { principal: id, role, ...(owner === undefined ? {} : { owner }) };
}

export function jsonOf(body: Buffer | undefined): JsonValue {
  return parseJson(decodeUtf8(body ?? Buffer.alloc(0))).value;
}

function noReveal(): never {
  throw new VeiltrailError('reveal_request', 'a reveal is {"token" or "tokens", "purpose", "reference", "request"?}');
}

function reasonsOf({ purpose, reference }: SearchBody): { purpose?: string; reference?: string } {
  return { ...(purpose === undefined ? {} : { purpose }), ...(reference === undefined ? {} : { reference }) };
}

function searchOf({ q, since, until, limit, cursor }: SearchBody, { hides }: Principal): SearchRequest {
  return {
    ...(q === undefined ? {} : { q }),
    ...(since === undefined ? {} : { since: timeOf('since', since) }),
    ...(until === undefined ? {} : { until: timeOf('until', until) }),
    ...(limit === undefined ? {} : { limit }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(hides ? { hides } : {}),
  };
}

function timeOf(parameter: string, text: string): string {
  const time = parseTimestamp(text);
  if (!time) throw new VeiltrailError('invalid_parameter', `${parameter} is an RFC 3339 time`, { parameter });
  return time.canonical;
}
