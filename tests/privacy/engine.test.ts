import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { cleaned, engineOf, pseudonymKey, tokenOf } from './engine-for-test.ts';

const engine = engineOf();
const token = (kind: string, canonical: string): string => tokenOf({ kind, canonical, value: '' });

function policyOf(kinds: string, fields = ''): ReturnType<typeof engineOf> {
  return engineOf(`version: 1\nname: test\nfields:\n${fields}\nkinds:\n${kinds}\n`);
}

describe('fields', () => {
  test('are settled by path, whatever their value looks like', () => {
    const { event, applied } = cleaned(engine, { actor: { name: 'q' }, ssn: 'unknown', password: 7, nested: { deep: [{ 'user-name': 'zed9' }] } });
    expect(event).toEqual({
      actor: { name: token('person_name', 'q') },
      ssn: '[US_SSN]',
      password: '[REDACTED]',
      nested: { deep: [{ 'user-name': token('username', 'zed9') }] },
    });
    expect(applied).toEqual([
      { pointer: '/actor/name', kind: 'person_name', transform: 'tokenize' },
      { pointer: '/nested/deep/0/user-name', kind: 'username', transform: 'tokenize' },
      { pointer: '/password', kind: 'secret', transform: 'redact' },
      { pointer: '/ssn', kind: 'us_ssn', transform: 'redact' },
    ]);
  });

  test('match without regard to case and separators, and through dots in names', () => {
    for (const name of ['firstName', 'first_name', 'First-Name', 'FIRST NAME', 'user.first_name'])
      expect(cleaned(engine, { [name]: 'Zed' }).event[name], name).toMatch(/^tok_/);
  });

  test('an element takes the rule of its array, a member of an element does not', () => {
    const { event } = cleaned(engine, { emails: ['x', { note: 'fine' }] });
    expect(event).toEqual({ emails: [token('email', 'x'), { note: 'fine' }] });
  });

  test('a password may hide in anything below its field', () => {
    expect(cleaned(engine, { password: { new: 'alpha', list: ['beta', 3] } }).event).toEqual({
      password: { new: '[REDACTED]', list: ['[REDACTED]', '[REDACTED]'] },
    });
  });

  test('true, false, null and empty texts stay', () => {
    const event = { password: true, ssn: null, email: '', phone: false };
    expect(cleaned(engine, event).event).toEqual(event);
  });

  test('an address in a name field is an email, a user name with a space a person: they correlate', () => {
    const { event } = cleaned(engine, { userName: 'Jane@Example.com', email: 'jane@example.com', actor: { name: 'Zed Quux' }, login: 'zed quux' });
    expect(event['userName']).toBe(event['email']);
    expect(event['login']).toBe((event['actor'] as JsonObject)['name']);
  });

  test('accounts of the system, UUIDs and roles are nobody', () => {
    const event = {
      user: 'root',
      userName: 'system:serviceaccount:kube-system:x',
      login: '4f6c61d2-7c35-4a9b-9d2e-0a1b2c3d4e5f',
      userIdentity: { sessionContext: { sessionIssuer: { type: 'Role', userName: 'DeployRole' } } },
      target: [{ type: 'AppInstance', displayName: 'Payroll Tool' }],
    };
    expect(cleaned(engine, event).event).toEqual(event);
  });

  test("a repository's full name, accounts of machines and access keys' names", () => {
    const event = { repository: { full_name: 'org/repo' }, userName: 'eks:node-manager', login: 'arn:aws:sts::123456789012:assumed-role/Dev/x' };
    expect(cleaned(engine, event).event).toEqual(event);
    expect(cleaned(engine, { accessKeyId: 'AKIATFQR7NSC8Q4X20BJ' }).event['accessKeyId']).toMatch(/^hash_v7_/);
  });

  test('what stands beside decides: exceptions by type, in both spellings, not within arrays', () => {
    const yaml = '  - {path: "**.name", kind: person_name, unless: {type: [role]}}';
    const own = policyOf('  person_name: redact', yaml);
    expect(
      cleaned(own, {
        a: { Type: 'Role', name: 'x' },
        b: { type: 'user', name: 'x' },
        c: { type: 7, name: 'x' },
        d: { type: 'r'.repeat(70), name: 'x' },
        name: ['x'],
      }).event,
    ).toEqual({
      a: { Type: 'Role', name: 'x' },
      b: { type: 'user', name: '[REDACTED]' },
      c: { type: 7, name: '[REDACTED]' },
      d: { type: 'r'.repeat(70), name: '[REDACTED]' },
      name: ['[REDACTED]'],
    });
    for (let i = 0; i < 600; i++) expect(cleaned(own, { type: `t${i}`, name: 'x' }).event['name']).toBe('[REDACTED]');
  });

  test('an address is kept from generalizing only by its field', () => {
    const own = policyOf('  ip_address: generalize', '  - {path: a, kind: ip_address, transform: redact}\n  - {path: b, kind: ip_address}');
    expect(cleaned(own, { a: 'somewhere', b: 'somewhere', c: '8.8.4.4' }).event).toEqual({ a: '[REDACTED]', b: 'somewhere', c: '8.8.4.0/24' });
  });

  test('a field that is kept keeps its own value only', () => {
    const own = policyOf('  username: keep\n  email: redact', '  - {path: user, kind: username}');
    expect(cleaned(own, { user: 'zedq', note: 'zedq z@example.com' }).event).toEqual({ user: 'zedq', note: 'zedq [REDACTED]' });
  });

  test('names beyond any length are looked through', () => {
    const long = 'x'.repeat(300);
    expect(Object.keys(cleaned(engine, { [`${long} z@example.com`]: 1, [long]: 2 }).event)[0]).toBe(`${long} ${token('email', 'z@example.com')}`);
  });

  test('more shapes than are remembered', () => {
    const small = policyOf('  email: redact');
    for (let round = 0; round < 3; round++) {
      const event = Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`k${round}x${i}`, i === 5 ? 'z@example.com' : '']));
      expect(cleaned(small, event).event[`k${round}x5`]).toBe('[REDACTED]');
    }
  });

  test('identifiers of actors and targets are tokenized when they look like a person', () => {
    const { event } = cleaned(engine, {
      actor: { type: 'user', id: 'zed.quux' },
      targets: [
        { type: 'customer', id: 'cust-42' },
        { type: 'Customer', id: 'Zed Quux' },
        { type: 'bucket', id: 'zedquux' },
        { type: 'user', id: 'usr_9f' },
        { type: 'user', id: 'z@example.com' },
        { type: 'user', id: 12 },
      ],
    });
    expect((event['actor'] as JsonObject)['id']).toMatch(/^tok_/);
    const ids = (event['targets'] as JsonObject[]).map((target) => (target['id'] as string | number).toString().slice(0, 4));
    expect(ids).toEqual(['cust', 'tok_', 'tok_', 'usr_', 'tok_', '12']);
    expect(cleaned(engine, { actor: { type: 'service', id: 'zed.quux' } }).event).toEqual({ actor: { type: 'service', id: 'zed.quux' } });
  });

  test('the first rule that fits counts; scan leaves a field to the detectors, keep leaves it alone', () => {
    const own = policyOf(
      '  email: redact',
      '  - {path: a.name, transform: scan}\n  - {path: "a.**", transform: keep}\n  - {path: "**.name", kind: person_name, transform: redact}',
    );
    expect(cleaned(own, { a: { name: 'x z@example.com', note: 'z@example.com', more: { name: 'Q' } }, name: 'Q' }).event).toEqual({
      a: { name: 'x [REDACTED]', note: 'z@example.com', more: { name: 'Q' } },
      name: '[REDACTED]',
    });
  });

  test('a star within a name, a star for one name', () => {
    const own = policyOf('  secret: redact', '  - {path: "*.one", kind: secret}\n  - {path: "x_*_key", kind: secret}');
    expect(cleaned(own, { a: { one: 'v', b: { one: 'v' } }, x_any_key: 'v', X9KEY: 'v', y_key: 'v' }).event).toEqual({
      a: { one: '[REDACTED]', b: { one: 'v' } },
      x_any_key: '[REDACTED]',
      X9KEY: '[REDACTED]',
      y_key: 'v',
    });
  });
});

