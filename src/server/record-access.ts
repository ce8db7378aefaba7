/** What the door tells the recorder: who read what, who was refused, and strangers. Which routes are recorded, and how, says route-table.ts. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KeyRefused } from '../access/authenticate.ts';
import { generalizeAddress } from '../access/networks.ts';
import type { Principal } from '../access/roles.ts';
import type { AccessLog, ReadDetail } from '../app/access-recorder.ts';
import { VeiltrailError } from '../core/errors.ts';
import { codeOf } from './problem.ts';
import type { RouteRule } from './route-table.ts';

export interface DoorParts {
  access: AccessLog;
  isLog: (log: string) => boolean;
}

export interface DoorRecords {
  /** Before an answer goes out. @throws VeiltrailError `access_unrecorded`: it must not */
  answered(request: FastifyRequest, reply: FastifyReply): void;
  /** Somebody was not let in. */
  refused(request: FastifyRequest, error: unknown, principal?: Principal): void;
}

const networksMax = 1_000;

export function createDoorRecords({ access, isLog }: DoorParts): DoorRecords {
  const networks = new Map<string, string>();
  const networkOf = (address: string): string => {
    let network = networks.get(address);
    if (network === undefined) {
      if (networks.size >= networksMax) networks.clear();
      network = generalizeAddress(address);
      networks.set(address, network);
    }
    return network;
  };
  // A log that does not exist is a name that somebody made up: it may be anything.
  const logOf = ({ params }: FastifyRequest): string | undefined => {
    const log = (params as { log?: string } | undefined)?.log;
    return log !== undefined && isLog(log) ? log : undefined;
  };
  return {
    answered(request, reply) {
      const { principal, routeOptions, seen, problem } = request;
      const rule = routeOptions.config.rule;
      if (rule?.recorded !== 'gathered' || principal === undefined || problem === 'access_unrecorded') return;
      const failed = reply.statusCode >= 400;
      access.read(
        {
          action: rule.action ?? ruleName(rule),
          principal: principal.id,
          role: principal.role,
          outcome: failed ? 'failure' : 'success',
          // Where there was something to read, there is a log of that name.
          log: failed ? logOf(request) : (request.params as { log?: string } | undefined)?.log,
          reason: failed ? problem : undefined,
          network: networkOf(request.clientAddress),
        },
        seen ?? nothingSeen,
      );
    },
    refused(request, error, principal) {
      const rule = request.routeOptions.config.rule;
      const known = error instanceof KeyRefused ? error.principal : principal;
      const network = networkOf(request.clientAddress);
      const log = logOf(request);
      if (!(error instanceof VeiltrailError)) return;
      const reason = codeOf(error);
      if (!known) {
        if (strangersCodes.has(reason)) access.stranger(reason, network);
        return;
      }
      try {
        access.note({
          action: rule?.action ?? (rule ? ruleName(rule) : 'request'),
          principal: known.id,
          ...(known.role === undefined ? {} : { role: known.role }),
          outcome: 'denied',
          ...(log === undefined ? {} : { log }),
          reason,
          metadata: { network, ...(rule?.right === undefined ? {} : { right: rule.right }) },
        });
      } catch {
        // Counted by the recorder; who is refused anyway need not know why.
      }
    },
  };
}

const nothingSeen: ReadDetail = {};
const strangersCodes: ReadonlySet<string> = new Set(['unauthenticated', 'token_invalid', 'token_expired', 'key_in_url']);

function ruleName({ method, path }: RouteRule): string {
  return `${method} ${path}`;
}
