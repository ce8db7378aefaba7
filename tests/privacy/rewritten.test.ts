/** Values in places and spellings that once hid them: rows of SQL, paths, headers of mails, addresses made harmless, letters that look alike. */
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { canonicalOf } from '../../src/privacy/detectors/all.ts';
import { isPersonalAccount } from '../../src/privacy/detectors/account-names.ts';
import { cleaned, engineOf } from './engine-for-test.ts';

const engine = engineOf();

function written(text: string): string {
  return cleaned(engine, { value: text }).event['value'] as string;
}

function expectGone(text: string, parts: readonly string[]): void {
  const out = written(text);
  for (const part of parts) expect(out).not.toContain(part);
  expect(written(out)).toBe(out);
}

function expectStays(text: string): void {
  expect(written(text)).toBe(text);
}

describe('rows of SQL', () => {
  test.each<[string, string[]]>([
    ["INSERT INTO c (id, full_name, dob) VALUES (1, 'Zyxo Quux', '1987-03-14')", ['Zyxo', 'Quux', '1987-03']],
    ["insert into `c` (`id`, `c`.`last_name`) values (1, 'O''Quux'), (2, 'Barzul')", ['Quux', 'Barzul']],
    ['INSERT INTO c ("user_name", "password") VALUES (\'mquintero\', \'hunter2x\')', ['mquintero', 'hunter2x']],
    ["INSERT INTO [c] ([last_name]) VALUES (N'Barzul')", ['Barzul']],
    ["INSERT INTO c (ssn, n) VALUES (536904399, coalesce('a', 'b'))", ['536904399']],
    ["INSERT INTO c (note, last_name) VALUES (concat('a', ')', 'b'), 'Barzul')", ['Barzul']],
    ["INSERT INTO c (note, last_name) VALUES ('it\\'s', 'Barzul')", ['Barzul']],
    ["INSERT INTO c VALUES (1, 'Marisol Quintero', 'gold')", ['Marisol', 'Quintero']],
    ['DETAIL: Key (username)=(mquintero) already exists.', ['mquintero']],
    ['DETAIL: Key (org, last_name)=(acme, Barzul) already exists.', ['Barzul']],
    ["SELECT 1 FROM c WHERE full_name = 'Aoife d''Arcy' LIMIT 1", ['Arcy']],
  ])('go: %s', (text, parts) => expectGone(text, parts));

  test.each([
    "INSERT INTO orders (id, status) VALUES (1, 'Shipped')",
    'INSERT INTO c (full_name, password) VALUES ($1, ?)',
    'INSERT INTO c (full_name) VALUES (NULL), (DEFAULT)',
    'INSERT INTO c (full_name) VALUES',
    'INSERT INTO c (last_name VALUES (1',
    'Key (id)=(4711) already exists.',
    'Key (last_name)=( and no end of it',
    'the values (see above) are fine; values() is a function',
    'f(a)=(b)',
  ])('stay: %s', expectStays);
});