describe('detectors', () => {
  test('look through strings, numbers and names of members at any depth', () => {
    const { event, applied } = cleaned(engine, {
      a: [[{ b: 'mail z@example.com' }], 4111111111111111],
      m: { 'z@example.com': 1 },
      n: 12,
      f: 4.5,
      big: 4111111111111112,
    });
    const email = token('email', 'z@example.com');
    expect(event).toEqual({ a: [[{ b: `mail ${email}` }], '[REDACTED]'], m: { [email]: 1 }, n: 12, f: 4.5, big: 4111111111111112 });
    expect(applied.map(({ pointer }) => pointer)).toEqual(['/a/0/0/b', '/a/1', `/m/${email}`]);
  });

  test('a version field holds no addresses', () => {
    expect(cleaned(engine, { engineVersion: '1.2.0.2', other: '1.2.0.2' }).event).toEqual({ engineVersion: '1.2.0.2', other: '1.2.0.0/24' });
  });

  test('a host named after its address is as wide as the address becomes', () => {
    expect(cleaned(engine, { h: 'ec2-8-8-4-4.compute.example.org', a: '8.8.4.4' }).event).toEqual({
      h: 'ec2-8.8.4.0/24.compute.example.org',
      a: '8.8.4.0/24',
    });
  });

  test('a malformed address in an address field goes all the same', () => {
    expect(JSON.stringify(cleaned(engine, { ip_address: '8.8.4.4.1' }).event)).not.toContain('8.8.4.4');
  });

  test('a kind the policy does not name is redacted, one that it keeps stays', () => {
    const own = policyOf('  ip_address: keep');
    expect(cleaned(own, { t: 'z@example.com from 8.8.4.4' }).event).toEqual({ t: '[REDACTED] from 8.8.4.4' });
    expect(cleaned(own, { t: '8.8.4.4' })).toEqual({ event: { t: '8.8.4.4' }, applied: [] });
  });

  test('the floor of a kind', () => {
    expect(cleaned(policyOf('  us_ssn: {transform: redact, floor: 0.8}'), { a: '917-22-3936', b: '536-22-1845' }).event).toEqual({
      a: '917-22-3936',
      b: '[REDACTED]',
    });
  });
});

