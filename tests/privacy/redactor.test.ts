import { Writable } from 'node:stream';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { createRedactor, parsePolicy, pinoRedactor, redactLines, type RedactLinesOptions } from '../../src/privacy/index.ts';

const key = { version: 3, key: new Uint8Array(32).fill(7) };
const hash = /^hash_v3_[\w-]{27}$/;

describe('createRedactor', () => {
  it('takes personal data out of a copy', () => {
    const event = { user: { name: 'Jane Doe', email: 'Jane.Doe@acme-corp.com' }, message: 'Jane Doe (jane.doe@acme-corp.com) logged in', n: 12 };
    const before = structuredClone(event);
    const after = createRedactor({ key }).redact(event) as typeof event;
    expect(event).toEqual(before);
    expect(after.user.name).toMatch(hash);
    expect(after.user.email).toMatch(hash);
    expect(after.message).toBe(`${after.user.name} (${after.user.email}) logged in`);
    expect(after.n).toBe(12);
  });

  it('hashes alike under one key, and otherwise not', () => {
    const email = 'jane@acme-corp.com';
    expect(createRedactor({ key }).redact(email)).toBe(createRedactor({ key: [key] }).redact(email.toUpperCase()));
    expect(createRedactor().redact(email)).not.toBe(createRedactor().redact(email));
  });

  it('takes any value that has JSON', () => {
    const { redact } = createRedactor();
    expect([redact(5), redact(null), redact(undefined), redact(() => 1), redact(new Date(0)), redact([true, 'ok'])]).toEqual([
      5,
      null,
      null,
      null,
      '1970-01-01T00:00:00.000Z',
      [true, 'ok'],
    ]);
    expect(redact(new Map([['a', 'jane@acme-corp.com']]))).toEqual({});
    expect(redact({ toJSON: () => ({ email: 'jane@acme-corp.com' }) })).toEqual({ email: expect.stringMatching(/^hash_v1_/) as string });
  });

  it('reads a text of JSON as such, and leaves alone what needs no change', () => {
    const { redactText } = createRedactor({ key });
    expect(redactText('{"ssn": 123456789, "a": 1.0}')).toMatch(/^\{"ssn":"\[US_SSN\]","a":1\}$/);
    expect(redactText('  {"a": 1.0,  "b": [ ]}')).toBe('  {"a": 1.0,  "b": [ ]}');
    // The first of two members of one name is hidden from whoever parses carelessly.
    expect(redactText('{"a":"jane@acme-corp.com","a":"ok"}')).not.toContain('jane');
  });

  it('follows a policy, its logs and a place for tokens of its own', () => {
    const policy = 'version: 1\nname: p\nfields: []\nkinds:\n  email: tokenize\nlogs:\n  app:\n    kinds:\n      email: drop\n';
    expect(createRedactor({ policy, token: ({ kind, canonical }) => `<${kind} ${canonical.length}>` }).redactText('to jane@acme-corp.com')).toBe(
      'to <email 18>',
    );
    expect(createRedactor({ policy: parsePolicy(policy), log: 'app' }).redactText('to jane@acme-corp.com!')).toBe('to !');
  });

  it('refuses weak keys', () => {
    expect(() => createRedactor({ key: [] })).toThrow('32 bytes');
    expect(() => createRedactor({ key: { version: 1, key: new Uint8Array(16) } })).toThrow('32 bytes');
  });
});

/** What comes out of the stream when `text` goes in, cut into pieces of `size` bytes. */
async function throughStream(bytes: Uint8Array, size: number, options: RedactLinesOptions): Promise<string> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.slice(i * size, (i + 1) * size));
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces.shift();
      if (!piece) return controller.close();
      controller.enqueue(piece);
      // Whoever sends a chunk may write over it.
      queueMicrotask(() => undefined);
    },
  });
  let out = '';
  for await (const chunk of source.pipeThrough(redactLines(options))) out += Buffer.from(chunk).toString();
  return out;
}

describe('redactLines', () => {
  const lines = [
    '{"email":"jörg@acme-corp.com"}',
    '',
    'plain text to jane@acme-corp.com\r',
    '{"a": 1}',
    '{broken jane@acme-corp.com',
    'no end jane@acme-corp.com',
  ];

  it('gives the same wherever the bytes are cut', async () => {
    const bytes = Buffer.from(lines.join('\n'));
    const whole = await throughStream(bytes, bytes.length, { key });
    expect(whole.split('\n')).toHaveLength(lines.length);
    expect(whole).not.toMatch(/jane|jörg/);
    expect(whole).toContain('{"a": 1}');
    for (const size of [1, 2, 3, 7, 16, 40]) expect(await throughStream(bytes, size, { key })).toBe(whole);
  });

  it('does not hold a line that is too long, and goes on behind it', async () => {
    const bytes = Buffer.from(`jane@acme-corp.com ${'x'.repeat(500)}\n{"ok":1}\n`);
    for (const size of [1, 64, 1000])
      expect(await throughStream(bytes, size, { lineBytesMax: 100 })).toBe('{"redacted":"a line of 519 bytes"}\n{"ok":1}\n');
    expect(await throughStream(Buffer.from('x'.repeat(101)), 10, { lineBytesMax: 100 })).toBe('{"redacted":"a line of 101 bytes"}');
    expect(await throughStream(Buffer.from('x'.repeat(100)), 10, { lineBytesMax: 100 })).toBe('x'.repeat(100));
  });

  it('does not pass a line on that could not be anonymised', async () => {
    const token = (): string => {
      throw new Error('jane@acme-corp.com');
    };
    expect(await throughStream(Buffer.from('to jane@acme-corp.com\nok\n'), 9, { token })).toBe(
      '{"redacted":"a line that could not be anonymised"}\nok\n',
    );
  });
});

describe('pinoRedactor', () => {
  it('anonymises everything that a real logger writes', () => {
    let written = '';
    const sink = new Writable({
      write(chunk: Buffer, _, done) {
        written += chunk.toString();
        done();
      },
    });
    const logger = pino({ ...pinoRedactor({ key }), mixin: () => ({ by: 'jane@acme-corp.com' }) }, sink);
    logger
      .child({ customer: { name: 'Jane Doe', phone: '+1 415 555 2671' } })
      .error({ err: new Error('no mailbox jane@acme-corp.com') }, 'Jane Doe was refused');
    logger.info({ 'jane@acme-corp.com': 1, port: 8080 }, 'listening');
    const entries = written
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(entries).toHaveLength(2);
    expect(written).not.toMatch(/jane|doe|555/i);
    expect(entries[0]).toMatchObject({
      level: 50,
      by: expect.stringMatching(hash) as string,
      msg: expect.stringMatching(/^hash_v3_\S+ was refused$/) as string,
    });
    expect(entries[1]).toMatchObject({ level: 30, port: 8080, msg: 'listening', pid: process.pid });
  });

  it('writes lines that are no JSON, and lines without an end', () => {
    const { streamWrite } = pinoRedactor({ key }).hooks;
    expect(streamWrite('INFO jane@acme-corp.com\n')).toMatch(/^INFO hash_v3_\S{27}\n$/);
    expect(streamWrite('ok')).toBe('ok');
  });
});
