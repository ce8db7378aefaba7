/** Whoever is in the middle of something is asked again all that the door asked first. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyRequest } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { changeAccessFile, type KeyRow } from '../../src/access/access-file.ts';
import { openAuthenticator } from '../../src/access/authenticate.ts';
import { openKeys } from '../../src/access/manage-keys.ts';
import { authorize, type Principal, type Right } from '../../src/access/roles.ts';
import type { TokenAuthenticator } from '../../src/access/tokens.ts';
import { systemClock } from '../../src/core/clock.ts';
import { systemRandom } from '../../src/core/random.ts';
import { createAdmissionDesk } from '../../src/server/admission.ts';
import { createDoor, type DoorParts } from '../../src/server/door.ts';
import { httpLimits } from '../../src/server/limits.ts';
import { openTrail } from '../../src/server/compose.ts';

let dataDir: string;
beforeAll(async () => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'veiltrail-door-')), 'data');
  await (await openTrail({ dataDir, workers: 1 })).close();
});
afterAll(() => rmSync(join(dataDir, '..'), { recursive: true, force: true }));

const parts = (): DoorParts => ({
  authenticator: openAuthenticator(dataDir, systemClock),
  desk: createAdmissionDesk(httpLimits),
  records: { answered: () => undefined, refused: () => undefined },
});

async function enter(made: DoorParts, right: Right, bearer: string): Promise<FastifyRequest> {
  const request = {
    headers: { authorization: `Bearer ${bearer}` },
    params: { log: 'default' },
    clientAddress: '192.0.2.1',
  } as unknown as FastifyRequest;
  await new Promise<void>((resolve, reject) => createDoor(made)(request, right, (error) => (error ? reject(error) : resolve())));
  return request;
}

async function again(request: FastifyRequest, more?: (who: Principal) => void): Promise<string> {
  try {
    await request.checkAgain(more);
    return 'goes on';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

test.each<[string, Partial<KeyRow>, string]>([
  ['nothing', {}, 'goes on'],
  ['fewer members are hidden', { hides: ['context.device'] }, 'goes on'],
  ['it is revoked', { revokedAt: '2026-01-01T00:00:00.000Z' }, 'key_revoked'],
  ['it is over', { expiresAt: '2026-01-01T00:00:00.000Z' }, 'key_expired'],
  ['it is for other logs', { logs: ['other'] }, 'forbidden'],
  ['it is for other networks', { addresses: ['203.0.113.0/24'] }, 'key_address'],
  ['its role has not the right', { role: 'operator' }, 'forbidden'],
  ['its role has not what the route asked', { role: 'auditor' }, 'forbidden'],
  ['more is hidden from it', { hides: ['context', 'metadata'] }, 'forbidden'],
  ['it is somebody else’s', { owner: `person:${'a'.repeat(16)}` }, 'unauthenticated'],
])('of a key of which %s by then', async (_what, change, expected) => {
  const { key, info } = openKeys(dataDir, { clock: systemClock, random: systemRandom }).create({ role: 'reader', hides: ['context'] });
  const made = parts();
  const request = await enter(made, 'proof.read', key);
  const mayRead = (who: Principal): void => authorize(who, 'events.read', 'default');
  changeAccessFile(dataDir, (rows) => rows.map((row) => (row.id === info.id ? { ...row, ...change } : row)));
  made.authenticator.refresh();
  expect(await again(request, mayRead)).toBe(expected);
});

test('what the configuration hides from its role is hidden from it then as well', async () => {
  const { key } = openKeys(dataDir, { clock: systemClock, random: systemRandom }).create({ role: 'reader' });
  const request = await enter({ ...parts(), hides: { reader: ['context'] } }, 'events.read', key);
  expect(request.principal.hides).toEqual(['context']);
  const seen: Principal[] = [];
  expect(await again(request, (who) => void seen.push(who))).toBe('goes on');
  expect(seen).toMatchObject([{ hides: ['context'] }]);
});

test('a token is asked about as one that was accepted before', async () => {
  const jane: Principal = { id: 'oidc:x', role: 'reader' };
  const asked: string[] = [];
  const tokens: TokenAuthenticator = {
    authenticate(token) {
      asked.push(`new ${token.length}`);
      return Promise.resolve(jane);
    },
    authenticateAgain(token, before) {
      asked.push(`again ${token.length}`);
      return Promise.resolve(before);
    },
  };
  const request = await enter({ ...parts(), tokens }, 'events.read', 'eyJh.eyJi.c');
  expect(await again(request)).toBe('goes on');
  expect(asked).toEqual(['new 11', 'again 11']);
});
