/**
 * The page on which approvers decide, in a real browser with a virtual security key (WebAuthn over CDP), against a real server. Skipped, and said
 * so, where no Chromium runs.
 */
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApprovePage } from '../../scripts/build-approve-page.ts';
import type { RequestInfo } from '../../src/app/requests.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { retryDefaults } from '../../src/sdk/retry.ts';
import { systemLog } from '../../src/server/compose.ts';
import { isApprovedBy } from '../../src/verify/index.ts';
import { type Answer, runServer, type RunningServer } from '../server/running-server.ts';
import { openBrowser } from './browser.ts';
import { contrastOf } from './contrast.ts';

const opened = await openBrowser();
const absent = 'absent' in opened ? opened.absent : undefined;
if (absent !== undefined) console.warn(`no browser runs here, so the page for approvers is not tried in one: ${absent}`);
const browser = opened as Browser;
const built = await buildApprovePage();

it('is built the same twice, small, with nothing in the page itself that a strict policy would refuse', async () => {
  expect(await buildApprovePage()).toEqual(built);
  expect(built.script.length).toBeLessThan(120_000);
  expect(built.html).not.toMatch(/<style|style=|<script(?! src="\/approve\/script\.js" defer><\/script>)|\son\w+=|https?:/);
  expect(built.style).not.toMatch(/url\(|@import/);
});

let server: RunningServer;
let origin: string;
/** Bob is the approver; the key in this browser is his. */
let bob: Visitor;
/** An admin's key of his. */
let bobsOwn: string;
const contexts: BrowserContext[] = [];

interface Visitor {
  page: Page;
  cdp: CDPSession;
  authenticator: string;
  /** Whatever the browser complained of, and whatever was asked for elsewhere. */
  unwanted: string[];
}

/** Opens the page in a browser of its own, with a security key of its own. */
async function visit(url = `${origin}/approve`, options: { colorScheme?: 'dark'; width?: number; only?: 'EdDSA' } = {}): Promise<Visitor> {
  const { colorScheme = 'light', width = 1_000 } = options;
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  contexts.push(context);
  const page = await context.newPage();
  const unwanted: string[] = [];
  page.on('console', (message) => {
    // What the server refuses is what some of the tests are about; and Chromium wants RS256, too, which approvals do not have.
    if (!/Failed to load resource: .* status of 4\d\d|pubKeyCredParams is missing/.test(message.text())) unwanted.push(message.text());
  });
  page.on('pageerror', (error) => unwanted.push(error.message));
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin && !request.url().startsWith('blob:')) unwanted.push(request.url());
  });
  await page.addInitScript(`addEventListener('securitypolicyviolation', (event) => console.error('policy: ' + event.violatedDirective))`);
  if (options.only === 'EdDSA') {
    await page.addInitScript(`{
      const create = navigator.credentials.create.bind(navigator.credentials);
      navigator.credentials.create = (asked) => { asked.publicKey.pubKeyCredParams = asked.publicKey.pubKeyCredParams.filter(({ alg }) => alg === -8); return create(asked); };
    }`);
  }
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId: authenticator } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'usb', hasResidentKey: true, hasUserVerification: true, isUserVerified: true },
  });
  await page.goto(url);
  return { page, cdp, authenticator, unwanted };
}

async function makeCard({ page }: Visitor, name: string): Promise<JsonObject> {
  await page.getByLabel('Name it').fill(name);
  await page.getByRole('button', { name: 'Make a key' }).click();
  return JSON.parse(await page.locator('#card').inputValue()) as JsonObject;
}

async function signIn({ page }: Visitor, key = server.key.approver): Promise<void> {
  await page.getByLabel('API key or token').fill(key);
  await page.keyboard.press('Enter');
  await page.locator('#open').waitFor();
}

/** Opens the whole of a request from the list, by what stands in its row. */
async function open({ page }: Visitor, words: string): Promise<void> {
  await page.getByRole('button', { name: words }).click();
  await page.locator('#asked').waitFor();
}

const post = (path: string, role: 'admin' | 'approver', body: object): Promise<Answer> =>
  server.send('POST', path, { key: server.key[role], body: JSON.stringify(body) });

/** Has the server make a request for a key that reads, for somebody's purpose. */
async function ask(purpose: string, more: object = {}): Promise<string> {
  const refused = await post('/api/v1/keys', 'admin', { role: 'reader', logs: ['default'], purpose, ...more });
  expect(refused.json['code']).toBe('approval_needed');
  return refused.json['request'] as string;
}

const shown = async (id: string): Promise<RequestInfo> =>
  (await server.send('GET', `/api/v1/requests/${id}`, { key: server.key.approver })).json as unknown as RequestInfo;