describe("the event's own people", () => {
  test('are found in text, names of members and identifiers, in any case, order and joint', () => {
    const { event } = cleaned(engine, {
      actor: { type: 'user', name: 'Zed Quux', email: 'z.quux@example.com' },
      message: 'zed quux or Quux, Zed or ZQUUX or zed_quux; Quux alone; quuxotic stays',
      arn: 'arn:aws:sts::1:assumed-role/Dev/zquux',
      members: { 'zed.quux': 'admin', actor: 1 },
    });
    const zed = token('person_name', 'zed quux');
    expect(event['message']).toBe(`${zed} or ${zed} or ${zed} or ${zed}; ${zed} alone; quuxotic stays`);
    expect(event['arn']).toBe(`arn:aws:sts::1:assumed-role/Dev/${zed}`);
    expect(event['members']).toEqual({ [zed]: 'admin', actor: 1 });
  });

  test('the local part of an address is a user name, and its words are a name', () => {
    const { event } = cleaned(engine, { email: 'zed.quux9+tag@example.com', a: 'ZED.QUUX9 did', b: 'Zed Quux did', c: 'Quux Zed did' });
    expect(event).toMatchObject({
      a: `${token('username', 'zed.quux9')} did`,
      b: `${token('person_name', 'zed quux')} did`,
      c: `${token('person_name', 'quux zed')} did`,
    });
  });

  test('in scripts without spaces', () => {
    const { event } = cleaned(engine, {
      fullName: '山田 太郎',
      a: '担当は山田太郎です',
      b: 'x山田 太郎x',
      email: '佐藤.花子@example.com',
      c: '佐藤花子は',
    });
    expect(JSON.stringify(event)).not.toMatch(/山田|太郎|佐藤|花子/);
  });

  test('three words, a single word, digits', () => {
    const { event } = cleaned(engine, {
      fullName: 'Zed Maria Quux',
      nickname: 'Zorblax',
      a: 'Zed Quux and zorblax',
      userName: 'zq77',
      b: 'by zq77!',
    });
    expect(event['a']).toBe(`${token('person_name', 'zed maria quux')} and ${token('person_name', 'zorblax')}`);
    expect(event['b']).toBe(`by ${token('username', 'zq77')}!`);
  });

  test('words that every log is made of are never looked for', () => {
    const event = {
      userName: 'service',
      text: 'the service is up',
      email: 'admin@example.com',
      more: 'the admin and a support case',
      login: 'system.user',
      e: 'system user',
    };
    expect(cleaned(engine, event).event).toMatchObject({ text: 'the service is up', more: 'the admin and a support case', e: 'system user' });
  });

  test('structure is never renamed, whoever is called so', () => {
    expect(Object.keys(cleaned(engine, { userName: 'displayname', displayName: 'x', id: 1 }).event)).toEqual(['userName', 'displayName', 'id']);
  });
});

