/**
 * Bearer tokens of OpenID Connect providers: signed JWT access tokens (RFC 7519, RFC 9068), checked here and nowhere else, so that revoking waits
 * for their expiry; keep them short.
 *
 * - The issuer is one of the configuration; its keys come from its own metadata (or a URL that the configuration names) over TLS, and are kept ten
 *   minutes; unknown key ids make us look again twice a minute at the most, whatever strangers send.
 * - Algorithms are pinned: asymmetric ones only, and of those what the configuration lists. Audience, issuer, expiry and subject must be there.
 * - The first rule whose claim fits gives role, logs and hidden members: whoever is in several groups has one role, so no token has two roles
 *   that are kept apart.
 * - Subject and address are not stored: the principal is a keyed digest of issuer and subject.
 */
import { hash } from 'node:crypto';
import { createLocalJWKSet, createRemoteJWKSet, customFetch, decodeJwt, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { Secret } from '../vault/keyring.ts';
import { KeyRefused } from './authenticate.ts';
import { base32Of, personOf } from './person.ts';
import { isSafeUrl, type IssuerConfig, type RoleRule } from './oidc-rules.ts';
import type { Principal } from './roles.ts';
import type { TokenAuthenticator } from './tokens.ts';

export interface OidcParts {
  clock: Clock;
  /** What principals' and persons' names are made with. */
  secret: Secret;
  /** Somebody was recognised whom this process has not seen for twelve hours. */
  onLogin?: (principal: Principal, login: Login) => void;
  /** A token was checked. */
  onRecognised?: (principal: Principal) => void;
  /** After which a provider is asked again that did not answer, or did not know a key [30,000]. */
  triedAgainMs?: number;
}

/** What a token says of who bears it: personal, to be told to nobody but the recorder. */
export interface Login {
  issuer: string;
  subject: string;
  email?: string;
}

const keptMs = 60_000;
const keptMax = 10_000;
const loginKeptMs = 12 * 3_600_000;
const metadataBytesMax = 1_048_576;
const fetchTimeoutMs = 5_000;
const keysKeptMs = 600_000;
const typesAccepted: ReadonlySet<string | undefined> = new Set([undefined, 'jwt', 'at+jwt', 'application/at+jwt']);

export function openOidc(configs: readonly IssuerConfig[], parts: OidcParts): TokenAuthenticator {
  const { clock, secret, triedAgainMs = 30_000 } = parts;
  const issuers = new Map(configs.map((config) => [config.issuer, { config, keys: createKeySource(config, clock, triedAgainMs) }]));
  const recognised = new Map<string, { principal: Principal; untilMs: number }>();
  const logins = new Map<string, number>();
  /** Tokens that stayed what they were while their provider was away, and until when it is not asked about them again. */
  const spared = new Map<string, number>();
  /** Tokens that were accepted once and refused since: whoever is away, they are not spared again. */
  const refused = new Map<string, VeiltrailError>();

  const verify = async (token: string, digest: string): Promise<Principal> => {
    const issuer = issuers.get(issuerOf(token));
    if (!issuer) throw invalid();
    const { config, keys } = issuer;
    const claims = await claimsOf(token, config, await keys.find(), clock);
    const subject = claims.sub;
    if (subject === undefined || subject === '' || claims['cnf'] !== undefined) throw invalid(); // bound to a key that nobody has shown
    const id = `oidc:${base32Of(hash('sha256', Buffer.concat([secret.key, Buffer.from(JSON.stringify(['veiltrail-oidc/1', config.issuer, subject]))]), 'buffer'))}`;
    const rule = config.roles.find((one) => fits(one, claims));
    if (!rule) throw new KeyRefused('token_unmapped', 'no rule of this server gives the bearer of this token a role', { id });
    const principal: Principal = {
      id,
      role: rule.role,
      ...(rule.logs ? { logs: rule.logs } : {}),
      ...(rule.hides ? { hides: rule.hides } : {}),
      owner: personOf(ownerOf(claims, config, subject), secret),
    };
    parts.onRecognised?.(principal);
    const nowMs = clock.now();
    keep(recognised, digest, { principal, untilMs: Math.min(nowMs + keptMs, (claims.exp as number) * 1_000) });
    if (nowMs - (logins.get(id) ?? -Infinity) >= loginKeptMs) {
      keep(logins, id, nowMs);
      const email = claims['email'];
      parts.onLogin?.(principal, { issuer: config.issuer, subject, ...(typeof email === 'string' ? { email } : {}) });
    }
    return principal;
  };

  const authenticate = (token: string): Principal | Promise<Principal> => {
    const digest = hash('sha256', token, 'base64url');
    const known = recognised.get(digest);
    if (known && clock.now() < known.untilMs) return known.principal;
    recognised.delete(digest);
    return verify(token, digest);
  };
  /** By its own times and the newest keys that its provider gave: a key that is gone from them does not come back because the provider is away. */
  const spare = async (token: string, digest: string, before: Principal): Promise<Principal> => {
    const known = refused.get(digest);
    if (known) throw known;
    const issuer = issuers.get(issuerOf(token));
    const key = issuer?.keys.newest();
    if (!issuer || !key) throw invalid(); // accepted by nobody here
    await claimsOf(token, issuer.config, key, clock);
    return before;
  };
  const again = async (token: string, digest: string, before: Principal): Promise<Principal> => {
    const nowMs = clock.now();
    const sparedUntilMs = spared.get(digest);
    if (sparedUntilMs !== undefined && nowMs < sparedUntilMs && sparedUntilMs - nowMs <= triedAgainMs) return spare(token, digest, before);
    spared.delete(digest);
    try {
      return await authenticate(token);
    } catch (error) {
      if (!(error instanceof VeiltrailError) || error.code !== 'issuer_unreachable') throw error;
      await spare(token, digest, before);
      keep(spared, digest, nowMs + triedAgainMs);
      return before;
    }
  };
  return {
    authenticate,
    async authenticateAgain(token, before) {
      const digest = hash('sha256', token, 'base64url');
      try {
        return await again(token, digest, before);
      } catch (error) {
        if (error instanceof VeiltrailError) keep(refused, digest, error);
        throw error;
      }
    },
  };
}

/** Who says that it made the token: attacker-controlled, and used for nothing but to choose the keys that it must be signed with. */
function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    throw invalid();
  }
}

