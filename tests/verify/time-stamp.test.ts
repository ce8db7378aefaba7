/** Time stamps of many makes, held against openssl; and all that is not quite one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { sha256 } from '../../src/core/sha256.ts';
import { nameOf, readPem } from '../../src/verify/time-stamp/certificate.ts';
import { booleanOf, childrenOf, naturalOf, numberOf, oidOf, readDer, tags, timeOf } from '../../src/verify/time-stamp/der.ts';
import { verifyTimeStampToken } from '../../src/verify/time-stamp/index.ts';
import { hasOpenssl } from '../anchor/time-stamp-authority.ts';
import { der, oid } from './der-builder.ts';
import { authorityExtensions, createTimeStampAuthorities, stampExtensions, type TimeStampAuthorities } from './time-stamp-authorities.ts';
import { refusalOf } from '../log/refusal.ts';
import { leastCpuMs } from '../setup/cpu-time.ts';

const message = utf8('example.com/log\n42\nAAAA\n');

describe.skipIf(!hasOpenssl())('time stamps (needs openssl)', () => {
  let tsas: TimeStampAuthorities;
  let plain: Uint8Array;
  beforeAll(() => {
    tsas = createTimeStampAuthorities();
    tsas.issue({ name: 'root', key: 'p384', extensions: authorityExtensions });
    tsas.issue({ name: 'other', key: 'p256', extensions: authorityExtensions });
    tsas.issue({
      name: 'middle',
      key: 'rsa',
      by: 'root',
      extensions: ['basicConstraints = critical,CA:TRUE,pathlen:0', ...authorityExtensions.slice(1)],
    });
    tsas.issue({ name: 'tsa-rsa', key: 'rsa', by: 'middle', extensions: stampExtensions });
    tsas.issue({ name: 'tsa-p256', key: 'p256', by: 'root', extensions: stampExtensions });
    tsas.issue({ name: 'tsa-p384', key: 'p384', by: 'root', extensions: stampExtensions });
    tsas.issue({ name: 'tsa-p521', key: 'p521', by: 'root', extensions: stampExtensions });
    plain = tsas.stamp('tsa-p256', message);
  });
  afterAll(() => tsas.close());

  test.each([
    ['tsa-rsa', { digest: 'sha256', with: ['middle'] }],
    ['tsa-rsa', { digest: 'sha512', ess: 'sha1', with: ['middle'] }],
    ['tsa-p256', { digest: 'sha256' }],
    ['tsa-p384', { digest: 'sha384', ess: 'sha1' }],
    ['tsa-p521', { digest: 'sha512', with: ['root'] }],
  ] as const)('%s, %o: as openssl has it', (signer, options) => {
    const token = tsas.stamp(signer, message, options);
    expect(tsas.accepts(token, message, 'root')).toBe(true);
    const stamp = verifyTimeStampToken(token, message, [tsas.pem('other'), tsas.pem('root')]);
    expect(stamp).toMatchObject({ isTrusted: true, root: 'root', accuracyMs: 1_501 });
    expect(stamp.chain.map(({ name }) => name)).toEqual(signer === 'tsa-rsa' ? [signer, 'middle', 'root'] : [signer, 'root']);
    expect(Math.abs(stamp.timeMs - Date.now())).toBeLessThan(60_000);
  });

  test('without a root it is whole, and whose it is nobody says', () => {
    expect(verifyTimeStampToken(plain, message)).toMatchObject({ isTrusted: false, chain: [{ name: 'tsa-p256' }], root: 'root' });
    expect(verifyTimeStampToken(plain, message, [tsas.pem('other')]).isTrusted).toBe(false);
    const [own] = readPem(tsas.pem('tsa-p256'));
    expect(verifyTimeStampToken(plain, message, [tsas.pem('tsa-p256')])).toMatchObject({ isTrusted: true, chain: [{ name: 'tsa-p256' }] });
    expect(own?.serial).toEqual(Uint8Array.of(0x7f, 0x01));
    // The chain of the token, as far as it goes.
    const long = tsas.stamp('tsa-rsa', message, { with: ['middle'] });
    expect(verifyTimeStampToken(long, message)).toMatchObject({ isTrusted: false, chain: [{ name: 'tsa-rsa' }, { name: 'middle' }], root: 'root' });
    expect(refusalOf(() => verifyTimeStampToken(plain, message, ['no PEM']))).toBe('time_stamp_untrusted');
    expect(refusalOf(() => verifyTimeStampToken(plain, message, ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----']))).toBe(
      'time_stamp_syntax',
    );
  });

  test('of something else it says nothing', () => {
    expect(refusalOf(() => verifyTimeStampToken(plain, utf8('other'), [tsas.pem('root')]))).toBe('time_stamp_digest');
  });

  test.each(['tsa-p256', 'tsa-rsa'])('no byte of a token of %s can be changed, left out or added', (signer) => {
    const token = tsas.stamp(signer, message);
    const trusted = [tsas.pem('root'), tsas.pem('middle')];
    expect(verifyTimeStampToken(token, message, trusted).isTrusted).toBe(true);
    const accepted: number[] = [];
    for (let i = 0; i < token.length; i++) {
      const bent = Uint8Array.from(token);
      bent[i] = (bent[i] as number) ^ (i % 2 === 0 ? 0xff : 1 << ((i >> 1) % 8));
      if (!refusalOf(() => verifyTimeStampToken(bent, message, trusted)).startsWith('time_stamp_')) accepted.push(i);
    }
    expect(accepted).toEqual([]);
    for (let length = 0; length < token.length; length += 7)
      expect(refusalOf(() => verifyTimeStampToken(token.subarray(0, length), message))).toMatch(/^time_stamp_/);
    expect(refusalOf(() => verifyTimeStampToken(Uint8Array.from([...token, 0]), message))).toBe('time_stamp_syntax');
    expect(refusalOf(() => verifyTimeStampToken(new Uint8Array(262_145), message))).toBe('time_stamp_syntax');
  });

  test('RSASSA-PSS, signed by a key identifier, and what openssl signs without saying by which certificate', () => {
    const pss = ['-cades', '-keyopt', 'rsa_padding_mode:pss', '-md', 'sha256'];
    const root = [tsas.pem('middle')];
    const good = tsas.resign(plain, 'tsa-rsa', ...pss);
    expect(verifyTimeStampToken(good, message, root)).toMatchObject({ isTrusted: true, chain: [{ name: 'tsa-rsa' }, { name: 'middle' }] });
    const byKeyId = tsas.resign(plain, 'tsa-p256', '-cades', '-keyid', '-md', 'sha384');
    expect(verifyTimeStampToken(byKeyId, message, [tsas.pem('root')]).isTrusted).toBe(true);
    for (const [at, code] of [
      [-1, 'time_stamp_signature'],
      [-100, 'time_stamp_signature'],
    ] as const) {
      const bent = Uint8Array.from(good);
      bent[bent.length + at] = (bent.at(at) as number) ^ 1;
      expect(refusalOf(() => verifyTimeStampToken(bent, message, root))).toBe(code);
    }
    const sha1 = tsas.resign(plain, 'tsa-rsa', '-cades', '-md', 'sha1');
    expect(refusalOf(() => verifyTimeStampToken(sha1, message, root))).toBe('time_stamp_unsupported');
    const unnamed = tsas.resign(plain, 'tsa-rsa', '-md', 'sha256');
    expect(refusalOf(() => verifyTimeStampToken(unnamed, message, root))).toMatch(/^time_stamp_s/);
    const bare = tsas.resign(plain, 'tsa-rsa', '-cades', '-nocerts', '-md', 'sha256');
    expect(refusalOf(() => verifyTimeStampToken(bare, message, root))).toBe('time_stamp_signature');
  });

  test('who may not make time stamps, or not then, or is vouched for by nobody who may', () => {
    const stamped = (name: string, extensions: readonly string[], by = 'root', days = 30): Uint8Array => {
      tsas.issue({ name, key: 'p256', by, extensions, days });
      return tsas.resign(plain, name, '-cades', '-md', 'sha256');
    };
    const verify = (token: Uint8Array): ReturnType<typeof verifyTimeStampToken> => verifyTimeStampToken(token, message, [tsas.pem('root')]);
    const [purpose, usage] = stampExtensions as [string, string];
    for (const [name, extensions] of [
      ['more', ['extendedKeyUsage = critical,timeStamping,clientAuth', usage]],
      ['uncritical', ['extendedKeyUsage = timeStamping', usage]],
      ['none', [usage]],
      ['sealer', [purpose, 'keyUsage = critical,keyEncipherment']],
      ['strange', [purpose, usage, '1.2.3.4 = critical,ASN1:NULL']],
    ] as const) {
      expect(
        refusalOf(() => verify(stamped(name, extensions))),
        name,
      ).toBe('time_stamp_untrusted');
    }
    expect(refusalOf(() => verify(stamped('old', stampExtensions, 'root', -1)))).toBe('time_stamp_untrusted');
    // An authority that is none; one that may vouch for no other authority; one that was not valid then.
    tsas.issue({ name: 'leaf', key: 'p256', by: 'root', extensions: ['basicConstraints = CA:FALSE', 'subjectKeyIdentifier = hash'] });
    tsas.issue({
      name: 'signless',
      key: 'p256',
      by: 'root',
      extensions: ['basicConstraints = critical,CA:TRUE', 'keyUsage = critical,digitalSignature'],
    });
    tsas.issue({ name: 'past', key: 'p256', by: 'root', extensions: authorityExtensions, days: -1 });
    tsas.issue({ name: 'deep', key: 'p256', by: 'middle', extensions: authorityExtensions });
    for (const [name, others] of [
      ['leaf', ['leaf']],
      ['signless', ['signless']],
      ['past', ['past']],
      ['deep', ['deep', 'middle']],
    ] as const) {
      tsas.issue({ name: `by-${name}`, key: 'p256', by: name, extensions: stampExtensions });
      const token = tsas.stamp(`by-${name}`, message, { with: others });
      expect(tsas.accepts(token, message, 'root'), name).toBe(false);
      expect(verify(token), name).toMatchObject({ isTrusted: false });
    }
  });
});

describe.skipIf(!hasOpenssl())('what an authority may state, and whom it may name (needs openssl)', () => {
  let tsas: TimeStampAuthorities;
  beforeAll(() => {
    tsas = createTimeStampAuthorities();
    tsas.issue({ name: 'root', key: 'p256', extensions: authorityExtensions });
    tsas.issue({ name: 'tsa', key: 'p256', by: 'root', extensions: stampExtensions });
  });
  afterAll(() => tsas.close());

  const sequence = (...parts: Uint8Array[]): Uint8Array => der(0x30, ...parts);
  const info = ({ version = 1, after = [] }: { version?: number; after?: Uint8Array[] }): Uint8Array => {
    const imprint = sequence(sequence(oid('2.16.840.1.101.3.4.2.1'), der(5)), der(4, sha256(message)));
    const time = der(0x18, utf8(new Date().toISOString().replaceAll(/[-:T]|\.\d+/g, '')));
    return sequence(der(2, version), oid('1.2.3'), imprint, der(2, 7), time, ...after);
  };
  const stamped = (content: Uint8Array, ...options: string[]): Uint8Array => tsas.sign(content, 'tsa', '-cades', '-md', 'sha256', ...options);
  const verify = (token: Uint8Array, ...trusted: string[]): ReturnType<typeof verifyTimeStampToken> =>
    verifyTimeStampToken(
      token,
      message,
      trusted.map((name) => tsas.pem(name)),
    );

  test('its time, how far that may be off, and what it adds', () => {
    const extension = (...critical: Uint8Array[]): Uint8Array => der(0xa1, sequence(oid('1.2.3.4'), ...critical, der(4, 1)));
    for (const [after, accuracyMs] of [
      [[], undefined],
      [[sequence()], 0],
      [[sequence(der(0x80, 20))], 20],
      [[sequence(der(2, 2), der(0x81, 1)), der(1, 0xff), der(2, 9), extension()], 2_001],
    ] as const)
      expect(verify(stamped(info({ after: [...after] })), 'root')).toMatchObject({ isTrusted: true, accuracyMs, serial: '07' });
    for (const wrong of [
      { version: 2 },
      { after: [extension(der(1, 0xff))] },
      { after: [sequence(der(2, 0x80))] },
      { after: [sequence(der(0x82, 1))] },
      { after: [der(5)] },
    ])
      expect(refusalOf(() => verify(stamped(info(wrong)), 'root'))).toBe('time_stamp_syntax');
    expect(refusalOf(() => verify(stamped(utf8('no time')), 'root'))).toBe('time_stamp_syntax');
  });

  test('one signer, whose certificate is there', () => {
    tsas.issue({ name: 'second', key: 'p256', by: 'root', extensions: stampExtensions });
    const two = stamped(info({}), '-signer', tsas.path('second'), '-inkey', tsas.path('second').replace(/pem$/, 'key'));
    expect(refusalOf(() => verify(two, 'root'))).toBe('time_stamp_syntax');
  });

  test('a certificate of the same name that did not sign, none that may not, and no endless search', () => {
    const imposters = Array.from({ length: 16 }, (_, i) => `imposter-${i}`);
    for (const name of imposters) tsas.issue({ name, subject: 'root', key: 'p256', extensions: authorityExtensions });
    const token = stamped(info({}));
    expect(verify(token, 'imposter-0')).toMatchObject({ isTrusted: false });
    expect(verify(token, 'imposter-0', 'root')).toMatchObject({ isTrusted: true });
    expect(verify(token, ...Array<string>(70).fill('imposter-0'), 'root')).toMatchObject({ isTrusted: true });
    expect(verify(token, ...imposters, 'root')).toMatchObject({ isTrusted: false });
    // Each of these vouches for each: there are millions of ways through them, and none leads to a root.
    const twins = Array.from({ length: 12 }, (_, i) => `twin-${i}`);
    for (const [i, name] of twins.entries())
      tsas.issue({ name, subject: 'twin', key: 'p256', ...(i > 0 ? { keyOf: 'twin-0' } : {}), extensions: authorityExtensions });
    tsas.issue({ name: 'under-twin', key: 'p256', by: 'twin-0', extensions: stampExtensions });
    const tangled = tsas.stamp('under-twin', message, { with: twins });
    expect(verify(tangled, 'root')).toMatchObject({ isTrusted: false });
    expect(leastCpuMs(() => verify(tangled, 'root'), 2_000)).toBeLessThan(2_000);
    // An authority that is kept to other purposes.
    tsas.issue({ name: 'for-servers', key: 'p256', by: 'root', extensions: [...authorityExtensions, 'extendedKeyUsage = serverAuth'] });
    tsas.issue({ name: 'for-any', key: 'p256', by: 'root', extensions: [...authorityExtensions, 'extendedKeyUsage = anyExtendedKeyUsage'] });
    for (const [by, isTrusted] of [
      ['for-servers', false],
      ['for-any', true],
    ] as const) {
      tsas.issue({ name: `under-${by}`, key: 'p256', by, extensions: stampExtensions });
      expect(verify(tsas.stamp(`under-${by}`, message, { with: [by] }), 'root'), by).toMatchObject({ isTrusted });
    }
    tsas.issue({ name: 'bare', key: 'p256', extensions: [] });
    tsas.issue({ name: 'by-bare', key: 'p256', by: 'bare', extensions: stampExtensions });
    expect(verifyTimeStampToken(tsas.sign(info({}), 'by-bare', '-cades', '-md', 'sha256'), message, [tsas.pem('bare')]).isTrusted).toBe(false);
    // Eight certificates are a chain; nine are one too many.
    const names = Array.from({ length: 7 }, (_, i) => `c${i}`);
    for (const [i, name] of names.entries()) tsas.issue({ name, key: 'p256', by: names[i - 1] ?? 'root', extensions: authorityExtensions });
    for (const [by, isTrusted] of [
      ['c5', true],
      ['c6', false],
    ] as const) {
      tsas.issue({ name: `under-${by}`, key: 'p256', by, extensions: stampExtensions });
      const deep = tsas.stamp(`under-${by}`, message, { with: names });
      expect(verify(deep, 'root'), by).toMatchObject({ isTrusted });
    }
  });

  test('names, in the letters of their time', () => {
    const named = (...parts: Uint8Array[]): string => nameOf(readDer(sequence(...parts.map((part) => der(0x31, part)))));
    expect(named(sequence(oid('2.5.4.10'), der(0x13, utf8('Firm'))))).toBe('Firm');
    expect(named(sequence(oid('2.5.4.3'), der(0x1e, 0, 0x54, 0x01, 0x53)), sequence(oid('2.5.4.10'), der(0x13, utf8('Firm'))))).toBe('Tœ');
    expect(named()).toBe('');
    expect(refusalOf(() => named(sequence(oid('2.5.4.3'))))).toBe('time_stamp_syntax');
    expect(refusalOf(() => booleanOf(readDer(der(1, 1))))).toBe('time_stamp_syntax');
    expect(refusalOf(() => booleanOf(readDer(der(1, 0, 0))))).toBe('time_stamp_syntax');
  });
});

describe('DER', () => {
  const bad = (...bytes: number[]): string => refusalOf(() => readDer(Uint8Array.from(bytes)));

  test('has one way to be written', () => {
    for (const bytes of [
      [],
      [0x30],
      [0x30, 0x80, 0, 0],
      [0x30, 0x81, 1, 0],
      [0x1f, 1, 0],
      [0x30, 0x82, 0, 0x80],
      [0x30, 2, 0],
      [0x30, 0, 0],
      [0x30, 0x85, 0, 0, 0, 0, 1],
    ])
      expect(bad(...bytes), String(bytes)).toBe('time_stamp_syntax');
    expect(refusalOf(() => childrenOf(readDer(Uint8Array.of(0x30, 4, 5, 0, 5, 0)), tags.sequence, 1))).toBe('time_stamp_syntax');
  });

  test('numbers, names and times', () => {
    const of = (tag: number, ...content: number[]): ReturnType<typeof readDer> => readDer(Uint8Array.of(tag, content.length, ...content));
    const time = (tag: number, text: string): ReturnType<typeof readDer> => of(tag, ...utf8(text));
    expect(oidOf(of(6, 0x2a, 0x86, 0x48))).toBe('1.2.840');
    expect(oidOf(of(6, 0x88, 0x37))).toBe('2.999');
    expect(numberOf(of(2, 0x00, 0x80))).toBe(128);
    expect(timeOf(time(0x17, '491231235959Z'))).toBe(Date.UTC(2049, 11, 31, 23, 59, 59));
    expect(timeOf(time(0x17, '500101000000Z'))).toBe(Date.UTC(1950, 0, 1));
    expect(timeOf(time(0x18, '20260228120000.5Z'))).toBe(Date.UTC(2026, 1, 28, 12, 0, 0, 500));
    for (const run of [
      () => oidOf(of(6)),
      () => oidOf(of(6, 0x80, 1)),
      () => oidOf(of(6, 0x2a, 0x86)),
      () => oidOf(of(6, 0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),
      () => naturalOf(of(2)),
      () => naturalOf(of(2, 0x80)),
      () => naturalOf(of(2, 0, 1)),
      () => numberOf(of(2, 1, 1, 1, 1, 1)),
      () => timeOf(time(0x17, '260230120000Z')),
      () => timeOf(time(0x17, '20260228120000Z')),
      () => timeOf(time(0x18, '260228120000Z')),
      () => timeOf(time(0x18, '20260228250000Z')),
      () => timeOf(time(0x18, '20260228120000.50Z')),
      () => timeOf(time(0x18, '202602281200Z')),
      () => timeOf(time(0x18, '20260228120000+0100')),
      () => timeOf(of(0x05)),
      () => timeOf(undefined),
    ])
      expect(refusalOf(run), String(run)).toBe('time_stamp_syntax');
  });
});
