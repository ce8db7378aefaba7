/** Bearer tokens of identity providers, as the door sees them. How they are checked: oidc.ts. */
import type { Principal } from './roles.ts';

export interface TokenAuthenticator {
  /**
   * @throws VeiltrailError `token_invalid`, `token_expired`; KeyRefused with `token_unmapped` for somebody whom no rule gives a role;
   * `issuer_unreachable` while the provider's keys cannot be had
   */
  authenticate(token: string): Principal | Promise<Principal>;
  /**
   * The same of a token that was accepted before, for whoever is in the middle of something: while the provider cannot be reached, it is what it was, by
   * the keys that it gave last, until it is over.
   * @param before whose it was then
   * @throws as {@link authenticate}, but for `issuer_unreachable`
   */
  authenticateAgain(token: string, before: Principal): Promise<Principal>;
}

/** Whether a bearer may be a signed JWT and not an API key. */
export function looksLikeToken(bearer: string): boolean {
  return /^ey[\w-]+\.[\w-]+\.[\w-]+$/.test(bearer);
}
