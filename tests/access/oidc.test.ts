/** Tokens of identity providers: a real one's are accepted, and what no honest provider would sign is not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT, type CryptoKey } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { KeyRefused } from '../../src/access/authenticate.ts';
import { type Login, openOidc, type OidcParts } from '../../src/access/oidc.ts';
import { isSafeUrl, type IssuerConfig } from '../../src/access/oidc-rules.ts';
import type { Principal } from '../../src/access/roles.ts';
import { looksLikeToken } from '../../src/access/tokens.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { readConfig } from '../../src/server/config.ts';
import { startServer } from '../../src/server/start.ts';
import { openSqliteAlertSource } from '../../src/storage/sqlite/alert-store.ts';
import { audience, type IdentityProvider, startIdentityProvider } from './identity-provider.ts';

const people = {
  jane: { groups: ['staff', 'audit-readers'], email: 'jane@example.com', email_verified: true, employee: 'E-17' },
  tom: { groups: ['investigators', 'audit-readers'], email: 'JANE@example.com', email_verified: false, employee: 'E-18' },
  eve: { groups: ['staff'] },
};
const secret = { version: 1, key: new Uint8Array(32).fill(7) };

let provider: IdentityProvider;
beforeAll(async () => {
  provider = await startIdentityProvider(people);
});
afterAll(() => provider.close());

const configFor = (change: Partial<IssuerConfig> = {}): IssuerConfig => ({
  issuer: provider.issuer,
  audiences: [audience],
  algorithms: ['ES256'],
  clockSkewSeconds: 30,
  ageSecondsMax: 3_600,
  roles: [
    { claim: 'groups', value: 'investigators', role: 'investigator' },
    { claim: 'groups', value: 'audit-readers', role: 'reader', logs: ['default'], hides: ['context'] },
    { claim: 'groups', value: 'robots', role: 'writer' },
  ],
  ...change,
});
const open = (change: Partial<IssuerConfig> = {}, parts: Partial<OidcParts> = {}): ((token: string) => Promise<Principal>) => {
  const tokens = openOidc([configFor(change)], { clock: systemClock, secret, ...parts });
  return async (token) => tokens.authenticate(token);
};
const refusal = async (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );

describe('a real provider', () => {
  test('its people have the role of the first rule that fits, its programs theirs', async () => {
    const accept = open();
    const token = await provider.logIn('jane');
    expect(decodeProtectedHeader(token)).toMatchObject({ typ: 'at+jwt', alg: 'ES256' });
    expect(looksLikeToken(token)).toBe(true);
    const jane = await accept(token);
    expect(jane).toEqual({
      id: expect.stringMatching(/^oidc:[a-z2-7]{16}$/),
      role: 'reader',
      logs: ['default'],
      hides: ['context'],
      owner: expect.stringMatching(/^person:[a-z2-7]{16}$/),
    });
    expect((await accept(await provider.logIn('jane'))).id).toBe(jane.id);
    const tom = await accept(await provider.logIn('tom'));
    expect(tom.role).toBe('investigator');
    // An address that nobody verified makes nobody the same person.
    expect(tom.owner).not.toBe(jane.owner);
    expect((await accept(await provider.clientToken())).role).toBe('writer');
    await expect(accept(await provider.logIn('eve'))).rejects.toThrow(KeyRefused);
    expect(await refusal(accept(await provider.logIn('eve')))).toBe('token_unmapped');
  });

  test('its metadata and keys are asked for once, and a token is checked once a minute', async () => {
    let nowMs = Date.now();
    const accept = open({}, { clock: { now: () => nowMs } });
    const before = { ...provider.asked };
    const token = await provider.logIn('jane');
    const first = await accept(token);
    expect(await accept(token)).toBe(first);
    nowMs += 61_000;
    expect(await accept(token)).not.toBe(first);
    nowMs += 300_000;
    expect(await refusal(accept(token))).toBe('token_expired');
    expect(provider.asked).toEqual({ metadata: before.metadata + 1, keys: before.keys + 1 });
  });

  test('a claim that the configuration names says whose the token is', async () => {
    const accept = open({ ownerClaim: 'employee' });
    expect((await accept(await provider.logIn('jane'))).owner).not.toBe((await accept(await provider.logIn('tom'))).owner);
    expect(await refusal(accept(await provider.clientToken()))).toBe('token_invalid');
  });

  test('who logs in is told once in twelve hours', async () => {
    const logins: (Login & { id: string })[] = [];
    const accept = open({}, { onLogin: ({ id }, login) => logins.push({ id, ...login }) });
    for (let i = 0; i < 3; i++) await accept(await provider.logIn('jane'));
    expect(logins).toEqual([{ id: expect.any(String) as string, issuer: provider.issuer, subject: 'jane', email: 'jane@example.com' }]);
  });

  test('whose a login is is told with each token that is checked', async () => {
    const told: (string | undefined)[] = [];
    const accept = open({}, { onRecognised: ({ owner }) => told.push(owner) });
    const { owner } = await accept(await provider.logIn('jane'));
    await accept(await provider.logIn('jane'));
    expect(told).toEqual([owner, owner]);
  });

  test('strangers with tokens of unknown keys do not make us ask it again and again', async () => {
    const accept = open();
    await accept(await provider.logIn('jane'));
    const before = provider.asked.keys;
    const { privateKey } = await generateKeyPair('ES256');
    for (let i = 0; i < 20; i++) expect(await refusal(accept(await sign({}, { kid: `k${i}` }, privateKey)))).toBe('token_invalid');
    expect(provider.asked.keys - before).toBeLessThanOrEqual(1);
  });

  test('a new key of the provider counts when it is first met', async () => {
    const other = await startIdentityProvider(people);
    const { port } = new URL(other.issuer);
    const accept = open({ issuer: other.issuer }, { triedAgainMs: 50 });
    const old = await other.logIn('jane');
    const { id } = await accept(old);
    await other.close();
    const renewed = await startIdentityProvider(people, Number(port), 'two');
    onTestFinished(() => renewed.close());
    await new Promise((done) => setTimeout(done, 100));
    const token = await renewed.logIn('jane');
    expect(decodeProtectedHeader(token).kid).toBe('two');
    expect((await accept(token)).id).toBe(id);
  });

  test('while it is away nobody comes in by a token, and it is not asked by each request', async () => {
    const away = await startIdentityProvider(people);
    const token = await away.logIn('jane');
    await away.close();
    let nowMs = Date.now();
    const accept = open({ issuer: away.issuer }, { clock: { now: () => nowMs } });
    expect(await refusal(accept(token))).toBe('issuer_unreachable');
    const back = await startIdentityProvider(people, Number(new URL(away.issuer).port));
    onTestFinished(() => back.close());
    const fresh = await back.logIn('jane');
    expect(await refusal(accept(fresh))).toBe('issuer_unreachable');
    expect(back.asked.metadata).toBe(0);
    nowMs += 31_000;
    expect(await refusal(accept(fresh))).toBe('accepted');
  });

  test('while it is away a token that was accepted stays so for what is under way, until it is over or known to be none', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const away = await startIdentityProvider(people);
    const tokens = openOidc([configFor({ issuer: away.issuer })], { clock: systemClock, secret });
    const token = await sign({ iss: away.issuer, exp: now() + 1_800 }, {}, away.privateKey);
    const short = await sign({ iss: away.issuer, exp: now() + 700 }, {}, away.privateKey);
    const [principal, other] = [await tokens.authenticate(token), await tokens.authenticate(short)];
    await away.close();
    // The keys that it gave us are good for ten minutes.
    const later = (seconds: number): unknown => vi.setSystemTime(Date.now() + seconds * 1_000);
    later(660);
    expect(await refusal(Promise.resolve().then(() => tokens.authenticate(token)))).toBe('issuer_unreachable');
    expect(await tokens.authenticateAgain(token, principal)).toEqual(principal);
    expect(await tokens.authenticateAgain(short, other)).toEqual(other);
    // Whoever comes anew is not let in by that.
    expect(await refusal(Promise.resolve().then(() => tokens.authenticate(token)))).toBe('issuer_unreachable');
    later(25);
    expect(await refusal(tokens.authenticateAgain(short, other))).toBe('accepted');
    later(60);
    expect(await refusal(tokens.authenticateAgain(short, other))).toBe('token_expired');
    const broken = createServer((_request, response) => response.writeHead(503).end('{"keys":[]}'));
    await new Promise<void>((done) => broken.listen(Number(new URL(away.issuer).port), '127.0.0.1', done));
    expect(await tokens.authenticateAgain(token, principal)).toEqual(principal);
    await new Promise<void>((done) => {
      broken.close(() => done());
      broken.closeAllConnections();
    });
    const back = await startIdentityProvider(people, Number(new URL(away.issuer).port), 'another');
    onTestFinished(() => back.close());
    later(31);
    expect(await refusal(tokens.authenticateAgain(token, principal))).toBe('token_invalid');
    expect(back.asked.keys).toBeGreaterThan(0);
  });

  test('while it is away a key that is gone from those that it gave last does not come back', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const later = (seconds: number): unknown => vi.setSystemTime(Date.now() + seconds * 1_000);
    let keys: unknown[] | undefined;
    const server = createServer((request, response) => {
      if (!keys) response.writeHead(503).end();
      else response.end(JSON.stringify(request.url === '/jwks' ? { keys } : { issuer: base, jwks_uri: `${base}/jwks` }));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const [one, two] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
    const publicOf = async ({ publicKey }: typeof one, kid: string): Promise<unknown> => ({ ...(await exportJWK(publicKey)), kid, alg: 'ES256' });
    const tokenOf = ({ privateKey }: typeof one, kid: string): Promise<string> => sign({ iss: base, exp: now() + 3_000 }, { kid }, privateKey);
    const tokens = openOidc([configFor({ issuer: base })], { clock: systemClock, secret });

    keys = [await publicOf(one, 'one')];
    const [asked, notAsked] = [await tokenOf(one, 'one'), await tokenOf(one, 'one')]; // ECDSA never signs twice the same
    const before = await tokens.authenticate(asked);
    keys = [await publicOf(two, 'two')];
    later(61);
    const renewed = await tokenOf(two, 'two');
    const after = await tokens.authenticate(renewed);
    keys = undefined;
    // Its keys are good for another nine minutes, and then for nothing but this.
    for (const seconds of [31, 20, 700]) {
      later(seconds);
      expect(await refusal(tokens.authenticateAgain(asked, before)), `${seconds}`).toBe('token_invalid');
      expect(await tokens.authenticateAgain(renewed, after)).toEqual(after);
    }
    // Who was refused once is so, whatever its provider gave since.
    keys = [await publicOf(one, 'one'), await publicOf(two, 'two')];
    later(31);
    expect(await refusal(Promise.resolve().then(() => tokens.authenticate(notAsked)))).toBe('accepted');
    keys = undefined;
    later(700);
    expect(await refusal(tokens.authenticateAgain(asked, before))).toBe('token_invalid');
    expect(await refusal(tokens.authenticateAgain(notAsked, before))).toBe('accepted');
  });

  test('keys that it does not give are no fault of the token', async () => {
    let answer: [number, string] = [500, 'out of order'];
    const server = createServer((request, response) => {
      const metadata = JSON.stringify({ issuer: base, jwks_uri: `${base}/jwks` });
      if (request.url === '/jwks') response.writeHead(answer[0]).end(answer[1]);
      else response.end(metadata);
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (answer of [
      [500, 'out of order'],
      [200, 'hello'],
      [200, '{}'],
    ] as [number, string][])
      expect(await refusal(open({ issuer: base })(await sign({ iss: base }))), answer[1]).toBe('issuer_unreachable');
  });
});

const now = (): number => Math.floor(Date.now() / 1_000);

/** A token as the provider would sign it, but for some claims and headers; `undefined` takes one away. */
async function sign(
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  key: CryptoKey | Uint8Array = provider.privateKey,
): Promise<string> {
  const all = { iss: provider.issuer, aud: audience, sub: 'jane', iat: now(), exp: now() + 300, groups: ['audit-readers'], ...claims };
  const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new SignJWT(kept).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: provider.kid, ...header }).sign(key);
}

