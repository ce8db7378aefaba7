/** The shapes of requests and answers, for validation, serialisation and the description at /openapi.json alike. */
import { Type, type Static } from 'typebox';
import { rightsOf, roles } from '../access/roles.ts';
import { logNamePattern } from '../access/access-file.ts';
import { formats } from '../ingest/incoming.ts';
import { permission } from './request-schemas.ts';

/** A whole number as people write it: no sign, no exponent, no zeros before it. */
const wholeNumber = '^(?:0|[1-9][0-9]{0,15})$';

export const logParams = Type.Object({ log: Type.String({ pattern: logNamePattern.source, description: 'Name of a log' }) });
export const leafParams = Type.Object({ ...logParams.properties, leaf: Type.String({ pattern: wholeNumber, description: 'Leaf index' }) });
export const keyParams = Type.Object({
  id: Type.String({ pattern: '^[a-z2-7]{12}$', description: 'Public id of a key, 12 characters, as `key list` shows it' }),
});

export const noQuery = Type.Object({}, { additionalProperties: false });

export const appendQuery = Type.Object(
  {
    proof: Type.Optional(Type.Literal('1', { description: 'Answer with a receipt (C2SP tlog-proof) for each event' })),
    format: Type.Optional(
      Type.Union(
        formats.map((format) => Type.Literal(format)),
        { description: 'How to read the body; else its Content-Type and its first value decide' },
      ),
    ),
    dedupe: Type.Optional(
      Type.Union([Type.Literal('id'), Type.Literal('content')], {
        description: 'What makes an event a repetition: its id (default), or where it has none its content',
      }),
    ),
    conflict: Type.Optional(
      Type.Union([Type.Literal('refuse'), Type.Literal('append')], {
        description: 'What to do when an id comes again with another content: refuse the batch (default), or append it',
      }),
    ),
    repeats: Type.Optional(
      Type.String({
        pattern: '^(?:0|[1-9][0-9]{0,4}):[1-9][0-9]{0,8}(?:,(?:0|[1-9][0-9]{0,4}):[1-9][0-9]{0,8})*$',
        maxLength: 14_000,
        description: 'With dedupe=content: POSITION:COUNT pairs, how many equal events of the same input came before the one at that position',
      }),
    ),
  },
  { additionalProperties: false },
);
export type AppendQuery = Static<typeof appendQuery>;

export const searchQuery = Type.Object(
  {
    q: Type.Optional(Type.String({ maxLength: 2_000, description: 'Words and field:value terms; all must match' })),
    since: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339; events from this time on' })),
    until: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339; events before this time' })),
    limit: Type.Optional(Type.String({ pattern: '^(?:[1-9][0-9]{0,2}|1000)$', description: '1 to 1000 [100]' })),
    cursor: Type.Optional(Type.String({ maxLength: 512, description: 'nextCursor of the answer before' })),
  },
  { additionalProperties: false },
);
export type SearchQuery = Static<typeof searchQuery>;

export const appendAnswer = Type.Object({
  receipts: Type.Array(
    Type.Object({
      id: Type.String(),
      leafIndex: Type.Integer(),
      duplicate: Type.Boolean(),
      conflict: Type.Optional(Type.Literal(true, { description: 'Appended, although its id was used before with another content' })),
      stub: Type.Optional(Type.String({ description: 'Why the event is not stored, and a stub stands for it' })),
      proof: Type.Optional(Type.String({ description: 'C2SP tlog-proof' })),
    }),
  ),
  treeSize: Type.Integer(),
  checkpoint: Type.String({ description: 'C2SP checkpoint that covers the events' }),
});

