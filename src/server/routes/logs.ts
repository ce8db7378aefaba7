/** Which logs there are, and making one. */
import type { FastifyInstance } from 'fastify';
import { mayDo } from '../../access/roles.ts';
import type { Trail } from '../../app/trail.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { forkInfo, logInfo, logList, logParams, noQuery } from '../schemas.ts';

export function registerLogRoutes(app: FastifyInstance, trail: Trail): void {
  app.get(
    '/api/v1/logs',
    { schema: { summary: 'The logs this key is good for', querystring: noQuery, response: { 200: logList } } },
    (request, reply) => {
      const logs = trail.logs().filter((log) => mayDo(request.principal, 'log.list', log));
      return reply.send({ logs: logs.map((log) => ({ log, vkey: trail.vkeyOf(log) })) });
    },
  );

  app.put<{ Params: { log: string } }>(
    '/api/v1/logs/:log',
    {
      schema: {
        summary: 'Make a log; nothing happens to one that is there',
        params: logParams,
        querystring: noQuery,
        response: { 200: logInfo, 201: logInfo },
      },
    },
    async (request, reply) => {
      const { params, principal } = request;
      const { log } = params;
      // `_system` and its like are the server's own.
      if (log.startsWith('_')) throw new VeiltrailError('log_name', 'names that begin with _ are kept for the server itself');
      const there = trail.logs().includes(log);
      const entry = { action: 'log.create', principal: principal.id, role: principal.role, outcome: 'success', log } as const;
      if (!there) await trail.access.write({ ...entry, category: 'log_control', severity: 2 });
      await trail.createLog(log);
      return reply.code(there ? 200 : 201).send({ log, vkey: trail.vkeyOf(log) });
    },
  );

  app.post<{ Params: { log: string } }>(
    '/api/v1/forks/:log/acknowledge',
    {
      schema: {
        summary: 'Let a log go on that was stopped because a witness holds another history; the witness is asked no more',
        params: logParams,
        querystring: noQuery,
        response: { 200: forkInfo },
      },
    },
    async (request, reply) => {
      const { params, principal } = request;
      const entry = { action: 'witness.fork.acknowledge', principal: principal.id, role: principal.role, log: params.log } as const;
      await trail.access.write({ ...entry, outcome: 'success', category: 'log_control', severity: 5 });
      return reply.send(await trail.acknowledgeFork(params.log, principal.id));
    },
  );
}
