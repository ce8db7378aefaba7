/** API keys, for admins. The key itself is in one answer only: that of the request which made it. Changes are on record before the answer. */
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import type { Authenticator } from '../../access/authenticate.ts';
import type { Keys } from '../../access/manage-keys.ts';
import type { Principal } from '../../access/roles.ts';
import type { Reasons } from '../../app/look-up-report.ts';
import { permitGrant } from '../../app/permit-grant.ts';
import type { Trail } from '../../app/trail.ts';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { type JsonObject, parseJson } from '../../core/json.ts';
import { permitBy } from './requests.ts';
import { keyCreated, keyInfo, keyList, keyParams, keyRequest, noQuery, rotateKeyBody, rotateQuery } from '../schemas.ts';
import { shapeOf } from '../validator.ts';

export interface KeyRouteParts {
  keys: Keys;
  authenticator: Authenticator;
  trail: Pick<Trail, 'keyChanges' | 'requests'>;
}

const hourMs = 3_600_000;

/** As bodies have them. */
interface Why {
  purpose?: string | undefined;
  reference?: string | undefined;
}

function reasonsOf({ purpose, reference }: Why): Reasons {
  return { ...(purpose === undefined ? {} : { purpose }), ...(reference === undefined ? {} : { reference }) };
}

export function registerKeyRoutes(app: FastifyInstance, { keys, authenticator, trail }: KeyRouteParts): void {
  const request = shapeOf(keyRequest);
  const rotateWhy = shapeOf(rotateKeyBody);
  /** Reasons are in the body, for no URL should hold them; there need not be any. */
  const whyIn = (body: Buffer | undefined): Why => {
    if (!body || body.length === 0) return {};
    const { value } = parseJson(decodeUtf8(body));
    if (!rotateWhy.Check(value))
      throw new VeiltrailError('key_request', 'a key is rotated or revoked with {"purpose"?, "reference"?}, or with nothing');
    return value;
  };
  /** A key that nobody is told of must not be one: where the change cannot be put on record, it ends. */
  const tell = async (by: Principal, id: string, isNew: boolean, said: { permission?: JsonObject } & Why = {}): Promise<void> => {
    try {
      await trail.keyChanges.tell(by, id, { ...(said.permission ? { permission: said.permission } : {}), ...reasonsOf(said) });
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
      await tell(principal, info.id, true, { permission, purpose, reference });
      return reply.code(201).send({ ...info, key });
    },
  );

  app.post<{ Params: { id: string }; Querystring: Static<typeof rotateQuery>; Body: Buffer | undefined }>(
    '/api/v1/keys/:id/rotate',
    {
      schema: {
        summary: 'Make a key in the place of another one, which ends',
        params: keyParams,
        querystring: rotateQuery,
        body: rotateKeyBody,
        response: { 201: keyCreated },
      },
    },
    async ({ params, query, body, principal }, reply) => {
      const why = whyIn(body);
      // Whoever rotates a key has its rights from then on.
      const rotated = keys.list().find(({ id }) => id === params.id);
      const permission =
        rotated &&
        (await permitGrant(trail.requests, rotated.role, { rotates: rotated.id }, permitBy(principal, { request: query.request, ...why })));
      const { key, info } = keys.rotate(params.id, Number(query.overlapHours ?? 0) * hourMs);
      await tell(principal, info.id, true, { ...(permission ? { permission } : {}), ...why });
      return reply.code(201).send({ ...info, key });
    },
  );

  app.delete<{ Params: { id: string }; Body: Buffer | undefined }>(
    '/api/v1/keys/:id',
    {
      schema: {
        summary: 'Revoke a key, at once and for good',
        params: keyParams,
        querystring: noQuery,
        body: rotateKeyBody,
        response: { 200: keyInfo },
      },
    },
    async ({ params, body, principal }, reply) => {
      const why = whyIn(body);
      const info = keys.revoke(params.id);
      authenticator.refresh();
      await tell(principal, params.id, false, why);
      return reply.send(info);
    },
  );
}
