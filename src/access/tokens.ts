/** Bearer tokens of identity providers, as the door sees them. How they are checked: oidc.ts. */
import type { Principal } from './roles.ts';

export interface TokenAuthenticator {
  /**
   * @throws VeiltrailError `token_invalid`, `token_expired`; KeyRefused with `token_unmapped` for somebody whom no rule gives a role;
   * `issuer_unreachable` while the provider's keys cannot be had
   */
  authenticate(token: string): Principal | Promise<Principal>;
}

/** Whether a bearer may be a signed JWT and not an API key. */
export function looksLikeToken(bearer: string): boolean {
  return /^ey[\w-]+\.[\w-]+\.[\w-]+$/.test(bearer);
}