describe('names of members', () => {
  test('that collide get a suffix: nothing is lost', () => {
    const own = policyOf('  email: {transform: redact, options: {label: kind}}');
    const { event, applied } = cleaned(own, { 'a@example.com': 1, '[EMAIL]': 2, 'b@example.com': { 'c@example.com': 3 }, x: 4, 'd@example.com': 5 });
    expect(event).toEqual({ '[EMAIL]~2': 1, '[EMAIL]': 2, '[EMAIL]~3': { '[EMAIL]': 3 }, x: 4, '[EMAIL]~4': 5 });
    expect(applied.map(({ pointer }) => pointer)).toEqual(['/[EMAIL]~02', '/[EMAIL]~03', '/[EMAIL]~03/[EMAIL]', '/[EMAIL]~04']);
  });

  test('a renamed member keeps what was done to its value under its new name', () => {
    const own = policyOf('  email: {transform: redact, options: {label: kind}}');
    expect(cleaned(own, { 'a@example.com': ['b@example.com'] })).toEqual({
      event: { '[EMAIL]': ['[EMAIL]'] },
      applied: [
        { pointer: '/[EMAIL]', kind: 'email', transform: 'redact' },
        { pointer: '/[EMAIL]/0', kind: 'email', transform: 'redact' },
      ],
    });
  });

  test('__proto__ is a name like any other', () => {
    const event = JSON.parse(
      '{"__proto__": "z@example.com", "a": {"__proto__": {"b": "8.8.4.4"}, "y@example.com": 1}, "constructor": "z@example.com"}',
    ) as JsonObject;
    const { event: after } = engine.apply(engine.plan(event), tokenOf);
    const email = token('email', 'z@example.com');
    expect(JSON.stringify(after)).toBe(
      `{"__proto__":"${email}","a":{"__proto__":{"b":"8.8.4.0/24"},"${token('email', 'y@example.com')}":1},"constructor":"${email}"}`,
    );
    expect(({} as JsonObject)['b']).toBeUndefined();
  });

  test('pointers are escaped', () => {
    expect(cleaned(engine, { 'a/b~c': '8.8.4.4' }).applied[0]?.pointer).toBe('/a~1b~0c');
  });
});

describe('JSON within a string', () => {
  test('is read like the event: fields, people, detectors, to any depth', () => {
    const inner = JSON.stringify({ userName: 'zedq', note: 'by zedq', deeper: JSON.stringify([{ ssn: 'x' }]) });
    const { event, applied } = cleaned(engine, { original: inner, text: 'zedq was here' });
    const zed = token('username', 'zedq');
    expect(JSON.parse(event['original'] as string)).toEqual({ userName: zed, note: `by ${zed}`, deeper: '[{"ssn":"[US_SSN]"}]' });
    expect(event['text']).toBe(`${zed} was here`);
    expect(applied).toEqual([
      { pointer: '/original', kind: 'us_ssn', transform: 'redact' },
      { pointer: '/original', kind: 'username', transform: 'tokenize' },
      { pointer: '/text', kind: 'username', transform: 'tokenize' },
    ]);
  });

  test('stays byte for byte where nothing is personal, and exact where a number is long', () => {
    const event = { a: '{ "x" : 12345678901234567890 }', b: ' [1, 2]', c: '{broken', d: '[oops]', e: '{}' };
    expect(cleaned(engine, event).event).toEqual(event);
  });

  test('with half a surrogate pair, if it cannot nest deeply', () => {
    const lone = '\\ud800';
    expect(cleaned(engine, { a: `{"ssn":"x","t":"${lone}"}` }).event['a']).toBe(`{"ssn":"[US_SSN]","t":"${lone}"}`);
    for (const text of [`["${lone}",`, `["${lone}"] x]`, `["${lone}",${'['.repeat(1500)}${']'.repeat(1500)}]`])
      expect(cleaned(engine, { a: text }).event).toEqual({ a: text });
  });

  test('that is broken or dropped from is still looked through', () => {
    expect(cleaned(engine, { a: '{"email": "z@example.com", ...}' }).event['a']).toContain(token('email', 'z@example.com'));
    const own = policyOf('  email: redact', '  - {path: "**.secret", transform: drop}');
    expect(cleaned(own, { a: '{"secret":1,"b":[2]}' })).toEqual({
      event: { a: '{"b":[2]}' },
      applied: [{ pointer: '/a', kind: 'field', transform: 'drop' }],
    });
  });
});

