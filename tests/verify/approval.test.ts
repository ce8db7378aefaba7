/** Approvals, offline: golden vectors, what is refused, and assertions of authenticators. */
import { createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createApproverKey, isLocked, openApproverKey } from '../../src/access/approver-key.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { systemRandom } from '../../src/core/random.ts';
import { sha256 } from '../../src/core/sha256.ts';
import {
  type Approval,
  approverIdOf,
  isApprovedBy,
  parseApproval,
  statementBytes,
  verifyApproval,
  verifyApprovalSignature,
} from '../../src/verify/approval.ts';
import { isOriginOf } from '../../src/verify/approval-webauthn.ts';
import { enrolmentBytes, verifyCard } from '../../src/verify/enrolment.ts';
import { digestRequest, requestIdOf, type RequestFacts } from '../../src/verify/request.ts';
import { type AuthenticatorOptions, createAuthenticator, origin, rpId } from './software-authenticator.ts';

interface Vectors {
  request: { facts: RequestFacts; digest: string; id: string };
  statement: string;
  approver: { seed: string; publicKey: string; id: string };
  approval: Approval;
  webauthn: Approval[];
}

const vectors = JSON.parse(readFileSync(new URL('../vectors/approval.json', import.meta.url), 'utf8')) as Vectors;
const { request, approval } = vectors;
const trust = { approvers: new Set([approval.approver]), request: request.id, digest: request.digest, decision: 'approve' as const };

describe('the bytes', () => {
  it('are those of the vectors', () => {
    expect(digestRequest(request.facts.action, request.facts.detail)).toBe(request.digest);
    expect(requestIdOf(request.facts)).toBe(request.id);
    expect(Buffer.from(statementBytes(approval)).toString()).toBe(vectors.statement);
    expect(approverIdOf('ed25519', vectors.approver.publicKey)).toBe(vectors.approver.id);
    const random = { bytes: () => new Uint8Array(Buffer.from(vectors.approver.seed, 'hex')) };
    const { key } = createApproverKey(random);
    expect([key.id, key.publicKey, key.sign(statementBytes(approval))]).toEqual([approval.approver, approval.publicKey, approval.signature]);
    expect(verifyApproval(approval, trust)).toEqual({ approval });
    for (const one of vectors.webauthn) expect(verifyApprovalSignature(one).approval).toEqual(one);
  });

  it('are signed as anybody can verify', () => {
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(approval.publicKey, 'base64')]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    expect(verify(null, Buffer.from(vectors.statement), key, Buffer.from(approval.signature, 'base64'))).toBe(true);
  });

  it('do not depend on the order of names', () => {
    const turned = Object.fromEntries(Object.entries(request.facts.detail).toReversed()) as JsonObject;
    expect(digestRequest(request.facts.action, turned)).toBe(request.digest);
  });

  it('commit the id to everything that was asked', () => {
    const others: Partial<RequestFacts>[] = [
      { action: 'token.reveal' },
      { detail: {} },
      { by: 'other' },
      { owner: 'person:other' },
      { purpose: 'other' },
      { reference: 'other' },
      { createdAt: '2026-11-22T12:00:00.001Z' },
      { expiresAt: '2027-11-22T12:00:00.000Z' },
      { nonce: '0'.repeat(32) },
    ];
    const ids = others.map((other) => requestIdOf({ ...request.facts, ...other }));
    expect(new Set([request.id, ...ids]).size).toBe(others.length + 1);
  });
});

