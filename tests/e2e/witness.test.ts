/** Witnesses as people run them: commands in processes of their own, from the first start to a forked history and back. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createCosigner } from '../../src/log/cosignature.ts';
import { serveWitness } from '../../src/witness/serve-witness.ts';
import { run, serve, temporaryDirectory } from './product.ts';

test('serve asks, verify checks, a restored backup stops the log, acknowledge lets it go on', async () => {
  const dir = temporaryDirectory();
  const data = join(dir, 'data');
  // The first start makes the log's key.
  await (await serve(data, ['--origin', 'e2e.example'])).stop();
  const vkey = readFileSync(join(data, 'keys', 'default.vkey'), 'utf8').trim();
  const witness = await serveWitness({ dir: join(dir, 'witness'), name: 'w.example', host: '127.0.0.1', port: 0, logs: [vkey] });
  onTestFinished(() => witness.close());
  const policy = join(dir, 'policy');
  writeFileSync(policy, `log ${vkey}\nwitness w ${witness.vkey} ${witness.url}\nquorum w\n`);

  const server = await serve(data, ['--witness-policy', policy, '--witness-mode', 'require']);
  const { url } = server;
  const key = `@${join(data, 'keys', 'writer.key')}`;
  expect((await run(['ingest', '--url', url, '--key', key], { input: '{"message":"one"}\n{"message":"two"}\n' })).code).toBe(0);
  const receipt = await run(['verify', url, '--vkey', vkey, '--witness-policy', policy, '--json']);
  expect(JSON.parse(receipt.out)).toMatchObject({ ok: true, treeSize: 2, unwitnessedFrom: null });
  await server.stop();
  cpSync(data, join(dir, 'backup'), { recursive: true });

  // The receipt itself says who cosigned.
  const proof = join(dir, '1.tlog-proof');
  expect((await run(['prove', '1', '--data', data, '--out', proof])).code).toBe(0);
  expect((await run(['verify', proof, '--vkey', vkey, '--witness-policy', policy])).out).toContain('signed by the log and w');
  const other = join(dir, 'other');
  writeFileSync(other, `witness x ${createCosigner('x.example', new Uint8Array(32).fill(5)).vkey}\nquorum x\n`);
  expect(await run(['verify', proof, '--vkey', vkey, '--witness-policy', other])).toMatchObject({
    code: 1,
    out: expect.stringContaining('quorum_missing') as string,
  });

  const again = await serve(data);
  expect((await run(['ingest', '--url', again.url, '--key', key], { input: '{"message":"three"}\n' })).code).toBe(0);
  await again.stop();
  rmSync(data, { recursive: true });
  cpSync(join(dir, 'backup'), data, { recursive: true });
  const forked = await serve(data);
  const refused = await run(['ingest', '--url', forked.url, '--key', key], { input: '{"message":"another three"}\n' });
  expect([refused.code, refused.err.includes('history_forked')]).toEqual([1, true]);
  expect(forked.said()).toContain('history forked: witness w holds another history of log default');
  await forked.stop();
  expect((await run(['verify', data, '--json'])).out).toContain('history_forked');
  expect((await run(['witness', 'acknowledge', 'default', '--data', data])).err).toContain('goes on');
  expect((await run(['witness', 'acknowledge', 'default', '--data', data])).code).toBe(1);
});
