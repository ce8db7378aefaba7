/** Evidence: one file for one audience and purpose. It is on record before the answer. */
import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import type { EvidenceRequest } from '../../app/evidence-request.ts';
import type { Trail } from '../../app/trail.ts';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { parseTimestamp } from '../../event/timestamp.ts';
import { logParams, noQuery } from '../schemas.ts';
import { shapeOf } from '../validator.ts';

const words = (description: string) => Type.String({ minLength: 1, maxLength: 4_096, description });

const evidenceBody = Type.Object(
  {
    audience: words('For whom the file is made'),
    purpose: words('Why'),
    name: Type.Optional(words('Who asks for it, in their words')),
    query: Type.Optional(Type.String({ maxLength: 4_096, description: 'Which events are shown; without it all of the range' })),
    since: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339; events from this time on' })),
    until: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339; events before this time' })),
    range: Type.Optional(
      Type.Object(
        { from: Type.Integer({ minimum: 0 }), to: Type.Integer({ minimum: 1, description: 'Not included' }) },
        { additionalProperties: false, description: 'The leaves to account for; without it from the first event found to the last one' },
      ),
    ),
    sparse: Type.Optional(Type.Boolean({ description: 'Account for the events found and for no leaf between them' })),
    fields: Type.Optional(
      Type.Array(Type.String({ maxLength: 4_096 }), { minItems: 1, maxItems: 1_000, description: 'RFC 6901 pointers of what is shown' }),
    ),
    policyText: Type.Optional(Type.Boolean({ description: 'With the text of the policy in force' })),
    earlier: Type.Optional(Type.String({ maxLength: 1_000_000, description: 'A checkpoint that the audience keeps' })),
  },
  { additionalProperties: false },
);

export function registerEvidenceRoute(app: FastifyInstance, trail: Trail): void {
  const body = shapeOf(evidenceBody);
  app.post<{ Params: { log: string }; Body: Buffer | undefined }>(
    '/api/v1/logs/:log/evidence',
    {
      schema: {
        summary: 'Evidence: one file that proves events to a stranger (docs/reference/evidence.md)',
        params: logParams,
        querystring: noQuery,
        body: evidenceBody,
        produces: ['application/json'],
      },
    },
    async ({ params, body: sent, principal }, reply) => {
      const { value } = parseJson(decodeUtf8(sent ?? Buffer.alloc(0)));
      if (!body.Check(value)) throw new VeiltrailError('evidence_request', 'evidence is asked for as {"audience", "purpose", "query"?, "range"?, …}');
      const made = await trail.exportEvidence(requestOf(params.log, value, principal));
      return reply.type('application/json; charset=utf-8').header('content-disposition', 'attachment; filename="evidence.json"').send(made.text);
    },
  );
}

type Asked = Static<typeof evidenceBody>;

function requestOf(log: string, { name, since, until, ...asked }: Asked, { id, role, hides }: EvidenceRequest['by']): EvidenceRequest {
  return {
    ...asked,
    log,
    by: { id, ...(role === undefined ? {} : { role }), ...(hides ? { hides } : {}) },
    ...(name === undefined ? {} : { byName: name }),
    ...(since === undefined ? {} : { since: timeOf(since) }),
    ...(until === undefined ? {} : { until: timeOf(until) }),
  };
}

function timeOf(text: string): string {
  const time = parseTimestamp(text);
  if (!time) throw new VeiltrailError('evidence_request', 'since and until are RFC 3339 times');
  return time.canonical;
}
