import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { kindsPage } from '../../scripts/generate-kinds-page.ts';
import { kindSpecs } from '../../src/privacy/detectors/all.ts';
import { passesGithubCheck } from '../../src/privacy/detectors/secrets.ts';
import { engineOf, foundIn } from './engine-for-test.ts';

const engine = engineOf();

/** text → what is found in it, as `kind:text`; nothing for a text that holds nothing personal. */
function vectors(family: string, list: readonly (readonly [string, ...string[]])[]): void {
  describe(family, () => {
    for (const [text, ...expected] of list) {
      test(JSON.stringify(text.length > 90 ? `${text.slice(0, 90)}…` : text), () => {
        expect(foundIn(engine, text)).toEqual(expected);
      });
    }
  });
}

vectors('email addresses', [
  ['jane.doe@example.com', 'email:jane.doe@example.com'],
  ['mail JANE+tag@Example.CO.UK, thanks', 'email:JANE+tag@Example.CO.UK'],
  ['<jane@example.com>', 'email:jane@example.com'],
  ["'jane@example.com'", 'email:jane@example.com'],
  ["o'brien@example.ie", "email:o'brien@example.ie"],
  ['email=jane@example.com&x=1', 'email:jane@example.com'],
  ['a@b.co.', 'email:a@b.co'],
  ['洁.周87@icloud.com', 'email:洁.周87@icloud.com'],
  ['jörg@müller.de', 'email:jörg@müller.de'],
  ['x@xn--mller-kva.xn--p1ai', 'email:x@xn--mller-kva.xn--p1ai'],
  ['to "jane smith"@example.com', 'email:"jane smith"@example.com'],
  ['jane@[8.8.4.4]', 'email:jane@[8.8.4.4]'],
  ['jane@[IPv6:2a02:1::1]', 'email:jane@[IPv6:2a02:1::1]'],
  ['_x_@example.com', 'email:_x_@example.com'],
  ['user@localhost'],
  ['lodash@4.17.21'],
  ['logo@2x.png'],
  ['@example.com'],
  ['jane@'],
  ['jane.@example.com'],
  ['jane@example..com'],
  ['jane@example.c'],
  ['""@example.com'],
  ['"@example.com'],
  [`"${'x'.repeat(80)}"@example.com`],
  ['jane@[not an address]'],
  ['@ @ @'],
]);

vectors('phone numbers', [
  ['+1 (458) 665-7205', 'phone:+1 (458) 665-7205'],
  ['call +49 30 901820 now', 'phone:+49 30 901820'],
  ['+442071838750', 'phone:+442071838750'],
  ['(415) 555-2671', 'phone:(415) 555-2671'],
  ['415-555-2671', 'phone:415-555-2671'],
  ['415.555.2671', 'phone:415.555.2671'],
  ['Fax: 345-899-3560x4587', 'phone:345-899-3560x4587'],
  ['reach me at 056 590 36 33', 'phone:056 590 36 33'],
  ['phone: 668 5702', 'phone:668 5702'],
  ['Tel. 5551234567', 'phone:5551234567'],
  ['call me at 020 7183 8750.', 'phone:020 7183 8750'],
  ['1700000000'],
  ['200 203023'],
  ['+0 123 456 789'],
  ['phone: 2024-01-15 10:00'],
  ['build-415-555-2671'],
  ['415-555-2671-99'],
  ['v415.555.2671'],
  ['415.555.2671.9'],
  ['account 123456789012'],
  ['1234567890123456789012345'],
  ['+123'],
]);

