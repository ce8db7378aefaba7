/** What a raw export says without proof stays within what the log can have said, and is told apart from what is proved. */
import { createHash } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseDisclosure } from '../../src/log/disclosure.ts';
import { parseProof } from '../../src/log/proof.ts';
import { createTrust } from '../../src/log/trust.ts';
import { openTrail } from '../../src/server/compose.ts';
import { rawExportFormat, RawExportVerifier, recordOfDisclosure } from '../../src/verify/raw-export.ts';
import { run, temporaryDirectory } from '../e2e/product.ts';

interface Said {
  removed?: number[];
  redacted?: unknown[];
}

test('leaves and tombstones that the log cannot have are refused; what is said of gone values is listed as not proved', async () => {
  const dir = temporaryDirectory();
  const data = join(dir, 'data');
  const trail = await openTrail({ dataDir: data, workers: 1 });
  await trail.createLog('default');
  const body = Buffer.from(Array.from({ length: 10 }, (_, i) => JSON.stringify({ id: `e-${i}`, action: 'a.b', message: `m ${i}` })).join('\n'));
  await trail.append({ log: 'default', principal: 'test', body, format: 'ndjson' });
  const vkey = trail.vkeyOf('default');
  await trail.close();
  const proved = await run(['prove', '5', '--disclose', '/action', '--data', data]);
  expect(proved.code, proved.err).toBe(0);
  const disclosure = JSON.parse(proved.out) as { receipt: string };
  const parsed = parseDisclosure(JSON.stringify(disclosure));

  const fileOf = ({ removed = [], redacted }: Said): string => {
    const isRead = (Array.isArray(redacted) ? redacted : []).every((one) => typeof (one as { tombstone?: unknown } | null)?.tombstone === 'number');
    const event = recordOfDisclosure(parsed, isRead ? (redacted as never) : undefined);
    const gone = removed.map((leafIndex) => ({ leafIndex, removed: true }));
    const lines = [
      { format: rawExportFormat, checkpoint: parseProof(disclosure.receipt).checkpoint },
      ...gone.filter(({ leafIndex }) => leafIndex < 5),
      { leafIndex: 5, event, revealed: [], kept: [], ...(redacted === undefined ? {} : { redacted }), disclosure },
      ...gone.filter(({ leafIndex }) => leafIndex > 5),
    ];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const sha256 = createHash('sha256').update(text).digest('hex');
    return `${text}${JSON.stringify({ end: true, events: 1, removed: removed.length, values: 0, sha256 })}\n`;
  };
  const verify = (said: Said): object => {
    const verifier = new RawExportVerifier(createTrust([vkey]));
    for (const line of fileOf(said).split('\n').slice(0, -1)) verifier.add(line);
    return verifier.end();
  };
  const refused = (said: Said): unknown => {
    try {
      return verify(said);
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  const at = (tombstone: unknown): Said => ({ redacted: [{ pointer: '/message', tombstone }] });

  expect(verify({})).toMatchObject({ events: 1, removed: 0, redacted: 0 });
  expect(verify({ removed: [3, 9] })).toMatchObject({ removed: 2 });
  expect(verify(at(9))).toMatchObject({ events: 1, redacted: 1 });
  expect(refused({ removed: [10] })).toBe('raw_export_mismatch');
  for (const tombstone of [0, 5, 10, 123_456_789]) expect(refused(at(tombstone)), String(tombstone)).toBe('raw_export_mismatch');
  for (const tombstone of ['9', 8.5, null]) expect(refused(at(tombstone)), String(tombstone)).toBe('raw_export_syntax');
  expect(refused({ redacted: [{ pointer: 1, tombstone: 9 }] })).toBe('raw_export_syntax');
  expect(refused({ redacted: [null] })).toBe('raw_export_syntax');

  // The command tells what is proved from what is not.
  const file = join(dir, 'export.ndjson');
  const told = async (text: string, ...more: string[]): ReturnType<typeof run> => {
    writeFileSync(file, text);
    return run(['verify', file, '--vkey', vkey, ...more]);
  };
  expect((await told(fileOf({}))).out).toMatch(/as the log has them, signed/);
  const words = (await told(fileOf({ ...at(9), removed: [3] }))).out;
  expect(words).toMatch(/but for what the file says was redacted, signed/);
  expect(words).toMatch(/not proved: that 1 value was redacted/);
  expect(words).toMatch(/not proved: that 1 record was gone/);
  expect(JSON.parse((await told(fileOf(at(9)), '--json')).out)).toMatchObject({ ok: true, redacted: 1, notProved: expect.any(Array) as string[] });

  // A line without an end is not gathered: one of a gibibyte would be more than a string holds.
  writeFileSync(file, `${fileOf({}).split('\n', 1)[0] as string}\n`);
  truncateSync(file, 2 ** 30);
  const endless = await run(['verify', file, '--vkey', vkey]);
  expect([endless.code, endless.out]).toEqual([1, expect.stringContaining('a line is too long')]);
});
