/** Values that the policy hashes: they have no row in the vault, and are found, and erased, by what they became. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultPolicyYaml } from '../../src/privacy/default-policy.ts';
import { openTrail } from '../../src/server/compose.ts';
import { append, asked, directory, event } from './protected-trail.ts';

test('a person whose address is hashed is found by the address; unlinking says what it cannot do, erasing takes the records', async () => {
  const dataDir = directory();
  const policyFile = join(dataDir, '../hashing.yaml');
  writeFileSync(policyFile, defaultPolicyYaml.replace('version: 1', 'version: 2').replace('  email: tokenize', '  email: hash'));
  const trail = await openTrail({ dataDir, workers: 1, policyFile });
  try {
    const [jane = -1, omar = -1] = await append(trail, [event('jane', { message: 'wrote to omar.haddad@example.com' }), event('omar')]);
    const { dataProtection } = trail;
    const values = [{ kind: 'email', value: 'Jane.Roe@example.com' }];
    const plan = await dataProtection.planErasure({ mode: 'unlink', values }, asked);
    expect(plan).toMatchObject({
      tokens: 0,
      records: 0,
      subject: { tokens: [], hashes: [{ hash: expect.stringMatching(/^hash_v1_/) as string, records: 1, paths: ['actor.email'] }] },
    });
    await expect(dataProtection.eraseSubject({ mode: 'unlink', values }, asked)).rejects.toThrow(
      expect.objectContaining({ code: 'subject_unknown' }),
    );
    const report = await dataProtection.reportSubject({ values }, asked);
    expect(report.records).toMatchObject([{ leafIndex: jane, paths: ['/actor/email'] }]);
    expect((await dataProtection.eraseSubject({ mode: 'erase', values }, asked)).removal).toMatchObject({ records: 1, tokens: 0 });
    expect((await trail.search('default', { q: 'action:file.read' })).events.map(({ leafIndex }) => leafIndex)).toEqual([omar]);
  } finally {
    await trail.close();
  }
});
