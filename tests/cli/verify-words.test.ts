/** What a newcomer is told by `verify`, `anchor` and `drill` who named the wrong thing, and by which exit code. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { refuseOutOfReach } from '../../src/app/verify-step.ts';
import { createNoteSigner } from '../../src/log/note-key.ts';
import { formatProof } from '../../src/log/proof.ts';
import { Problems } from '../../src/verify/problem.ts';
import { run, temporaryDirectory } from '../e2e/product.ts';
import * as sample from '../log/sample-log.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

test('what was named by mistake is said, and no mistake passes for a log in order, or for one that was changed', async () => {
  const dir = temporaryDirectory();
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const { leafIndex, hashes, checkpoint, entry } = sample;
  const receipt = file('receipt', formatProof({ leafIndex, hashes, checkpoint, extra: entry }));
  const [text, json] = [file('words.txt', 'hello'), file('empty.json', '{}')];
  const config = file('a.yaml', 'anchors:\n  - {kind: file, name: usb, dir: /tmp/nowhere, every: 1h}\n');
  const { vkey } = sample.signer;
  const other = createNoteSigner('example.com/other', new Uint8Array(32).fill(9)).vkey;
  const data = join(dir, 'data');
  expect((await run(['ingest', '-', '--data', data], { input: '{"action":"x"}\n' })).code).toBe(0);
  writeFileSync(join(dir, 'checkpoint'), checkpoint);
  const nowhere = join(dir, 'nowhere');
  const away = `http://127.0.0.1:${await freePort()}`;
  const cases: [string[], number, string][] = [
    [['verify', away, '--vkey', vkey], 3, `the server at ${away} does not answer`],
    [['verify', nowhere], 1, 'say which data directory, file or URL'],
    [['verify', receipt], 2, '`veiltrail key export-public`'],
    [['verify', text, '--vkey', vkey], 1, '`verify` takes a data directory, a URL, a receipt'],
    [['verify', json, '--vkey', vkey], 1, '`verify` takes a data directory, a URL, a receipt'],
    [['verify', receipt, '--vkey', vkey, '--witness-policy', text], 2, `${text}: not a witness policy: line 1`],
    [['verify', receipt, '--vkey', other], 1, 'it is not signed by the key that was given, of example.com/other'],
    [['verify', dir, '--vkey', vkey, '--checkpoint', text], 2, `--checkpoint, ${text}: not a signed note`],
    [['evidence-page', text, '--out', join(dir, 'page.html')], 2, `${text}: not evidence`],
    [['prove', '0', '--data', data, '--out', receipt], 2, `${receipt}: is there already`],
    [['verify', data, '--anchors', '--config', file('bad.yaml', 'workers: 1\n')], 2, 'unknown setting workers'],
    [['anchor', 'list', '--data', nowhere], 3, 'is not a data directory'],
    [['anchor', 'list', '--data', data, '--log', 'nosuch'], 1, 'there is no log nosuch'],
    [['anchor', 'verify', '--data', data, '--log', 'nosuch'], 1, 'there is no log nosuch'],
    [['anchor', 'verify', '--data', nowhere], 3, 'is not a data directory'],
    [['anchor', 'now', '--data', nowhere, '--config', config, '--target', 'other'], 2, 'there are usb'],
    [['drill', '--data', nowhere], 3, 'is not a data directory'],
    [['drill', '--only', 'zzz'], 2, 'there are bit, truncation,'],
  ];
  for (const [args, expected, words] of cases) {
    const { code, out, err } = await run(args);
    expect(out + err, args.join(' ')).toContain(words);
    expect(code, args.join(' ')).toBe(expected);
  }
});

test('who does not answer has shown nothing; what else was found stays found', () => {
  const away = { code: 'unreachable', where: 'signature', message: 'the server does not answer' };
  const forked = { code: 'history_forked', where: 'checkpoint', message: 'history was rewritten' };
  expect(() => refuseOutOfReach([away, { ...away, where: 'tile/0/000' }])).toThrow(expect.objectContaining({ code: 'unreachable' }) as Error);
  refuseOutOfReach([]);
  refuseOutOfReach([away, { ...away, code: 'queue_full' }]);
  refuseOutOfReach([away, forked]);
});

test('what is come upon in many ranges is told once, of its first leaf', () => {
  const problems = new Problems();
  const gone = { code: 'segment_missing', where: 'segments/default/default/00000000.1', message: 'the file of a segment is missing' };
  for (const leafIndex of [512, 256, 1_024]) problems.addOnce({ ...gone, leafIndex });
  problems.addOnce({ ...gone, where: 'segments/default/default/00000001.1', leafIndex: 65_536 });
  expect([problems.count, problems.firstBadLeaf]).toEqual([2, 256]);
  expect(problems.list().map(({ leafIndex }) => leafIndex)).toEqual([256, 65_536]);
});
