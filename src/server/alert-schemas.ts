/** The shapes of alerts and their rules, as `schemas.ts` has those of everything else. */
import { Type } from 'typebox';
import { alertIdPattern, alertStates } from '../alerts/alert.ts';
import { alertSeverities } from '../alerts/rule.ts';

const severity = Type.Union(alertSeverities.map((one) => Type.Literal(one)));
const state = Type.Union(alertStates.map((one) => Type.Literal(one)));
const id = Type.String({ pattern: alertIdPattern.source, description: 'Id of an alert' });
const time = Type.String({ description: 'RFC 3339' });

export const alertParams = Type.Object({ id });

export const alertQuery = Type.Object(
  {
    id: Type.Optional(id),
    state: Type.Optional(state),
    severity: Type.Optional(severity),
    limit: Type.Optional(Type.String({ pattern: '^(?:[1-9]\\d{0,2}|1000)$', description: 'At most so many, 1 to 1,000 [1,000]' })),
    before: Type.Optional(Type.String({ pattern: alertIdPattern.source, description: 'Those raised before this one' })),
  },
  { additionalProperties: false },
);

export const acknowledgeBody = Type.Object(
  {
    purpose: Type.String({ description: 'What was done about it, 1 to 500 characters' }),
    reference: Type.Optional(Type.String({ description: 'Of a case or a ticket, 1 to 200 characters' })),
  },
  { additionalProperties: false },
);

export const alertInfo = Type.Object({
  id: Type.String(),
  rule: Type.String(),
  severity,
  state,
  log: Type.String(),
  leaves: Type.Array(Type.Integer(), { description: 'Its first records, 100 at the most' }),
  count: Type.Integer({ description: 'All its records, by now' }),
  since: time,
  raisedAt: time,
  lastAt: time,
  by: Type.Optional(Type.String({ description: 'The pointer that it is grouped by' })),
  group: Type.Optional(Type.String({ description: 'The value there, where it is a token or of the server’s own log' })),
  actors: Type.Array(Type.String(), { description: 'Principals who made it happen' }),
  leaf: Type.Optional(Type.Integer({ description: 'The leaf of _system that tells of it' })),
  acknowledged: Type.Optional(
    Type.Object({
      by: Type.String(),
      at: time,
      leaf: Type.Optional(Type.Integer()),
      purpose: Type.Optional(Type.String()),
      reference: Type.Optional(Type.String()),
    }),
  ),
});

export const alertList = Type.Object({ alerts: Type.Array(alertInfo) });

export const ruleList = Type.Object({
  rules: Type.Array(
    Type.Object({
      name: Type.String(),
      severity,
      logs: Type.Array(Type.String()),
      q: Type.String(),
      count: Type.Integer(),
      within: Type.Optional(Type.String()),
      by: Type.Optional(Type.String()),
      quiet: Type.Optional(Type.String()),
      why: Type.String(),
      builtIn: Type.Boolean(),
    }),
  ),
  disabled: Type.Array(Type.String(), { description: 'Built-in rules that are not in force' }),
});