describe('transforms', () => {
  const apply = (transform: string, event: JsonValue, kind = 'email'): JsonObject =>
    cleaned(policyOf(`  ${kind}: ${transform}`, `  - {path: f, kind: ${kind}}`), event).event;

  test('redact', () => {
    expect(apply('redact', { f: 'x' })).toEqual({ f: '[REDACTED]' });
    expect(apply('{transform: redact, options: {label: kind}}', { f: 'x' })).toEqual({ f: '[EMAIL]' });
  });

  test('hash is HMAC-SHA-256 over length-prefixed kind and canonical value, with the key version', () => {
    const { event, applied } = cleaned(policyOf('  email: hash'), { a: 'Z@Example.com', b: 'to z@example.com' });
    const prefix = Buffer.from([0, 0, 0, 5]);
    const mac = createHmac('sha256', pseudonymKey.key)
      .update(prefix)
      .update('email')
      .update(Buffer.from([0, 0, 0, 13]))
      .update('z@example.com')
      .digest();
    const hash = `hash_v7_${mac.subarray(0, 20).toString('base64url')}`;
    expect(event).toEqual({ a: hash, b: `to ${hash}` });
    expect(applied[0]).toEqual({ pointer: '/a', kind: 'email', transform: 'hash', keyVersion: 7 });
  });

  test('mask keeps the last four of what is long enough', () => {
    expect(apply('mask', { f: '4111-1111-1111-1234' }, 'credit_card')).toEqual({ f: '********1234' });
    expect(apply('mask', { f: 'abcdefgh' })).toEqual({ f: '********' });
    expect(apply('{transform: mask, options: {keepLast: 2}}', { f: 'abcdefgh' })).toEqual({ f: '********gh' });
    expect(apply('{transform: mask, options: {keepLast: 0}}', { f: 'abcdefgh' })).toEqual({ f: '********' });
  });

  test('generalize: addresses, dates, numbers; what it does not understand is redacted', () => {
    expect(apply('generalize', { t: '8.8.4.4 2a02:26f7:b48d:1::9 ::ffff:8.8.4.4' }, 'ip_address')).toEqual({
      t: '8.8.4.0/24 2a02:26f7:b48d::/48 8.8.4.0/24',
    });
    expect(apply('{transform: generalize, options: {ipv4: 0, ipv6: 20}}', { t: '8.8.4.4 2a02:26f7:b48d:1::9' }, 'ip_address')).toEqual({
      t: '0.0.0.0/0 2a02:2000::/20',
    });
    expect(apply('generalize', { f: '1990-05-17' }, 'date_of_birth')).toEqual({ f: '1990-05' });
    expect(apply('generalize', { f: '1990/5/17' }, 'date_of_birth')).toEqual({ f: '1990-05' });
    expect(apply('{transform: generalize, options: {date: year}}', { f: '1990-05-17T01:02:03Z' }, 'date_of_birth')).toEqual({ f: '1990' });
    expect(apply('generalize', { f: 37.615 }, 'location')).toEqual({ f: '30..40' });
    expect(apply('{transform: generalize, options: {bucket: 1}}', { f: '-0.5' }, 'location')).toEqual({ f: '-1..0' });
    expect(apply('generalize', { f: 'around the corner' }, 'location')).toEqual({ f: '[REDACTED]' });
    expect(apply('generalize', { f: '1e999' }, 'location')).toEqual({ f: '[REDACTED]' });
  });

  test('drop takes a field out, keeps the place of an element, and cuts a finding out of a text', () => {
    const own = policyOf('  email: drop', '  - {path: gone, transform: drop}\n  - {path: list.*, transform: drop, kind: secret}');
    expect(cleaned(own, { gone: { a: 1 }, list: [1, 'x'], t: 'by z@example.com now' })).toEqual({
      event: { list: [null, null], t: 'by  now' },
      applied: [
        { pointer: '/gone', kind: 'field', transform: 'drop' },
        { pointer: '/list/0', kind: 'secret', transform: 'drop' },
        { pointer: '/list/1', kind: 'secret', transform: 'drop' },
        { pointer: '/t', kind: 'email', transform: 'drop' },
      ],
    });
  });

  test("a rule's options outrank its kind's", () => {
    const own = policyOf(
      '  credit_card: {transform: mask, options: {keepLast: 2}}',
      '  - {path: f, kind: credit_card, options: {keepLast: 3}}\n  - {path: g, kind: credit_card}\n  - {path: h, transform: redact}',
    );
    expect(cleaned(own, { f: '4111111111111234', g: '4111111111111234', h: 'x' }).event).toEqual({
      f: '********234',
      g: '********34',
      h: '[REDACTED]',
    });
  });

  test('a value hidden in base64 gets the token of the value; one among others is redacted as a whole', () => {
    const one = Buffer.from('z@example.com').toString('base64');
    const more = Buffer.from('z@example.com and 8.8.4.4').toString('base64');
    expect(cleaned(engine, { a: one, b: `x ${one}` }).event).toEqual({
      a: token('email', 'z@example.com'),
      b: `x ${token('email', 'z@example.com')}`,
    });
    expect(JSON.stringify(cleaned(engine, { a: more }).event)).not.toContain(more.slice(0, 8));
  });
});

