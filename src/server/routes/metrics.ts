/** Figures for whoever keeps the server running, as Prometheus reads them. */
import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../metrics.ts';
import { noQuery } from '../schemas.ts';

export function registerMetricsRoute(app: FastifyInstance, metrics: Metrics): void {
  app.get(
    '/metrics',
    {
      schema: { summary: 'Figures about the server (Prometheus text format)', querystring: noQuery, produces: ['text/plain'] },
    },
    async (_request, reply) => reply.header('content-type', metrics.contentType).send(await metrics.text()),
  );
}
