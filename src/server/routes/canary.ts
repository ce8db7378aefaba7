/** Canaries through the live policy, for whoever keeps watch. */
import type { FastifyInstance } from 'fastify';
import type { Trail } from '../../app/trail.ts';
import { canaryQuery, canaryReport } from '../schemas.ts';

export function registerCanaryRoute(app: FastifyInstance, trail: Trail): void {
  app.post<{ Querystring: { log?: string; encodings?: string } }>(
    '/api/v1/canary',
    {
      schema: {
        summary: 'Send made-up values of every kind through the live policy, and look for them in all that is stored',
        querystring: canaryQuery,
        response: { 200: canaryReport },
      },
    },
    async ({ query: { log, encodings }, principal }, reply) =>
      reply.send(
        await trail.runCanary({
          by: principal,
          ...(log === undefined ? {} : { log }),
          ...(encodings === undefined ? {} : { encodingsEach: Number(encodings) }),
        }),
      ),
  );
}
