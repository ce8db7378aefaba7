/** The shapes of requests for a second person, and of approvers, as `schemas.ts` has those of everything else. */
import { Type } from 'typebox';
import { backupParts } from '../app/backup-record.ts';
import { requestActions, requestStates } from '../app/requests.ts';
import { approverKinds } from '../verify/approval.ts';
import { approverIdPattern } from '../verify/approval.ts';
import { requestIdPattern } from '../verify/request.ts';

const anyObject = Type.Object({}, { additionalProperties: true });
const purpose = Type.String({ description: 'Why, 1 to 500 characters' });
const reference = Type.String({ description: 'Of a case, a ticket, a court order, 1 to 200 characters' });
const requestId = Type.String({ maxLength: 64, description: 'Id of a request' });
/** With an operation that may need two: the request that was approved, or what to ask for. */
export const permission = { request: Type.Optional(requestId), purpose: Type.Optional(purpose), reference: Type.Optional(reference) };

export const requestParams = Type.Object({ id: Type.String({ pattern: requestIdPattern.source, description: 'Id of a request' }) });
export const approverParams = Type.Object({ id: Type.String({ pattern: approverIdPattern.source, description: "Id of an approver's key" }) });

export const requestQuery = Type.Object(
  { state: Type.Optional(Type.Union(requestStates.map((state) => Type.Literal(state)))) },
  { additionalProperties: false },
);

export const askBody = Type.Object(
  {
    action: Type.Union(requestActions.map((action) => Type.Literal(action))),
    detail: Type.Object(
      {},
      { additionalProperties: true, description: 'Exactly what will be done; tokens, leaf indexes, digests, never a real value' },
    ),
    purpose,
    reference: Type.Optional(reference),
  },
  { additionalProperties: false },
);

const assertion = Type.Object(
  { authenticatorData: Type.String(), clientDataJSON: Type.String(), rpId: Type.String(), origin: Type.String() },
  { description: 'Of a WebAuthn authenticator; base64' },
);
const approval = Type.Object(
  {
    request: Type.String(),
    digest: Type.String(),
    decision: Type.Union([Type.Literal('approve'), Type.Literal('deny')]),
    approver: Type.String(),
    time: Type.String(),
    kind: Type.Union(approverKinds.map((kind) => Type.Literal(kind))),
    publicKey: Type.String(),
    signature: Type.String({ description: 'Over "veiltrail-approval/1\\n" and the RFC 8785 JSON of {approver, decision, digest, request, time}' }),
    assertion: Type.Optional(assertion),
  },
  { description: 'Verified offline: src/verify/approval.ts' },
);

export const decisionBody = Type.Object({ approval }, { additionalProperties: false });

export const requestInfo = Type.Object({
  id: Type.String(),
  action: Type.String(),
  detail: anyObject,
  digest: Type.String({ description: 'What approvers sign: SHA-256 of "veiltrail-request/1\\n" and the RFC 8785 JSON of {action, detail}' }),
  by: Type.String(),
  owner: Type.Optional(Type.String()),
  purpose: Type.String(),
  reference: Type.Optional(Type.String()),
  createdAt: Type.String(),
  expiresAt: Type.String(),
  nonce: Type.String(),
  state: Type.Union(requestStates.map((state) => Type.Literal(state))),
  decisions: Type.Array(approval),
  usableUntil: Type.Optional(Type.String()),
  usedAt: Type.Optional(Type.String()),
  usedBy: Type.Optional(Type.String()),
});
export const requestList = Type.Object({ requests: Type.Array(requestInfo, { description: 'Newest first, 1000 at the most' }) });

export const enrolBody = Type.Object(
  {
    card: Type.Object({}, { additionalProperties: true, description: 'What the approver made of their key: src/verify/enrolment.ts' }),
    owner: Type.String({ description: 'What names the person whose key it is; only a keyed digest of it is stored' }),
    name: Type.Optional(Type.String({ description: 'For people, 1 to 100 characters' })),
    ...permission,
  },
  { additionalProperties: false },
);
export const removeBody = Type.Object(permission, { additionalProperties: false });

export const backupBody = Type.Object(
  {
    parts: Type.Array(Type.Union(backupParts.map((part) => Type.Literal(part))), {
      minItems: 1,
      maxItems: 2,
      description: 'What is made: a copy of the state, the recovery kit that opens one',
    }),
    purpose: Type.Optional(purpose),
    reference: Type.Optional(reference),
  },
  { additionalProperties: false },
);
export const backupTold = Type.Object({ checkpoint: Type.String({ description: 'Of the log _system, which tells of it' }) });

export const approverInfo = Type.Object({
  id: Type.String(),
  kind: Type.String(),
  publicKey: Type.String(),
  owner: Type.String(),
  name: Type.Optional(Type.String()),
  enrolledAt: Type.String(),
  enrolledBy: Type.String(),
  request: Type.Optional(Type.String()),
  removedAt: Type.Optional(Type.String()),
});
export const approverList = Type.Object({
  mode: Type.String({ description: 'When a second person is needed: auto (from the first approver on), required, single (never)' }),
  approvers: Type.Array(approverInfo),
});