describe('an approval', () => {
  it('is refused when any of it is another', () => {
    const refusals: [Partial<Approval>, string][] = [
      [{ request: `r_${'a'.repeat(26)}` }, 'approval_mismatch'],
      [{ digest: '0'.repeat(64) }, 'approval_mismatch'],
      [{ decision: 'deny' }, 'approval_mismatch'],
      [{ approver: `a_${'a'.repeat(26)}` }, 'approver_unknown'],
      [{ time: '2026-11-22T12:05:00.001Z' }, 'approval_signature'],
      [{ publicKey: Buffer.alloc(32, 7).toString('base64') }, 'approval_signature'],
      [{ signature: Buffer.alloc(64, 7).toString('base64') }, 'approval_signature'],
      [{ signature: approval.signature.slice(0, 84) }, 'approval_signature'],
    ];
    for (const [change, code] of refusals) {
      expect(() => verifyApproval({ ...approval, ...change }, trust), JSON.stringify(change)).toThrow(expect.objectContaining({ code }));
    }
    const bits = Buffer.from(approval.signature, 'base64');
    for (let at = 0; at < bits.length; at++) {
      const other = Buffer.from(bits);
      other[at] = (other[at] as number) ^ 0x10;
      expect(() => verifyApproval({ ...approval, signature: other.toString('base64') }, trust)).toThrow(
        expect.objectContaining({ code: 'approval_signature' }),
      );
    }
  });

  it.each([
    null,
    [],
    'text',
    {},
    { ...approval, kind: 'rsa' },
    { ...approval, decision: 'maybe' },
    { ...approval, time: '2026-11-22T12:05:00Z' },
    { ...approval, time: 'yesterday, I think so' },
    { ...approval, digest: 'A'.repeat(64) },
    { ...approval, request: 'r_' },
    { ...approval, signature: 1 },
    { ...approval, publicKey: '=' },
    { ...approval, more: true },
    { ...approval, assertion: {} },
    { ...approval, kind: 'webauthn-es256' },
    { ...approval, kind: 'webauthn-es256', assertion: { rpId: 'a', origin: 'https://b', authenticatorData: 'AA==', clientDataJSON: 'AA==' } },
  ])('is not read from %#', (value) => {
    expect(() => parseApproval(value as JsonObject)).toThrow(expect.objectContaining({ code: 'approval_syntax' }));
  });
});

describe.each(['webauthn-es256', 'webauthn-eddsa', 'webauthn-rs256'] as const)('an assertion, %s', (kind) => {
  const authenticator = createAuthenticator(kind);
  const statement = { request: request.id, digest: request.digest, decision: 'approve' as const, time: '2026-11-22T12:05:00.000Z' };
  const trusted = { ...trust, approvers: new Set([authenticator.id]) };
  const verified = (options?: AuthenticatorOptions): unknown => verifyApproval(authenticator.approve(statement, options), trusted).assertion;

  it('is verified, with its counter', () => {
    expect(verified({ counter: 7 })).toEqual({ rpId, origin, counter: 7 });
    // User present and verified, a passkey that is backed up; extensions, which are not ours to read.
    expect(verified({ flags: 0x1d, counter: 8 })).toMatchObject({ counter: 8 });
    expect(verified({ flags: 0x85, extensions: Uint8Array.of(0xa0), counter: 0xffffffff })).toMatchObject({ counter: 0xffffffff });
    expect(verifyCard(authenticator.card('2026-11-22T11:00:00.000Z')).card.id).toBe(authenticator.id);
  });

  it.each<[string, AuthenticatorOptions]>([
    ['of a registration', { client: { type: 'webauthn.create' } }],
    ['of another challenge', { client: { challenge: Buffer.alloc(32).toString('base64url') } }],
    [
      'whose challenge is padded',
      { client: { challenge: Buffer.from(sha256(statementBytes({ ...statement, approver: authenticator.id }))).toString('base64') } },
    ],
    ['of another page', { client: { origin: 'https://evil.example.net' } }],
    ['made in a frame', { client: { crossOrigin: true } }],
    ['made in a frame of another site', { client: { topOrigin: 'https://evil.example.net' } }],
    ['nobody touched', { flags: 0x04 }],
    ['nobody made sure who touched', { flags: 0x01 }],
    ['that is backed up and cannot be', { flags: 0x15 }],
    ['with data of a credential', { flags: 0x45 }],
    ['with extensions that it does not tell of', { extensions: Uint8Array.of(0xa0) }],
    ['that tells of extensions and has none', { flags: 0x85 }],
  ])('is refused: one %s', (_what, options) => {
    expect(() => verified(options)).toThrow(expect.objectContaining({ code: 'approval_signature' }));
  });

  it('is refused when it is another relying party, or its parts are not what was signed', () => {
    const good = authenticator.approve(statement);
    const { assertion } = good as { assertion: NonNullable<Approval['assertion']> };
    const other = Buffer.from(assertion.authenticatorData, 'base64');
    other[36] = (other[36] as number) ^ 1;
    const changes: Partial<typeof assertion>[] = [
      { rpId: 'example.com' },
      { origin: 'https://audit.example.com' },
      { authenticatorData: other.toString('base64') },
      { authenticatorData: other.subarray(0, 36).toString('base64') },
      { authenticatorData: 'AAA' },
      { clientDataJSON: Buffer.from('[]').toString('base64') },
      { clientDataJSON: Buffer.from('{"type":"webauthn.get","type":"webauthn.get"}').toString('base64') },
      { clientDataJSON: Buffer.from([0xff]).toString('base64') },
    ];
    for (const change of changes) {
      const bad = { ...good, assertion: { ...assertion, ...change } };
      expect(() => verifyApproval(bad, trusted), JSON.stringify(change)).toThrow(expect.objectContaining({ code: 'approval_signature' }));
    }
    const unsigned = { ...good, signature: createAuthenticator(kind).approve(statement).signature };
    expect(() => verifyApproval(unsigned, trusted)).toThrow(expect.objectContaining({ code: 'approval_signature' }));
  });

  it('says nothing about another decision or request', () => {
    const good = authenticator.approve(statement);
    expect(() => verifyApprovalSignature({ ...good, decision: 'deny' })).toThrow(expect.objectContaining({ code: 'approval_signature' }));
    expect(() => verifyApprovalSignature({ ...good, digest: '0'.repeat(64) })).toThrow(expect.objectContaining({ code: 'approval_signature' }));
  });
});

