/** Evidence: what a stranger can check, and every way of changing it. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeBase64, encodeBase64 } from '../../src/core/base64.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { createCosigner, createNoteSigner, formatEntry, parseWitnessPolicy, signCheckpoint, signNote } from '../../src/log/index.ts';
import {
  type Evidence,
  type EvidenceOptions,
  type EvidenceReport,
  formatEvidence,
  formatKeptAnchor,
  verifyEvidence,
} from '../../src/verify/index.ts';
import { refusalOf } from '../log/refusal.ts';
import { importPortable } from '../log/portable.ts';
import { hasOpenssl } from '../anchor/time-stamp-authority.ts';
import { rawTransaction } from './arweave-transaction.ts';
import { authorityExtensions, createTimeStampAuthorities, stampExtensions, type TimeStampAuthorities } from './time-stamp-authorities.ts';
import { readDer } from '../../src/verify/time-stamp/der.ts';
import { all, checkpointOf, cosigned, eventOf, origin, otherSigner, records, sampleEvidence, signer, witness } from './sample-evidence.ts';

const pinned = { vkeys: [signer.vkey], witnesses: [witness.vkey] };
const codes = ({ problems }: EvidenceReport): string[] => problems.map(({ code }) => code);
const places = ({ problems }: EvidenceReport): string[] => problems.map(({ where }) => where);

describe('as exported', () => {
  const { text } = sampleEvidence();

  test('is all well, from text and from bytes', () => {
    for (const file of [text, utf8(text)]) {
      const report = verifyEvidence(file, pinned);
      expect(report.problems).toEqual([]);
      expect(report.ok).toBe(true);
      expect(report.firstBadLeaf).toBeNull();
      expect(report.events.map(({ leafIndex, status, fields }) => [leafIndex, status, fields !== undefined])).toEqual([
        [2, 'proven', true],
        [3, 'proven', false],
        [4, 'proven', true],
        [5, 'proven', true],
        [6, 'proven', false],
      ]);
    }
  });

  test('says what is shown and what is kept back', () => {
    const { events } = verifyEvidence(text, pinned);
    const login = Object.fromEntries((events[0]?.fields ?? []).map(({ pointer, value }) => [pointer, value]));
    expect(login).toEqual({
      '/action': 'user.login',
      '/actor/id': 'tok_2',
      '/actor/roles': ['admin'],
      '/count': 2,
      '/message': records[2]?.['message'],
    });
    expect(events[3]?.fields).toEqual([
      { pointer: '/action', value: 'object.read' },
      { pointer: '/actor/id' },
      { pointer: '/actor/roles' },
      { pointer: '/count' },
      { pointer: '/message' },
    ]);
  });

  test('says who signed, who cosigned, what else was proved, and what was not', () => {
    const report = verifyEvidence(text, pinned);
    expect(report.signers).toEqual([{ vkey: signer.vkey, fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string, pinned: true }]);
    expect(report.witnesses).toEqual([{ name: 'witness.example', timeSeconds: 1_700_000_000, pinned: true }]);
    expect(report.anchors.map(({ kind, status }) => [kind, status])).toEqual([
      ['consistency', 'proved'],
      ['something-new', 'unknown'],
    ]);
    expect(report.proved.join('\n')).toMatch(/3 events shown here are in that log[^]*3 shown, 2 hidden/);
    expect(report.notProved.join('\n')).toMatch(/no hidden event matches the query/);
    const strange = verifyEvidence(text);
    expect(strange.ok).toBe(true);
    expect(strange.signers[0]?.pinned).toBe(false);
    expect(strange.notProved.join('\n')).toMatch(/Compare its fingerprint/);
  });

  test('is JSON, one line a part, and stands in a script element as it is', () => {
    expect(JSON.parse(text)).toMatchObject({ format: 'veiltrail.evidence/v1', export: { audience: 'Example Court, case 12' } });
    expect(text).not.toContain('<');
    expect(text.split('\n')).toHaveLength(9 + 5 + 1 + 2 + 1);
  });

  test('single events, several ranges, the whole log', () => {
    for (const ranges of [
      [{ start: 8, end: 9 }],
      [{ start: 0, end: 9 }],
      [
        { start: 0, end: 1 },
        { start: 3, end: 5 },
        { start: 7, end: 8 },
      ],
    ]) {
      const report = verifyEvidence(sampleEvidence({ ranges }).text, pinned);
      expect(report.problems).toEqual([]);
      expect(report.events.every(({ status }) => status === 'proven')).toBe(true);
    }
  });

  test('without witnesses it says so', () => {
    const plain = sampleEvidence({ change: (evidence) => ({ ...evidence, checkpoint: checkpointOf(9), anchors: [] }) });
    const report = verifyEvidence(plain.text, pinned);
    expect(report.ok).toBe(true);
    expect(report.notProved.join('\n')).toMatch(/no witness cosigned/);
  });

  test('with the quorum that the reader demands, or without', () => {
    const stranger = createCosigner('stranger.example', new Uint8Array(32).fill(9));
    const demand = (threshold: number): EvidenceReport => {
      const keys = `witness one ${witness.vkey}\nwitness two ${stranger.vkey}\n`;
      return verifyEvidence(sampleEvidence().text, { witnessPolicy: parseWitnessPolicy(`${keys}group g ${threshold} one two\nquorum g\n`) });
    };
    expect(demand(1)).toMatchObject({ ok: true, witnesses: [{ pinned: true }] });
    expect(demand(1).proved).toContain('The checkpoint has the quorum g of the witnesses that you demand.');
    expect(demand(2)).toMatchObject({ ok: false, problems: [{ code: 'quorum_missing', message: expect.stringContaining('only one') }] });
  });

  test('where a browser runs it, too', async () => {
    const portable = await importPortable(() => import('../../src/verify/index.ts'));
    expect(portable.verifyEvidence).not.toBe(verifyEvidence);
    expect(portable.verifyEvidence(text, pinned)).toEqual(verifyEvidence(text, pinned));
  });
});

describe('who it is for, and whose', () => {
  const { text } = sampleEvidence();

  test('another audience', () => {
    expect(verifyEvidence(text, { ...pinned, audience: 'Example Court, case 12' }).ok).toBe(true);
    expect(codes(verifyEvidence(text, { ...pinned, audience: 'Other Court' }))).toEqual(['evidence_audience']);
  });

  test('another log’s key', () => {
    expect(codes(verifyEvidence(text, { vkeys: [otherSigner.vkey] }))).toContain('evidence_signer');
    expect(codes(verifyEvidence(text, { vkeys: [createNoteSigner('other', new Uint8Array(32)).vkey] }))).toContain('evidence_signer');
    expect(refusalOf(() => verifyEvidence(text, { vkeys: ['nonsense'] }))).toBe('vkey_syntax');
    expect(refusalOf(() => verifyEvidence(text, { vkeys: [signer.vkey], witnesses: [signer.vkey] }))).toBe('vkey_type');
  });

  test('a copy signed by somebody else', () => {
    const { text: forged } = sampleEvidence({ signers: [otherSigner] });
    expect(codes(verifyEvidence(forged, pinned))).toContain('evidence_signer');
    // Without a key to compare the file is of whom it says: here its checkpoint is still the log’s.
    expect(codes(verifyEvidence(forged))).toContain('note_unverified');
  });

  test('old and new key while one follows the other', () => {
    const both = sampleEvidence({ signers: [signer, otherSigner] }).text;
    expect(verifyEvidence(both, pinned).problems).toEqual([]);
    expect(verifyEvidence(both).problems).toEqual([]);
  });

  test('a checkpoint that the reader keeps', () => {
    const kept = (checkpoint: string): EvidenceReport => verifyEvidence(text, { ...pinned, checkpoint });
    expect(kept(checkpointOf(9)).proved.join('\n')).toMatch(/size 9 that you keep/);
    expect(kept(checkpointOf(4)).proved.join('\n')).toMatch(/size 4 that you keep/);
    expect(kept(checkpointOf(5)).notProved.join('\n')).toMatch(/size 5 that you keep: this file does not bring the proof/);
    const fork = signCheckpoint({ origin, treeSize: 9, root: new Uint8Array(32), extensions: [] }, [signer]);
    expect(codes(kept(fork))).toEqual(['history_forked']);
    const forked = cosigned(checkpointOf(9)).replace(/\n[A-Za-z0-9+/]{43}=\n/, '\n');
    expect(codes(kept(forked))).toEqual(['note_signature']);
  });
});

describe('an exporter who lies, and signs it', () => {
  const lie = (change: (evidence: Evidence) => Evidence): EvidenceReport => verifyEvidence(sampleEvidence({ change }).text, pinned);
  const withEvent = (evidence: Evidence, at: number, change: (event: Evidence['events'][number]) => Evidence['events'][number]): Evidence => ({
    ...evidence,
    events: evidence.events.map((event, i) => (i === at ? change(event) : event)),
  });

  test('another value is found at its event, and the others are still proved', () => {
    const report = lie((evidence) =>
      withEvent(evidence, 2, (event) => ({
        ...event,
        fields: (event.fields ?? []).map((field) => ('value' in field && field.pointer === '/count' ? { ...field, value: '999' } : field)),
      })),
    );
    expect(report.problems).toMatchObject([{ code: 'evidence_opening', leafIndex: 4 }]);
    expect(report.events.map(({ status }) => status)).toEqual(['proven', 'proven', 'changed', 'proven', 'proven']);
  });

  test('another value and the entry that it makes: not in the log', () => {
    const report = lie((evidence) => withEvent(evidence, 1, (event) => ({ ...event, entry: formatEntry(new Uint8Array(32)) })));
    expect(codes(report)).toEqual(['proof_mismatch']);
    expect(report.events.every(({ status }) => status === 'unproven')).toBe(true);
  });

  test('another entry where the values say the right one', () => {
    const report = lie((evidence) => withEvent(evidence, 0, (event) => ({ ...event, entry: formatEntry(new Uint8Array(32)) })));
    expect(report.problems).toMatchObject([{ code: 'evidence_opening', leafIndex: 2 }]);
    expect(report.events.map(({ status }) => status)).toEqual(['changed', 'proven', 'proven', 'proven', 'proven']);
  });

  test('an event of another leaf in its place', () => {
    expect(lie((evidence) => withEvent(evidence, 1, () => eventOf(6, all))).problems).toMatchObject([{ code: 'evidence_range', leafIndex: 3 }]);
    expect(codes(lie((evidence) => withEvent(evidence, 1, () => ({ ...eventOf(6, all), leafIndex: 3 }))))).toEqual(['proof_mismatch']);
  });

  test.each<[string, string, (evidence: Evidence) => Evidence]>([
    ['the proof', 'proof_mismatch', (evidence) => ({ ...evidence, proof: evidence.proof.toReversed() })],
    ['too little proof', 'proof_mismatch', (evidence) => ({ ...evidence, proof: evidence.proof.slice(1) })],
    ['another checkpoint', 'proof_mismatch', (evidence) => ({ ...evidence, checkpoint: checkpointOf(8) })],
    ['no checkpoint', 'note_syntax', (evidence) => ({ ...evidence, checkpoint: 'x' })],
    ['a policy of another digest', 'evidence_policy', (evidence) => ({ ...evidence, policy: { ...evidence.policy, text: 'x' } })],
    ['an anchor that proves nothing', 'evidence_anchor', (evidence) => ({ ...evidence, anchors: [{ kind: 'consistency', bytes: utf8('') }] })],
    [
      'an anchor of another tree',
      'evidence_anchor',
      (evidence) => ({ ...evidence, anchors: [{ kind: 'consistency', bytes: utf8(`\n${checkpointOf(3)}`) }] }),
    ],
    [
      'an anchor with a wrong hash',
      'evidence_anchor',
      (evidence) => ({ ...evidence, anchors: [{ kind: 'consistency', bytes: utf8(`x\n\n${checkpointOf(3)}`) }] }),
    ],
  ])('%s: %s', (_what, code, change) => {
    const report = lie(change);
    expect(codes(report)).toContain(code);
    expect(report.ok).toBe(false);
  });

  test('policy without its text', () => {
    const report = lie(({ policy: { label, digest }, ...evidence }) => ({ ...evidence, policy: { label, digest } }));
    expect(report.problems).toEqual([]);
  });
});

describe('one changed character', () => {
  const { text } = sampleEvidence({
    ranges: [{ start: 4, end: 7 }],
    shown: { 4: all, 5: (pointer) => pointer === '/action' },
    change: (evidence) => ({ ...evidence, anchors: evidence.anchors.slice(1) }),
  });
  const lines = text.split('\n').slice(0, -1);
  const starts = lines.map((_, i) => lines.slice(0, i).reduce((sum, line) => sum + line.length + 1, 0));
  const heads = ['format', 'export', 'log', 'policy', 'checkpoint', 'anchors', 'ranges', 'proof', 'events'];
  const lineAt = (offset: number): number => starts.findLastIndex((start) => start <= offset);
  /** Where a change at that place should be reported: the newline behind a line may be told as the next line's. */
  const expected = (offset: number): string[] => {
    const named = (line: number): string => {
      if (line < heads.length) return heads[line] as string;
      if (line < heads.length + 3) return `leaf ${4 + line - heads.length}`;
      return ['events', 'digests', 'signature'][line - heads.length - 3] ?? 'signature';
    };
    const line = lineAt(offset);
    return text[offset] === '\n' ? [named(line), named(line + 1)] : [named(line)];
  };

  test('every one of them, at the right place', () => {
    for (let offset = 0; offset < text.length; offset++) {
      const was = text.charCodeAt(offset);
      const now = was === 0x41 ? 'B' : was >= 0x30 && was < 0x39 ? String.fromCharCode(was + 1) : 'A';
      const report = verifyEvidence(text.slice(0, offset) + now + text.slice(offset + 1), pinned);
      const at = places(report);
      if (report.ok || !expected(offset).some((place) => at.includes(place)))
        expect([offset, text.slice(offset - 20, offset + 20), at]).toEqual(expected(offset));
      // And no event is blamed for another one's change.
      const blamed = at.filter((place) => place.startsWith('leaf') && !expected(offset).includes(place));
      if (blamed.length > 0) expect([offset, text.slice(offset - 20, offset + 20), blamed]).toEqual([]);
    }
  });

  test('by any other, into or out of the text, with or without a key to compare', () => {
    const edit = fc.record({
      offset: fc.nat(text.length - 1),
      removed: fc.nat(3),
      put: fc.oneof(fc.string({ maxLength: 3, unit: 'grapheme' }), fc.constantFrom('\n', '"', '\\', ',', '}', '\u0000', '\ud800', '<')),
      options: fc.constantFrom({}, pinned),
    });
    fc.assert(
      fc.property(edit, ({ offset, removed, put, options }) => {
        const changed = text.slice(0, offset) + put + text.slice(offset + removed);
        const report = verifyEvidence(changed, options);
        expect(report.ok).toBe(changed === text);
      }),
      { numRuns: 500 },
    );
  });

  test('of its bytes', () => {
    const bytes = utf8(text);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ flip;
        const report = verifyEvidence(changed, pinned);
        expect(report.ok).toBe(false);
        expect(report.problems.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  test('lines left out, repeated, swapped', () => {
    for (let i = 0; i < lines.length; i++) {
      for (const changed of [
        lines.toSpliced(i, 1),
        lines.toSpliced(i, 0, lines[i] as string),
        lines.toSpliced(i, 2, lines[i + 1] ?? '', lines[i] as string),
      ])
        expect([i, verifyEvidence(`${changed.join('\n')}\n`, pinned).ok]).toEqual([i, false]);
    }
  });
});

describe('whatever is no evidence', () => {
  test.each([
    ['nothing', ''],
    ['a line', '\n'],
    ['JSON', '{}'],
    ['many lines', '\n'.repeat(300_000)],
    ['no list of digests', '{"format":"veiltrail.evidence/v1",\n'],
  ])('%s', (_what, text) => {
    for (const file of [text, utf8(text)]) expect(verifyEvidence(file).ok).toBe(false);
  });

  test('longer than allowed', () => {
    expect(codes(verifyEvidence({ length: 134_217_729 } as Uint8Array))).toEqual(['evidence_syntax']);
  });

  test('is nothing that a stranger made up', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(verifyEvidence(text).ok).toBe(false);
      }),
    );
  });
});

