/** What the commands about requests work on: a server, or a data directory. The same steps, the same answers. */
import { userInfo } from 'node:os';
import { Option, type Command } from 'commander';
import type { ApproverInfo, AskFor, Person, RequestAction, RequestInfo, RequestState } from '../app/requests.ts';
import type { JsonObject } from '../core/json.ts';
import { createRequestClient } from '../sdk/requests.ts';
import type { Approval, Decision } from '../verify/approval.ts';
import type { ApproverCard } from '../verify/enrolment.ts';
import { dataDefault, dataDirOf, readKey } from './connection.ts';
import { withTrailHere } from './trail-here.ts';

export interface DeskOptions {
  data?: string;
  url?: string;
  key?: string;
  json?: boolean;
  /** Who says so, where there is no server to know it. */
  by?: string;
}

/** The request that was approved, or why one should be made. */
export interface PermitOptions {
  request?: string;
  purpose?: string;
  reference?: string;
}

export interface DeskHere {
  ask(ask: { action: RequestAction; detail: JsonObject } & AskFor): Promise<RequestInfo>;
  decide(id: string, decision: Decision, approval: Approval): Promise<RequestInfo>;
  enrol(enrolment: { card: ApproverCard; owner: string; name?: string }, permit: PermitOptions): Promise<ApproverInfo>;
  remove(id: string, permit: PermitOptions): Promise<ApproverInfo>;
}

/** What can be read beside a running server, too. */
export interface DeskReader {
  list(filter: { state?: RequestState }): Promise<RequestInfo[]>;
  show(id: string): Promise<RequestInfo>;
  approvers(): Promise<{ mode: string; approvers: ApproverInfo[] }>;
}

export function addDeskOptions(command: Command, role: string): Command {
  return command
    .addOption(new Option('--data <dir>', `the data directory [${dataDefault}]`).env('VEILTRAIL_DATA'))
    .addOption(new Option('--url <url>', 'a server instead').env('VEILTRAIL_URL'))
    .addOption(new Option('--key <key>', `its API key (role ${role}), or @FILE that holds it`).env('VEILTRAIL_KEY'))
    .option('--json', 'as JSON, one line each');
}

/** Opens what the options name for reading. */
export async function readDesk<T>(options: DeskOptions, use: (desk: DeskReader) => Promise<T>): Promise<T> {
  if (options.url !== undefined) {
    const client = createRequestClient({ url: options.url, key: readKey(options.key) });
    return use({
      list: async (filter) => (await client.list(filter)) as unknown as RequestInfo[],
      show: async (id) => (await client.show(id)) as unknown as RequestInfo,
      approvers: async () => (await client.approvers()) as unknown as { mode: string; approvers: ApproverInfo[] },
    });
  }
  const { readRequests } = await import('../server/requests.ts');
  const opened = readRequests(dataDirOf(options));
  const { book, mode } = opened;
  try {
    return await use({
      list: async (filter) => book.list(filter),
      show: async (id) => book.show(id),
      approvers: async () => ({ mode, approvers: book.approverInfos() }),
    });
  } finally {
    opened.close();
  }
}

/** Opens what the options name for a step; a data directory that a server has is the server's. */
export async function useDesk<T>(options: DeskOptions, use: (desk: DeskHere) => Promise<T>): Promise<T> {
  if (options.url !== undefined) {
    const client = createRequestClient({ url: options.url, key: readKey(options.key) });
    return use({
      ask: async (ask) => (await client.ask(ask)) as unknown as RequestInfo,
      decide: async (id, decision, approval) => (await client.decide(id, decision, approval)) as unknown as RequestInfo,
      enrol: async (enrolment, permit) => (await client.enrol({ ...enrolment, ...whyOf(permit) })) as unknown as ApproverInfo,
      remove: async (id, permit) => (await client.remove(id, whyOf(permit))) as unknown as ApproverInfo,
    });
  }
  return withTrailHere(dataDirOf(options), ({ requests: desk }) => {
    const by: Person = localPerson(options.by);
    return use({
      ask: (ask) => desk.ask({ ...by, ...ask }),
      decide: (id, decision, approval) => desk.decide({ ...by, id, decision, approval }),
      enrol: ({ owner, ...enrolment }, permit) => desk.enrol({ ...by, ...permitOf(permit), ...enrolment, approverOwner: owner }),
      remove: (approver, permit) => desk.remove({ ...by, ...permitOf(permit), approver }),
    });
  });
}

/** Whoever works at the machine: by the name they have there, or say they have. */
export function localPerson(by: string | undefined): Person {
  return { principal: `local:${by ?? userInfo().username}` };
}

export function permitOf({ request, purpose, reference }: PermitOptions): { request?: string; ask?: AskFor } {
  if (request !== undefined) return { request };
  return purpose === undefined ? {} : { ask: { purpose, ...(reference === undefined ? {} : { reference }) } };
}

function whyOf({ request, purpose, reference }: PermitOptions): PermitOptions {
  return {
    ...(request === undefined ? {} : { request }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(reference === undefined ? {} : { reference }),
  };
}