describe('a card', () => {
  const { key } = createApproverKey(systemRandom);
  const time = '2026-11-22T11:00:00.000Z';
  const card = { id: key.id, kind: key.kind, publicKey: key.publicKey, time, signature: key.sign(enrolmentBytes({ id: key.id, time })) };
  const browser = createAuthenticator('webauthn-eddsa').card(time);

  it('shows that who made it has the key', () => {
    expect(verifyCard(card)).toEqual({ card });
    expect(verifyCard(browser)).toMatchObject({ card: browser, assertion: { origin, rpId } });
    for (const bad of [
      { ...card, time: '2026-11-22T11:00:00.001Z' },
      { ...browser, time: '2026-11-22T11:00:00.001Z' },
    ])
      expect(() => verifyCard(bad)).toThrow(expect.objectContaining({ code: 'approval_signature' }));
  });

  it.each([
    undefined,
    [],
    {},
    { ...card, more: 1 },
    { ...card, kind: 'rsa' },
    { ...card, kind: 'webauthn-eddsa' },
    { ...card, kind: 'webauthn-rs256' },
    { ...card, id: 'a_' },
    { ...card, id: `a_${'a'.repeat(26)}` },
    { ...card, time: '2026-11-22T11:00:00Z' },
    { ...card, time: 1 },
    { ...card, publicKey: `${'A'.repeat(43)}=` },
    { ...card, publicKey: `${'/'.repeat(43)}=` },
    { ...card, signature: 'AAAA' },
    { ...browser, assertion: {} },
    { ...browser, assertion: { ...browser.assertion, rpId: 'example.org', origin: 'https://example.org' } },
    { ...browser, kind: 'webauthn-es256' },
  ])('is not read from %#', (value) => {
    expect(() => verifyCard(value as JsonObject)).toThrow(expect.objectContaining({ code: 'approver_card' }));
  });
});

it.each([
  ['ed25519', `${'A'.repeat(43)}=`], // a point of small order
  ['ed25519', `${'A'.repeat(42)}B=`], // not canonical base64
  ['webauthn-eddsa', `${'A'.repeat(43)}=`],
  ['webauthn-es256', `${'A'.repeat(87)}=`], // no point of the curve
  ['webauthn-rs256', `${'A'.repeat(342)}==`], // no modulus of 2,048 bits
  ['webauthn-rs256', `${'/'.repeat(341)}w==`], // another one
  ['webauthn-eddsa', `${'/'.repeat(341)}w==`], // a key of another kind
] as const)('a key of the kind %s that is none signs nothing: %s', (kind, publicKey) => {
  const made = kind === 'ed25519' ? approval : createAuthenticator(kind).approve(approval);
  const { signature } = made;
  const { assertion } = made;
  const bad = {
    ...approval,
    kind,
    publicKey,
    signature,
    approver: approverIdOf(kind, publicKey, assertion?.rpId),
    ...(assertion ? { assertion } : {}),
  };
  expect(() => verifyApprovalSignature(bad)).toThrow(expect.objectContaining({ code: 'approval_signature' }));
});

