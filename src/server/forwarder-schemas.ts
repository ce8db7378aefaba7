/** The shapes of requests for forwarders, as `schemas.ts` has those of everything else. The setting itself is read by forward/setting.ts. */
import { Type } from 'typebox';
import { forwarderNamePattern, forwardFormats } from '../forward/setting.ts';
import { permission } from './request-schemas.ts';

const text = (description: string): ReturnType<typeof Type.String> => Type.String({ description });

export const forwarderParams = Type.Object({ name: Type.String({ pattern: forwarderNamePattern.source, description: 'Name of a forwarder' }) });

export const forwarderBody = Type.Object(
  {
    logs: Type.Optional(Type.Array(text('Name of a log'), { description: '[default]' })),
    query: Type.Optional(text('Records that a search finds [all]; tokens, never real values')),
    format: Type.Optional(Type.Union(forwardFormats.map((format) => Type.Literal(format)))),
    from: Type.Optional(
      Type.Union([Type.Literal('start'), Type.Literal('now')], { description: 'Where it begins [where the one of that name was, else now]' }),
    ),
    destination: Type.Object(
      { kind: Type.Union([Type.Literal('http'), Type.Literal('syslog'), Type.Literal('file')]) },
      {
        additionalProperties: true,
        description:
          'http: url, secret, header, signingSecret, gzip, batchRecords, batchBytes, waitMs, timeoutMs, ca, private; syslog: host, port, tls, facility, waitMs, timeoutMs, ca, private; file: file. Secrets are names of the configuration',
      },
    ),
    ...permission,
  },
  { additionalProperties: false },
);

const progress = Type.Object({
  log: Type.String(),
  next: Type.Integer({ description: 'Leaves below this one are delivered, or were not for it' }),
  behind: Type.Integer({ description: 'Leaves behind that one' }),
  lagSeconds: Type.Number(),
  sent: Type.Integer({ description: 'Records, since the start' }),
  failures: Type.Integer(),
  unreadable: Type.Integer({ description: 'Leaves that were passed over: their records are damaged' }),
  failing: Type.Optional(text('Why the last try failed')),
  sentAt: Type.Optional(Type.String()),
});

export const forwarderInfo = Type.Object({
  setting: Type.Object({}, { additionalProperties: true, description: 'As it was approved, defaults filled in' }),
  state: Type.Union([Type.Literal('running'), Type.Literal('stopped')]),
  reason: Type.Optional(text('Why it stopped')),
  stoppedAt: Type.Optional(Type.String()),
  setBy: Type.String(),
  setAt: Type.String(),
  progress: Type.Optional(Type.Array(progress)),
});
export const forwarderList = Type.Object({ forwarders: Type.Array(forwarderInfo) });
export const forwarderRemoved = Type.Object({ removed: Type.String() });
