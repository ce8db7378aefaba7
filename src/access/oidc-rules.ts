/** Which identity providers are believed, and what of what they say makes a role: the form of the configuration. */
import type { Role } from './roles.ts';

/** What a provider may sign with. No HMAC: whoever can check such a token can make one. */
export const tokenAlgorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const;
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

export interface RoleRule {
  /** A claim, or a path to one: `groups`, `realm_access.roles`. `scope` and `scp` are lists divided by spaces. */
  claim: string;
  /** The claim is this, or a list with it. */
  value: string;
  role: Role;
  logs?: readonly string[];
  hides?: readonly string[];
}

export interface IssuerConfig {
  /** As tokens have it; https, or http on this machine. */
  issuer: string;
  audiences: readonly string[];
  /** Where its keys are [what its metadata says]. */
  jwksUri?: string;
  algorithms: readonly TokenAlgorithm[];
  clockSkewSeconds: number;
  /** Of a token, since it was issued. */
  ageSecondsMax: number;
  /** Names the person, and cannot be changed by the person [a verified address, else the subject]. */
  ownerClaim?: string;
  /** The first that fits counts. */
  roles: readonly RoleRule[];
}

/** TLS, or this machine: keys that came over the network in the clear could be anybody's. */
export function isSafeUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || url.username !== '' || url.password !== '' || url.hash !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname));
}
