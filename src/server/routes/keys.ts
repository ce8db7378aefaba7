/** API keys, for admins. The key itself is in one answer only: that of the request which made it. Changes are on record before the answer. */
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import type { Authenticator } from '../../access/authenticate.ts';
import type { Keys } from '../../access/manage-keys.ts';
import type { Principal } from '../../access/roles.ts';
import { permitGrant } from '../../app/permit-grant.ts';
import type { Trail } from '../../app/trail.ts';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { type JsonObject, parseJson } from '../../core/json.ts';
import { permitBy } from './requests.ts';
import { keyCreated, keyInfo, keyList, keyParams, keyRequest, noQuery, rotateQuery } from '../schemas.ts';
import { shapeOf } from '../validator.ts';

export interface KeyRouteParts {
  keys: Keys;
  authenticator: Authenticator;
  trail: Pick<Trail, 'keyChanges' | 'requests'>;
}

const hourMs = 3_600_000;

export function registerKeyRoutes(app: FastifyInstance, { keys, authenticator, trail }: KeyRouteParts): void {
  const request = shapeOf(keyRequest);
  /** A key that nobody is told of must not be one: where the change cannot be put on record, it ends. */
  const tell = async (by: Principal, id: string, isNew: boolean, permission?: JsonObject): Promise<void> => {
    try {
      await trail.keyChanges.tell(by, id, permission);
    } catch (error) {
      if (isNew) keys.revoke(id);
      throw error;
    } finally {
      authenticator.refresh();
    }
  };

  app.get(
    '/api/v1/keys',
    { schema: { summary: 'All keys, without their secrets', querystring: noQuery, response: { 200: keyList } } },
    (_request, reply) => {
      authenticator.saveUse();
      return reply.send({ keys: keys.list() });
    },
  );

  app.post<{ Body: Buffer | undefined }>(
    '/api/v1/keys',
    {
      schema: { summary: 'Make a key', querystring: noQuery, body: keyRequest, response: { 201: keyCreated } },
    },
    async ({ body, principal }, reply) => {
      const { value } = parseJson(decodeUtf8(body ?? Buffer.alloc(0)));
      if (!request.Check(value))
        throw new VeiltrailError(
          'key_request',
          'a key is {"role", "logs"?, "expiresAt"?, "addresses"?, "hides"?, "owner"?, "name"?}, with "request" or "purpose"',
        );
      const { request: approved, purpose, reference, ...wanted } = value;
      const by = permitBy(principal, { request: approved, purpose, reference });
      const permission = await permitGrant(trail.requests, wanted.role, keys.grantOf(wanted), by);
      const { key, info } = keys.create(wanted);
      await tell(principal, info.id, true, permission);
      return reply.code(201).send({ ...info, key });
    },
  );

  app.post<{ Params: { id: string }; Querystring: Static<typeof rotateQuery> }>(
    '/api/v1/keys/:id/rotate',
    {
      schema: {
        summary: 'Make a key in the place of another one, which ends',
        params: keyParams,
        querystring: rotateQuery,
        response: { 201: keyCreated },
      },
    },
    async ({ params, query, principal }, reply) => {
      // Whoever rotates a key has its rights from then on.
      const rotated = keys.list().find(({ id }) => id === params.id);
      const permission = rotated && (await permitGrant(trail.requests, rotated.role, { rotates: rotated.id }, permitBy(principal, query)));
      const { key, info } = keys.rotate(params.id, Number(query.overlapHours ?? 0) * hourMs);
      await tell(principal, info.id, true, permission);
      return reply.code(201).send({ ...info, key });
    },
  );

  app.delete<{ Params: { id: string } }>(
    '/api/v1/keys/:id',
    {
      schema: { summary: 'Revoke a key, at once and for good', params: keyParams, querystring: noQuery, response: { 200: keyInfo } },
    },
    async ({ params, principal }, reply) => {
      const info = keys.revoke(params.id);
      authenticator.refresh();
      await tell(principal, params.id, false);
      return reply.send(info);
    },
  );
}
