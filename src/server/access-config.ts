/**
 * Who may come in, in the configuration file: identity providers, trusted proxies, what roles do not get to see.
 *
 * ```yaml
 * trustedProxies: [10.0.0.0/8]          # whose X-Forwarded-For counts [none's]
 * hides: {reader: [context, actor.email]}
 * oidc:                                 # one, or a list
 *   issuer: https://login.example.com
 *   audience: veiltrail                 # one, or a list
 *   jwksUri: https://…                  # [what the issuer's metadata says]
 *   algorithms: [ES256]                 # [RS256, PS256, ES256, EdDSA]
 *   clockSkewSeconds: 30                # [30]
 *   ageSecondsMax: 3600                 # of a token since it was issued [86400]
 *   ownerClaim: employee_id             # names the person, and cannot be changed by the person [a verified address, else the subject]
 *   roles:                              # the first that fits counts
 *     - {claim: groups, value: audit-readers, role: reader, logs: [default], hides: [context]}
 * ```
 */
import { logNamePattern } from '../access/access-file.ts';
import { checkHidden } from '../access/hidden-members.ts';
import { parseNetworks } from '../access/networks.ts';
import { type IssuerConfig, isSafeUrl, type RoleRule, type TokenAlgorithm, tokenAlgorithms } from '../access/oidc-rules.ts';
import { roles, type Role } from '../access/roles.ts';
import { VeiltrailError } from '../core/errors.ts';

export interface AccessConfig {
  trustedProxies?: readonly string[];
  hides?: Partial<Record<Role, readonly string[]>>;
  oidc?: readonly IssuerConfig[];
}

export const accessSettings = ['trustedProxies', 'hides', 'oidc'] as const;
export type AccessSetting = (typeof accessSettings)[number];

const issuersMax = 8;
const rulesMax = 200;
const algorithmsDefault: readonly TokenAlgorithm[] = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** Reads one of these settings. @throws VeiltrailError `config_invalid`, whose message begins with the setting's name */
export function readAccessSetting(name: AccessSetting, value: unknown): AccessConfig {
  if (name === 'hides') return { hides: hidesOf(value) };
  if (name === 'trustedProxies') {
    const trustedProxies = texts(value, name);
    checked(name, () => parseNetworks(trustedProxies));
    return { trustedProxies };
  }
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0 || list.length > issuersMax) throw wrong(name, `is 1 to ${issuersMax} identity providers`);
  const oidc = list.map((one, i) => issuerOf(one, Array.isArray(value) ? `oidc.${i}` : 'oidc'));
  if (new Set(oidc.map(({ issuer }) => issuer)).size < oidc.length) throw wrong(name, 'names an issuer twice');
  return { oidc };
}

function hidesOf(value: unknown): Partial<Record<Role, readonly string[]>> {
  const hides: Partial<Record<Role, readonly string[]>> = {};
  for (const [name, paths] of Object.entries(members(value, 'hides'))) {
    hides[roleOf(name, 'hides')] = hidden(paths, `hides.${name}`);
  }
  return hides;
}

function issuerOf(value: unknown, at: string): IssuerConfig {
  const { issuer, audience, jwksUri, algorithms, clockSkewSeconds, ageSecondsMax, ownerClaim, roles: rules, ...rest } = members(value, at);
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw wrong(`${at}.${unknown}`, 'is not a setting');
  if (!isUrl(issuer)) throw wrong(`${at}.issuer`, 'is a URL: https, or http on this machine');
  if (jwksUri !== undefined && !isUrl(jwksUri)) throw wrong(`${at}.jwksUri`, 'is a URL: https, or http on this machine');
  if (ownerClaim !== undefined && (typeof ownerClaim !== 'string' || ownerClaim === '')) throw wrong(`${at}.ownerClaim`, 'is the name of a claim');
  if (!Array.isArray(rules) || rules.length === 0 || rules.length > rulesMax) throw wrong(`${at}.roles`, `is a list of 1 to ${rulesMax} rules`);
  return {
    issuer,
    audiences: texts(typeof audience === 'string' ? [audience] : audience, `${at}.audience`),
    ...(jwksUri === undefined ? {} : { jwksUri }),
    algorithms: algorithms === undefined ? algorithmsDefault : texts(algorithms, `${at}.algorithms`).map((name) => algorithmOf(name, at)),
    clockSkewSeconds: seconds(clockSkewSeconds ?? 30, 0, 300, `${at}.clockSkewSeconds`),
    ageSecondsMax: seconds(ageSecondsMax ?? 86_400, 60, 7 * 86_400, `${at}.ageSecondsMax`),
    ...(ownerClaim === undefined ? {} : { ownerClaim }),
    roles: rules.map((rule, i) => ruleOf(rule, `${at}.roles.${i}`)),
  };
}

function ruleOf(value: unknown, at: string): RoleRule {
  const { claim, value: wanted, role, logs, hides, ...rest } = members(value, at);
  if (Object.keys(rest).length > 0 || typeof claim !== 'string' || claim === '' || typeof wanted !== 'string' || wanted === '')
    throw wrong(at, 'is {claim, value, role, logs?, hides?}');
  const names = logs === undefined ? undefined : texts(logs, `${at}.logs`);
  if (names && !names.every((name) => logNamePattern.test(name))) throw wrong(`${at}.logs`, 'is a list of names of logs');
  return {
    claim,
    value: wanted,
    role: roleOf(role, at),
    ...(names ? { logs: names } : {}),
    ...(hides === undefined ? {} : { hides: hidden(hides, `${at}.hides`) }),
  };
}

function members(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(at, 'is a list of names and values');
  return value as Record<string, unknown>;
}

function texts(value: unknown, at: string): string[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every((one) => typeof one === 'string' && one !== ''))
    throw wrong(at, 'is a list of texts');
  return value as string[];
}

function hidden(value: unknown, at: string): string[] {
  const paths = texts(value, at);
  checked(at, () => checkHidden(paths));
  return paths;
}

function roleOf(value: unknown, at: string): Role {
  const role = roles.find((one) => one === value);
  if (role === undefined) throw wrong(at, `names a role that is none of ${roles.join(', ')}`);
  return role;
}

function algorithmOf(name: string, at: string): TokenAlgorithm {
  const algorithm = tokenAlgorithms.find((one) => one === name);
  if (algorithm === undefined) throw wrong(`${at}.algorithms`, `are some of ${tokenAlgorithms.join(', ')}`);
  return algorithm;
}

function seconds(value: unknown, least: number, most: number, at: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw wrong(at, `is a number of seconds, ${least} to ${most}`);
  return value;
}

function isUrl(value: unknown): value is string {
  return typeof value === 'string' && isSafeUrl(value);
}

function checked(at: string, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    throw wrong(at, `is not right: ${(error as Error).message}`);
  }
}

function wrong(at: string, what: string): VeiltrailError {
  return new VeiltrailError('config_invalid', `${at} ${what}`);
}
