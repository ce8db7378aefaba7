/** The client of investigators and admins, against a server as it is. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FoundEvent } from '../../src/sdk/client.ts';
import { createTokenClient, type TokenClient } from '../../src/sdk/tokens.ts';
import { verifyRevealed } from '../../src/verify/token-opening.ts';
import { runServer, type RunningServer } from '../server/running-server.ts';

let server: RunningServer;
let client: (role: 'investigator' | 'admin' | 'reader') => TokenClient;
let token: string;
const why = { purpose: 'fraud inquiry', reference: 'CASE-17' };

beforeAll(async () => {
  server = await runServer();
  client = (role) => createTokenClient({ url: server.url, key: server.key[role] });
  const event = { action: 'login', actor: { type: 'user', id: 'u-1', email: 'jane@example.com' } };
  await server.trail.append({ log: 'default', principal: 'test', body: Buffer.from(JSON.stringify(event)), format: 'json' });
  const { events, lookedUp } = await client('investigator').search({ q: 'email:jane@example.com', ...why });
  token = ((events[0] as FoundEvent).record['actor'] as { email: string }).email;
  expect(lookedUp).toEqual([{ kind: 'email', pseudonyms: [token] }]);
});
afterAll(() => server.close());

it('reveals one token, or several', async () => {
  const one = await client('investigator').reveal([token], why);
  expect(verifyRevealed(JSON.stringify(one))).toMatchObject([{ token, value: 'jane@example.com' }]);
  const gone = `tok_${'A'.repeat(27)}`;
  const several = await client('investigator').reveal([token, gone], why);
  expect([several.tokens.length, several.missing]).toEqual([1, [gone]]);
});

it('says why something is refused, with the code of the problem', async () => {
  await expect(client('investigator').reveal([token], {})).rejects.toMatchObject({ code: 'purpose_needed' });
  await expect(client('reader').reveal([token], why)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(client('investigator').reveal([token, 'x'], why)).rejects.toMatchObject({ code: 'token_syntax' });
  expect(() => createTokenClient({ url: 'ftp://x' })).toThrow(expect.objectContaining({ code: 'invalid_url' }));
});

it('finds what stands for a value', async () => {
  expect(await client('investigator').find('email', 'Jane@example.com')).toMatchObject({ kind: 'email', tokens: [{ token, scope: 'installation' }] });
});

it('lists and lifts stops, rotates secrets and destroys old versions', async () => {
  const admin = client('admin');
  expect(await admin.stops()).toEqual([]);
  await expect(admin.lift('nobody')).rejects.toMatchObject({ code: 'stop_unknown' });
  expect(await admin.rotate('pseudonym')).toEqual({ purpose: 'pseudonym', version: 2, state: 'newest' });
  expect((await admin.secrets()).filter(({ purpose }) => purpose === 'pseudonym').map(({ version }) => version)).toEqual([2, 1]);
  await expect(admin.rotate('idempotency')).rejects.toMatchObject({ code: 'key_rotation' });
  await expect(admin.destroy(1, {})).rejects.toMatchObject({ code: 'purpose_needed' });
  const left = await admin.destroy(1, { purpose: 'the retention period is over' });
  expect(left.filter(({ purpose }) => purpose === 'pseudonym')).toEqual([{ purpose: 'pseudonym', version: 2, state: 'newest' }]);
});