const result = ({ page }: Visitor): Promise<string> => page.locator('.result:not(:empty)').first().innerText();

describe.skipIf(absent !== undefined)('in a browser', () => {
  beforeAll(async () => {
    server = await runServer({}, undefined, {}, { approvePage: () => built });
    origin = `http://localhost:${server.port}`;
    bob = await visit();
    bobsOwn = (await post('/api/v1/keys', 'admin', { role: 'admin', owner: 'bob@example.com' })).json['key'] as string;
    const enrolled = await post('/api/v1/approvers', 'admin', { card: await makeCard(bob, 'Bob'), owner: 'bob@example.com', name: 'Bob' });
    expect([enrolled.status, enrolled.json['kind']]).toEqual([201, 'webauthn-es256']);
  });
  afterAll(async () => {
    for (const context of contexts) await context.close();
    await browser.close();
    await server.close();
  });

  it('approves what it shows: the operation is permitted once, and bears the signature', async () => {
    const id = await ask('Carol joins the audit team');
    await signIn(bob);
    await open(bob, 'Carol joins the audit team');
    const text = await bob.page.locator('.request').innerText();
    const { digest } = await shown(id);
    for (const words of [
      'Make an API key with the role reader, for the log default',
      'Carol joins the audit team',
      id,
      digest,
      'None.',
      'waits for a second person',
    ])
      expect(text).toContain(words);
    expect(await bob.page.evaluate('document.activeElement.id')).toBe('asked');
    await bob.page.getByRole('button', { name: 'Approve with my key' }).click();
    await bob.page.locator('#open').waitFor();
    expect(await result(bob)).toContain('Approved.');
    const approved = await shown(id);
    expect(approved).toMatchObject({
      state: 'approved',
      decisions: [{ decision: 'approve', kind: 'webauthn-es256', assertion: { origin, rpId: 'localhost' } }],
    });
    await open(bob, 'Carol joins the audit team');
    expect(await bob.page.locator('.signatures').innerText()).toMatch(/Approved by Bob a_.*the signature is good/);
    const make = (): Promise<Answer> => post('/api/v1/keys', 'admin', { role: 'reader', logs: ['default'], request: id });
    expect((await make()).status).toBe(201);
    expect((await make()).json['code']).toBe('request_used');
    const [use] = (await server.trail.search(systemLog, { q: `action:request.use id:${id}`, limit: 10 })).events;
    const { approvals } = ((use as { record: JsonObject }).record as unknown as { metadata: { approvals: JsonObject[] } }).metadata;
    expect(isApprovedBy({ id, digest, approvals }, new Set([approved.decisions[0]?.approver as string]))).toBe(true);
    expect(bob.unwanted).toEqual([]);
  });

  it('denies for good', async () => {
    const id = await ask('no good reason');
    await bob.page.getByRole('button', { name: 'Back to the list' }).click();
    await bob.page.getByRole('button', { name: 'Look again' }).click();
    await open(bob, 'no good reason');
    await bob.page.getByRole('button', { name: 'Deny with my key' }).click();
    await bob.page.locator('#open').waitFor();
    expect(await result(bob)).toBe('Denied, for good.');
    expect((await shown(id)).state).toBe('denied');
    expect((await post('/api/v1/keys', 'admin', { role: 'reader', logs: ['default'], request: id })).json['code']).toBe('request_denied');
    expect(await bob.page.locator('details summary').first().innerText()).toMatch(/that (?:is|are) over/);
    expect(bob.unwanted).toEqual([]);
  });

  it('whoever asked cannot approve, with a key of their own either', async () => {
    const body = JSON.stringify({ role: 'auditor', purpose: 'for myself' });
    const { json } = await server.send('POST', '/api/v1/keys', { key: bobsOwn, body });
    expect(json['code']).toBe('approval_needed');
    await signInAgain();
    await open(bob, 'for myself');
    await bob.page.getByRole('button', { name: 'Approve with my key' }).click();
    await expect.poll(() => bob.page.locator('#decided').innerText()).toContain('You asked for this yourself');
    expect((await shown(json['request'] as string)).state).toBe('pending');
    expect(await bob.page.getByRole('button', { name: 'Approve with my key' }).isEnabled()).toBe(true);
  });

  it('signs nothing for a request that is not what its digest and id say', async () => {
    const id = await ask('tampered with');
    const changes: ((request: RequestInfo) => void)[] = [
      (request) => (request.detail['role'] = 'admin'),
      (request) => (request.action = 'subject.erase'),
      (request) => (request.purpose = 'tampered with, but otherwise'),
      (request) => (request.digest = '0'.repeat(64)),
      (request) => (request.by = 'somebody'),
    ];
    let decided = 0;
    await bob.page.route('**/api/v1/requests/*/*', (route) => (decided++, route.continue()));
    for (const change of changes) {
      await bob.page.route('**/api/v1/requests', async (route) => {
        const answer = await route.fetch();
        const body = (await answer.json()) as { requests: RequestInfo[] };
        change(body.requests.find((one) => one.id === id) as RequestInfo);
        await route.fulfill({ response: answer, json: body });
      });
      await signInAgain();
      const row = bob.page.locator('.row', { hasText: 'tampered with' });
      expect(await row.locator('.badge').innerText()).toBe('not what its id says');
      await row.click();
      expect(await bob.page.locator('.verdict.bad').innerText()).toContain('This page signs nothing for it');
      expect(await bob.page.getByRole('button', { name: /with my key/ }).count()).toBe(0);
      await bob.page.unroute('**/api/v1/requests');
    }
    expect(decided).toBe(0);
    await signInAgain();
    await open(bob, 'tampered with');
    expect(await bob.page.getByRole('button', { name: 'Approve with my key' }).count()).toBe(1);
    expect(bob.unwanted).toEqual([]);
  });

  it('says so when nobody touches the key, or without a PIN, a finger or a face: nothing is signed', async () => {
    await bob.cdp.send('WebAuthn.setUserVerified', { authenticatorId: bob.authenticator, isUserVerified: false });
    await bob.page.getByRole('button', { name: 'Approve with my key' }).click();
    await expect.poll(() => bob.page.locator('#decided').innerText()).toContain('No key signed');
    await bob.cdp.send('WebAuthn.setUserVerified', { authenticatorId: bob.authenticator, isUserVerified: true });
  });

  it('a second approver (EdDSA) takes the first one’s approval, and their keys are not mistaken for each other', async () => {
    const dora = await visit(undefined, { only: 'EdDSA' });
    const card = await makeCard(dora, 'Dora');
    expect(card['kind']).toBe('webauthn-eddsa');
    const wanted = { card, owner: 'dora@example.com', name: 'Dora' };
    const refused = await post('/api/v1/approvers', 'admin', { ...wanted, purpose: 'two of us' });
    expect(refused.json['code']).toBe('approval_needed');
    await signInAgain();
    await open(bob, 'two of us');
    expect(await bob.page.locator('.does').innerText()).toContain(`Let the key ${card['id'] as string} of person:`);
    await bob.page.getByRole('button', { name: 'Approve with my key' }).click();
    await bob.page.locator('#open').waitFor();
    expect((await post('/api/v1/approvers', 'admin', { ...wanted, request: refused.json['request'] })).status).toBe(201);
    const id = await ask('for Dora to decide');
    await signIn(dora);
    await open(dora, 'for Dora to decide');
    await dora.page.getByLabel('Your key').selectOption({ index: 0 }); // Bob's, which is not in this browser
    await dora.page.getByRole('button', { name: 'Approve with my key' }).click();
    await expect.poll(() => dora.page.locator('#decided').innerText()).toContain('Another key signed');
    expect((await shown(id)).decisions).toEqual([]);
    await dora.page.getByLabel('Your key').selectOption({ index: 1 });
    await dora.page.getByRole('button', { name: 'Approve with my key' }).click();
    await dora.page.locator('#open').waitFor();
    expect((await shown(id)).decisions).toMatchObject([{ kind: 'webauthn-eddsa', approver: card['id'] }]);
    expect(dora.unwanted).toEqual([]);
  });

  it('keeps the API key nowhere, and shows what strangers wrote as text', async () => {
    const hostile = '<img src=x onerror="globalThis.hurt=1">\u202Etxet';
    await ask(hostile);
    await signInAgain();
    await open(bob, '<img src=x');
    const { page } = bob;
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.locator('.request').innerText()).toContain('onerror="globalThis.hurt=1">\\u{202e}txet');
    expect(page.url()).toBe(`${origin}/approve`);
    const kept = await page.evaluate<string>(
      `JSON.stringify([document.documentElement.outerHTML, { ...localStorage }, { ...sessionStorage }, document.cookie, Array.from(document.querySelectorAll('input'), (one) => one.value)])`,
    );
    expect(kept).not.toContain(server.key.approver.slice(-20));
    await page.getByRole('button', { name: 'Back to the list' }).click();
    await page.getByRole('button', { name: 'Forget the API key' }).click();
    expect(await page.locator('#key').inputValue()).toBe('');
    await page.locator('#key').fill('vt_approver_wrong');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.result.bad').first().innerText()).toContain('(unauthenticated)');
    expect(bob.unwanted).toEqual([]);
  });

  it('forgets the API key for good: there is no second try, and a late answer signs nobody in', async () => {
    const visitor = await visit();
    const { page } = visitor;
    const isForgotten = async (): Promise<void> => {
      expect(await page.getByRole('button', { name: 'Show requests' }).count()).toBe(1);
      expect(await page.getByRole('button', { name: 'Forget the API key' }).count()).toBe(0);
    };
    const lookAgainAndForget = async (): Promise<void> => {
      const asked = page.waitForRequest('**/api/v1/approvers');
      await page.getByRole('button', { name: 'Look again' }).click();
      await asked;
      await page.getByRole('button', { name: 'Forget the API key' }).click();
    };

    // The server does not answer, which is tried again as long as there is a key.
    await signIn(visitor);
    let fail = (): void => undefined;
    const failing = new Promise<void>((resolve) => (fail = resolve));
    await page.route('**/api/v1/**', (route) => failing.then(() => route.abort()).catch(() => undefined));
    await lookAgainAndForget();
    const more: string[] = [];
    page.on('request', (request) => void more.push(request.url()));
    fail();
    await page.waitForTimeout(retryDefaults.waitMs + 150);
    expect(more).toEqual([]);
    await isForgotten();
    await page.unroute('**/api/v1/**');

    // It answers late, to a page whose requests cannot be ended any more.
    await page.addInitScript(`{
      const send = globalThis.fetch.bind(globalThis);
      globalThis.held = { now: false, answers: [], done: 0 };
      globalThis.fetch = async (url, init) => {
        const answer = await send(url, { ...init, signal: undefined });
        if (held.now) await new Promise((free) => held.answers.push(free));
        held.done++;
        return answer;
      };
    }`);
    await page.reload();
    await signIn(visitor);
    await page.evaluate('held.now = true, held.done = 0');
    await lookAgainAndForget();
    await expect.poll(() => page.evaluate('held.answers.length')).toBe(2);
    await page.evaluate('held.answers.forEach((free) => free())');
    await expect.poll(() => page.evaluate('held.done')).toBe(2);
    // What the page makes of an answer, it makes at once.
    await page.evaluate('new Promise((done) => setTimeout(done, 50))');
    await isForgotten();
  });

  it('is under a policy that lets nothing else run, connect or show it', async () => {
    for (const [path, type] of [
      ['/approve', 'text/html; charset=utf-8'],
      ['/approve/script.js', 'text/javascript; charset=utf-8'],
      ['/approve/style.css', 'text/css; charset=utf-8'],
    ] as const) {
      const { headers } = await server.send('GET', path);
      expect(headers.get('content-type')).toBe(type);
      expect(headers.get('cache-control')).toBe('no-store');
      const policy = headers.get('content-security-policy');
      expect(policy).toContain(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
    }
    const ran = await bob.page.evaluate(
      `(() => { try { const one = document.createElement('script'); one.textContent = 'globalThis.foreign = 1'; document.body.append(one); } catch {} return globalThis.foreign; })()`,
    );
    expect(ran).toBeUndefined();
    expect(await bob.page.evaluate(`fetch('https://example.com/').then(() => 'reached', () => 'refused')`)).toBe('refused');
    expect(bob.unwanted.join()).toContain('policy: ');
    bob.unwanted.length = 0;
  });

  it('works by a name only, and says so where it is reached by a number', async () => {
    const { page, unwanted } = await visit(`http://127.0.0.1:${server.port}/approve`);
    expect(await page.locator('.warning').innerText()).toContain('Open this page as http://localhost');
    expect(await page.getByRole('button', { name: 'Make a key' }).count()).toBe(0);
    expect(unwanted).toEqual([]);
  });

  it('fits a telephone, and is readable in the dark', async () => {
    const small = await visit(undefined, { colorScheme: 'dark', width: 340 });
    await signIn(small);
    await small.page.locator('.row').first().click();
    const { page } = small;
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(340);
    for (const on of [page, bob.page])
      for (const selector of ['h1', 'h2', '.note', 'label', 'button', 'code']) {
        const ratio = await contrastOf(on, selector);
        expect([selector, ratio]).toEqual([selector, expect.toSatisfy((one: number) => one >= 4.5)]);
      }
    for (const selector of ['.does', '.facts dt', '.approve', '.deny']) expect(await contrastOf(page, selector)).toBeGreaterThanOrEqual(4.5);
    // Every field and button has a name.
    expect(
      await page
        .locator('input, select, textarea')
        .evaluateAll((all) => all.filter((one) => (one as unknown as { labels: unknown[] }).labels.length === 0).length),
    ).toBe(0);
  });
});

/** Signs in anew, which reads the list anew. */
async function signInAgain(): Promise<void> {
  await bob.page.goto(`${origin}/approve`);
  await signIn(bob);
}