describe('accounts in the names of other things', () => {
  test.each<[string, string]>([
    ['arn:aws:sts::123456789012:assumed-role/Admin/marisol.quintero', 'marisol'],
    ['arn:aws:sts::123456789012:assumed-role/path/is/longer/Admin', ''],
    ['arn:aws:sts::123456789012:assumed-role/Admin/qxz.wrk', 'qxz'],
    ['arn:aws:sts::123456789012:assumed-role/Admin/mquintero', 'mquintero'],
    ['GET /users/marisol.quintero/keys 200', 'marisol'],
    ['/subscriptions/x/users/mquintero/devices', 'mquintero'],
    ['home/mquintero/report.csv', 'mquintero'],
    ['C:\\Users\\Marisol Quintero\\x.docx', 'Quintero'],
    ['/home/Åsa/x', 'Åsa'],
    ['session opened for user mquintero(uid=1001) by (uid=0)', 'mquintero'],
    ['su: (to root) mquintero on pts/1', 'mquintero'],
    ['new user: name=mquintero, UID=1001', 'mquintero'],
    ['X-Remote-User: mquintero', 'mquintero'],
    ['PG_USER=mquintero', 'mquintero'],
    ['CN=mquintero,OU=Sales,DC=acme', 'mquintero'],
    ['CN=Marisol Quintero,OU=Sales,DC=acme', 'Quintero'],
    ['ACME\\nora.quintero', 'nora'],
    ['logon by ACME\\robert from WS-1', 'robert'],
  ])('go: %s', (text, part) => {
    if (part !== '') expectGone(text, [part]);
    else expectStays(text);
  });

  test.each([
    'arn:aws:sts::123456789012:assumed-role/Admin/deploy.prod',
    'arn:aws:sts::123456789012:assumed-role/Admin/i-0abc123def4567890',
    'GET /users/me/settings, /users/export.csv, /user/repos, /users/4711',
    'GET /accounts/search.json',
    'CN=Domain Admins,CN=Users,DC=acme; CN=web-01; CN=*.example.org',
    'C:\\Users\\Public\\x, C:\\Users\\All Users\\x',
    'sudo: root : TTY=pts/0 ; PWD=/srv ; USER=root',
    'pwd: ~/x, pwd=C:\\x',
    'ERROR\\nfoo, FOO\\tbar',
    'su: (to root) root on pts/1',
  ])('stay: %s', expectStays);

  test.each(['jane', 'jdoe.smith', 'maria.lopez', 'j.whitfield', 'jwhitfield', 'lopez_maria'])('%s is a person', (account) =>
    expect(isPersonalAccount(account)).toBe(true),
  );

  test.each([
    'grafana',
    'backup-agent',
    'a.b',
    'deploy.prod',
    'jenkins',
    'paris',
    'web.01',
    'a_b_c_d_e',
    'one.two.three.four.five',
    'x'.repeat(65),
    'qxz.wrk',
  ])('%s is none', (account) => expect(isPersonalAccount(account)).toBe(false));

  test('initials and unknown words are a name only where they are joined by a dot', () => {
    expect(isPersonalAccount('qxz.wrk', true)).toBe(true);
    expect(isPersonalAccount('qxz-wrk', true)).toBe(false);
    expect(isPersonalAccount('a.b.c', true)).toBe(false);
    expect(isPersonalAccount('q.wrk', true)).toBe(false);
  });
});

describe('paths and elements that say what stands in them', () => {
  test.each<[string, string]>([
    ['GET /api/v1/bsn/111222333/x', '111222333'],
    ['GET /lookup/536-22-1845', '536-22'],
    ['GET /cards/4111111111111111/x', '41111111'],
    ['GET /payment-card/4111-1111-1111-1111', '4111-'],
    ['<Password>hunter2x</Password>', 'hunter2x'],
    ['<ns:userName>mquintero</ns:userName>', 'mquintero'],
    ['<api_key>aB3dE5fG7hI9jK1lM2</api_key>', 'aB3dE5'],
  ])('go: %s', (text, part) => expectGone(text, [part]));

  test.each([
    'GET /bsn/111222334, /orders/4111111111111111, /policy/12345678, /account/12345678',
    'Chrome/120 Mozilla/5.0 HTTP/1.1',
    '<password/> </password> <password></password> <password>***</password>',
    '<userName>root</userName><token>short</token><cn>mquintero</cn>',
    '<x>password</x></',
  ])('stay: %s', expectStays);
});

describe('addresses that were made harmless', () => {
  test.each([
    'lena.brandt[@]example[.]org',
    'lena.brandt(at)example(dot)org',
    'lena[.]brandt{at}example{.}org',
    'lena.brandt@example[.]org',
    'lena\\.brandt@example\\.org',
    'lena.brandt [AT] example [DOT] org',
    'lena.brandt[at]example[punkt]org',
  ])('%s is the address', (text) => {
    const { event } = cleaned(engine, { a: `seen ${text} today`, email: 'lena.brandt@example.org' });
    expect(event['a']).toBe(`seen ${event['email'] as string} today`);
  });

  test.each(['81[.]2[.]69[.]160', '81(.)2(.)69(.)160', '81.2.69[.]160', '81[dot]2[dot]69[dot]160', '2a02[:]8109[:]9c0[:]1b2c[:]0[:]0[:]0[:]1'])(
    '%s',
    (text) => expectGone(`seen ${text} today`, [text]),
  );

  test.each(['10[.]0[.]0[.]7', 'a[.]b', 'items[at] of list[dot]', 'meet (at) noon', 'f(.)', 'x{at}'])('stay: %s', expectStays);
});

