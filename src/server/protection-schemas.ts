/** The shapes of requests for holds, retention, erasure, redaction and reports, as `schemas.ts` has those of everything else. */
import { Type } from 'typebox';
import { logNamePattern } from '../access/access-file.ts';

const anyObject = (description: string): ReturnType<typeof Type.Unsafe<object>> =>
  Type.Unsafe<object>(Type.Object({}, { additionalProperties: true, description }));
const log = Type.String({ pattern: logNamePattern.source, description: 'Name of a log' });
const purpose = Type.String({ minLength: 1, maxLength: 500, description: 'Why; on record' });
const reference = Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Of a case, a ticket, a court order; on record' }));
const request = Type.Optional(Type.String({ maxLength: 64, description: 'The request that a second person approved' }));
const name = Type.String({ maxLength: 1_024 });
const namesMax = { maxItems: 1_000 };
const why = { purpose, reference, request };
/** A dry run needs no purpose, unless a real value is looked up. */
const perhapsWhy = { ...why, purpose: Type.Optional(purpose) };

export const removalParams = Type.Object({ id: Type.String({ maxLength: 64, description: 'Id of a removal' }) });
export const holdParams = Type.Object({ name: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$', description: 'Name of a hold' }) });
export const holdBody = Type.Object(
  {
    name: Type.String({ description: 'Of the case: lower-case letters, digits, dots, _ and -' }),
    why: Type.String({ maxLength: 500, description: 'Why, and by what order; on record' }),
    reference,
    log: Type.Optional(log),
    subject: Type.Optional(
      Type.Array(name, { ...namesMax, description: 'Tokens, or ids as they stand in records: a record that bears one of them' }),
    ),
    actor: Type.Optional(Type.Array(name, { ...namesMax, description: 'The same, of whoever acted' })),
    since: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339: what happened, or was received, from then on' })),
    until: Type.Optional(Type.String({ maxLength: 64, description: 'RFC 3339: and before then' })),
    query: Type.Optional(Type.String({ maxLength: 4_096, description: 'Records that a search finds' })),
  },
  { additionalProperties: false, description: 'All that is named must be true of a record' },
);
export const liftBody = Type.Object(why, { additionalProperties: false });
export const holdInfo = anyObject('A hold: its name, what it covers, who set it when and why, and who lifted it');
export const holdList = Type.Object({ holds: Type.Array(holdInfo) });

export const retentionInfo = anyObject('The table in force: its rules, since when, by whom; whether retention.yaml was changed by hand');
export const retentionReport = anyObject('What is due under each rule in each log, what is held, what went');
export const retentionBody = Type.Object(
  { table: Type.String({ maxLength: 262_144, description: 'The text of retention.yaml' }), ...why },
  { additionalProperties: false },
);
export const retentionChange = anyObject('For which logs and categories records are kept shorter or longer now; and the table in force');

const subject = {
  tokens: Type.Optional(Type.Array(name, { ...namesMax, description: 'Tokens of the person, as records have them' })),
  ids: Type.Optional(Type.Array(name, { ...namesMax, description: 'Ids of the person as they stand in records, whole or within a text' })),
  field: Type.Optional(
    Type.String({ maxLength: 512, description: 'An id counts only where it is the value of a field whose path ends so, such as actor.id' }),
  ),
  values: Type.Optional(
    Type.Array(Type.Object({ kind: Type.String({ maxLength: 64 }), value: Type.String({ maxLength: 1_024 }) }, { additionalProperties: false }), {
      maxItems: 100,
      description: 'Real values: what stands for them is looked up',
    }),
  ),
  logs: Type.Optional(Type.Array(log, { maxItems: 100, description: "[all but the server's own]" })),
  linked: Type.Optional(Type.Boolean({ description: 'Whether tokens that stand beside an id, and beside no other, are meant too [true]' })),
};
export const eraseBody = Type.Object(
  {
    ...subject,
    mode: Type.Union([Type.Literal('unlink'), Type.Literal('erase')], {
      description: 'unlink: the rows of the vault, so that nobody can tell any more whom the records are about; erase: the records, too',
    }),
    reason: Type.Optional(Type.String({ maxLength: 100, description: 'A code or a legal basis, never personal [gdpr-art-17]' })),
    dryRun: Type.Optional(Type.Boolean({ description: 'false: do it; otherwise it is listed what would go [true]' })),
    ...perhapsWhy,
  },
  { additionalProperties: false },
);
export const eraseAnswer = anyObject('What would go; and where it went, the tombstones and the certificate');
export const reportBody = Type.Object(
  {
    ...subject,
    reveal: Type.Optional(Type.Boolean({ description: 'Show the values: a reveal, on record as one [false]' })),
    format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('html')], { description: 'html: one self-contained page [json]' })),
    ...why,
  },
  { additionalProperties: false },
);

const pointers = Type.Array(Type.String({ maxLength: 65_535 }), { minItems: 1, maxItems: 100, description: 'RFC 6901' });
export const redactBody = Type.Object(
  {
    log: Type.Optional(log),
    places: Type.Optional(
      Type.Array(Type.Object({ leafIndex: Type.Integer({ minimum: 0 }), pointers }, { additionalProperties: false }), {
        maxItems: 10_000,
        description: 'Values by leaf and pointer',
      }),
    ),
    query: Type.Optional(
      Type.Object(
        {
          q: Type.String({ maxLength: 4_096 }),
          pointers,
          since: Type.Optional(Type.String({ maxLength: 64 })),
          until: Type.Optional(Type.String({ maxLength: 64 })),
        },
        { additionalProperties: false, description: 'Values at these pointers of records that a search finds' },
      ),
    ),
    below: Type.Optional(Type.Integer({ minimum: 0, description: 'Only leaves below this one: as an approved request has it' })),
    hidePointers: Type.Optional(Type.Boolean({ description: 'The pointers are personal too, and go [false]' })),
    reason: Type.Optional(Type.String({ maxLength: 100, description: 'A code or a legal basis, never personal [missed-by-detection]' })),
    dryRun: Type.Optional(Type.Boolean({ description: 'false: do it; otherwise it is listed what would go [true]' })),
    ...perhapsWhy,
  },
  { additionalProperties: false },
);
export const redactAnswer = anyObject('What would be redacted; and where it was, the tombstones and the certificate');