describe('a token that the provider’s own key signed', () => {
  test.each([
    ['as it should be', {}, {}, 'accepted'],
    ['without a type', {}, { typ: undefined }, 'accepted'],
    ['with several audiences', { aud: ['https://other.example', audience] }, {}, 'accepted'],
    ['by a clock that is a little behind', { exp: now() - 10 }, {}, 'accepted'],
    ['for another audience', { aud: 'https://other.example' }, {}, 'token_invalid'],
    ['for an audience that begins like ours', { aud: `${audience}.evil.example` }, {}, 'token_invalid'],
    ['without an audience', { aud: undefined }, {}, 'token_invalid'],
    ['of another issuer', { iss: 'https://evil.example' }, {}, 'token_invalid'],
    ['without an issuer', { iss: undefined }, {}, 'token_invalid'],
    ['that is over', { iat: now() - 900, exp: now() - 600 }, {}, 'token_expired'],
    ['that never ends', { exp: undefined }, {}, 'token_invalid'],
    ['that does not say since when it is', { iat: undefined }, {}, 'token_invalid'],
    ['that is too old, whatever its end', { iat: now() - 7_200, exp: now() + 7_200 }, {}, 'token_expired'],
    ['that is of tomorrow', { nbf: now() + 86_400, exp: now() + 90_000 }, {}, 'token_invalid'],
    ['that is nobody’s', { sub: undefined }, {}, 'token_invalid'],
    ['of an empty subject', { sub: '' }, {}, 'token_invalid'],
    ['that is bound to a key that nobody showed', { cnf: { jkt: 'x' } }, {}, 'token_invalid'],
    ['that is a logout', {}, { typ: 'logout+jwt' }, 'token_invalid'],
    ['that is a proof of possession', {}, { typ: 'dpop+jwt' }, 'token_invalid'],
    ['with groups that are a number', { groups: 7 }, {}, 'token_unmapped'],
    ['with a group that is part of ours', { groups: ['audit'] }, {}, 'token_unmapped'],
    ['with a text that has our group in it', { groups: 'staff audit-readers' }, {}, 'token_unmapped'],
    ['without groups', { groups: undefined }, {}, 'token_unmapped'],
  ])('%s', async (_what, claims, header, expected) => {
    expect(await refusal(open()(await sign(claims, header)))).toBe(expected);
  });

  test('but was altered', async () => {
    const [head = '', body = '', signature = ''] = (await sign()).split('.');
    const other = Buffer.from(JSON.stringify({ ...decodeJwt(await sign()), sub: 'tom' })).toString('base64url');
    expect(await refusal(open()([head, other, signature].join('.')))).toBe('token_invalid');
    expect(await refusal(open()([head, body, `${signature.slice(0, -4)}AAAA`].join('.')))).toBe('token_invalid');
  });

  test('by other means than were agreed', async () => {
    const spki = new TextEncoder().encode(await exportSPKI(provider.publicKey));
    expect(await refusal(open()(await sign({}, { alg: 'HS256' }, spki)))).toBe('token_invalid');
    expect(await refusal(open({ algorithms: ['RS256'] })(await sign()))).toBe('token_invalid');
    const unsecured = new UnsecuredJWT({ iss: provider.issuer, aud: audience, sub: 'jane', groups: ['audit-readers'] })
      .setIssuedAt()
      .setExpirationTime('5m')
      .encode();
    expect(await refusal(open()(unsecured))).toBe('token_invalid');
    expect(await refusal(open()(`${unsecured}x`))).toBe('token_invalid');
  });

  test('scopes are a list, paths lead into claims, names with dots are names', async () => {
    const by = (claim: string, value: string): ((token: string) => Promise<Principal>) => open({ roles: [{ claim, value, role: 'reader' }] });
    expect(await refusal(by('scope', 'audit:read')(await sign({ scope: 'openid audit:read' })))).toBe('accepted');
    expect(await refusal(by('scope', 'audit')(await sign({ scope: 'openid audit:read' })))).toBe('token_unmapped');
    expect(await refusal(by('realm_access.roles', 'r')(await sign({ realm_access: { roles: ['q', 'r'] } })))).toBe('accepted');
    expect(await refusal(by('https://a.example/roles', 'r')(await sign({ 'https://a.example/roles': ['r'] })))).toBe('accepted');
    expect(await refusal(by('constructor.name', 'Object')(await sign()))).toBe('token_unmapped');
  });
});