async function claimsOf(token: string, config: IssuerConfig, key: JWTVerifyGetKey, clock: Clock): Promise<JWTPayload> {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, key, {
      issuer: config.issuer,
      audience: [...config.audiences],
      algorithms: [...config.algorithms],
      clockTolerance: config.clockSkewSeconds,
      maxTokenAge: config.ageSecondsMax,
      requiredClaims: ['exp', 'iat', 'sub'],
      currentDate: new Date(clock.now()),
    });
    if (!typesAccepted.has(protectedHeader.typ?.toLowerCase())) throw invalid();
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw over();
    if (error instanceof errors.JOSEError && keysNotHad.has(error.code)) throw unreachable(error);
    if (error instanceof Unreachable) throw unreachable(error);
    throw error instanceof VeiltrailError ? error : invalid();
  }
}

class Unreachable extends Error {}

/** The provider's keys came too late, were none, or no JSON: which says nothing about the token. */
const keysNotHad: ReadonlySet<string> = new Set([errors.JWKSTimeout.code, errors.JWKSInvalid.code, errors.JOSEError.code]);

interface KeySource {
  /** @throws VeiltrailError `issuer_unreachable` */
  find(): Promise<JWTVerifyGetKey>;
  /** Those that the provider gave last, however long ago; undefined before the first. Asks nobody. */
  newest(): JWTVerifyGetKey | undefined;
}