describe('what third parties keep', () => {
  const kept = (change: Record<string, unknown> = {}): string =>
    JSON.stringify({
      format: 'veiltrail.anchor/v1',
      kind: 'rfc3161',
      target: 'tsa',
      checkpoint: checkpointOf(4),
      madeAt: '2026-11-22T12:00:00.000Z',
      proof: {},
      ...change,
    });
  const withAnchor = (text: string, options: EvidenceOptions = pinned): EvidenceReport =>
    verifyEvidence(sampleEvidence({ change: (evidence) => ({ ...evidence, anchors: [formatKeptAnchor(text), ...evidence.anchors] }) }).text, options);

  test.each([
    ['s3', { bucket: 'b', key: 'k', versionId: 'v' }, /whether bucket "b" still holds it, as "k", version "v", .*only that bucket can say/],
    ['arweave', { id: 'T' }, /as transaction "T", and since when, only a gateway/],
    ['file', { path: '/mnt/x' }, /as "\/mnt\/x", only who keeps that place/],
    ['command', {}, /what became of it there \("command"\) cannot be checked/],
    ['s3', { bucket: 1 }, /bucket \(nothing said\)/],
  ])('of kind %s: said, and what only its keeper can say is not believed', (kind, proof, words) => {
    const report = withAnchor(kept({ kind, proof }));
    expect(report.problems).toEqual([]);
    expect(report.anchors[0]).toMatchObject({ kind: 'anchor', by: kind, status: 'unknown', target: 'tsa', treeSize: 4 });
    expect(report.notProved.join('\n')).toMatch(/"tsa" was given this log’s checkpoint of 4 leaves/);
    expect(report.notProved.join('\n')).toMatch(words);
    expect(report.bounds).toEqual([]);
  });

  test('of kind arweave: which wallet signed over the checkpoint is proved, that it is there is not', async () => {
    const transaction = await rawTransaction(checkpointOf(4));
    const { id } = transaction;
    const report = withAnchor(kept({ kind: 'arweave', proof: { id: id as string, transaction } }));
    expect(report.problems).toEqual([]);
    expect(report.anchors[0]).toMatchObject({ status: 'proved', by: 'arweave', treeSize: 4, transaction: { id } });
    expect(report.proved.join('\n')).toMatch(/The wallet \S{43} signed transaction \S{43} of Arweave over this log’s checkpoint of 4 leaves/);
    expect(report.notProved.join('\n')).toMatch(/Whose wallet that is, and that Arweave holds transaction \S{43}: .*only a gateway/);
    expect(report.bounds).toEqual([]);
    const later = withAnchor(kept({ kind: 'arweave', proof: { id: id as string, transaction: { ...transaction, format: 3 } } }));
    expect(later.problems).toEqual([]);
    expect(later.anchors[0]).toMatchObject({ status: 'unknown', by: 'arweave' });
    expect(later.notProved.join('\n')).toMatch(/in a form that this verifier does not know/);
    const ofAnother = await rawTransaction(checkpointOf(5));
    for (const proof of [
      { id: ofAnother['id'] as string, transaction: ofAnother },
      { id: 'T', transaction },
      { id: id as string, owner: 'A'.repeat(43), transaction },
      { id: id as string, transaction: { ...transaction, reward: '1' } },
      { id: id as string, transaction: 'x' },
    ])
      expect(withAnchor(kept({ kind: 'arweave', proof })).problems).toMatchObject([{ code: 'evidence_anchor', where: 'anchors' }]);
  });

  test('of a tree that the file does not connect with its own', () => {
    const report = withAnchor(kept({ checkpoint: checkpointOf(5) }));
    expect(report.problems).toEqual([]);
    expect(report.notProved.join('\n')).toContain('that this log grew from it is not proved in this file');
    const forked = signCheckpoint({ origin, treeSize: 4, root: new Uint8Array(32), extensions: [] }, [signer]);
    expect(withAnchor(kept({ checkpoint: forked })).problems).toMatchObject([{ code: 'evidence_anchor', message: /history was rewritten/ }]);
  });

  describe.skipIf(!hasOpenssl())('time stamps (needs openssl)', () => {
    let tsas: TimeStampAuthorities;
    let token: string;
    beforeAll(() => {
      tsas = createTimeStampAuthorities();
      tsas.issue({ name: 'Root of trust', key: 'p384', extensions: authorityExtensions });
      tsas.issue({ name: 'other', key: 'p256', extensions: authorityExtensions });
      tsas.issue({ name: 'Stamps', key: 'p256', by: 'Root of trust', extensions: stampExtensions });
      token = encodeBase64(tsas.stamp('Stamps', utf8(checkpointOf(4))));
    });
    afterAll(() => tsas.close());

    test('bracket the time of the leaves below them, on whose word is said', () => {
      const report = withAnchor(kept({ proof: { token } }), { ...pinned, timeStampRoots: [tsas.pem('other'), tsas.pem('Root of trust')] });
      expect(report.problems).toEqual([]);
      expect(report.anchors[0]).toMatchObject({ status: 'proved', by: 'rfc3161', treeSize: 4 });
      expect(report.bounds).toMatchObject([
        { treeSize: 4, isTrusted: true, chain: [{ name: 'Stamps' }, { name: 'Root of trust' }], root: 'Root of trust' },
      ]);
      expect(Math.abs(Date.parse(report.bounds[0]?.existedBy as string) - Date.now())).toBeLessThan(60_000);
      expect(report.proved.join('\n')).toMatch(/The first 4 leaves were there by 20.*"Stamps" signed, for which "Root of trust" vouches/);
    });

    test('by whom nobody trusts: shown, with what to compare, and not proved', () => {
      for (const options of [pinned, { ...pinned, timeStampRoots: [tsas.pem('other')] }]) {
        const report = withAnchor(kept({ proof: { token } }), options);
        expect(report.problems).toEqual([]);
        expect(report.anchors[0]).toMatchObject({ status: 'unknown' });
        expect(report.bounds).toMatchObject([
          { isTrusted: false, chain: [{ name: 'Stamps', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) as string }] },
        ]);
        expect(report.notProved.join('\n')).toContain('tied to no certificate that you trust');
      }
    });

    test('of something else, or bent, are wrong; of a make that is not known they say nothing', () => {
      const of = (text: unknown): EvidenceReport => withAnchor(kept({ proof: { token: text } }));
      expect(codes(of(encodeBase64(tsas.stamp('Stamps', utf8('x')))))).toEqual(['evidence_anchor']);
      expect(codes(of(1))).toEqual(['evidence_anchor']);
      expect(codes(of('no base64'))).toEqual(['evidence_anchor']);
      const bent = decodeBase64(token);
      bent[bent.length - 9] = (bent.at(-9) as number) ^ 1;
      expect(codes(of(encodeBase64(bent)))).toEqual(['evidence_anchor']);
      const sha1 = of(encodeBase64(tsas.resign(decodeBase64(token), 'Stamps', '-cades', '-md', 'sha1')));
      expect(codes(sha1)).toEqual([]);
      expect(sha1.notProved.join('\n')).toContain('in a way that this verifier does not know');
      // BER: the outermost length is not said.
      const ber = of(encodeBase64(Uint8Array.from([0x30, 0x80, ...readDer(decodeBase64(token)).content, 0, 0])));
      expect(codes(ber)).toEqual([]);
      expect(ber.bounds).toEqual([]);
      expect(ber.notProved.join('\n')).toContain('in a way that this verifier does not know');
      expect(() => withAnchor(kept(), { timeStampRoots: ['x'] })).toThrow(expect.objectContaining({ code: 'time_stamp_untrusted' }));
    });
  });

  test.each([
    ['another format', kept({ format: 'x' })],
    ['no target', kept({ target: 1 })],
    [
      'another log’s checkpoint',
      kept({ checkpoint: signCheckpoint({ origin, treeSize: 1, root: new Uint8Array(32), extensions: [] }, [otherSigner]) }),
    ],
    ['a larger tree', kept({ checkpoint: signCheckpoint({ origin, treeSize: 99, root: new Uint8Array(32), extensions: [] }, [signer]) })],
    ['no JSON', 'x'],
    ['a time stamp that is not there', kept()],
  ])('%s is wrong', (_what, text) => {
    expect(codes(withAnchor(text))).toEqual(['evidence_anchor']);
  });
});