const foundEvent = Type.Object({
  leafIndex: Type.Integer(),
  record: Type.Object({}, { additionalProperties: true }),
  redacted: Type.Optional(
    Type.Array(Type.Object({ pointer: Type.Optional(Type.String()), tombstone: Type.Integer() }), {
      description: 'Values that were redacted since: where they stood, and the leaf of this log that says why',
    }),
  ),
  restored: Type.Optional(
    Type.Array(
      Type.Object({
        pointer: Type.String(),
        token: Type.String(),
        value: Type.Optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
        removed: Type.Optional(Type.Literal(true)),
        opening: Type.Optional(
          Type.Object(
            { kind: Type.String(), origin: Type.String(), canonical: Type.String(), r: Type.String() },
            { description: 'What the token commits to' },
          ),
        ),
      }),
      { description: 'Values that were withheld, of fields that somebody has classified since' },
    ),
  ),
  hidden: Type.Optional(Type.Array(Type.String(), { description: 'Members that were left out, because this key does not get to see them' })),
});
export const foundEventAnswer = foundEvent;
export const searchAnswer = Type.Object({
  events: Type.Array(foundEvent, { description: 'Newest first' }),
  indexedTo: Type.Integer({ description: 'Leaves below this one were found by the index, the others by reading them' }),
  treeSize: Type.Integer(),
  nextCursor: Type.Optional(Type.String()),
});

const role = Type.Union(roles.map((name) => Type.Literal(name, { description: rightsOf[name].join(', ') })));
export const keyRequest = Type.Object(
  {
    role,
    logs: Type.Optional(Type.Array(Type.String(), { description: 'The logs it is good for [all]' })),
    expiresAt: Type.Optional(Type.String({ description: 'RFC 3339 [never]' })),
    addresses: Type.Optional(Type.Array(Type.String(), { description: 'Networks it may be used from, such as 203.0.113.0/24 [all]' })),
    hides: Type.Optional(
      Type.Array(Type.String(), { description: 'Members of records that it does not get to see, such as context or actor.email [none]' }),
    ),
    owner: Type.Optional(Type.String({ description: 'What names the person whose it is; only a keyed digest of it is stored' })),
    name: Type.Optional(Type.String({ description: 'For people, 1 to 100 characters' })),
    ...permission,
  },
  { additionalProperties: false },
);
export const rotateQuery = Type.Object(
  {
    request: permission.request,
    overlapHours: Type.Optional(
      Type.String({
        pattern: '^(?:0|[1-9][0-9]{0,2}|1[0-9]{3}|20[0-9]{2}|21[0-5][0-9]|2160)$',
        description: 'Hours for which both count, 0 to 2160 [0]',
      }),
    ),
  },
  { additionalProperties: false },
);
export const rotateKeyBody = Type.Object(
  { purpose: permission.purpose, reference: permission.reference },
  { additionalProperties: false, description: 'Why; may be left out. On record, and it makes the request where a second person is needed' },
);
const keyInfoProperties = {
  id: Type.String(),
  prefix: Type.String({ description: 'How the key begins' }),
  role,
  createdAt: Type.String(),
  expiresAt: Type.Optional(Type.String()),
  revokedAt: Type.Optional(Type.String()),
  lastUsedAt: Type.Optional(Type.String({ description: 'To the minute' })),
  logs: Type.Optional(Type.Array(Type.String())),
  addresses: Type.Optional(Type.Array(Type.String())),
  hides: Type.Optional(Type.Array(Type.String())),
  owner: Type.Optional(Type.String({ description: 'Equal for two keys of one person' })),
  rotates: Type.Optional(Type.String({ description: 'The id of the key that it took the place of' })),
  name: Type.Optional(Type.String()),
};
export const keyInfo = Type.Object(keyInfoProperties);
export const keyCreated = Type.Object({ ...keyInfoProperties, key: Type.String({ description: 'Shown this once' }) });
export const keyList = Type.Object({ keys: Type.Array(keyInfo) });

