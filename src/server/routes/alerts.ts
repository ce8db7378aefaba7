/** Alerts: which there are, which rules raise them, and that somebody has dealt with one. They go out by forwarders, not from here. */
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import type { Alerts } from '../../app/alerts.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { acknowledgeBody, alertInfo, alertList, alertParams, alertQuery, ruleList } from '../alert-schemas.ts';
import { noQuery } from '../schemas.ts';
import { shapeOf } from '../validator.ts';
import { jsonOf } from './tokens.ts';

export function registerAlertRoutes(app: FastifyInstance, alerts: Alerts): void {
  const shape = shapeOf(acknowledgeBody);

  app.get<{ Querystring: Static<typeof alertQuery> }>(
    '/api/v1/alerts',
    { schema: { summary: 'Alerts, newest first', querystring: alertQuery, response: { 200: alertList } } },
    ({ query: { id, limit, state, severity, before } }, reply) =>
      reply.send({
        alerts:
          id === undefined
            ? alerts.list({
                ...(limit === undefined ? {} : { limit: Number(limit) }),
                ...(state === undefined ? {} : { state }),
                ...(severity === undefined ? {} : { severity }),
                ...(before === undefined ? {} : { before }),
              })
            : [alerts.show(id)],
      }),
  );

  app.get(
    '/api/v1/alerts/rules',
    { schema: { summary: 'The rules that raise alerts, and built-in ones that are disabled', querystring: noQuery, response: { 200: ruleList } } },
    (_request, reply) => reply.send(alerts.rules()),
  );

  app.post<{ Params: Static<typeof alertParams>; Body: Buffer | undefined }>(
    '/api/v1/alerts/:id/acknowledge',
    {
      schema: {
        summary: 'Say that an alert was dealt with: never by whoever made it happen',
        params: alertParams,
        querystring: noQuery,
        body: acknowledgeBody,
        response: { 200: alertInfo },
      },
    },
    async ({ params: { id }, body, principal }, reply) => {
      const value = jsonOf(body);
      if (!shape.Check(value)) throw new VeiltrailError('alert_request', 'an alert is acknowledged with {"purpose", "reference"?}');
      const { id: by, role, owner } = principal;
      return reply.send(await alerts.acknowledge(id, { ...value, principal: by, role, ...(owner === undefined ? {} : { owner }) }));
    },
  );
}