describe('a provider that is not one', () => {
  test.each([
    ['whose metadata names another issuer', (base: string) => JSON.stringify({ issuer: 'https://evil.example', jwks_uri: `${base}/jwks` })],
    ['whose keys come in the clear from elsewhere', (base: string) => JSON.stringify({ issuer: base, jwks_uri: 'http://keys.example/jwks' })],
    ['whose metadata never ends', () => ' '.repeat(2_000_000)],
    ['whose metadata is none', () => 'hello'],
  ])('%s is not believed', async (_what, metadata) => {
    const server = createServer((_request, response) => response.end(metadata(base)));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await refusal(open({ issuer: base })(await sign({ iss: base })))).toBe('issuer_unreachable');
  });

  test('that sends us elsewhere is not followed', async () => {
    const server = createServer((_request, response) =>
      response.writeHead(302, { location: `${provider.issuer}/.well-known/openid-configuration` }).end(),
    );
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await refusal(open({ issuer: base })(await sign({ iss: base })))).toBe('issuer_unreachable');
  });

  test.each([
    ['https://login.example.com/tenant', true],
    ['http://127.0.0.1:1', true],
    ['http://[::1]:1', true],
    ['http://login.example.com', false],
    ['http://127.0.0.1.example.com', false],
    ['https://user:secret@login.example.com', false],
    ['https://login.example.com#x', false],
    ['file:///etc/passwd', false],
    ['login.example.com', false],
  ])('%s may be asked: %s', (url, may) => expect(isSafeUrl(url)).toBe(may));
});

