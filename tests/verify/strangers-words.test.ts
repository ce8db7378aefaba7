/** Names that strangers gave to keys, places and certificates, in what is said of evidence: they move no cursor and turn no text round. */
import { afterEach, expect, it, vi } from 'vitest';
import { reportEvidence } from '../../src/cli/verify-evidence.ts';
import { formatKeptAnchor, verifyEvidence } from '../../src/verify/evidence/index.ts';
import { authorityExtensions, createTimeStampAuthorities, stampedAnchor, stampExtensions } from './time-stamp-authorities.ts';
import { hasOpenssl } from '../anchor/time-stamp-authority.ts';
import { checkpointOf, sampleEvidence } from './sample-evidence.ts';

const hostile = 'x\u009b2J\u202etxt\u3164\u001b[1A\n✓ all well';
const shown = '\\u{9b}2J\\u{202e}txt\\u{3164}\\u001b[1A\\n✓ all well';

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** What the command prints, without its own colours. */
function printed(text: string, options = {}): string {
  let out = '';
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      out += String(chunk);
      return true;
    });
  reportEvidence({ evidence: text }, options);
  vi.restoreAllMocks();
  // eslint-disable-next-line no-control-regex
  return out.replaceAll(/\u001b\[\d*m/g, '');
}

const unseen = /[^\P{C}\n]|\p{Default_Ignorable_Code_Point}/u;

it('of places that keep a checkpoint', () => {
  const kept = (kind: string, proof: object): string =>
    JSON.stringify({ format: 'veiltrail.anchor/v1', kind, target: hostile, checkpoint: checkpointOf(4), madeAt: hostile, proof });
  const { text } = sampleEvidence({
    change: (evidence) => ({
      ...evidence,
      export: { ...evidence.export, audience: 'to\u202eyou', by: { principal: 'local', name: 'A\u3164da' } },
      anchors: [
        ...evidence.anchors,
        formatKeptAnchor(kept('s3', { bucket: hostile, key: hostile, versionId: hostile })),
        formatKeptAnchor(kept('arweave', { id: hostile })),
        formatKeptAnchor(kept('file', { path: hostile })),
        formatKeptAnchor(kept(hostile, {})),
      ],
    }),
  });
  const { ok, notProved } = verifyEvidence(text);
  expect(ok).toBe(true);
  const claims = notProved.filter((claim) => claim.includes('all well'));
  expect(claims).toHaveLength(4);
  for (const claim of claims) {
    expect(claim).toContain(shown);
    expect(claim).not.toMatch(/\p{C}|\p{Default_Ignorable_Code_Point}/u);
  }
  const out = printed(text);
  expect(out).toContain(shown);
  expect(out).toContain('for "to\\u{202e}you"');
  expect(out).toContain('by "A\\u{3164}da"');
  expect(out).not.toMatch(unseen);
  expect(out).not.toMatch(/^✓ all well/m);
  // As JSON it is the same text, escaped.
  const json = printed(text, { json: true });
  expect(json).not.toMatch(unseen);
  expect((JSON.parse(json) as { export: { audience: string } }).export.audience).toBe('to\u202eyou');
});

it.skipIf(!hasOpenssl())('of a certificate (needs openssl)', () => {
  const tsas = createTimeStampAuthorities();
  try {
    // Openssl takes each byte of UTF-8 for a character: C2 9B.
    const [root, name] = ['Ro\u009bot', 'Ev\u009b2Jil'];
    tsas.issue({ name: 'root', subject: root, key: 'p256', extensions: authorityExtensions });
    tsas.issue({ name: 'stamps', subject: name, key: 'p256', by: 'root', extensions: stampExtensions });
    const { text } = sampleEvidence({
      change: (evidence) => ({ ...evidence, anchors: [...evidence.anchors, stampedAnchor(tsas, 'stamps', checkpointOf(4))] }),
    });
    const claims = (timeStampRoots: string[]): string => {
      const { proved, notProved } = verifyEvidence(text, { timeStampRoots });
      return [...proved, ...notProved].join('\n');
    };
    for (const roots of [[], [tsas.pem('root')]]) {
      expect(claims(roots)).toContain('"EvÂ\\u{9b}2Jil"');
      expect(claims(roots)).toContain('"RoÂ\\u{9b}ot"');
      expect(claims(roots)).not.toMatch(unseen);
      expect(printed(text, { timeStampRoots: roots })).not.toMatch(unseen);
    }
  } finally {
    tsas.close();
  }
});
