/** Figures for whoever keeps the server running, as Prometheus reads them. */
import type { FastifyInstance } from 'fastify';
import type { Metrics, MetricsParts } from '../metrics.ts';
import { noQuery } from '../schemas.ts';

export function registerMetricsRoute(app: FastifyInstance, parts: MetricsParts): void {
  let metrics: Metrics | undefined;
  app.get(
    '/metrics',
    {
      schema: { summary: 'Figures about the server (Prometheus text format)', querystring: noQuery, produces: ['text/plain'] },
    },
    async (_request, reply) => {
      // Loaded by those who ask for it.
      metrics ??= (await import('../metrics.ts')).createMetrics(parts);
      return reply.header('content-type', metrics.contentType).send(await metrics.text());
    },
  );
}