describe('as mail writes it', () => {
  const encoded = (text: string): string => `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;

  test.each<[string, string[]]>([
    [`From: ${encoded('Marisol Quintero')}`, [encoded('Marisol Quintero')]],
    [`To: ${encoded('marisol@acme.example.org')} x`, [encoded('marisol@acme.example.org')]],
    ['To: =?UTF-8?Q?marisol=2Eq=40acme=2Eexample=2Eorg?=', ['marisol']],
    ['From: =?iso-8859-1?q?J=F6rg_Abendroth?=', ['Abendroth']],
    [`From: ${encoded('Marisol')} ${encoded(' Quintero')} <x@y>`, [encoded('Marisol'), encoded(' Quintero')]],
    ['mail to marisol.q=40acme.example.org', ['marisol']],
    // `=2E` and `=3E` are no quoted bytes here.
    ['https://www.example.com/p?ref=2EG4&#45;TE5&#45;MK73', ['2EG4']],
    ['https://www.example.com/p?ref=3EG9\\u002dTE2\\u002dMK98', ['3EG9']],
    ['mail to marisol.q@acme.exam=\r\nple.org', ['marisol']],
    ['mail to marisol.q@acme.exam=\nple.org', ['marisol']],
    ['SSN 536=2D22=2D1845', ['1845']],
    ['phone =2B49 1512 3456789', ['3456789']],
    ['user J=C3=B6rg Abendroth logged in', ['Abendroth']],
  ])('go: %s', (text, parts) => expectGone(text, parts));

  test.each([
    '=?utf-8?B?bm90aGluZyBoZXJl?=',
    '=?nothing-like-it?B?bm90aGluZw==?=',
    '=?utf-8?B?=?=',
    '=?utf-8?X?abc?=',
    'retries=40 timeout=40s id=2D3F x=\r',
    'a==40 b=C3=28 c=',
  ])('stay: %s', expectStays);
});

describe('letters that look alike', () => {
  test.each([
    ['Cyrillic', 'mаrisоl@acme.example.org'],
    ['Greek', 'marisοl.q@acme.example.org'],
    ['mathematical', 'mail to 𝐦𝐚𝐫𝐢𝐬𝐨𝐥@𝐚𝐜𝐦𝐞.𝐞𝐱𝐚𝐦𝐩𝐥𝐞.𝐨𝐫𝐠'],
    ['circled', 'SSN ⑤③⑥-②②-①⑧④⑤'],
    ['isolated', 'mail to \u2066marisol@acme.example.org\u2069'],
  ])('%s', (_, text) => expectGone(text, [text.split(' ').at(-1) as string]));

  test('words of other alphabets stay', () => {
    for (const text of ['сервер запущен успешно', 'ο διακομιστής ξεκίνησε', 'x² + y³ ℃ ™ №', '\ud835']) expectStays(text);
  });

  test('a look-alike address is the address', () => {
    expect(canonicalOf('email', 'marisol@acme.example.org')).toBe('marisol@acme.example.org');
    const { event } = cleaned(engine, { a: 'mаrisоl@acme.example.org', email: 'marisol@acme.example.org' });
    expect(event['a']).toBe(event['email']);
  });
});

test('what a text says before an encoded value announces it', () => {
  const hidden = Buffer.from('111222333').toString('base64');
  expectGone(`BSN: ${hidden}`, [hidden]);
  expectStays(`batch: ${hidden}`);
});

describe('a value whose field is named beside it is announced by that name', () => {
  test.each<[string, JsonObject, string]>([
    ['a change', { changes: [{ field: 'nif', old: '123456789', new: null }] }, '123456789'],
    ['a header', { headers: [{ name: 'X-Employee-Id', value: 'EMP-37762' }] }, '37762'],
    ['above', { bsn: { old: '111222333' } }, '111222333'],
  ])('%s', (_, event, part) => {
    expect(
      JSON.stringify(cleaned(engine, { list: [{ field: 'count', new: part, old: part }], ...event }).event[Object.keys(event)[0] as string]),
    ).not.toContain(part);
  });

  test('what is clean under one name is looked at anew under another', () => {
    const own = engineOf();
    for (let i = 0; i < 3; i++) expect(cleaned(own, { field: 'count', new: '123456789' }).event).toEqual({ field: 'count', new: '123456789' });
    expect(JSON.stringify(cleaned(own, { field: 'nif', new: '123456789' }).event)).not.toContain('123456789');
  });
});