vectors('IP addresses', [
  ['from 83.149.9.216 port 22', 'ip_address:83.149.9.216'],
  ['83.149.9.216:443', 'ip_address:83.149.9.216'],
  ['[83.149.9.216]', 'ip_address:83.149.9.216'],
  ['83.149.9.216/32', 'ip_address:83.149.9.216/32'],
  ['http://83.149.9.216/x', 'ip_address:83.149.9.216'],
  ['route 83.149.9.0/24'],
  ['0.0.0.0/0'],
  ['83.149.9.216/99', 'ip_address:83.149.9.216'],
  ['ip/83.149.9.216', 'ip_address:83.149.9.216'],
  ['/api/83.149.9.216', 'ip_address:83.149.9.216'],
  ['client 240.1.2.3', 'ip_address:240.1.2.3'],
  ['host-83.149.9.216 up', 'ip_address:83.149.9.216'],
  ['lib-83.149.9.216.tar.gz'],
  ['ec2-83-149-9-216.compute-1.amazonaws.com', 'ip_address:83-149-9-216'],
  ['ip-10-0-0-1.ec2.internal x-83-149-9-216 ip-83-149-9 ip-83-149-9-216-1 ip-83-149-9-2160 ip-83-149-9_216 ip-1-2-3-999'],
  ['127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.1.1 0.0.0.0 255.255.255.255'],
  ['192.0.2.1 198.51.100.2 203.0.113.9'],
  ['Chrome/113.0.0.0 Edge/12.0.1.9'],
  ['Boto3/1.26.165 Python/3.10.6'],
  ['version 1.2.3.4, v 9.9.9.9, release: 8.8.8.8'],
  ['v1.2.3.4'],
  ['1.2.3.4.5'],
  ['1.2.3.400'],
  ['1.2.3'],
  ['2a02:26f7:b48d::1', 'ip_address:2a02:26f7:b48d::1'],
  ['peer 2a02:26f7:b48d:0:1:2:3:4: reset', 'ip_address:2a02:26f7:b48d:0:1:2:3:4'],
  ['client:2a02:26f7:b48d:0:1:2:3:4', 'ip_address:2a02:26f7:b48d:0:1:2:3:4'],
  ['[2a02:26f7::9]:443', 'ip_address:2a02:26f7::9'],
  ['2a02:26f7::9/64', 'ip_address:2a02:26f7::9/64'],
  ['2a02:26f7::/32'],
  ['2a02:26f7::9/200', 'ip_address:2a02:26f7::9'],
  ['::ffff:8.8.4.4', 'ip_address:::ffff:8.8.4.4'],
  ['::1 fe80::1 fd00::1 2001:db8::1 3fff::1 ::ffff:10.0.0.1 ff02::1'],
  ['10:05:03 2024-01-01T10:05:03.123Z'],
  ['std::vector a::b'],
  ['1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:1:2:3:4:5:6:7:8:9:a:b:c:d:e:f:1:2:3'],
]);

vectors('MAC addresses', [
  ['a3:0f:84:df:6a:8f', 'mac_address:a3:0f:84:df:6a:8f'],
  ['A3-0F-84-DF-6A-8F', 'mac_address:A3-0F-84-DF-6A-8F'],
  ['a30f.84df.6a8f', 'mac_address:a30f.84df.6a8f'],
  ['00:00:00:00:00:00 ff:ff:ff:ff:ff:ff'],
  ['a30f.84df.6a8f.1234'],
  ['xa30f.84df.6a8f'],
]);

vectors('payment cards', [
  ['4111111111111111', 'credit_card:4111111111111111'],
  ['card 4111 1111 1111 1111.', 'credit_card:4111 1111 1111 1111'],
  ['4111-1111-1111-1111', 'credit_card:4111-1111-1111-1111'],
  ['3782 822463 10005', 'credit_card:3782 822463 10005'],
  ['30569309025904', 'credit_card:30569309025904'],
  ['9904000000000000000 6205500000000000004', 'credit_card:6205500000000000004'],
  ['card number: 4111111111111112', 'credit_card:4111111111111112'],
  ['my card # 503890547220', 'credit_card:503890547220'],
  ['4111111111111112'],
  ['id_4111111111111111 a-4111111111111111 4111111111111111-7'],
  ['4111 111111111111'],
  ['1700000000000 16000000000000000'],
]);

