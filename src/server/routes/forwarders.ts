/** Forwarders: what leaves, where to, how far it is. Setting one takes a second person, where there is one. */
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import type { Forwarders } from '../../app/forwarders.ts';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { type JsonObject, parseJson } from '../../core/json.ts';
import { forwarderBody, forwarderInfo, forwarderList, forwarderParams, forwarderRemoved } from '../forwarder-schemas.ts';
import { noQuery } from '../schemas.ts';
import { shapeOf } from '../validator.ts';
import { personOf } from './requests.ts';

export function registerForwarderRoutes(app: FastifyInstance, forwarders: Forwarders): void {
  const body = shapeOf(forwarderBody);
  type Params = { Params: { name: string } };

  app.get(
    '/api/v1/forwarders',
    { schema: { summary: 'Forwarders, and how far they are', querystring: noQuery, response: { 200: forwarderList } } },
    async (_request, reply) => reply.send({ forwarders: await forwarders.list() }),
  );

  app.put<Params & { Body: Buffer | undefined }>(
    '/api/v1/forwarders/:name',
    {
      schema: {
        summary: 'Set a forwarder, in the place of the one of that name; takes two',
        params: forwarderParams,
        querystring: noQuery,
        body: forwarderBody,
        response: { 200: forwarderInfo },
      },
    },
    ({ params: { name }, body: bytes, principal }) => {
      const value = parseJson(decodeUtf8(bytes ?? Buffer.alloc(0))).value;
      if (!body.Check(value))
        throw new VeiltrailError(
          'forwarder_invalid',
          'a forwarder is {"destination": {"kind", …}, "logs"?, "query"?, "format"?, "from"?}, with {"purpose", "reference"?, "request"?}',
        );
      const { purpose, reference, request, ...setting } = value as Static<typeof forwarderBody> & JsonObject;
      if (purpose === undefined) throw new VeiltrailError('purpose_needed', 'say why records shall leave: purpose');
      const why = { purpose, ...(reference === undefined ? {} : { reference }), ...(request === undefined ? {} : { request }) };
      return forwarders.set({ ...setting, name }, { ...personOf(principal), role: principal.role, ...why });
    },
  );

  app.delete<Params>(
    '/api/v1/forwarders/:name',
    { schema: { summary: 'Remove a forwarder', params: forwarderParams, querystring: noQuery, response: { 200: forwarderRemoved } } },
    async ({ params: { name }, principal }) => {
      await forwarders.remove(name, personOf(principal));
      return { removed: name };
    },
  );

  app.post<Params>(
    '/api/v1/forwarders/:name/resume',
    {
      schema: {
        summary: 'Start a forwarder again that its receiver refused',
        params: forwarderParams,
        querystring: noQuery,
        response: { 200: forwarderInfo },
      },
    },
    ({ params: { name }, principal }) => forwarders.resume(name, personOf(principal)),
  );
}
