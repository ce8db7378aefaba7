/** The shapes of requests for tokens, searches by real values, stops and secrets, as `schemas.ts` has those of everything else. */
import { Type, type Static } from 'typebox';
import { purposeMax, referenceMax } from '../app/look-up-report.ts';
import { revealTokensMax } from '../app/reveal-token.ts';
import { rotatedPurposes } from '../app/rotate-keys.ts';
import { searchAnswer, searchQuery } from './schemas.ts';

// Reasons may be missing or empty as far as the form goes: then it is refused, and that is on record.
export const purpose = Type.Optional(Type.String({ maxLength: 4 * purposeMax, description: `Why, in 1 to ${purposeMax} characters; on record` }));
export const reference = Type.Optional(
  Type.String({ maxLength: 4 * referenceMax, description: `Of a case, a ticket, a court order, in 1 to ${referenceMax} characters; on record` }),
);
export const request = Type.Optional(Type.String({ maxLength: 64, description: 'The request that a second person approved' }));
const token = Type.String({ maxLength: 256, description: 'As a record has it' });

export const revealBody = Type.Object(
  {
    token: Type.Optional(token),
    tokens: Type.Optional(
      Type.Array(token, { minItems: 1, maxItems: revealTokensMax, description: 'Several at once: takes a second person, where there is one' }),
    ),
    purpose,
    reference,
    request,
  },
  { additionalProperties: false, description: 'Either `token` or `tokens`' },
);
const opening = Type.Object(
  { kind: Type.String(), origin: Type.String(), canonical: Type.String(), r: Type.String({ description: 'base64 of 32 bytes' }) },
  { description: 'What the token commits to: `veiltrail token check` verifies it' },
);
const revealed = Type.Object({
  token: Type.String(),
  kind: Type.String(),
  value: Type.String({ description: 'As it was first written' }),
  opening,
});
export const revealAnswer = Type.Object({
  ...Type.Partial(revealed).properties,
  tokens: Type.Optional(Type.Array(revealed)),
  missing: Type.Optional(Type.Array(Type.String(), { description: 'Tokens that stand for nothing any more' })),
});

export const findBody = Type.Object(
  {
    kind: Type.String({ maxLength: 64, description: 'Of the value: email, person_name, …' }),
    value: Type.String({ maxLength: 4_096 }),
    purpose,
    reference,
  },
  { additionalProperties: false },
);
export const findAnswer = Type.Object({
  kind: Type.String(),
  tokens: Type.Array(Type.Object({ token: Type.String(), scope: Type.String() }), { description: 'One a scope that the value was met in' }),
  hashes: Type.Array(Type.String(), { description: 'What `hash` makes of the value, under each version of the key' }),
  sha256: Type.String({ description: 'What `sha256` makes of it' }),
});

export const searchBody = Type.Object(
  {
    ...searchQuery.properties,
    q: Type.Optional(
      Type.String({ maxLength: 4_096, description: 'As in GET; and kind:value finds what stands for a real value, for whoever has token.search' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: '[100]' })),
    purpose,
    reference,
  },
  { additionalProperties: false },
);
export const valueSearchAnswer = Type.Object({
  ...searchAnswer.properties,
  lookedUp: Type.Optional(
    Type.Array(Type.Object({ kind: Type.String(), pseudonyms: Type.Array(Type.String()) }), { description: 'The tokens that stand for real values' }),
  ),
  notSought: Type.Optional(
    Type.Object(
      { kinds: Type.Array(Type.String()), right: Type.String(), roles: Type.Array(Type.String()) },
      { description: 'The query has real values, and who asks may not search by those: they were taken for texts, which no record has' },
    ),
  ),
});

const stop = Type.Object({
  principal: Type.String(),
  use: Type.Union([Type.Literal('reveal'), Type.Literal('search')]),
  since: Type.String(),
  until: Type.String(),
  count: Type.Integer({ description: 'Different tokens or values that were too many' }),
  window: Type.Union([Type.Literal('hour'), Type.Literal('day')]),
});
export const stopList = Type.Object({ stops: Type.Array(stop) });
export const stopParams = Type.Object({ principal: Type.String({ minLength: 1, maxLength: 128, description: 'Who is stopped' }) });

const secret = Type.Object({
  purpose: Type.String(),
  version: Type.Integer(),
  state: Type.Union([Type.Literal('newest'), Type.Literal('replaced'), Type.Literal('kept')], {
    description: 'replaced: it goes as soon as nothing needs it',
  }),
});
export const secretInfo = secret;
export const secretList = Type.Object({ secrets: Type.Array(secret) });
export const rotateBody = Type.Object(
  { purpose: Type.Union(rotatedPurposes.map((name) => Type.Literal(name))), why: purpose, reference },
  { additionalProperties: false, description: 'Which secret' },
);
export const destroyBody = Type.Object(
  {
    purpose: Type.Literal('pseudonym', { description: 'Others go by themselves when they are rotated' }),
    version: Type.Integer({ minimum: 1 }),
    why: purpose,
    reference,
    request,
  },
  { additionalProperties: false },
);
export type SearchBody = Static<typeof searchBody>;
