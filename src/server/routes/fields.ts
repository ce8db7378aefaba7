/** The registry of fields, for those who say what a field is. */
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import type { Trail } from '../../app/trail.ts';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { personOf } from './requests.ts';
import { classifyAnswer, classifyBody, fieldList, fieldQuery, noQuery } from '../schemas.ts';
import { shapeOf } from '../validator.ts';

export function registerFieldRoutes(app: FastifyInstance, trail: Trail): void {
  const classification = shapeOf(classifyBody);

  app.get<{ Querystring: Static<typeof fieldQuery> }>(
    '/api/v1/fields',
    {
      schema: { summary: 'Fields that were ever seen: paths and types, never values', querystring: fieldQuery, response: { 200: fieldList } },
    },
    async ({ query: { log, unclassified } }) => ({
      fields: await trail.fields({ ...(log === undefined ? {} : { log }), ...(unclassified === undefined ? {} : { unclassified: true }) }),
    }),
  );

  app.post<{ Body: Buffer | undefined }>(
    '/api/v1/fields/classify',
    {
      schema: {
        summary: 'Say what a field is; values of it that were withheld are settled',
        querystring: noQuery,
        body: classifyBody,
        response: { 200: classifyAnswer },
      },
    },
    ({ body, principal }) => {
      const { value } = parseJson(decodeUtf8(body ?? Buffer.alloc(0)));
      if (!classification.Check(value))
        throw new VeiltrailError('classify_request', 'a classification is {"path", "as", "log"?, "why"?, "request"?}');
      return trail.classifyField({ ...value, by: principal.id, person: personOf(principal) });
    },
  );
}
