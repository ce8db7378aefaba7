/** Who asks, and may they? A key is recognised at once; a token of an identity provider may have to wait for that provider's keys. */
import type { FastifyRequest } from 'fastify';
import type { Authenticator } from '../access/authenticate.ts';
import { joinHidden } from '../access/hidden-members.ts';
import { authorize, type Principal, type Right, type Role } from '../access/roles.ts';
import { VeiltrailError } from '../core/errors.ts';
import { looksLikeToken, type TokenAuthenticator } from '../access/tokens.ts';
import type { AdmissionDesk } from './admission.ts';
import type { DoorRecords } from './record-access.ts';

export interface DoorParts {
  authenticator: Authenticator;
  tokens?: TokenAuthenticator;
  hides?: Partial<Record<Role, readonly string[]>>;
  desk: AdmissionDesk;
  records: DoorRecords;
}

/** Lets a request in: `request.principal` and `request.admission` are set then, or `done` is given the refusal, which is on record. */
export type Door = (request: FastifyRequest, right: Right, done: (error?: Error) => void) => void;

/** Characters of an Authorization header: a token of a provider that knows many groups is long. */
const bearerMax = 16_384;

export function createDoor({ authenticator, tokens, hides = {}, desk, records }: DoorParts): Door {
  const withHidden = (known: Principal): Principal => {
    const hidden = hides[known.role];
    return hidden ? { ...known, hides: joinHidden(known.hides, hidden) ?? [] } : known;
  };
  const enter = (request: FastifyRequest, right: Right, known: Principal): void => {
    const { log } = (request.params ?? {}) as { log?: string };
    const principal = withHidden(known);
    try {
      authorize(principal, right, log);
    } catch (error) {
      records.refused(request, error, principal);
      throw error;
    }
    request.admission = desk.admit(principal.id);
    request.principal = principal;
    request.checkAgain = (more) => {
      const check = (found: Principal): void => {
        const now = withHidden(found);
        refuseOther(principal, now);
        authorize(now, right, log);
        more?.(now);
      };
      const now = recognise(request, known);
      return now instanceof Promise ? now.then(check) : check(now);
    };
  };
  /** @param before who it was, when asked again */
  const recognise = (request: FastifyRequest, before?: Principal): Principal | Promise<Principal> => {
    const bearer = bearerOf(request.headers.authorization);
    if (tokens && bearer !== undefined && looksLikeToken(bearer))
      return before ? tokens.authenticateAgain(bearer, before) : tokens.authenticate(bearer);
    return authenticator.authenticate(bearer, request.clientAddress);
  };
  return (request, right, done) => {
    const refuse = (error: unknown): void => {
      records.refused(request, error);
      done(error as Error);
    };
    let principal: Principal | Promise<Principal>;
    try {
      principal = recognise(request);
    } catch (error) {
      return refuse(error);
    }
    const go = (known: Principal): void => {
      try {
        enter(request, right, known);
      } catch (error) {
        return done(error as Error);
      }
      done();
    };
    if (principal instanceof Promise) principal.then(go, refuse);
    else go(principal);
  };
}

/** Whoever is in the middle of something must be who began it, and must not get to see less by now. @throws VeiltrailError `unauthenticated`, `forbidden` */
function refuseOther(before: Principal, now: Principal): void {
  if (now.id !== before.id || now.owner !== before.owner) throw new VeiltrailError('unauthenticated', 'this is another key than before');
  const covers = (path: string, member: string): boolean => member === path || member.startsWith(`${path}.`);
  if (now.hides?.some((member) => !before.hides?.some((path) => covers(path, member))))
    throw new VeiltrailError('forbidden', 'this key does not get to see by now what it did');
}

function bearerOf(header: string | undefined): string | undefined {
  return header !== undefined && header.length <= bearerMax && /^bearer /i.test(header) ? header.slice(7) : undefined;
}
