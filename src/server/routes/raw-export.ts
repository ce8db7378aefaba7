/** Raw exports: events with the values behind their tokens, as lines of JSON. On record before the first byte, and again at the end. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { authorize } from '../../access/roles.ts';
import { rawExportLimits, type RawExportRequest } from '../../app/raw-export-request.ts';
import type { Trail } from '../../app/trail.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { parseTimestamp } from '../../event/timestamp.ts';
import { logParams, noQuery } from '../schemas.ts';
import { purpose, reference, request } from '../token-schemas.ts';
import { shapeOf } from '../validator.ts';
import { askerOf, jsonOf } from './tokens.ts';

const rawExportBody = Type.Object(
  {
    query: Type.Optional(Type.String({ maxLength: 4_096, description: 'Which events, kind:value for real values, too [all]' })),
    since: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339; events from this time on' })),
    until: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339; events before this time' })),
    limit: Type.Optional(
      Type.Integer({ description: `The newest so many, 1 to ${rawExportLimits.eventsMax} [all; none where they are more than that]` }),
    ),
    audience: Type.Optional(Type.String({ maxLength: 1_000, description: 'For whom, in 1 to 200 characters; part of what is approved [who asks]' })),
    purpose,
    reference,
    request,
  },
  { additionalProperties: false },
);

/** Whoever reads nothing for so long is gone. */
const idleMs = 60_000;

export function registerRawExportRoute(app: FastifyInstance, trail: Pick<Trail, 'lookUps'>): void {
  const body = shapeOf(rawExportBody);
  const underWay = new Set<Readable>();
  const stopping = new AbortController();
  // They may take longer than anybody waits for a server to stop.
  app.addHook('preClose', (done) => {
    stopping.abort();
    for (const stream of underWay) stream.destroy();
    done();
  });
  app.post<{ Params: { log: string }; Body: Buffer | undefined }>(
    '/api/v1/logs/:log/export',
    {
      schema: {
        summary:
          'Events with the values behind their tokens, as lines of JSON (docs/reference/raw-export.md). Takes a second person, where there is one',
        params: logParams,
        querystring: noQuery,
        body: rawExportBody,
        produces: ['application/x-ndjson'],
      },
    },
    async (asked, reply) => {
      const { params, body: sent, principal } = asked;
      const mayRead = (who: typeof principal): void => authorize(who, 'events.read', params.log);
      mayRead(principal);
      const value = jsonOf(sent);
      if (!body.Check(value))
        throw new VeiltrailError('export_request', 'an export is {"query"?, "since"?, "until"?, "limit"?, "purpose", "reference", "request"?, …}');
      const { text, brokenOff } = await trail.lookUps.exportRaw({
        ...requestOf(params.log, value, principal),
        signal: stopping.signal,
        mayGoOn: () => asked.checkAgain(mayRead),
      });
      if (stopping.signal.aborted) {
        await text.return?.();
        throw new VeiltrailError('stopping', 'the server is stopping');
      }
      // As bytes and not as objects: then no more than this waits for whoever reads.
      const stream = Readable.from(text, { objectMode: false, highWaterMark: 65_536 });
      underWay.add(stream);
      // Not even what waits to be sent goes out.
      const breakOff = (): void => {
        stream.destroy();
        reply.raw.destroy();
      };
      if (brokenOff.aborted) breakOff();
      else brokenOff.addEventListener('abort', breakOff, { once: true });
      stream.once('close', () => underWay.delete(stream));
      reply.raw.setTimeout(idleMs, () => reply.raw.destroy());
      return reply.type('application/x-ndjson; charset=utf-8').header('content-disposition', 'attachment; filename="export.ndjson"').send(stream);
    },
  );
}

function requestOf(
  log: string,
  { since, until, ...asked }: Static<typeof rawExportBody>,
  principal: Parameters<typeof askerOf>[0],
): RawExportRequest {
  return {
    ...asked,
    ...askerOf(principal),
    log,
    ...(principal.hides ? { hides: principal.hides } : {}),
    ...(since === undefined ? {} : { since: timeOf(since) }),
    ...(until === undefined ? {} : { until: timeOf(until) }),
  };
}

function timeOf(text: string): string {
  const time = parseTimestamp(text);
  if (!time) throw new VeiltrailError('export_request', 'since and until are RFC 3339 times');
  return time.canonical;
}
