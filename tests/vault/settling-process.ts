/** A process that settles values as fast as it can, through the vault's thread, and prints each answer once it has it. It is meant to be killed. */
import { writeSync } from 'node:fs';
import { VaultClient } from '../../src/vault/vault-client.ts';

const [dataDir = '', keyringDir = '', name = ''] = process.argv.slice(2);
const vault = await VaultClient.open({ dataDir, keyringDir });
for (let i = 0; ; i += 20) {
  const needs = Array.from({ length: 20 }, (_, j) => ({ kind: 'person', canonical: `${name} ${i + j}`, value: `${name} ${i + j}` }));
  const [tokens] = await Promise.all([
    vault.settle({ origin: 'localhost/veiltrail/test', scope: 'installation', needs }),
    vault.settle({ origin: 'localhost/veiltrail/test', scope: 'installation', needs: needs.slice(10).toReversed() }),
  ]);
  const key = await vault.bucketKey(name, i);
  writeSync(1, `${JSON.stringify({ i, tokens, key: Buffer.from(key).toString('hex') })}\n`);
}