describe('a file that was put together from others', () => {
  const resigned = (text: string, signed: (of: string) => string): string => {
    const lines = text.split('\n');
    const at = lines.findIndex((line) => line.startsWith('"signature":'));
    const [, note] = /^"signature":(".*")\}$/.exec(lines[at] as string) as RegExpExecArray;
    const body = (JSON.parse(note as string) as string).split('\n\n')[0] as string;
    return lines.with(at, `"signature":${JSON.stringify(signNote(signed(`${body}\n`), [signer]))}}`).join('\n');
  };

  test('signed for a log of another origin', () => {
    const report = verifyEvidence(
      resigned(sampleEvidence().text, (body) => body.replace(`log ${origin}`, 'log other')),
      pinned,
    );
    expect(places(report)).toContain('log');
  });

  test('signed, with more than it has', () => {
    expect(
      places(
        verifyEvidence(
          resigned(sampleEvidence().text, (body) => `${body}x\n`),
          pinned,
        ),
      ),
    ).toContain('digests');
  });

  test('a signature that is none', () => {
    const { text } = sampleEvidence();
    for (const signature of ['"signature":3}', '"signature":"x"}'])
      expect(places(verifyEvidence(text.replace(/"signature":.*/, signature), pinned))).toEqual(['signature']);
  });

  test('a list of digests that is none', () => {
    const { text } = sampleEvidence();
    for (const digests of ['"digests":3,', '"digests":[3],', '"digests":["AAAA"],', '"digests":["é"],'])
      expect(places(verifyEvidence(text.replace(/"digests":.*/, digests), pinned))).toEqual(['digests']);
  });
});