const classification = Type.Object({
  path: Type.String(),
  log: Type.String({ description: 'Empty: every log' }),
  as: Type.String(),
  by: Type.String(),
  why: Type.Optional(Type.String()),
  request: Type.Optional(Type.String({ description: 'That a second person approved' })),
  at: Type.String(),
});
export const fieldQuery = Type.Object(
  {
    log: Type.Optional(Type.String({ pattern: logNamePattern.source, description: 'Fields of this log [all]' })),
    unclassified: Type.Optional(Type.Literal('1', { description: 'Only fields that neither a rule nor anybody has settled' })),
  },
  { additionalProperties: false },
);
export const fieldList = Type.Object({
  fields: Type.Array(
    Type.Object({
      log: Type.String(),
      path: Type.String({ description: 'Names divided by dots; * for elements, and for names that are data or too many' }),
      types: Type.Array(Type.String()),
      firstSeenAt: Type.String(),
      seen: Type.Integer({ description: 'Seen at least so often, a power of ten' }),
      settledBy: Type.String(),
      classification: Type.Optional(classification),
    }),
  ),
});
export const classifyBody = Type.Object(
  {
    path: Type.String({ maxLength: 512, description: 'As rules have it' }),
    log: Type.Optional(Type.String({ pattern: logNamePattern.source, description: '[every log]' })),
    as: Type.String({ maxLength: 64, description: 'keep, scan, redact, drop, or a kind of personal data' }),
    why: Type.Optional(Type.String({ maxLength: 500 })),
    request: permission.request,
  },
  { additionalProperties: false },
);
export const classifyAnswer = Type.Object({
  classification,
  values: Type.Object({
    itself: Type.Integer({ description: 'Withheld values that may be read now' }),
    text: Type.Integer({ description: 'Replaced by what the policy makes of them, and destroyed' }),
    nothing: Type.Integer({ description: 'Destroyed' }),
  }),
});

export const logInfo = Type.Object({ log: Type.String(), vkey: Type.String({ description: 'C2SP verifier key' }) });
export const logList = Type.Object({ logs: Type.Array(logInfo) });

export const forkInfo = Type.Object({
  log: Type.String(),
  witness: Type.String({ description: 'By its name in the policy' }),
  vkey: Type.String(),
  kind: Type.Union([Type.Literal('ahead'), Type.Literal('refused')], {
    description: 'ahead: it cosigned a larger tree than was published here; refused: one that this does not grow from',
  }),
  witnessSize: Type.Integer({ description: 'Tree size that the witness holds' }),
  checkpoint: Type.String({ description: 'What it was asked to cosign' }),
  at: Type.String(),
  acknowledged: Type.Optional(Type.Object({ by: Type.String(), at: Type.String() })),
});

export const readiness = Type.Object({
  ready: Type.Boolean(),
  reasons: Type.Array(Type.String()),
  stopped: Type.Array(Type.String(), { description: 'Logs that take no events, whether or not others do' }),
});
export const health = Type.Object({ status: Type.Literal('ok') });

export const problemSchema = Type.Object(
  { type: Type.String(), title: Type.String(), status: Type.Integer(), code: Type.String(), detail: Type.Optional(Type.String()) },
  { additionalProperties: true, description: 'RFC 9457 problem details; match on `code`' },
);

export const canaryQuery = Type.Object(
  {
    log: Type.Optional(Type.String({ description: 'The log whose rules are tried [default]' })),
    encodings: Type.Optional(Type.String({ pattern: '^[1-9]$', description: 'So many encodings of each kind, drawn at random [all]' })),
  },
  { additionalProperties: false },
);
export const canaryReport = Type.Object({
  ok: Type.Boolean({ description: 'No leak, and every event could be looked at' }),
  log: Type.String({ description: 'The log they were appended to' }),
  policy: Type.String(),
  planted: Type.Integer(),
  kinds: Type.Integer(),
  kept: Type.Array(Type.String(), { description: 'Kinds that the policy keeps: not planted' }),
  leaks: Type.Array(Type.Object({ kind: Type.String(), position: Type.String(), encoding: Type.String(), where: Type.String() })),
  unseen: Type.Integer({ description: 'Events whose record did not come back as it should' }),
  files: Type.Integer({ description: 'Files looked through: those written meanwhile' }),
  seconds: Type.Number(),
});
