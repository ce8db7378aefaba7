/** Holds, retention, erasure, redaction, reports. What is removed is named in a body, never in a URL; nothing is removed without `"dryRun": false`. */
import type { FastifyInstance } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Principal } from '../../access/roles.ts';
import type { AskedBy } from '../../app/asked-operation.ts';
import { formatReportPage } from '../../app/report-page.ts';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import type { DataProtection } from '../../app/data-protection.ts';
import {
  eraseAnswer,
  eraseBody,
  holdBody,
  holdInfo,
  holdList,
  holdParams,
  liftBody,
  redactAnswer,
  redactBody,
  removalParams,
  reportBody,
  retentionBody,
  retentionChange,
  retentionInfo,
  retentionReport,
} from '../protection-schemas.ts';
import { noQuery } from '../schemas.ts';
import { shapeOf } from '../validator.ts';

interface Why {
  purpose?: string;
  reference?: string;
  request?: string;
}
type Body = { Body: Buffer | undefined };

export function registerDataProtectionRoutes(app: FastifyInstance, protection: DataProtection): void {
  app.get('/api/v1/holds', { schema: { summary: 'Holds, those lifted too', querystring: noQuery, response: { 200: holdList } } }, (_request, reply) =>
    reply.send({ holds: protection.holds() }),
  );
  const hold = reader(holdBody, 'hold_request', 'a hold is {"name", "why", "reference"?} and what it covers');
  app.post<Body>(
    '/api/v1/holds',
    {
      schema: {
        summary: 'Set a hold: what it covers is not removed while it stands',
        querystring: noQuery,
        body: holdBody,
        response: { 201: holdInfo },
      },
    },
    async ({ body, principal }, reply) => reply.code(201).send(await protection.setHold(hold(body), principal.id)),
  );
  const lift = reader(liftBody, 'hold_request', 'lifting a hold takes {"purpose", "reference"?, "request"?}');
  app.post<Body & { Params: { name: string } }>(
    '/api/v1/holds/:name/lift',
    { schema: { summary: 'Lift a hold; takes two', params: holdParams, querystring: noQuery, body: liftBody, response: { 200: holdInfo } } },
    ({ body, principal, params }) => protection.liftHold(params.name, askedBy(principal, lift(body))),
  );

  app.get(
    '/api/v1/retention',
    { schema: { summary: 'The retention table in force', querystring: noQuery, response: { 200: retentionInfo } } },
    (_request, reply) => reply.send(protection.retention()),
  );
  app.get(
    '/api/v1/retention/due',
    { schema: { summary: 'What retention would let go now, and what goes next', querystring: noQuery, response: { 200: retentionReport } } },
    () => protection.dueRecords(),
  );
  const table = reader(retentionBody, 'retention_request', 'a table is put in force with {"table", "purpose", "reference"?, "request"?}');
  app.put<Body>(
    '/api/v1/retention',
    {
      schema: {
        summary: 'Put a retention table in force; takes two where records would go earlier',
        querystring: noQuery,
        body: retentionBody,
        response: { 200: retentionChange },
      },
    },
    ({ body, principal }) => {
      const asked = table(body);
      return protection.applyRetention(asked.table, askedBy(principal, asked));
    },
  );
  app.post(
    '/api/v1/retention/run',
    { schema: { summary: 'Let go what is due', querystring: noQuery, response: { 200: retentionReport } } },
    ({ principal }) => protection.runRetention(principal.id),
  );

  const erase = reader(eraseBody, 'subject_request', 'an erasure is {"mode", "dryRun", "purpose"?} and "tokens", "ids" or "values"');
  app.post<Body>(
    '/api/v1/subjects/erase',
    {
      schema: {
        summary: 'Forget a person: list what would go, or with "dryRun": false do it; takes two',
        querystring: noQuery,
        body: eraseBody,
        response: { 200: eraseAnswer },
      },
    },
    async ({ body, principal }, reply) => {
      const { dryRun = true, purpose, reference, request, ...subject } = erase(body);
      const by = askedBy(principal, { purpose, reference, request }, dryRun);
      return reply.send(dryRun ? { plan: await protection.planErasure(subject, by) } : await protection.eraseSubject(subject, by));
    },
  );
  const report = reader(reportBody, 'subject_request', 'a report is {"purpose", "reveal"?, "format"?} and "tokens", "ids" or "values"');
  app.post<Body>(
    '/api/v1/subjects/report',
    {
      schema: {
        summary: 'Everything that is held about a person, and who touched it',
        querystring: noQuery,
        body: reportBody,
        produces: ['application/json', 'text/html'],
      },
    },
    async ({ body, principal }, reply) => {
      const { format = 'json', purpose, reference, request, ...subject } = report(body);
      const made = await protection.reportSubject(subject, askedBy(principal, { purpose, reference, request }));
      if (format === 'html') return reply.type('text/html; charset=utf-8').send(formatReportPage(made));
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(made));
    },
  );
  app.get<{ Params: { id: string } }>(
    '/api/v1/removals/:id/certificate',
    {
      schema: {
        summary: 'The certificate of a removal: what, when, on whose approval, how much, never whom',
        params: removalParams,
        querystring: noQuery,
        produces: ['application/json'],
      },
    },
    async ({ params }, reply) => reply.type('application/json; charset=utf-8').send(await protection.certificateOf(params.id)),
  );
  const redact = reader(redactBody, 'redact_request', 'a redaction is {"dryRun", "purpose"?} and "places" or "query"');
  app.post<Body>(
    '/api/v1/values/redact',
    {
      schema: {
        summary: 'Take values out of records: list what would go, or with "dryRun": false do it; takes two',
        querystring: noQuery,
        body: redactBody,
        response: { 200: redactAnswer },
      },
    },
    async ({ body, principal }, reply) => {
      const { dryRun = true, purpose, reference, request, ...values } = redact(body);
      const by = askedBy(principal, { purpose, reference, request }, dryRun);
      return reply.send(dryRun ? { plan: await protection.planRedaction(values, by) } : await protection.redactValues(values, by));
    },
  );
}

/** Reads a body of a shape. @throws VeiltrailError that code, `json_syntax` and its like */
function reader<T extends TSchema>(schema: T, code: string, wanted: string): (body: Buffer | undefined) => Static<T> {
  const compiled = shapeOf(schema);
  return (body) => {
    const { value } = parseJson(decodeUtf8(body ?? Buffer.alloc(0)));
    if (!compiled.Check(value)) throw new VeiltrailError(code, wanted);
    return value as Static<T>;
  };
}

/** @throws VeiltrailError `purpose_needed` */
function askedBy(
  { id, role, owner }: Principal,
  { purpose, reference, request }: { [Name in keyof Why]: string | undefined },
  isDryRun = false,
): AskedBy {
  if (!isDryRun && (purpose === undefined || purpose.trim() === '')) throw new VeiltrailError('purpose_needed', 'say why: "purpose"');
  return {
    principal: id,
    role,
    ...(owner === undefined ? {} : { owner }),
    purpose: purpose ?? '',
    ...(reference === undefined ? {} : { reference }),
    ...(request === undefined ? {} : { request }),
  };
}
