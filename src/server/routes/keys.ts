/** API keys, for admins. The key itself is in one answer only: that of the request which made it. */
import type { FastifyInstance } from 'fastify';
import { Compile } from 'typebox/compile';
import type { Authenticator } from '../../access/authenticate.ts';
import type { Keys } from '../../access/manage-keys.ts';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { keyCreated, keyInfo, keyList, keyParams, keyRequest, noQuery } from '../schemas.ts';

export function registerKeyRoutes(app: FastifyInstance, keys: Keys, authenticator: Authenticator): void {
  const request = Compile(keyRequest);

  app.get(
    '/api/v1/keys',
    { config: { right: 'key.manage' }, schema: { summary: 'All keys, without their secrets', querystring: noQuery, response: { 200: keyList } } },
    (_request, reply) => reply.send({ keys: keys.list() }),
  );

  app.post<{ Body: Buffer | undefined }>(
    '/api/v1/keys',
    {
      config: { right: 'key.manage' },
      schema: { summary: 'Make a key', querystring: noQuery, body: keyRequest, response: { 201: keyCreated } },
    },
    ({ body }, reply) => {
      const { value } = parseJson(decodeUtf8(body ?? Buffer.alloc(0)));
      if (!request.Check(value)) throw new VeiltrailError('key_request', 'a key is {"role", "logs"?, "expiresAt"?, "name"?}');
      const { key, info } = keys.create(value);
      authenticator.refresh();
      return reply.code(201).send({ ...info, key });
    },
  );

  app.delete<{ Params: { id: string } }>(
    '/api/v1/keys/:id',
    {
      config: { right: 'key.manage' },
      schema: { summary: 'Revoke a key, at once and for good', params: keyParams, querystring: noQuery, response: { 200: keyInfo } },
    },
    ({ params }, reply) => {
      const info = keys.revoke(params.id);
      authenticator.refresh();
      return reply.send(info);
    },
  );
}
