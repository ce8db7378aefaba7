/** RFC 3161 time stamps, made by openssl: what is accepted, and every way in which one is not what it says. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAnchor, formatAnchor, type Anchored } from '../../src/anchor/anchor.ts';
import { formatTimeStampRequest, readTimeStampResponse, verifyTimeStamp } from '../../src/anchor/time-stamp.ts';
import { createTimeStampTarget } from '../../src/anchor/time-stamp-anchor.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { systemRandom } from '../../src/core/random.ts';
import { sha256 } from '../../src/core/sha256.ts';
import { verifyTimeStampToken } from '../../src/verify/time-stamp/index.ts';
import { childrenOf, type Der, readDer, tags } from '../../src/verify/time-stamp/der.ts';
import { der } from '../verify/der-builder.ts';
import { hasOpenssl, startTimeStampAuthority, type TimeStampAuthority } from './time-stamp-authority.ts';
import { refusalOf } from '../log/refusal.ts';

const checkpoint = 'example.com/log\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— example.com/log AAAA\n';
const message = utf8(checkpoint);
const anchored: Anchored = { log: 'log', origin: 'example.com/log', treeSize: 42, checkpoint };

describe.skipIf(!hasOpenssl())('time stamps (needs openssl)', () => {
  let authority: TimeStampAuthority;
  let other: TimeStampAuthority;
  let token: Uint8Array;
  const nonce = Uint8Array.from([0x80, 1, 2, 3, 4, 5, 6, 7]);
  beforeAll(async () => {
    authority = await startTimeStampAuthority();
    other = await startTimeStampAuthority();
    token = readTimeStampResponse(authority.reply(formatTimeStampRequest(sha256(message), nonce)));
  });
  afterAll(async () => {
    await authority.close();
    await other.close();
  });

  test('one is made, kept and verified without asking anybody', async () => {
    const target = createTimeStampTarget({ name: 'tsa', everyMs: 1, url: authority.url, trusted: authority.trusted }, systemRandom);
    const proof = await target.put(anchored);
    expect(proof).toMatchObject({ authority: 'Test time stamps tsa' });
    const anchor = parseAnchor(formatAnchor({ ...anchored, kind: 'rfc3161', target: 'tsa', madeAt: '2026-01-01T00:00:00.000Z', proof }));
    const checked = await target.check(anchor);
    expect(checked).toMatchObject({ ok: true });
    expect(Math.abs(Date.parse(checked.provedAt as string) - Date.now())).toBeLessThan(60_000);
    expect(await target.check({ ...anchor, checkpoint: checkpoint.replace('42', '43') })).toMatchObject({
      ok: false,
      detail: expect.stringContaining('something else'),
    });
  });

  test('the nonce is the one that was asked with', () => {
    expect(verifyTimeStamp(token, { message, nonce, trusted: authority.trusted }).authority).toBe('Test time stamps tsa');
    expect(refusalOf(() => verifyTimeStamp(token, { message, nonce: Uint8Array.of(1), trusted: authority.trusted }))).toBe('time_stamp_nonce');
  });

  test('whoever is not trusted says nothing', () => {
    for (const trusted of [other.trusted, '']) expect(refusalOf(() => verifyTimeStamp(token, { message, trusted }))).toBe('time_stamp_untrusted');
  });

  test('a changed byte anywhere is found', () => {
    for (let i = 0; i < token.length; i++) {
      const bent = Uint8Array.from(token);
      bent[i] = (bent[i] as number) ^ (1 << (i % 8));
      expect(
        refusalOf(() => verifyTimeStamp(bent, { message, nonce, trusted: authority.trusted })),
        `byte ${i}`,
      ).toMatch(/^time_stamp_/);
    }
  });

  test('what is cut short, longer or no DER is refused', () => {
    for (const bent of [token.subarray(0, -1), Uint8Array.from([...token, 0]), new Uint8Array(0), utf8('hello')]) {
      expect(refusalOf(() => verifyTimeStamp(bent, { message, trusted: authority.trusted }))).toMatch(/^time_stamp_/);
    }
    expect(() => readTimeStampResponse(Uint8Array.of(0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02))).toThrow(
      expect.objectContaining({ code: 'time_stamp_refused' }),
    );
    expect(() => readTimeStampResponse(utf8('no'))).toThrow(expect.objectContaining({ code: 'time_stamp_syntax' }));
  });

  test('a signer that may do more than make time stamps is none', () => {
    expect(() => verifyTimeStamp(authority.resign(token), { message, trusted: authority.trusted })).toThrow(
      expect.objectContaining({ code: 'time_stamp_untrusted', message: expect.stringContaining('may not make time stamps') }),
    );
  });

  test('openssl reads our request, and verifies what we keep', () => {
    const request = authority.file('request', formatTimeStampRequest(sha256(message), nonce));
    const text = authority.openssl('ts', '-query', '-in', request, '-text').toString();
    expect(text).toMatch(/Hash Algorithm: sha256[^]*Certificate required: yes/);
    const said = authority.openssl(
      'ts',
      '-verify',
      '-data',
      authority.file('message', message),
      '-token_in',
      '-in',
      authority.file('kept', token),
      '-CAfile',
      'root.pem',
    );
    expect(said.toString()).toContain('Verification: OK');
  });

  test('an authority that is away, or answers with something else, is said so', async () => {
    const dead = createTimeStampTarget(
      { name: 'tsa', everyMs: 1, url: 'http://127.0.0.1:9/', trusted: authority.trusted, timeoutMs: 2_000 },
      systemRandom,
    );
    await expect(dead.put(anchored)).rejects.toMatchObject({ code: 'anchor_failed' });
    const stranger = createTimeStampTarget({ name: 'tsa', everyMs: 1, url: other.url, trusted: authority.trusted }, systemRandom);
    await expect(stranger.put(anchored)).rejects.toMatchObject({ code: 'anchor_failed', message: expect.stringContaining('not vouched for') });
  });

  test('one that evidence could not be verified with is not kept', async () => {
    const granted = der(tags.sequence, der(tags.integer, Uint8Array.of(0)));
    const indefinite = (of: Uint8Array, tag: number): Uint8Array => Uint8Array.from([tag, 0x80, ...of, 0, 0]);
    let bend = (answer: Uint8Array): Uint8Array => answer;
    const server = createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const answer = der(tags.sequence, granted, bend(readTimeStampResponse(authority.reply(Buffer.concat(pieces)))));
        response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const target = createTimeStampTarget({ name: 'tsa', everyMs: 1, url, trusted: authority.trusted }, systemRandom);
      const { token: good } = await target.put(anchored);
      expect(verifyTimeStampToken(Buffer.from(good as string, 'base64'), message, [authority.trusted]).isTrusted).toBe(true);
      // The same, with a length that is not said (BER), and a digest's algorithm too many.
      const sha512 = Uint8Array.of(0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3);
      for (const change of [
        (version: Uint8Array, algorithms: Uint8Array, rest: Uint8Array[]) => indefinite(Buffer.concat([version, algorithms, ...rest]), tags.sequence),
        (version: Uint8Array, algorithms: Uint8Array, rest: Uint8Array[]) =>
          der(tags.sequence, version, der(tags.set, readDer(algorithms).content, sha512), ...rest),
      ]) {
        bend = (answer) => {
          const [oid, content] = childrenOf(readDer(answer), tags.sequence) as [Der, Der];
          const [version, algorithms, ...rest] = childrenOf(readDer(content.content), tags.sequence).map(({ bytes }) => bytes);
          return der(tags.sequence, oid.bytes, der(content.tag, change(version as Uint8Array, algorithms as Uint8Array, rest)));
        };
        await expect(target.put(anchored)).rejects.toMatchObject({
          code: 'anchor_failed',
          message: expect.stringContaining('of a form that nobody could verify in evidence'),
        });
      }
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