test('a server that is told of a provider lets its people in, within what they may, and says who they were to nobody', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-oidc-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'serve.yaml');
  writeFileSync(
    file,
    `oidc:
  issuer: ${provider.issuer}
  audience: ${audience}
  roles:
    - {claim: groups, value: investigators, role: auditor}
    - {claim: groups, value: audit-readers, role: reader, logs: [default]}
hides: {reader: [context]}
trustedProxies: [127.0.0.0/8]
`,
  );
  const config = readConfig(file);
  const server = await startServer({
    dataDir: join(dir, 'data'),
    listen: { host: '127.0.0.1', port: 0 },
    logs: ['default', 'other'],
    workers: 1,
    canaryHours: 0,
    access: config,
  });
  const ask = async (token: string, path: string): Promise<[number, string]> => {
    const answer = await fetch(server.url + path, { headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': '198.51.100.7, 203.0.113.9' } });
    return [answer.status, await answer.text()];
  };
  try {
    const jane = await provider.logIn('jane');
    const writer = readFileSync(server.firstKeys.find(({ role }) => role === 'writer')?.path ?? '', 'utf8').trim();
    await fetch(`${server.url}/api/v1/logs/default/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${writer}` },
      body: '{"action":"a","context":{"requestId":"r-1"}}',
    });
    const [, shown] = await ask(jane, '/api/v1/logs/default/events/0');
    expect(JSON.parse(shown)).toMatchObject({ record: { action: 'a' }, hidden: ['context'] });
    expect(shown).not.toContain('r-1');
    expect((await ask(jane, '/api/v1/logs'))[0]).toBe(200);
    expect((await ask(jane, '/api/v1/logs/default/events'))[0]).toBe(200);
    expect((await ask(jane, '/api/v1/logs/other/events'))[0]).toBe(403);
    expect((await ask(jane, '/api/v1/keys'))[0]).toBe(403);
    const [status, problem] = await ask(await provider.logIn('eve'), '/api/v1/logs');
    expect([status, (JSON.parse(problem) as { code: string }).code]).toEqual([403, 'token_unmapped']);
    expect((await ask(`${jane.slice(0, -4)}AAAA`, '/api/v1/logs'))[0]).toBe(401);
    const tom = await provider.logIn('tom');
    let text = '';
    let records: JsonObject[] = [];
    // What is told within a second or so.
    const toldOf = async (): Promise<number> => {
      [, text] = await ask(tom, '/api/v1/logs/_system/events?limit=1000');
      records = (JSON.parse(text) as { events: { record: JsonObject }[] }).events.map(({ record }) => record);
      return records.filter(({ action, outcome }) => action === 'auth.login' || outcome === 'denied').length;
    };
    await expect.poll(toldOf, { interval: 200 }).toBeGreaterThanOrEqual(4);
    const login = records.find(({ action }) => action === 'auth.login') as { actor: { id: string }; metadata: JsonObject };
    expect(login.actor.id).toMatch(/^oidc:/);
    expect(login.metadata).toMatchObject({
      issuer: expect.any(String) as string,
      userName: expect.stringMatching(/^tok_/),
      email: expect.stringMatching(/^tok_/),
    });
    expect(text).not.toMatch(/jane|"eve"/i);
    const denied = records.filter(({ outcome }) => outcome === 'denied');
    expect(denied.map(({ reason }) => reason as string).toSorted()).toEqual(['forbidden', 'forbidden', 'token_unmapped']);
    for (const one of denied) expect(one).toMatchObject({ metadata: { network: '203.0.113.0/24' } });
  } finally {
    await server.close();
  }
  // Whose the logins are is kept, for whoever acknowledges alerts.
  const store = openSqliteAlertSource(join(dir, 'data', 'alerts.db'));
  onTestFinished(() => store.close());
  expect(store.fact('persons')).toBeDefined();
});
