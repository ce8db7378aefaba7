/** Requests for a second person, and the approvers. Every step and every refusal is on record before the answer: the desk sees to it. */
import type { FastifyInstance } from 'fastify';
import type { Static } from 'typebox';
import { authorize, mayDo, type Principal, type Right } from '../../access/roles.ts';
import type { AskFor, Person, RequestAction } from '../../app/requests.ts';
import type { Trail } from '../../app/trail.ts';
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { type JsonObject, type JsonValue, parseJson } from '../../core/json.ts';
import type { Decision } from '../../verify/approval.ts';
import {
  approverInfo,
  approverList,
  approverParams,
  askBody,
  decisionBody,
  enrolBody,
  removeBody,
  requestInfo,
  requestList,
  requestParams,
  requestQuery,
} from '../request-schemas.ts';
import { noQuery } from '../schemas.ts';
import { shapeOf } from '../validator.ts';

/** Nobody asks for what they have no right to do. */
const rightsFor: Readonly<Record<RequestAction, Right>> = {
  'token.reveal': 'token.reveal',
  'token.reveal-bulk': 'token.reveal',
  'subject.erase': 'subject.erase',
  'value.redact': 'value.redact',
  'hold.lift': 'hold.set',
  'retention.shorten': 'retention.change',
  'policy.change': 'key.manage',
  'export.raw': 'token.reveal',
  'key.create': 'key.manage',
  'key.destroy': 'key.manage',
  'forwarder.set': 'forwarder.set',
  'approver.enrol': 'key.manage',
  'approver.remove': 'key.manage',
};

export function registerRequestRoutes(app: FastifyInstance, { requests: desk, access }: Pick<Trail, 'requests' | 'access'>): void {
  const ask = shapeOf(askBody);
  const decision = shapeOf(decisionBody);
  const enrol = shapeOf(enrolBody);
  const remove = shapeOf(removeBody);

  app.post<{ Body: Buffer | undefined }>(
    '/api/v1/requests',
    {
      schema: { summary: 'Ask for something that a second person must approve', querystring: noQuery, body: askBody, response: { 201: requestInfo } },
    },
    async ({ body, principal }, reply) => {
      const value = valueOf(body);
      if (!ask.Check(value)) throw new VeiltrailError('request_syntax', 'a request is {"action", "detail", "purpose", "reference"?}');
      const { purpose, reference } = value;
      const action = value.action as RequestAction;
      if (!mayDo(principal, rightsFor[action])) {
        const { id, role } = principal;
        await access.write({ action: 'request.ask', principal: id, role, outcome: 'denied', reason: 'forbidden', metadata: { requested: action } });
      }
      authorize(principal, rightsFor[action]);
      const why = { purpose, ...(reference === undefined ? {} : { reference }) };
      return reply.code(201).send(await desk.ask({ action, detail: value.detail as JsonObject, ...why, ...personOf(principal) }));
    },
  );

  app.get<{ Querystring: Static<typeof requestQuery> }>(
    '/api/v1/requests',
    { schema: { summary: 'Requests, newest first', querystring: requestQuery, response: { 200: requestList } } },
    ({ query: { state } }, reply) => reply.send({ requests: desk.list(state === undefined ? {} : { state }) }),
  );

  app.get<{ Params: { id: string } }>(
    '/api/v1/requests/:id',
    { schema: { summary: 'A request', params: requestParams, querystring: noQuery, response: { 200: requestInfo } } },
    ({ params: { id } }, reply) => reply.send(desk.show(id)),
  );

  const decide = (as: Decision, summary: string): void => {
    app.post<{ Params: { id: string }; Body: Buffer | undefined }>(
      `/api/v1/requests/:id/${as}`,
      { schema: { summary, params: requestParams, querystring: noQuery, body: decisionBody, response: { 200: requestInfo } } },
      ({ params: { id }, body, principal }) => {
        const value = valueOf(body);
        if (!decision.Check(value)) throw new VeiltrailError('approval_syntax', 'a decision is {"approval"}');
        return desk.decide({ id, decision: as, approval: value.approval as JsonObject, ...personOf(principal) });
      },
    );
  };
  decide('approve', "Approve a request, with an approver's signature");
  decide('deny', "Deny a request for good, with an approver's signature");

  app.get(
    '/api/v1/approvers',
    { schema: { summary: 'The approvers, and when they are needed', querystring: noQuery, response: { 200: approverList } } },
    (_request, reply) => reply.send({ mode: desk.mode(), approvers: desk.approvers() }),
  );

  app.post<{ Body: Buffer | undefined }>(
    '/api/v1/approvers',
    {
      schema: {
        summary: "Enrol an approver's key: the first; any other with the approval of one who is there",
        querystring: noQuery,
        body: enrolBody,
        response: { 201: approverInfo },
      },
    },
    async ({ body, principal }, reply) => {
      const value = valueOf(body);
      if (!enrol.Check(value))
        throw new VeiltrailError('approver_card', 'an enrolment is {"card", "owner", "name"?, "request"?, "purpose"?, "reference"?}');
      const { card, owner: approverOwner, name } = value;
      const who = { approverOwner, ...(name === undefined ? {} : { name }) };
      return reply.code(201).send(await desk.enrol({ ...permitBy(principal, value), card: card as JsonValue, ...who }));
    },
  );

  app.post<{ Params: { id: string }; Body: Buffer | undefined }>(
    '/api/v1/approvers/:id/remove',
    {
      schema: {
        summary: 'Remove an approver, with the approval of one who is there',
        params: approverParams,
        querystring: noQuery,
        body: removeBody,
        response: { 200: approverInfo },
      },
    },
    ({ params: { id }, body, principal }) => {
      const value = valueOf(body);
      if (!remove.Check(value)) throw new VeiltrailError('request_syntax', 'a removal is {"request"?, "purpose"?, "reference"?}');
      return desk.remove({ ...permitBy(principal, value), approver: id });
    },
  );
}

/** A principal as the desk knows it. */
export function personOf({ id, owner }: Principal): Person {
  return { principal: id, ...(owner === undefined ? {} : { owner }) };
}

interface Permission {
  request?: string | undefined;
  purpose?: string | undefined;
  reference?: string | undefined;
}

/** Who wants something that may need two: with the request that was approved, or what to ask for where somebody said why. */
export function permitBy(principal: Principal, { request, purpose, reference }: Permission): Person & { request?: string; ask?: AskFor } {
  const why = purpose === undefined ? {} : { ask: { purpose, ...(reference === undefined ? {} : { reference }) } };
  return { ...personOf(principal), ...(request === undefined ? why : { request }) };
}

function valueOf(body: Buffer | undefined): JsonValue {
  return parseJson(decodeUtf8(body ?? Buffer.alloc(0))).value;
}
