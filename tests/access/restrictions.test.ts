/** What a key is restricted by (networks, hidden members), whose it is, how it is rotated, and when it was last used. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAuthenticator } from '../../src/access/authenticate.ts';
import { createFirstKeys } from '../../src/access/first-keys.ts';
import { readKeyUse } from '../../src/access/key-use.ts';
import { type KeyRequest, openKeys } from '../../src/access/manage-keys.ts';
import { generalizeAddress, parseNetworks } from '../../src/access/networks.ts';
import { systemRandom } from '../../src/core/random.ts';
import { hideMembers } from '../../src/app/hide-members.ts';
import { createClientAddress } from '../../src/server/client-address.ts';
import { readConfig } from '../../src/server/config.ts';
import { openKeyring } from '../../src/vault/keyring.ts';

let dir: string;
let nowMs: number;
const clock = { now: () => nowMs };
const parts = { clock, random: systemRandom };

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'veiltrail-restrictions-'));
  nowMs = Date.parse('2026-11-22T06:07:08Z');
  createFirstKeys(dir, parts);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const codeOf = (use: () => unknown): string => {
  try {
    use();
    return 'in';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('networks', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['10.0.0.0/8', '', false],
    ['10.0.0.0/8', '10.1', false],
    ['10.0.0.0/8', '0x0a.1.1.1', false],
  ])('%s has %s: %s', (network, address, has) => expect(parseNetworks([network])(address)).toBe(has));

  it.each([
    '',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '010.0.0.0/8',
    'fe80::1%eth0',
    '2001:db8::/129',
    'localhost',
    '10.0.0.0/08',
  ])('are not %j', (text) => expect(codeOf(() => parseNetworks([text]))).toBe('network_syntax'));

  it('stand for addresses where nobody need know them', () => {
    expect(['203.0.113.77', '::ffff:203.0.113.77', '2001:db8:1:2::3', 'x', ''].map(generalizeAddress)).toEqual([
      '203.0.113.0/24',
      '203.0.113.0/24',
      '2001:db8:1::/48',
      'unknown',
      'unknown',
    ]);
  });
});

describe('the address of a client', () => {
  const from = (remoteAddress: string, forwarded?: string): IncomingMessage =>
    ({ socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage;
  const isProxy = parseNetworks(['10.0.0.0/8']);

  it.each([
    ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['10.0.0.1', '198.51.100.1, 10.0.0.2', '198.51.100.1'],
    ['10.0.0.1', '198.51.100.1, nonsense', '10.0.0.1'],
    ['10.0.0.1', `198.51.100.1${',10.0.0.1'.repeat(50)}`, '10.0.0.1'],
    ['::ffff:10.0.0.1', '2001:db8::5', '2001:db8::5'],
  ])('from %s with %s is %s', (remote, forwarded, address) => {
    expect(createClientAddress(isProxy)(from(remote, forwarded))).toBe(address);
    expect(createClientAddress()(from(remote, forwarded))).toBe(remote);
  });
});

describe('a key', () => {
  it.each([
    [{ role: 'reader', addresses: [] }, 'network_syntax'],
    [{ role: 'reader', addresses: ['here'] }, 'network_syntax'],
    [{ role: 'reader', hides: [] }, 'hidden_path'],
    [{ role: 'reader', hides: ['a..b'] }, 'hidden_path'],
    [{ role: 'reader', hides: ['a/b'] }, 'hidden_path'],
    [{ role: 'reader', hides: ['x'.repeat(201)] }, 'hidden_path'],
    [{ role: 'reader', hides: Array.from({ length: 51 }, (_, i) => `a${i}`) }, 'hidden_path'],
    [{ role: 'reader', owner: ' ' }, 'key_owner'],
    [{ role: 'reader', owner: 'a\nb' }, 'key_owner'],
    [{ role: 'reader', owner: 'x'.repeat(201) }, 'key_owner'],
  ] as [KeyRequest, string][])('is not made from %j', (request, code) => {
    openKeyring(join(dir, 'keys'), { create: true });
    expect(codeOf(() => openKeys(dir, parts).create(request))).toBe(code);
  });

  it('counts from its networks, and says who it is where it does not', () => {
    const { key, info } = openKeys(dir, parts).create({ role: 'reader', addresses: ['10.0.0.0/8'], hides: ['context'] });
    const access = openAuthenticator(dir, clock);
    expect(access.authenticate(key, '10.1.1.1')).toEqual({ id: info.id, role: 'reader', hides: ['context'] });
    for (const address of ['11.1.1.1', '', undefined])
      expect(() => access.authenticate(key, address)).toThrow(
        expect.objectContaining({ code: 'key_address', principal: expect.objectContaining({ id: info.id }) as object }),
      );
  });

  it('of the same person as another one is known as such, and the person is not', () => {
    openKeyring(join(dir, 'keys'), { create: true });
    const keys = openKeys(dir, parts);
    const [one, same, other] = ['Jane@Example.com', ' jane@example.COM', 'joan@example.com'].map(
      (owner) => keys.create({ role: 'reader', owner }).info.owner,
    );
    expect(one).toMatch(/^person:[a-z2-7]{16}$/);
    expect(same).toBe(one);
    expect(other).not.toBe(one);
    expect(readFileSync(join(dir, 'access.json'), 'utf8').toLowerCase()).not.toContain('jane');
  });

  it('that is rotated gives its place with all that restricts it, at once or after a while', () => {
    const keys = openKeys(dir, parts);
    const { key, info } = keys.create({
      role: 'auditor',
      logs: ['a'],
      addresses: ['10.0.0.0/8'],
      hides: ['context'],
      expiresAt: '2027-01-01T00:00:00Z',
      name: 'n',
    });
    const access = openAuthenticator(dir, clock);
    const next = keys.rotate(info.id, 3_600_000);
    const { prefix: _prefix, ...same } = info;
    expect(next.info).toEqual({ ...same, id: next.info.id, prefix: next.key.slice(0, -43), rotates: info.id });
    const may = (one: string): string => codeOf(() => access.authenticate(one, '10.0.0.1'));
    expect([may(key), may(next.key)]).toEqual(['in', 'in']);
    nowMs += 3_600_000;
    expect([may(key), may(next.key)]).toEqual(['key_expired', 'in']);
    const last = keys.rotate(next.info.id, 0);
    nowMs += 1_000;
    expect([may(next.key), may(last.key)]).toEqual(['key_expired', 'in']);
    expect(codeOf(() => keys.rotate(info.id, 0))).toBe('key_over');
    keys.revoke(last.info.id);
    expect(codeOf(() => keys.rotate(last.info.id, 0))).toBe('key_over');
    expect(codeOf(() => keys.rotate('aaaaaaaaaaaa', 0))).toBe('key_unknown');
    for (const overlap of [-1, NaN, 91 * 86_400_000]) expect(codeOf(() => keys.rotate(info.id, overlap))).toBe('key_overlap');
  });

  it('that would have ended sooner does not live longer for being rotated', () => {
    const keys = openKeys(dir, parts);
    const { info } = keys.create({ role: 'reader', expiresAt: '2026-11-22T06:30:00Z' });
    const next = keys.rotate(info.id, 86_400_000);
    expect(keys.list().find(({ id }) => id === info.id)?.expiresAt).toBe('2026-11-22T06:30:00.000Z');
    expect(next.info.expiresAt).toBe('2026-11-22T06:30:00.000Z');
  });

  it('was last used when it was, to the minute, and the file is not written for each use', () => {
    const keys = openKeys(dir, parts);
    const { key, info } = keys.create({ role: 'reader' });
    const file = join(dir, 'access.used.json');
    const access = openAuthenticator(dir, clock);
    const lastUsed = (): string | undefined => keys.list().find(({ id }) => id === info.id)?.lastUsedAt;
    expect(lastUsed()).toBeUndefined();
    access.authenticate(key);
    expect(lastUsed()).toBe('2026-11-22T06:07:00.000Z');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const written = statSync(file).ino;
    for (let i = 0; i < 50; i++) access.authenticate(key);
    nowMs += 55_000; // another minute, but the last one was written less than a minute ago
    access.authenticate(key);
    expect(statSync(file).ino).toBe(written);
    access.saveUse();
    expect(lastUsed()).toBe('2026-11-22T06:08:00.000Z');
    expect(openAuthenticator(dir, clock).authenticate(key).id).toBe(info.id);
    writeFileSync(file, '{"aaaaaaaaaaaa":"never","x":1,');
    expect(readKeyUse(dir).size).toBe(0);
    expect(lastUsed()).toBeUndefined();
  });

  it('counts although nothing can be written of its use', () => {
    const { key } = openKeys(dir, parts).create({ role: 'reader' });
    const access = openAuthenticator(dir, clock);
    chmodSync(dir, 0o500);
    try {
      expect(codeOf(() => access.authenticate(key))).toBe('in');
      access.saveUse();
    } finally {
      chmodSync(dir, 0o700);
    }
    if (process.getuid?.() !== 0) expect(existsSync(join(dir, 'access.used.json'))).toBe(false);
  });

  it.each(['"addresses":["x"]', '"addresses":[]', '"hides":["a b"]', '"hides":[]', '"owner":"Jane"', '"rotates":"x"', '"restriction":"new"'])(
    'whose row has %s lets nobody in: a restriction that cannot be read is not none',
    (member) => {
      const { key } = openKeys(dir, parts).create({ role: 'reader' });
      const path = join(dir, 'access.json');
      writeFileSync(path, readFileSync(path, 'utf8').replace('"role": "reader"', `"role": "reader",${member}`));
      expect(codeOf(() => openAuthenticator(dir, clock).authenticate(key))).toBe('access_file_damaged');
    },
  );
});

describe('hidden members', () => {
  const record = {
    action: 'a',
    actor: { id: 'u', email: 'tok_1', Name: 'n' },
    targets: [{ id: 't1', name: 'x' }, { id: 't2' }],
    context: { ip: '10.0.0.0', deep: [{ requestId: 'r' }] },
    metadata: { 'a.b': 1, a: { b: 2, c: 3 }, __proto__x: 1 },
    ingestNotes: ['number-kept /context/n', 'moved /actor/id'],
    privacy: {
      policy: 'p',
      applied: [
        { pointer: '/context/ip', kind: 'ip_address' },
        { pointer: '/actor/email', kind: 'email' },
      ],
    },
  };

  it('are left out wherever they stand, with what is said of them elsewhere', () => {
    const found = hideMembers(
      {
        leafIndex: 7,
        record,
        restored: [
          { pointer: '/context/ip', token: 't' },
          { pointer: '/actor/id', token: 't' },
        ],
      },
      ['context', 'ACTOR.name', 'targets.name', 'metadata.a.b'],
    );
    expect(found).toEqual({
      leafIndex: 7,
      record: {
        action: 'a',
        actor: { id: 'u', email: 'tok_1' },
        targets: [{ id: 't1' }, { id: 't2' }],
        metadata: { a: { c: 3 }, __proto__x: 1 },
        ingestNotes: ['moved /actor/id'],
        privacy: { policy: 'p', applied: [{ pointer: '/actor/email', kind: 'email' }] },
      },
      restored: [{ pointer: '/actor/id', token: 't' }],
      hidden: ['context', 'ACTOR.name', 'targets.name', 'metadata.a.b'],
    });
  });

  it('do not hide what only begins like them, and a member called __proto__ stays what it is', () => {
    const odd = JSON.parse('{"contextual":1,"__proto__":{"context":2},"actor":{"identity":3}}') as typeof record;
    expect(JSON.stringify(hideMembers({ leafIndex: 0, record: odd }, ['context', 'actor.id']).record)).toBe(
      '{"contextual":1,"__proto__":{"context":2},"actor":{"identity":3}}',
    );
  });
});

describe('the configuration', () => {
  const read = (text: string): unknown => {
    const file = join(dir, 'serve.yaml');
    writeFileSync(file, text);
    return readConfig(file);
  };
  const oidc = (change: string): string =>
    `oidc:\n  issuer: https://login.example.com\n  audience: veiltrail\n  roles: [{claim: groups, value: g, role: reader}]\n${change}`;

  it('says who is believed and what roles do not see', () => {
    expect(read(`trustedProxies: [10.0.0.0/8]\nhides: {reader: [context]}\n${oidc('')}`)).toEqual({
      trustedProxies: ['10.0.0.0/8'],
      hides: { reader: ['context'] },
      oidc: [
        {
          issuer: 'https://login.example.com',
          audiences: ['veiltrail'],
          algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
          clockSkewSeconds: 30,
          ageSecondsMax: 86_400,
          roles: [{ claim: 'groups', value: 'g', role: 'reader' }],
        },
      ],
    });
  });

  it.each([
    ['trustedProxies: 10.0.0.0/8', 'trustedProxies'],
    ['trustedProxies: [everyone]', 'trustedProxies'],
    ['hides: {king: [context]}', 'hides'],
    ['hides: {reader: ["a b"]}', 'hides.reader'],
    ['oidc: []', 'oidc'],
    [oidc('').replace('https:', 'http:'), 'oidc.issuer'],
    [oidc('  jwksUri: ftp://x\n'), 'oidc.jwksUri'],
    [oidc('  algorithms: [HS256]\n'), 'oidc.algorithms'],
    [oidc('  algorithms: [none]\n'), 'oidc.algorithms'],
    [oidc('  clockSkewSeconds: 3000\n'), 'oidc.clockSkewSeconds'],
    [oidc('  ageSecondsMax: 1.5\n'), 'oidc.ageSecondsMax'],
    [oidc('  ownerClaim: 7\n'), 'oidc.ownerClaim'],
    [oidc('  secret: x\n'), 'oidc.secret'],
    [oidc('').replace('role: reader', 'role: king'), 'oidc.roles.0'],
    [oidc('').replace('value: g', 'value: g, logs: ["../x"]'), 'oidc.roles.0.logs'],
    [oidc('').replace('value: g', 'value: g, also: 1'), 'oidc.roles.0'],
    [oidc('').replace('  audience: veiltrail\n', ''), 'oidc.audience'],
  ])('is refused by name: %s', (text, name) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(`${name} `) as string }));
  });
});