describe('what nobody may write', () => {
  test.each<[string, (evidence: Evidence) => Evidence]>([
    ['no audience', (evidence) => ({ ...evidence, export: { ...evidence.export, audience: ' ' } })],
    ['control characters', (evidence) => ({ ...evidence, export: { ...evidence.export, purpose: 'a\u0007' } })],
    ['no time', (evidence) => ({ ...evidence, export: { ...evidence.export, at: 'now' } })],
    ['no pointer', (evidence) => ({ ...evidence, export: { ...evidence.export, selection: { fields: ['x'] } } })],
    ['no ranges', (evidence) => ({ ...evidence, ranges: [], events: [] })],
    ['events for other leaves', (evidence) => ({ ...evidence, events: evidence.events.slice(1) })],
    ['no key', (evidence) => ({ ...evidence, log: { ...evidence.log, vkeys: [] } })],
    ['no origin', (evidence) => ({ ...evidence, log: { ...evidence.log, origin: 'a b' } })],
    ['no digest', (evidence) => ({ ...evidence, policy: { ...evidence.policy, digest: 'x' } })],
    ['an anchor that is too long', (evidence) => ({ ...evidence, anchors: [{ kind: 'x', bytes: new Uint8Array(1_048_577) }] })],
    ['a kind with a capital', (evidence) => ({ ...evidence, anchors: [{ kind: 'X', bytes: utf8('') }] })],
    ['a range of three', (evidence) => ({ ...evidence, ranges: [{ start: 2.5, end: 7.5 }] })],
  ])('%s', (_what, change) => {
    const { evidence } = sampleEvidence();
    expect(refusalOf(() => formatEvidence(change(evidence), [signer]))).toBe('evidence_syntax');
  });
});

