/** A real OpenID Connect provider (npm oidc-provider) on a port of its own, with people who log in and clients that ask for themselves. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hash, randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import Provider from 'oidc-provider';
import { untilFree } from '../setup/port.ts';

export const audience = 'https://audit.example.com';
const redirectUri = 'https://app.example.com/callback';

export interface Person {
  groups: string[];
  email?: string;
  email_verified?: boolean;
  employee?: string;
}

export interface IdentityProvider {
  issuer: string;
  /** Signs as the provider does: for tokens that it would never make. */
  privateKey: CryptoKey;
  publicKey: CryptoKey;
  kid: string;
  /** Requests for its metadata and keys. */
  asked: { metadata: number; keys: number };
  /** The token of somebody who logs in: authorization code with PKCE. */
  logIn(account: string): Promise<string>;
  /** The token of a program: client credentials. */
  clientToken(): Promise<string>;
  close(): Promise<void>;
}

export async function startIdentityProvider(people: Record<string, Person>, port = 0, keyId = 'one'): Promise<IdentityProvider> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const key: JWK = { ...(await exportJWK(privateKey)), kid: keyId, use: 'sig', alg: 'ES256' };
  const asked = { metadata: 0, keys: 0 };
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/.well-known/')) asked.metadata++;
    if (request.url === '/jwks') asked.keys++;
    handle(request, response);
  });
  await untilFree(port);
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    jwks: { keys: [key] },
    cookies: { keys: ['test'] },
    clients: [
      {
        client_id: 'app',
        token_endpoint_auth_method: 'none',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES256',
      },
      {
        client_id: 'robot',
        client_secret: 'robot-secret',
        redirect_uris: [],
        grant_types: ['client_credentials'],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({
          scope: 'audit',
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    extraTokenClaims: (_context: unknown, { accountId }: { accountId?: string }) =>
      accountId === undefined ? { groups: ['robots'] } : people[accountId],
  });
  const callback = provider.callback();
  handle = (request, response) => {
    if (request.url?.startsWith('/interaction/')) void interact(provider, request, response);
    else callback(request, response);
  };
  return {
    issuer,
    privateKey,
    publicKey,
    kid: keyId,
    asked,
    logIn: (account) => logIn(issuer, account),
    async clientToken() {
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa('robot:robot-secret')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'audit' }),
      });
      return ((await answer.json()) as { access_token: string }).access_token;
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/** Whoever is named in the header has logged in and agrees. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  const account = String(request.headers['x-account']);
  if (prompt.name === 'login') return provider.interactionFinished(request, response, { login: { accountId: account } });
  const grant = new provider.Grant({ accountId: session?.accountId ?? account, clientId: params.client_id });
  grant.addOIDCScope('openid');
  for (const [resource, scopes] of Object.entries(prompt.details.missingResourceScopes ?? { [audience]: ['audit'] }))
    grant.addResourceScope(resource, scopes.join(' '));
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

/** What a browser does: follows redirects with cookies until the code comes, and exchanges it. */
async function logIn(issuer: string, account: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const jar = new Map<string, string>();
  const query = new URLSearchParams({
    client_id: 'app',
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid audit',
    resource: audience,
    code_challenge: hash('sha256', verifier, 'base64url'),
    code_challenge_method: 'S256',
  });
  let url = `${issuer}/auth?${query.toString()}`;
  for (let hops = 0; !url.startsWith(redirectUri); hops++) {
    if (hops > 10) throw new Error('the login goes round in circles');
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie, 'x-account': account } });
    for (const one of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? [];
      jar.set(name, value);
    }
    const next = answer.headers.get('location');
    if (next === null) throw new Error(`no redirect: ${answer.status} ${await answer.text()}`);
    url = new URL(next, issuer).href;
  }
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'app',
      code: new URL(url).searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
      resource: audience,
    }),
  });
  return ((await answer.json()) as { access_token: string }).access_token;
}
