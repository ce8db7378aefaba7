import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasAccessFile, readAccessFile } from '../../src/access/access-file.ts';
import { containsApiKey, createApiKey, digestOfKey, parseApiKey } from '../../src/access/api-key.ts';
import { openAuthenticator } from '../../src/access/authenticate.ts';
import { createFirstKeys } from '../../src/access/first-keys.ts';
import { openKeys } from '../../src/access/manage-keys.ts';
import type { Role } from '../../src/access/roles.ts';
import { roles } from '../../src/access/roles.ts';
import { systemRandom } from '../../src/core/random.ts';

let dir: string;
let nowMs = Date.parse('2026-11-22T06:07:08Z');
const clock = { now: () => nowMs };
const parts = { clock, random: systemRandom };
const path = (): string => join(dir, 'access.json');

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'veiltrail-access-'));
  nowMs = Date.parse('2026-11-22T06:07:08Z');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);

describe('an API key', () => {
  it('says its role and id, and is found in any text', () => {
    for (const role of roles) {
      const { key, id } = createApiKey(role, systemRandom);
      expect(key).toMatch(/^vt_(writer|reader|auditor|investigator|officer|approver|operator|admin)_[a-z2-7]{12}_[A-Za-z0-9_-]{43}$/);
      expect(parseApiKey(key)).toEqual({ role, id });
      expect(containsApiKey(`https://x/?a=${key}&b`)).toBe(true);
      expect(digestOfKey(key)).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(createApiKey('reader', systemRandom).key).not.toBe(createApiKey('reader', systemRandom).key);
  });

  it.each([
    '',
    'vt_',
    'vt_king_abcdefghijkl_',
    `vt_admin_abcdefghijkl_${'x'.repeat(42)}`,
    `vt_admin_abcdefghijk1_${'x'.repeat(43)}`,
    ` vt_admin_abcdefghijkl_${'x'.repeat(43)}`,
    `vt_admin_abcdefghijkl_${'x'.repeat(43)}\n`,
  ])('is not %j', (text) => expect(parseApiKey(text)).toBeUndefined());
});

describe('the first start', () => {
  it('makes a key of each role, in private files, and only once', () => {
    const made = createFirstKeys(dir, parts);
    expect(made).toEqual(['admin', 'writer', 'reader'].map((role) => ({ role, path: join(dir, 'keys', `${role}.key`) })));
    expect([modeOf(path()), modeOf(join(dir, 'keys')), ...made.map((one) => modeOf(one.path))]).toEqual(['600', '700', '600', '600', '600']);
    const access = openAuthenticator(dir, clock);
    for (const { role, path: file } of made) {
      const key = readFileSync(file, 'utf8').trim();
      expect(access.authenticate(key)).toEqual({ id: parseApiKey(key)?.id, role });
      expect(readFileSync(path(), 'utf8')).not.toContain(key.slice(-43));
    }
    const before = readFileSync(path());
    expect(createFirstKeys(dir, parts)).toEqual([]);
    expect(readFileSync(path()).equals(before)).toBe(true);
  });

  it('that was cut short before the last write makes other keys, and the former open nothing', () => {
    createFirstKeys(dir, parts);
    const former = readFileSync(join(dir, 'keys', 'admin.key'), 'utf8').trim();
    rmSync(path());
    expect(hasAccessFile(dir)).toBe(false);
    expect(createFirstKeys(dir, parts).length).toBe(3);
    expect(() => openAuthenticator(dir, clock).authenticate(former)).toThrow(expect.objectContaining({ code: 'unauthenticated' }));
    expect(readdirSync(join(dir, 'keys')).toSorted()).toEqual(['admin.key', 'reader.key', 'writer.key']);
  });
});

describe('keys', () => {
  beforeEach(() => void createFirstKeys(dir, parts));

  it('are made, listed without their digests, and revoked for good', () => {
    const keys = openKeys(dir, parts);
    const { key, info } = keys.create({ role: 'reader', logs: ['default', 'b_1'], expiresAt: '2027-01-01T01:00:00+01:00', name: 'Ada’s' });
    expect(info).toEqual({
      id: parseApiKey(key)?.id,
      prefix: key.slice(0, -43),
      role: 'reader',
      createdAt: '2026-11-22T06:07:08.000Z',
      expiresAt: '2027-01-01T00:00:00.000Z',
      logs: ['default', 'b_1'],
      name: 'Ada’s',
    });
    expect(keys.list().at(-1)).toEqual(info);
    expect(JSON.stringify(keys.list())).not.toContain(digestOfKey(key));
    nowMs += 1_000;
    const revoked = keys.revoke(info.id);
    expect(revoked).toEqual({ ...info, revokedAt: '2026-11-22T06:07:09.000Z' });
    nowMs += 1_000;
    expect(keys.revoke(info.id)).toEqual(revoked);
    expect(keys.list().length).toBe(4);
    expect(() => keys.revoke('aaaaaaaaaaaa')).toThrow(expect.objectContaining({ code: 'key_unknown' }));
    expect(readdirSync(dir).filter((name) => name.includes('lock') || name.startsWith('.tmp'))).toEqual([]);
  });

  it.each([
    [{ role: 'king' as Role }, 'key_role'],
    [{ role: 'reader', logs: [] }, 'key_logs'],
    [{ role: 'reader', logs: ['a', '..'] }, 'key_logs'],
    [{ role: 'reader', logs: Array.from({ length: 101 }, (_, i) => `l${i}`) }, 'key_logs'],
    [{ role: 'reader', expiresAt: 'tomorrow' }, 'key_expiry'],
    [{ role: 'reader', expiresAt: '2026-11-22T06:07:08Z' }, 'key_expiry'],
    [{ role: 'reader', name: '' }, 'key_name'],
    [{ role: 'reader', name: 'x'.repeat(101) }, 'key_name'],
    [{ role: 'reader', name: 'a\nb' }, 'key_name'],
    [{ role: 'reader', name: '\ud800' }, 'key_name'],
  ] as const)('are not made from %j', (request, code) => {
    expect(() => openKeys(dir, parts).create(request)).toThrow(expect.objectContaining({ code }));
    expect(readAccessFile(dir).length).toBe(3);
  });

  it('are not lost when processes make them at the same time', async () => {
    const program = `
      import { openKeys } from ${JSON.stringify(fileURLToPath(new URL('../../src/access/manage-keys.ts', import.meta.url)))};
      import { systemRandom } from ${JSON.stringify(fileURLToPath(new URL('../../src/core/random.ts', import.meta.url)))};
      const keys = openKeys(process.argv[2], { clock: { now: () => Date.now() }, random: systemRandom });
      for (let i = 0; i < 10;) {
        try {
          keys.create({ role: 'writer', name: process.argv[3] + i });
          i++;
        } catch (error) {
          // Whose turn did not come in five seconds, on a slow disk, comes again.
          if (error.code !== 'access_file_busy') throw error;
        }
      }`;
    const script = join(dir, 'make.mjs');
    writeFileSync(script, program);
    const ends = await Promise.all(
      ['a', 'b', 'c'].map((name) => new Promise((done) => fork(script, [dir, name], { execArgv: [] }).on('exit', (code) => done(code)))),
    );
    expect(ends).toEqual([0, 0, 0]);
    expect(new Set(readAccessFile(dir).map(({ name }) => name)).size).toBe(33);
  });

  it('can be made after a crash that left the lock', () => {
    const lock = join(dir, 'access.json.lock');
    writeFileSync(lock, '');
    const long = new Date(Date.now() - 60_000);
    utimesSync(lock, long, long);
    openKeys(dir, parts).create({ role: 'reader' });
    expect(existsSync(lock)).toBe(false);
  });

  it('wait for whoever changes the file, but not for ever', () => {
    const lock = join(dir, 'access.json.lock');
    writeFileSync(lock, '');
    const soon = new Date(Date.now() + 60_000);
    utimesSync(lock, soon, soon);
    expect(() => openKeys(dir, parts).create({ role: 'reader' })).toThrow(expect.objectContaining({ code: 'access_file_busy' }));
    expect(existsSync(lock)).toBe(true);
  });

  it('are not made where nothing can be written', () => {
    expect(() => openKeys(join(dir, 'nowhere'), parts).create({ role: 'reader' })).toThrow(expect.objectContaining({ code: 'storage_readonly' }));
  });
});

describe('who is let in', () => {
  const codeOf = (use: () => unknown): string => {
    try {
      use();
      return 'in';
    } catch (error) {
      return (error as { code: string }).code;
    }
  };

  it('holds a whole key, of now', () => {
    createFirstKeys(dir, parts);
    const keys = openKeys(dir, parts);
    const { key, info } = keys.create({ role: 'writer', logs: ['a'], expiresAt: '2026-11-22T07:00:00Z' });
    const access = openAuthenticator(dir, clock);
    expect(access.authenticate(key)).toEqual({ id: info.id, role: 'writer', logs: ['a'] });
    const changed = key.slice(0, -1) + (key.endsWith('A') ? 'B' : 'A');
    for (const wrong of [undefined, '', 'x', changed, key.toUpperCase(), key.replace('writer', 'admin'), createApiKey('writer', systemRandom).key]) {
      expect(
        codeOf(() => access.authenticate(wrong)),
        wrong,
      ).toBe('unauthenticated');
    }
    nowMs = Date.parse('2026-11-22T06:59:59.999Z');
    expect(codeOf(() => access.authenticate(key))).toBe('in');
    nowMs++;
    expect(codeOf(() => access.authenticate(key))).toBe('key_expired');
    // Not a word to whoever only knows the id.
    expect(codeOf(() => access.authenticate(changed))).toBe('unauthenticated');
  });

  it('is known to a running server within a second of a change, and at once after refresh', () => {
    createFirstKeys(dir, parts);
    const access = openAuthenticator(dir, clock);
    access.authenticate(readFileSync(join(dir, 'keys', 'reader.key'), 'utf8').trim());
    const { key, info } = openKeys(dir, parts).create({ role: 'reader' });
    expect(codeOf(() => access.authenticate(key))).toBe('unauthenticated');
    nowMs += 1_000;
    expect(codeOf(() => access.authenticate(key))).toBe('in');
    openKeys(dir, parts).revoke(info.id);
    expect(codeOf(() => access.authenticate(key))).toBe('in');
    access.refresh();
    expect(codeOf(() => access.authenticate(key))).toBe('key_revoked');
    const other = openKeys(dir, parts).create({ role: 'reader' }).key;
    nowMs -= 3_600_000; // a clock that is set back
    expect(codeOf(() => access.authenticate(other))).toBe('in');
  });

  it('is nobody while the file is not what was written', () => {
    createFirstKeys(dir, parts);
    const key = readFileSync(join(dir, 'keys', 'admin.key'), 'utf8').trim();
    const access = openAuthenticator(dir, clock);
    const whole = readFileSync(path(), 'utf8');
    const value = JSON.parse(whole) as { version: number; keys: Record<string, unknown>[] };
    const [row] = value.keys as [Record<string, unknown>];
    const with_ = (change: Record<string, unknown>): string => JSON.stringify({ ...value, keys: [{ ...row, ...change }] });
    const broken = {
      empty: '',
      cut: whole.slice(0, -10),
      array: '[]',
      'no keys': '{"version":1}',
      'a later version': JSON.stringify({ ...value, version: 2 }),
      'a key twice': JSON.stringify({ ...value, keys: [row, row] }),
      'a key that is none': JSON.stringify({ ...value, keys: ['x'] }),
      'a restriction we do not know': with_({ onlyOn: 'sundays' }),
      'an id that is none': with_({ id: 'x' }),
      'a role that is none': with_({ role: 'king' }),
      'a digest cut short': with_({ digest: (row['digest'] as string).slice(1) }),
      'no digest': with_({ digest: 1 }),
      'a time that is none': with_({ expiresAt: 'never' }),
      'logs that are none': with_({ logs: 'all' }),
      'a log that is none': with_({ logs: ['../x'] }),
      'a name that is none': with_({ name: 7 }),
      'duplicate names': whole.replace('"version": 1,', '"version": 1, "version": 1,'),
      'not UTF-8': Buffer.from([0xff]),
    };
    for (const [name, content] of Object.entries(broken)) {
      writeFileSync(path(), content);
      access.refresh();
      expect(
        codeOf(() => access.authenticate(key)),
        name,
      ).toBe('access_file_damaged');
      expect(
        codeOf(() => access.authenticate(undefined)),
        name,
      ).toBe('access_file_damaged');
    }
    writeFileSync(path(), whole);
    chmodSync(path(), 0o640);
    access.refresh();
    expect(codeOf(() => access.authenticate(key))).toBe('access_file_open');
    rmSync(path());
    access.refresh();
    expect(codeOf(() => access.authenticate(key))).toBe('access_file_missing');
    writeFileSync(path(), whole, { mode: 0o600 });
    access.refresh();
    expect(codeOf(() => access.authenticate(key))).toBe('in');
  });
});