describe('a member too many, or none', () => {
  let lines: string[];
  beforeAll(() => {
    lines = sampleEvidence().text.split('\n');
  });
  // Without the right digests everything is found; here it is that the reader of each part says so itself, which a lying exporter meets.
  test.each([
    [1, /"audience"/, '"a":1,"audience"'],
    [1, /"principal"/, '"a":1,"principal"'],
    [1, /"name":"Ada"/, '"mame":"Ada"'],
    [1, /"query":"[^"]*",/, ''],
    [1, /"query":"[^"]*"/, '"query":3'],
    [2, /\],"witnesses/, '],"w":1,"witnesses'],
    [3, /\{"digest"/, '{"a":1,"digest"'],
    [5, /\{"bytes"/, '{"a":1,"bytes"'],
    [5, /"bytes":"[^"]*"/, '"bytes":3'],
    [6, /\[2,7\]/, '[2,7,8]'],
    [6, /\[2,7\]/, '[2]'],
    [6, /\[2,7\]/, '3'],
    [6, /\[2,7\]/, '[7,2]'],
    [7, /"[^"]*"/, '"AAAA"'],
    [9, /\{"entry"/, '{"a":1,"entry"'],
    [9, /"leafIndex":2/, '"leafIndex":"2"'],
    [9, /,$/, ''],
    [9, /.*/, '[],'],
  ])('line %i: %s', (at, from, to) => {
    const changed = lines.with(at, (lines[at] as string).replace(from, to));
    expect(changed).not.toEqual(lines);
    expect(verifyEvidence(changed.join('\n'), pinned).ok).toBe(false);
  });
});