describe('approvals of a tombstone', () => {
  it('hold where one of them does', () => {
    const { id, digest } = request;
    const approvers = new Set([approval.approver]);
    expect(isApprovedBy({ id, digest, approvals: [null, {}, approval] }, approvers)).toBe(true);
    expect(isApprovedBy({ id, digest, approvals: [] }, approvers)).toBe(false);
    expect(isApprovedBy({ id, digest, approvals: [approval] }, new Set())).toBe(false);
    expect(isApprovedBy({ id, digest: '0'.repeat(64), approvals: [approval] }, approvers)).toBe(false);
  });
});

describe('pages that may use a credential', () => {
  it.each([
    ['https://audit.example.com', 'audit.example.com', true],
    ['https://audit.example.com:8443', 'example.com', true],
    ['http://localhost:7420', 'localhost', true],
    ['http://audit.example.com', 'audit.example.com', false],
    ['https://audit.example.com.evil.net', 'audit.example.com', false],
    ['https://notaudit.example.com', 'audit.example.com', false],
    ['https://audit.example.com/', 'audit.example.com', false],
    ['https://', '', false],
  ])('%s for %s: %s', (page, party, may) => {
    expect(isOriginOf(page, party)).toBe(may);
  });
});

describe('the file of an approver key', () => {
  it('opens as what it was made, with its passphrase where it has one', () => {
    const { text, key } = createApproverKey(systemRandom);
    expect(openApproverKey(text)).toMatchObject({ id: key.id, publicKey: key.publicKey });
    expect(isLocked(text)).toBe(false);
    const locked = createApproverKey(systemRandom, 'correct horse battery');
    expect(isLocked(locked.text)).toBe(true);
    const message = systemRandom.bytes(20);
    expect(openApproverKey(locked.text, 'correct horse battery').sign(message)).toBe(locked.key.sign(message));
    for (const passphrase of [undefined, '', 'correct horse batterz'])
      expect(() => openApproverKey(locked.text, passphrase)).toThrow(expect.objectContaining({ code: 'passphrase' }));
    expect(() => createApproverKey(systemRandom, 'too short')).toThrow(expect.objectContaining({ code: 'passphrase' }));
  });

  it('is refused when it is not whole', () => {
    const file = JSON.parse(createApproverKey(systemRandom).text) as JsonObject;
    const other = JSON.parse(createApproverKey(systemRandom).text) as JsonObject;
    const locked = { kdf: 'scrypt', n: 131_072, r: 8, p: 1, salt: 'AAAAAAAAAAAAAAAAAAAAAA==', nonce: 'AAAAAAAAAAAAAAAA', sealed: 'AAAA' };
    const { seed: _seed, ...rest } = file;
    for (const bad of [
      { ...file, id: other['id'] as string },
      { ...file, seed: other['seed'] as string },
      { ...file, seed: 'AAAA' },
      { ...file, kind: 'webauthn-es256' },
      rest,
      { ...rest, locked },
      { ...rest, locked: { ...locked, n: 2 ** 30 } },
      { ...rest, locked: { ...locked, n: 3 } },
      { ...rest, locked: { ...locked, r: 1.5 } },
      { ...rest, locked: { ...locked, p: 'x' } },
      { ...rest, locked: 'x' },
    ])
      expect(() => openApproverKey(JSON.stringify(bad), 'correct horse battery')).toThrow(expect.objectContaining({ code: 'approver_key_syntax' }));
    for (const text of ['', '{}', '[1]', '{"veiltrail":"x"}'])
      expect(() => openApproverKey(text)).toThrow(expect.objectContaining({ code: 'approver_key_syntax' }));
    expect(() => openApproverKey(JSON.stringify({ ...file, version: 2 }))).toThrow(expect.objectContaining({ code: 'newer_format' }));
  });
});
