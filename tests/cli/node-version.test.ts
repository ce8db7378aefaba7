import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { nodeTooOld } from '../../src/cli/node-version.ts';

test('an old Node is told what is needed, as package.json says', () => {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { engines: { node: string } };
  const needed = engines.node.replace('>=', '');
  for (const version of ['8.17.0', '20.20.2', `${Number(needed) - 1}.99.0`]) {
    expect(nodeTooOld(version)).toContain(`needs Node ${needed} or newer, and this is ${version}`);
  }
  for (const version of [`${needed}.0.0`, process.versions.node, '100.0.0']) expect(nodeTooOld(version)).toBeUndefined();
});
