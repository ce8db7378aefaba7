/** `veiltrail/verify` where there is no Node: small, synchronous, and with the same answers. */
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { rolldown } from 'rolldown';
import { beforeAll, describe, expect, it } from 'vitest';
import * as native from '../../src/verify/index.ts';
import * as sample from '../log/sample-log.ts';
import { sampleEvidence, signer, witness } from './sample-evidence.ts';
import { ended, rawExportVkey, sampleRawExport } from './sample-raw-export.ts';

/** What an auditor downloads, minified and compressed. */
const gzippedMax = 60_000;
const entry = new URL('../../src/verify/index.ts', import.meta.url).pathname;
let code = '';
let verify: typeof native;

beforeAll(async () => {
  const bundle = await rolldown({ input: entry, platform: 'browser', logLevel: 'silent', treeshake: true });
  const { output } = await bundle.generate({ format: 'iife', name: 'verify', minify: true });
  await bundle.close();
  expect(output).toHaveLength(1);
  expect(output[0].imports).toEqual([]);
  code = output[0].code;
  // No crypto: nothing here may wait for WebCrypto, and nothing needs randomness.
  verify = runInContext(`${code};verify`, createContext({ TextEncoder, TextDecoder })) as typeof native;
});

describe('in a browser', () => {
  it('has no need of Node', () => {
    expect(code).not.toMatch(/(?:from|require\()\s*["'](?:node:|fs|crypto|buffer)/);
  });

  it(`is smaller than ${gzippedMax} bytes compressed`, () => {
    const { length } = gzipSync(code, { level: 9 });
    console.log(`veiltrail/verify: ${code.length} bytes minified, ${length} gzipped`);
    expect(length).toBeLessThan(gzippedMax);
    expect(length).toBeGreaterThan(5_000);
  });

  it('verifies evidence', () => {
    const { text } = sampleEvidence();
    const options = { vkeys: [signer.vkey], witnesses: [witness.vkey] };
    expect(JSON.stringify(verify.verifyEvidence(text, options))).toBe(JSON.stringify(native.verifyEvidence(text, options)));
    expect(verify.verifyEvidence(text.replace('user.login', 'user.logon'), options).ok).toBe(false);
  });

  it('verifies raw exports, a line at a time', () => {
    const check = (lines: readonly string[]): object => {
      const verifier = new verify.RawExportVerifier(verify.createTrust([rawExportVkey]));
      for (const line of lines) verifier.add(line);
      return verifier.end();
    };
    const lines = sampleRawExport();
    expect(JSON.parse(lines[0] as string)).toMatchObject({ format: verify.rawExportFormat });
    expect(check(lines)).toMatchObject({ origin: 'example.com/exported', treeSize: 2, events: 2, values: 2, removed: 0 });
    expect(() => check(ended(lines.slice(0, -1).map((line) => line.replace('by jane', 'by joan'))))).toThrow(/leaf 0: the event is not the record/);
    expect(() => check(lines.toSpliced(1, 1))).toThrow(/last line does not fit/);
    expect(() => check(lines.slice(0, -1))).toThrow(/cut short/);
  });

  it('verifies receipts, disclosures and checkpoints with cosignatures', () => {
    const trust = verify.createTrust([sample.signer.vkey]);
    expect(verify.verifyReceipt(sample.receipt, sample.entry, trust).leafIndex).toBe(sample.leafIndex);
    const { checkpoint } = sampleEvidence().evidence;
    const opened = verify.openCheckpoint(checkpoint, verify.createTrust([signer.vkey], { witnesses: [witness.vkey] }));
    expect(opened.signatures.map(({ name }) => name)).toEqual(['example.com/log', 'witness.example']);
    expect(verify.cosignatureTime(opened.signatures[1] as (typeof opened.signatures)[number])).toBe(1_700_000_000);
    expect(() => verify.verifyConsistency(0, 1, new Uint8Array(32), new Uint8Array(32), [])).toThrow(/do(?:es)? not lead/);
  });
});
