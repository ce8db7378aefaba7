/** A key that cannot be read: whoever gave several, or a file, is told which it is. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCosigner } from '../../src/log/cosignature.ts';
import { createNoteSigner } from '../../src/log/note-key.ts';
import { run, temporaryDirectory } from '../e2e/product.ts';

const { vkey } = createNoteSigner('example.com/log', new Uint8Array(32).fill(1));
const changed = vkey.replace('example.com/log', 'example.com/lag');
const form = 'not a public key: NAME+8 hex digits+base64';
const otherId = 'a public key whose id is not that of its name and key: a character of it was changed';

test('says its option, its file and its position', async () => {
  const dir = temporaryDirectory();
  const file = join(dir, 'log.vkey');
  writeFileSync(file, `${changed}\n`);
  const receipt = join(dir, 'receipt');
  writeFileSync(receipt, 'c2sp.org/tlog-proof@v1\n');
  const witness = createCosigner('w.example', new Uint8Array(32).fill(2)).vkey;
  const data = join(dir, 'data');
  mkdirSync(join(data, 'keys'), { recursive: true });
  mkdirSync(join(data, 'anchors/default'), { recursive: true });
  mkdirSync(join(data, 'logs/default'), { recursive: true });
  writeFileSync(join(data, 'keys/default.vkey'), 'nonsense\n');
  const cases: [string[], string][] = [
    [['verify', receipt, '--vkey', 'nonsense'], `--vkey: ${form}`],
    [['verify', receipt, '--vkey', `@${file}`], `--vkey, ${file}: ${otherId}`],
    [['verify', receipt, '--vkey', witness], '--vkey: a witness’s key where a log’s was due'],
    [['anchor', 'verify', '--data', data, '--vkey', changed], `--vkey: ${otherId}`],
    [['anchor', 'verify', '--data', data], `keys/default.vkey: ${form}`],
    [['witness', 'add-log', 'nonsense', '--data', join(dir, 'w')], `VKEY: ${form}`],
    [['witness', 'serve', '--data', join(dir, 'w'), '--log', vkey, `@${file}`, '--listen', '127.0.0.1:0'], `--log, number 2, ${file}: ${otherId}`],
  ];
  for (const [args, words] of cases) {
    const { code, err } = await run(args);
    expect(err, args.join(' ')).toContain(words);
    expect(code, err).toBe(2);
    expect(err).not.toContain(changed);
  }
});
