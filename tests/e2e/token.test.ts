/** Tokens on the command line: revealed with reasons, checked without a server, found by value from standard input; secrets are rotated. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { launch, run, temporaryDirectory } from './product.ts';

const timeout = 300_000;
const event = `${JSON.stringify({ action: 'login', actor: { type: 'user', id: 'u-1', email: 'Jane@Example.com' } })}\n`;

test(
  'on a data directory',
  async () => {
    const dir = temporaryDirectory();
    const data = join(dir, 'data');
    const at = ['--data', data];
    expect((await run(['ingest', '-', ...at], { input: event })).code).toBe(0);
    const search = await run(['search', 'email:"jane@example.com"', '--json', ...at]);
    const token = /tok_[\w-]{27}/.exec(search.out)?.[0] as string;
    expect([search.code, search.out.split('\n').length]).toEqual([0, 2]);
    const fromInput = await run(['search', '-', '--json', ...at], { input: 'email:"JANE@example.com"\n' });
    expect(fromInput.out).toBe(search.out);
    const refused = await run(['token', 'reveal', token, ...at, '--reference', 'CASE-17']);
    expect([refused.code, refused.out]).toEqual([2, '']);
    expect(refused.err).toContain('purpose_needed');
    const revealed = await run(['token', 'reveal', token, '--json', '--purpose', 'fraud inquiry', '--reference', 'CASE-17', ...at]);
    expect(JSON.parse(revealed.out)).toMatchObject({ token, kind: 'email', value: 'Jane@Example.com' });
    expect(revealed.err.toLowerCase()).not.toContain('jane@');
    const opening = join(dir, 'opening.json');
    writeFileSync(opening, revealed.out);
    expect(await run(['token', 'check', opening])).toMatchObject({ code: 0, out: expect.stringContaining(token) as string });
    for (const [from, to] of [
      ['jane@', 'jame@'],
      ['Jane@', 'Jame@'],
      ['"kind":"email"', '"kind":"phone"'],
    ] as const) {
      const forged = await run(['token', 'check', '-'], { input: revealed.out.replaceAll(from, to) });
      expect([forged.code, forged.err.includes('opening_mismatch')], from).toEqual([1, true]);
    }
    const found = await run(['token', 'find', '--kind', 'email', '-', '--json', ...at], { input: 'jane@example.com\n' });
    expect(JSON.parse(found.out)).toMatchObject({ kind: 'email', tokens: [{ token, scope: 'installation' }] });
    expect((await run(['token', 'find', '--kind', 'email', 'jane@example.com', ...at])).code).toBe(2);
    expect((await run(['key', 'rotate', 'lookup', ...at])).code).toBe(0);
    expect((await run(['key', 'rotate', 'index', ...at])).code).toBe(2);
    const keys = await run(['key', 'list', '--json', ...at]);
    expect(keys.out).toContain('{"secret":"lookup","version":2,"state":"newest"}');
    expect(keys.out).not.toContain('"lookup","version":1');
    const secret = readFileSync(join(data, 'keys', 'lookup.v2.secret'), 'utf8')
      .split('+')
      .at(-1)
      ?.trim() as string;
    expect(keys.out + keys.err).not.toContain(secret);
    expect((await run(['ingest', '-', ...at], { input: event.replace('login', 'logout') })).code).toBe(0);
    expect((await run(['search', `"${token}"`, '--json', ...at])).out.trim().split('\n')).toHaveLength(2);
    const file = join(dir, 'raw.ndjson');
    const why = ['--purpose', 'court order', '--reference', 'Az-12-26'];
    const exported = await run(['export', '--raw', '-', ...why, '--out', file, '--json', ...at], { input: 'email:jane@example.com\n' });
    expect([exported.code, JSON.parse(exported.out)]).toMatchObject([0, { events: 2, values: 2, complete: true, file }]);
    expect(readFileSync(file, 'utf8')).toContain('"email":"Jane@Example.com"');
    expect((await run(['export', '--raw', ...why, '--out', file, ...at])).err).toContain('is there already');
    const vkey = readFileSync(join(data, 'keys', 'default.vkey'), 'utf8').trim();
    const verified = await run(['verify', file, '--vkey', vkey]);
    expect([verified.code, verified.out]).toEqual([0, expect.stringContaining('2 values') as string]);
    writeFileSync(file, readFileSync(file, 'utf8').replace('Jane@Example.com', 'Eve@Example.com'));
    expect((await run(['verify', file, '--vkey', vkey, '--json'])).out).toContain('raw_export_mismatch');
    expect((await run(['verify', data])).code).toBe(0);
  },
  timeout,
);

test(
  'over a URL, where a directory is somebody else’s',
  async () => {
    const data = join(temporaryDirectory(), 'data');
    expect((await run(['ingest', '-', '--data', data], { input: event })).code).toBe(0);
    const made = await run(['key', 'create', '--role', 'investigator', '--data', data]);
    const server = launch(data);
    const url = await server.answering;
    const at = ['--url', url, '--key', made.out.trim()];
    const busy = await run(['search', 'email:jane@example.com', '--data', data]);
    expect([busy.code, busy.err.includes('data_dir_in_use')]).toEqual([3, true]);
    const search = await run(['search', 'email:jane@example.com', '--json', ...at]);
    const token = /tok_[\w-]{27}/.exec(search.out)?.[0] as string;
    const revealed = await run(['token', 'reveal', token, '--purpose', 'fraud inquiry', '--reference', 'CASE-17', ...at]);
    expect([revealed.code, revealed.out]).toEqual([0, 'Jane@Example.com\n']);
    expect(server.said()).toMatch(/alert .*revealed 1 token \(email\)/);
    expect(server.said().toLowerCase()).not.toContain('jane@');
    expect((await run(['token', 'stops', ...at])).code).toBe(3);
    const reader = ['--url', url, '--key', `@${join(data, 'keys', 'reader.key')}`];
    const unable = await run(['search', 'email:jane@example.com', ...reader]);
    expect([unable.code, unable.err]).toEqual([0, expect.stringMatching(/email: a real value, .*token\.search: investigator/) as string]);
    await server.end('SIGTERM');
  },
  timeout,
);
