/** A process that rotates the lookup key and the root again and again, and prints each version that it is done with. It is meant to be killed. */
import { writeSync } from 'node:fs';
import { VaultClient } from '../../src/vault/vault-client.ts';
import { addSecretVersion, destroySecretVersion, openKeyring } from '../../src/vault/keyring.ts';

const [dataDir = '', keyringDir = ''] = process.argv.slice(2);
const vault = await VaultClient.open({ dataDir, keyringDir });
for (;;) {
  const { version } = addSecretVersion(keyringDir, 'lookup');
  await vault.rotateLookups();
  await vault.forgetLookups();
  for (const old of openKeyring(keyringDir, { create: false }).secrets('lookup').slice(1)) destroySecretVersion(keyringDir, 'lookup', old.version);
  const { root } = await vault.keyVersions([]);
  await vault.renewKeys({ rootBefore: root, buckets: [], tokens: [] });
  await vault.finishErasure([]);
  writeSync(1, `${version}\n`);
}