/** The provider's keys, found when they are first needed. */
function createKeySource(config: IssuerConfig, clock: Clock, triedAgainMs: number): KeySource {
  let source: Promise<JWTVerifyGetKey> | undefined;
  let remote: ReturnType<typeof createRemoteJWKSet> | undefined;
  let triedMs = -Infinity;
  const open = async (): Promise<JWTVerifyGetKey> => {
    const url = config.jwksUri ?? (await discover(config.issuer));
    remote = createRemoteJWKSet(new URL(url), {
      timeoutDuration: fetchTimeoutMs,
      cooldownDuration: triedAgainMs,
      cacheMaxAge: keysKeptMs,
      [customFetch]: fetchBounded,
    });
    return remote;
  };
  return {
    async find() {
      // A provider that did not answer is not asked again by every stranger's request.
      if (!source && Math.abs(clock.now() - triedMs) < triedAgainMs) throw unreachable();
      try {
        return await (source ??= open());
      } catch (cause) {
        source = undefined;
        triedMs = clock.now();
        throw unreachable(cause);
      }
    },
    newest() {
      const jwks = remote?.jwks();
      return jwks && createLocalJWKSet(jwks);
    },
  };
}

/** OpenID Connect Discovery 1.0, section 4: the metadata names its issuer, which must be the one that was asked. */
async function discover(issuer: string): Promise<string> {
  const answer = await fetchBounded(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(fetchTimeoutMs) });
  const metadata = (await answer.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (metadata.issuer !== issuer || typeof metadata.jwks_uri !== 'string' || !isSafeUrl(metadata.jwks_uri)) throw new Unreachable();
  return metadata.jwks_uri;
}

/** An answer of at most a mebibyte; a redirect is an error. */
async function fetchBounded(url: string, options: RequestInit): Promise<Response> {
  try {
    const response = await fetch(url, { ...options, redirect: 'error' });
    if (response.status !== 200) throw new Error('no keys in it');
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of response.body ?? []) {
      pieces.push(piece as Uint8Array);
      bytes += (piece as Uint8Array).length;
      if (bytes > metadataBytesMax) throw new Error('too much');
    }
    return new Response(Buffer.concat(pieces), { headers: { 'content-type': 'application/json' } });
  } catch (cause) {
    throw new Unreachable('the identity provider did not answer as it should', { cause });
  }
}

function fits({ claim, value }: RoleRule, claims: JWTPayload): boolean {
  const found = claimAt(claims, claim);
  if (Array.isArray(found)) return found.includes(value);
  if (typeof found !== 'string') return false;
  return found === value || ((claim === 'scope' || claim === 'scp') && found.split(' ').includes(value));
}

/** A claim by its name, which may have dots of its own (`https://example.com/roles`), or by a path. */
function claimAt(claims: JWTPayload, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function ownerOf(claims: JWTPayload, { issuer, ownerClaim }: IssuerConfig, subject: string): string {
  if (ownerClaim !== undefined) {
    const owner = claimAt(claims, ownerClaim);
    if (typeof owner !== 'string' || owner.trim() === '' || owner.length > 200) throw invalid();
    return owner;
  }
  const { email, email_verified: isVerified } = claims;
  return typeof email === 'string' && isVerified === true && email.length <= 200 ? email : hash('sha256', `${issuer}\n${subject}`, 'hex');
}

function keep<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.size >= keptMax) map.delete(map.keys().next().value as string);
  map.set(key, value);
}

function invalid(): VeiltrailError {
  return new VeiltrailError('token_invalid', 'this token is not one that this server accepts');
}

function over(): VeiltrailError {
  return new VeiltrailError('token_expired', 'this token is over: ask the identity provider for another');
}

function unreachable(cause?: unknown): VeiltrailError {
  return new VeiltrailError('issuer_unreachable', 'the identity provider cannot be reached', {}, { cause });
}
