/** Where browsers reach the server, as it is told: what keys of approvers are bound to. */
import { VeiltrailError } from '../core/errors.ts';
import { isOriginOf } from '../verify/approval-webauthn.ts';

/**
 * Reads `https://audit.example.com` or `http://localhost:7420`: an origin, with or without a slash behind it.
 * @returns the origin, as browsers write it
 * @throws VeiltrailError `public_url`
 */
export function parsePublicUrl(text: string): string {
  const url = URL.parse(text);
  const isOrigin = url !== null && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  // A browser has keys for names only, and over TLS, or on the machine itself.
  if (isOrigin && !/^[\d.]+$/.test(url.hostname) && isOriginOf(url.origin, url.hostname)) return url.origin;
  throw new VeiltrailError(
    'public_url',
    'a public URL is https://NAME[:PORT], or http://localhost[:PORT]: no path, and no number in the place of a name',
  );
}
