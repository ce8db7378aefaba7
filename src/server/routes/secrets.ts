/** The keyring's secrets, for admins: which versions there are, rotating them, and destroying an old version of the pseudonym key. Never the secrets. */
import type { FastifyInstance } from 'fastify';
import type { Trail } from '../../app/trail.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { noQuery } from '../schemas.ts';
import { destroyBody, rotateBody, secretInfo, secretList } from '../token-schemas.ts';
import { askerOf, jsonOf } from './tokens.ts';
import { shapeOf } from '../validator.ts';

type Body = { Body: Buffer | undefined };

export function registerSecretRoutes(app: FastifyInstance, trail: Pick<Trail, 'rotation'>): void {
  const [rotate, destroy] = [shapeOf(rotateBody), shapeOf(destroyBody)];

  app.get(
    '/api/v1/secrets',
    { schema: { summary: "Versions of the keyring's secrets; never the secrets", querystring: noQuery, response: { 200: secretList } } },
    (_request, reply) => reply.send({ secrets: trail.rotation.list() }),
  );

  app.post<Body>(
    '/api/v1/secrets/rotate',
    {
      schema: {
        summary: 'Make another version of a secret; what is under the older ones is moved in the background',
        querystring: noQuery,
        body: rotateBody,
        response: { 201: secretInfo },
      },
    },
    async ({ body, principal }, reply) => {
      const value = jsonOf(body);
      if (!rotate.Check(value))
        throw new VeiltrailError('key_rotation', 'a rotation is {"purpose", "why"?, "reference"?}, its purpose lookup, root, pseudonym or seal');
      const { purpose, why, reference } = value;
      const reasons = { ...(why === undefined ? {} : { purpose: why }), ...(reference === undefined ? {} : { reference }) };
      return reply.code(201).send(await trail.rotation.rotate(purpose, { ...reasons, ...askerOf(principal) }));
    },
  );

  app.post<Body>(
    '/api/v1/secrets/destroy',
    {
      schema: {
        summary:
          'Destroy an older version of the pseudonym key: what was hashed under it is never found again. Takes a second person, where there is one',
        querystring: noQuery,
        body: destroyBody,
        response: { 200: secretList },
      },
    },
    async ({ body, principal }, reply) => {
      const value = jsonOf(body);
      if (!destroy.Check(value))
        throw new VeiltrailError('key_rotation', 'this takes {"purpose":"pseudonym", "version", "why", "reference"?, "request"?}');
      const { purpose, version, why = '', ...rest } = value;
      await trail.rotation.destroy(purpose, version, { ...rest, purpose: why, ...askerOf(principal) });
      return reply.send({ secrets: trail.rotation.list() });
    },
  );
}