describe('plans', () => {
  test('read only, and need each token once', () => {
    const event = { a: 'z@example.com', b: 'Z@EXAMPLE.COM and y@example.com' };
    const before = JSON.stringify(event);
    const plan = engine.plan(event);
    expect(JSON.stringify(event)).toBe(before);
    expect(plan.tokens).toEqual([
      { kind: 'email', canonical: 'z@example.com', value: 'z@example.com' },
      { kind: 'email', canonical: 'y@example.com', value: 'y@example.com' },
    ]);
  });

  test('with many tokens stay distinct', () => {
    const plan = engine.plan({ list: Array.from({ length: 200 }, (_, i) => `z${i % 50}@example.com`) });
    expect(plan.tokens).toHaveLength(50);
  });

  test('apply changes the event in place', () => {
    const event = { a: 'z@example.com' };
    expect(engine.apply(engine.plan(event), tokenOf).event).toBe(event);
  });

  test('nesting a hundred thousand deep is walked without recursion', () => {
    let value: JsonValue = 'z@example.com';
    for (let i = 0; i < 100_000; i++) value = [value];
    const { applied } = engine.apply(engine.plan({ value }), tokenOf);
    expect(applied).toHaveLength(1);
  });
});

describe('scanObject', () => {
  test('gives kinds and pointers, names of members included', () => {
    expect(engine.scanObject({ b: 'x z@example.com', a: { 'y@example.com': 4111111111111111 }, password: 'p', n: [null, true] })).toEqual([
      { kind: 'email', start: 0, end: 13, confidence: 0.95, pointer: '/a/y@example.com' },
      { kind: 'credit_card', start: 0, end: 16, confidence: 0.8, pointer: '/a/y@example.com' },
      { kind: 'email', start: 2, end: 15, confidence: 0.95, pointer: '/b' },
      { kind: 'secret', start: 0, end: 1, confidence: 1, pointer: '/password' },
    ]);
  });

  test('of a scalar, and of JSON within a string', () => {
    expect(engine.scanObject('z@example.com')).toMatchObject([{ kind: 'email', pointer: '' }]);
    expect(engine.scanObject(4111111111111111)).toMatchObject([{ kind: 'credit_card', pointer: '' }]);
    expect(engine.scanObject(null)).toEqual([]);
    expect(engine.scanObject({ t: '{"x":"z@example.com"}' })).toEqual([{ kind: 'email', start: 6, end: 19, confidence: 0.95, pointer: '/t' }]);
    expect(engine.scanObject({ t: '{"x":"z\\u0040example.com"}' })).toMatchObject([{ kind: 'email', start: 0, end: 26, pointer: '/t' }]);
    expect(engine.scanObject([{ 'a/~': '8.8.4.4' }])).toMatchObject([{ pointer: '/0/a~1~0' }]);
  });
});

test('a policy on the stronger side: everything hashed leaves no value and correlates', () => {
  const own = policyOf('  email: hash\n  ip_address: hash');
  const { event } = cleaned(own, { a: '8.8.4.4', b: '::ffff:8.8.4.4', c: '8.8.4.4:99' });
  expect(event['a']).toBe(event['b']);
  expect(event['c']).toBe(`${event['a'] as string}:99`);
});