vectors('IBANs', [
  ['DE89370400440532013000', 'iban:DE89370400440532013000'],
  ['pay to GB82 WEST 1234 5698 7654 32 today', 'iban:GB82 WEST 1234 5698 7654 32'],
  ['IBAN: DE00 3704 0044 0532 0130 00', 'iban:DE00 3704 0044 0532 0130 00'],
  ['IBAN transfer to GB26ABCD60316976', 'iban:GB26ABCD60316976'],
  ['DE00370400440532013000'],
  ['ZZ89370400440532013000'],
  ['xDE89370400440532013000'],
  ['DE8937040044053201300'],
]);

vectors('social security numbers', [
  ['536-22-1845', 'us_ssn:536-22-1845'],
  ['SSN:123-45-6789;DOB', 'us_ssn:123-45-6789'],
  ['ssn 536 22 1845', 'us_ssn:536 22 1845'],
  ['SSN is 536221845', 'us_ssn:536221845'],
  ['social security number: 666-12-9999', 'us_ssn:666-12-9999'],
  ['917-22-3936', 'us_ssn:917-22-3936'],
  ['536\u201122\u20111845', 'us_ssn:536\u201122\u20111845'],
  ['SSN-536-22-1845', 'us_ssn:536-22-1845'],
  ['000-12-3456 666-12-3456 123-00-4567 123-45-0000'],
  ['SSN 000-00-0000'],
  ['order-536-22-1845'],
  ['536-22-1845-7 1-536-22-1845'],
  ['536 22 1845'],
  ['536221845'],
  ['a536-22-1845'],
]);

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
vectors('secrets', [
  [`token ${jwt}`, `jwt:${jwt}`],
  ['eyJub3QganNvbg.eyJzdWIiOiIxIn0.x'],
  ['eyJeyJeyJ.a'],
  ['eyJ eyJhbGciOiJIUzI1NiJ9'],
  [
    '-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\nrest',
    'private_key:-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----',
  ],
  ['-----BEGIN PRIVATE KEY-----\nMIIB', 'private_key:-----BEGIN PRIVATE KEY-----\nMIIB'],
  ['-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----'],
  ['-----BEGIN forever'],
  ['AKIAIOSFODNN7EXAMPLE', 'aws_access_key:AKIAIOSFODNN7EXAMPLE'],
  ['key_AKIAIOSFODNN7EXAMPLE', 'aws_access_key:AKIAIOSFODNN7EXAMPLE'],
  ['AIDATFQR7NSC5AU2ZV3IE'],
  ['aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', 'aws_secret_key:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
  ['ghp_0123456789abcdefghijABCDEFGHIJ012345', 'github_token:ghp_0123456789abcdefghijABCDEFGHIJ012345'],
  ['xoxb-123456789012-abcdefGHIJKL', 'api_key:xoxb-123456789012-abcdefGHIJKL'],
  ['sk_live_0123456789abcdefABCDEF', 'api_key:sk_live_0123456789abcdefABCDEF'],
  ['AIzaSyA1234567890abcdefghijklmnopqrstuv', 'api_key:AIzaSyA1234567890abcdefghijklmnopqrstuv'],
  ['hvs.CAESIJ1234567890abcdefghijkl', 'api_key:hvs.CAESIJ1234567890abcdefghijkl'],
  [
    'SG.abcdefghijklmnopqrstuv.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij0123456',
    'api_key:SG.abcdefghijklmnopqrstuv.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij0123456',
  ],
  ['sk-ant-api03-abcdefghijklmnopqrstuv', 'api_key:sk-ant-api03-abcdefghijklmnopqrstuv'],
  ['Authorization: Bearer abcdef0123456789abcdef', 'bearer_token:abcdef0123456789abcdef'],
  ['Authorization: Basic dXNlcjpwYXNzd29yZA==', 'bearer_token:dXNlcjpwYXNzd29yZA=='],
  ['basic understanding of things'],
  ['bearer responsibilities'],
  ['postgres://app:s3cr3t@db:5432/x', 'url_credentials:app:s3cr3t'],
  ['ssh://deploy7@host/x', 'username:deploy7'],
  ['https://example.com/@scope'],
  ['password=hunter2 next', 'secret:hunter2'],
  ['{"password":"correct horse"}', 'secret:correct horse'],
  ["client_secret: 'a1b2c3d4e5f6g7'", 'secret:a1b2c3d4e5f6g7'],
  ['password: changed'],
  ['password: ****** token: none'],
  ['token=4f6c61d2-7c35-4a9b-9d2e-0a1b2c3d4e5f'],
  ['token=aaaaaaaaaaaaaaaaaaaaaaa'],
  ['secret=short'],
  ['password='],
  ['x="password=hunter2"', 'secret:hunter2'],
  ['dbpassword=hunter2)', 'secret:hunter2'],
  ['the_app_secret=a1b2c3d4e5f6g7', 'secret:a1b2c3d4e5f6g7'],
  ['token=https://example.org/a1b2c3d4 secret=arn:aws:x:a1b2c3d4e5'],
  ['password: abc'],
  ['password: abc1', 'secret:abc1'],
  ['password = hunter2.', 'secret:hunter2'],
  ['=1 :2 "=3'],
  ['user=alice.smith', 'username:alice.smith'],
  ['user=al user=alice! user=tok_abc'],
  ['user=jdoe ip', 'username:jdoe'],
  ['user=root uid=1000 login=deadbeefdeadbeef'],
]);

vectors('people', [
  ['user Jane Doe logged in', 'person_name:Jane Doe'],
  ['Jane Doe logged in', 'person_name:Jane Doe'],
  ['[2022-01-01T00:00:00Z] Jan de Groot changed password', 'person_name:Jan de Groot'],
  ['Alert for François Lefebvre: access', 'person_name:François Lefebvre'],
  ['[2022-01-01T00:00:00Z] 洁 周 logged in', 'person_name:洁 周'],
  ['علي المحمد logged in', 'person_name:علي المحمد'],
  ['Dear Jane,', 'person_name:Jane'],
  ['Dr. Smith called', 'person_name:Smith'],
  ['my name is Jane', 'person_name:Jane'],
  ['name: Jane', 'person_name:Jane'],
  ['on behalf of JANE DOE', 'person_name:JANE DOE'],
  ["Jane Doe's laptop", 'person_name:Jane Doe'],
  ['Jane Doe <jane@example.com>', 'person_name:Jane Doe', 'email:jane@example.com'],
  ['New User Jane Doe', 'person_name:Jane Doe'],
  ['Jane Q. Doe was here', 'person_name:Jane Q. Doe'],
  ['Jane Doe wrote. Then Doe, Jane left; jdoe too', 'person_name:Jane Doe', 'person_name:Doe, Jane', 'person_name:jdoe'],
  ['email jane.doe7@example.com of JANE DOE', 'email:jane.doe7@example.com', 'person_name:JANE DOE'],
  ['arn:aws:iam::123456789012:user/team/bert-jan', 'username:bert-jan'],
  ['/home/bert/.ssh/id_rsa', 'username:bert'],
  ['C:\\Users\\Bert\\x', 'username:Bert'],
  ['/home/ubuntu/x /Users/Shared/y'],
  ['Failed password for user jdoe from 10.0.0.1', 'username:jdoe'],
  ['user "jdoe" added', 'username:jdoe'],
  ['user j.doe2', 'username:j.doe2'],
  ['Failed password for invalid user admin from 10.0.0.1'],
  ['user authenticated from web; superuser jdoe; user agent'],
  ['Access Denied for Internal Server Error'],
  ['Security Group updated by Terraform Cloud'],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/32.0 Safari/537.36'],
  ['THE SYSTEM SHUT down'],
  ['zebra Xylophone Zeta'],
  ['then Ursula von der Leyen said', 'person_name:Ursula von der Leyen'],
  ['Žiga Štrukelj was', 'person_name:Žiga Štrukelj'],
  ['ÄRZTE ÖFFNEN was'],
  ['für Jörg Müller.', 'person_name:Jörg Müller'],
  ['on behalf of Zyx Quux.', 'person_name:Zyx Quux'],
  ['part of Zed Quux.'],
  ['I am Zed Quux', 'person_name:Zed Quux'],
  ['there is Zed Quux'],
  ['Zed_Quux Zed/Quux by Zed.Quux by Zed@Quux'],
  ['by Zyx Q.', 'person_name:Zyx Q.'],
  ['from Zed\u2019s Quux'],
  ['user Zedquuxzedquuxzedquuxzedquuxzedquuxzedquuxzedquux Quux'],
  ['for A B C D E F G H I'],
  ['by 洁周洁周洁周洁周洁周洁周洁周洁周洁周洁周洁周 洁周洁周洁周洁周洁周洁周洁周洁周洁周洁周'],
  ['abc 鼎 鑫 logged in'],
  ['user "quux" user running x user 7up', 'username:quux'],
  ['arn:aws:iam::123456789012:user/tok_abcdefghijklmnopqrstuvwxyz0 /home/j'],
  ['/home/bert- /Users/Bert.', 'username:bert', 'username:Bert'],
]);

vectors('what is not personal', [
  ['550e8400-e29b-41d4-a716-446655440000'],
  ['e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['2026-03-01T10:10:42.100Z 1772359842 1772359842100 2026/03/01'],
  ['arn:aws:s3:::config-bucket-123837392027'],
  ['arn:aws:secretsmanager:us-east-1:123837392027:secret:team/retrieve-secret-11-mekIRl'],
  ['Use of Weak Hash Algorithms in Cryptography'],
  ['qF2f9Skry5cH1HNPFytpHnzMqNKv8c1gpvlGVOz46MRG4DPR++pLnE1q7H6gnMHdLW+4gI1/QmY='],
  ['HTTP/1.1 200 203023 GET /api/v1/users 12.5ms 99.9%'],
  ['i-05c30218156bcc246 vpc-04ae35a334cd7ef4f ami-0123456789abcdef'],
  ['tok_abcdefghijklmnopqrstuvwxyz0 hash_v1_abcdefghijklmnopqrstuvwxyz0 [REDACTED] [US_SSN] ********1111'],
  [''],
]);

vectors('behind encodings', [
  ['q=jane%40example.com&b', 'email:jane%40example.com'],
  ['jane%2540example.com', 'email:jane%2540example.com'],
  ['j%C3%B6rg%40example.com', 'email:j%C3%B6rg%40example.com'],
  ['100%41'],
  ['jane&#64;example.com jane&#x40;example&period;org', 'email:jane&#64;example.com', 'email:jane&#x40;example&period;org'],
  ['jane\\u0040example.com jane\\x40example.org', 'email:jane\\u0040example.com', 'email:jane\\x40example.org'],
  ['jane\\u{40}example.com', 'email:jane\\u{40}example.com'],
  ['jane\uff20example.com', 'email:jane\uff20example.com'],
  ['ja\u200bne@exam\u00adple.com', 'email:ja\u200bne@exam\u00adple.com'],
  ['ip \u0668.\u0668.\u0664.\u0664', 'ip_address:\u0668.\u0668.\u0664.\u0664'],
  [`x ${Buffer.from('jane@example.com').toString('base64')} y`, `email:${Buffer.from('jane@example.com').toString('base64')}`],
  [`/lookup/${Buffer.from('jane@example.com').toString('base64url')}/details`, `email:${Buffer.from('jane@example.com').toString('base64url')}`],
  [
    Buffer.from('mail jane@example.com now', 'utf16le').toString('base64'),
    `email:${Buffer.from('mail jane@example.com now', 'utf16le').toString('base64')}`,
  ],
  [Buffer.from('jane@example.com').toString('hex'), `email:${Buffer.from('jane@example.com').toString('hex')}`],
  [`0x${Buffer.from('8.8.4.4').toString('hex')}`, `ip_address:0x${Buffer.from('8.8.4.4').toString('hex')}`],
  [Buffer.from('jörg@example.com, Straße').toString('base64'), `email:${Buffer.from('jörg@example.com, Straße').toString('base64')}`],
  [
    Buffer.from(encodeURIComponent('jane@example.com')).toString('base64url'),
    `email:${Buffer.from(encodeURIComponent('jane@example.com')).toString('base64url')}`,
  ],
  ['%zz &unknown; &; \\q \\u12 %e2%82 %ff %f8%80 &#99999999; \\u{110000} &#x110000;'],
  ['\\'],
]);

test('every kind has an example, a check and a canonical form', () => {
  for (const [kind, spec] of kindSpecs) {
    expect(spec.kind).toBe(kind);
    expect(spec.example.length, kind).toBeGreaterThan(2);
    expect(spec.check.length, kind).toBeGreaterThan(2);
    expect(spec.canonical('  Ab 12 ').length, kind).toBeGreaterThan(0);
  }
});

test.each([...kindSpecs.values()].filter(({ kind }) => kind !== 'username'))('the example of $kind is found as what it is', ({ kind, example }) => {
  expect(engine.scanText(example).map((found) => found.kind)).toContain(kind);
});

test('docs/reference/kinds.md is what scripts/generate-kinds-page.ts writes', () => {
  expect(readFileSync(new URL('../../docs/reference/kinds.md', import.meta.url), 'utf8')).toBe(kindsPage());
});

test('canonical forms make equal what is equal', () => {
  const canonical = (kind: string, value: string): string | undefined => kindSpecs.get(kind)?.canonical(value);
  expect(canonical('email', ' Jane.Doe+x@Example.COM ')).toBe('jane.doe+x@example.com');
  for (const phone of ['+1 (458) 665-7205', '(458) 665-7205', '1-458-665-7205', '001 458 665 7205', '+14586657205 ext 12'])
    expect(canonical('phone', phone)).toBe('+14586657205');
  expect(canonical('phone', '030 901820')).toBe('030901820');
  expect(canonical('ip_address', '2A02:26F7:0:0:0:0:0:9/64')).toBe('2a02:26f7::9');
  expect(canonical('ip_address', '[2a02:26f7::9%eth0]')).toBe('2a02:26f7::9');
  expect(canonical('ip_address', '::ffff:8.8.4.4')).toBe('8.8.4.4');
  expect(canonical('ip_address', 'No Address')).toBe('no address');
  expect(canonical('mac_address', 'A3-0F-84-DF-6A-8F')).toBe('a30f84df6a8f');
  expect(canonical('credit_card', '4111 1111 1111 1111')).toBe('4111111111111111');
  expect(canonical('iban', 'gb82 west 1234 5698 7654 32')).toBe('GB82WEST12345698765432');
  expect(canonical('us_ssn', '536-22-1845')).toBe('536221845');
  expect(canonical('person_name', ' Jane   DOE ')).toBe('jane doe');
});

test('the check of a GitHub token', () => {
  // The check is made here with zlib, an independent CRC-32.
  const body = 'zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ';
  const letters = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let check = '';
  for (let rest = crc32(body); check.length < 6; rest = Math.floor(rest / 62)) check = letters[rest % 62] + check;
  expect(passesGithubCheck(`ghp_${body}${check}`)).toBe(true);
  expect(engine.scanText(`ghp_${body}${check}`)[0]?.confidence).toBe(1);
  expect(passesGithubCheck(`ghp_${body}${check.slice(0, 5)}_`)).toBe(false);
});
