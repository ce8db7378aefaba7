import { expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { isPublicAddress } from '../../src/forward/guarded-lookup.ts';
import { parseForwarderSetting } from '../../src/forward/setting.ts';
import { readForwardConfig } from '../../src/server/forward-config.ts';

const http = { kind: 'http', url: 'https://siem.example.com/in' };
const syslog = { kind: 'syslog', host: 'logs.example.com' };
const pem = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n';

test('defaults are filled in, so that whoever approves sees them', () => {
  expect(parseForwarderSetting({ name: 'siem', logs: ['default', '_system'], destination: http })).toEqual({
    name: 'siem',
    logs: ['_system', 'default'],
    query: '',
    format: 'ndjson',
    destination: { ...http, gzip: false, batchRecords: 500, batchBytes: 524_288, waitMs: 200, timeoutMs: 30_000, private: false },
  });
  expect(parseForwarderSetting({ name: 's', destination: syslog }).destination).toEqual({
    ...syslog,
    port: 6514,
    tls: true,
    facility: 13,
    waitMs: 200,
    timeoutMs: 30_000,
    private: false,
  });
  // What was read is read again as the same.
  const read = parseForwarderSetting({
    name: 'a',
    from: 'start',
    query: 'action:x',
    format: 'cloudevents',
    destination: { ...http, ca: pem, secret: 's', header: 'X-Key' },
  });
  expect(parseForwarderSetting(read)).toEqual(read);
});

const destination = (more: JsonObject): JsonObject => ({ name: 'a', destination: more });
test.each<[string, JsonObject]>([
  ['a name with a slash', { name: 'a/b', destination: http }],
  ['no name', { destination: http }],
  ['an unknown member', { name: 'a', destination: http, more: 1 }],
  ['no logs', { name: 'a', logs: [], destination: http }],
  ['a log twice', { name: 'a', logs: ['default', 'default'], destination: http }],
  ['a log that is a path', { name: 'a', logs: ['../x'], destination: http }],
  ['a format that is none', { name: 'a', format: 'ocsf', destination: http }],
  ['a beginning that is none', { name: 'a', from: 'leaf 7', destination: http }],
  ['no destination', { name: 'a' }],
  ['a destination of no kind', destination({ kind: 'ftp' })],
  ['http without TLS', destination({ ...http, url: 'http://siem.example.com/' })],
  ['a password in the URL', destination({ ...http, url: 'https://u:p@siem.example.com/' })],
  ['a secret in the query', destination({ ...http, url: 'https://siem.example.com/?token=1' })],
  ['a URL of a file', destination({ ...http, url: 'file:///etc/passwd' })],
  ['this machine', destination({ ...http, url: 'https://127.0.0.1/' })],
  ['this machine in IPv6', destination({ ...http, url: 'https://[::1]/' })],
  ['this machine, mapped', destination({ ...http, url: 'https://[::ffff:7f00:1]/' })],
  ['this machine as a number', destination({ ...http, url: 'https://2130706433/' })],
  ['a cloud’s metadata', destination({ ...http, url: 'https://169.254.169.254/' })],
  ['a private network', destination({ ...syslog, host: '10.0.0.7' })],
  ['plain HTTP to the internet', destination({ ...http, url: 'http://8.8.8.8/', private: true })],
  ['plain HTTP to the internet by NAT64', destination({ ...http, url: 'http://[64:ff9b::808:808]/', private: true })],
  ['plain TCP to the internet', destination({ ...syslog, host: '8.8.8.8', tls: false, private: true })],
  ['syslog without TLS', destination({ ...syslog, tls: false })],
  ['a header without a secret', destination({ ...http, header: 'X-Key' })],
  ['a header that HTTP needs', destination({ ...http, secret: 's', header: 'Content-Length' })],
  ['a header of two lines', destination({ ...http, secret: 's', header: 'X\r\nY' })],
  ['a key in the place of a certificate', destination({ ...http, ca: `${pem}-----BEGIN PRIVATE KEY-----` })],
  ['a port that is none', destination({ ...syslog, port: 0 })],
  ['a batch without records', destination({ ...http, batchRecords: 0 })],
  ['a wait of half a millisecond', destination({ ...http, waitMs: 0.5 })],
  ['a file elsewhere', destination({ kind: 'file', file: '../records.db' })],
  ['a hidden file', destination({ kind: 'file', file: '.ssh' })],
  ['a member of another kind', destination({ kind: 'file', file: 'a', url: 'https://siem.example.com/' })],
])('%s is refused', (_what, value) => {
  expect(() => parseForwarderSetting(value)).toThrow(expect.objectContaining({ code: 'forwarder_invalid' }));
});

test('a query that cannot be read is refused, and never repeated', () => {
  expect(() => parseForwarderSetting({ name: 'a', query: '(jane', destination: http })).toThrow(expect.objectContaining({ code: 'query_syntax' }));
});

test('private addresses can be meant, and are the only ones that need no TLS', () => {
  const parsed = parseForwarderSetting({ name: 'a', destination: { ...http, url: 'http://127.0.0.1:9200/', private: true } });
  expect(parsed.destination).toMatchObject({ url: 'http://127.0.0.1:9200/', private: true });
  expect(parseForwarderSetting({ name: 'a', destination: { ...syslog, host: '10.0.0.7', tls: false, private: true } }).destination).toMatchObject({
    port: 601,
  });
});

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '::1',
  '::',
  'fe80::1',
  'fd00::1',
  '::ffff:10.0.0.1',
  '64:ff9b::7f00:1',
  'localhost',
])('%s is no public address', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946', '::ffff:93.184.216.34'])('%s is a public address', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test('the configuration names secrets by where they are', () => {
  expect(readForwardConfig({ secrets: { a: { file: '/x' }, b: { env: 'B' } }, directory: '/var/log/out' })).toEqual({
    secrets: { a: { file: '/x' }, b: { env: 'B' } },
    directory: '/var/log/out',
  });
  for (const wrong of [
    [],
    { more: 1 },
    { directory: 'here' },
    { secrets: { a: 'b' } },
    { secrets: { a: { file: 'x', env: 'y' } } },
    { secrets: { A: { file: 'x' } } },
    { secrets: { a: { url: 'x' } } },
  ])
    expect(() => readForwardConfig(wrong)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
});
