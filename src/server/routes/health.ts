/** For whoever keeps the server running: is it up, and would it take an event now? */
import type { FastifyInstance } from 'fastify';
import type { Trail } from '../../app/trail.ts';
import { health, readiness } from '../schemas.ts';

/** @param flagged what should be looked at, and keeps nothing from being taken */
export function registerHealthRoutes(app: FastifyInstance, trail: Trail, flagged: () => readonly string[]): void {
  app.get('/healthz', { schema: { summary: 'The process is up', response: { 200: health } } }, (_request, reply) => reply.send({ status: 'ok' }));

  app.get(
    '/readyz',
    { schema: { summary: 'Events are taken, into one log at least; which logs take none, and why', response: { 200: readiness, 503: readiness } } },
    (_request, reply) => {
      const { ready, reasons, stopped } = trail.ready();
      return reply.code(ready ? 200 : 503).send({ ready, reasons: [...reasons, ...flagged()], stopped });
    },
  );
}
