/** A log's signing key is rotated, and the procedure of SECURITY.md for one that was stolen is rehearsed: witnesses and verifiers follow. */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import {
  createNoteSigner,
  createTrust,
  formatAddCheckpoint,
  type NoteKeySigner,
  openCheckpoint,
  parseSigningKey,
  signCheckpoint,
} from '../../src/log/index.ts';
import { openTrail, type OpenTrail, type TrailOptions } from '../../src/server/compose.ts';
import { rotateSigningKey } from '../../src/server/rotate-signing.ts';
import { verifyStoredLog } from '../../src/server/verify.ts';
import { openSqliteWitnessStore } from '../../src/storage/sqlite/witness-store.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import { readSigningKeys } from '../../src/vault/rotate-signing-key.ts';
import { createRateLimit } from '../../src/witness/rate-limit.ts';
import { serveWitness, type RunningWitness } from '../../src/witness/serve-witness.ts';
import { openWitnessDirectory } from '../../src/witness/witness-directory.ts';
import { Witness } from '../../src/witness/witness.ts';
import { run } from '../e2e/product.ts';

const origin = 'rotated.example';
let folder: string;
let trail: OpenTrail | undefined;
let witness: RunningWitness | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'veiltrail-rotation-'));
  mkdirSync(dataDir(), { mode: 0o700 });
  openKeyring(keys(), { create: true }).createSigner('default', `${origin}/default`);
});
afterEach(async () => {
  await trail?.close();
  await witness?.close();
  trail = witness = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function dataDir(): string {
  return join(folder, 'data');
}
function keys(): string {
  return join(dataDir(), 'keys');
}
function signerIn(file: string): NoteKeySigner {
  const { name, seed } = parseSigningKey(readFileSync(join(keys(), file), 'utf8').trim());
  return createNoteSigner(name, seed);
}

async function open(options: Partial<TrailOptions> = {}): Promise<OpenTrail> {
  trail = await openTrail({ dataDir: dataDir(), origin, workers: 1, witnessTimes: { everyMs: 20, backOffMs: 20, waitMs: 10_000 }, ...options });
  await trail.createLog('default');
  return trail;
}

async function append(on: OpenTrail, count: number): Promise<string> {
  const body = Buffer.from(Array.from({ length: count }, (_, i) => JSON.stringify({ message: `m${i}` })).join('\n'));
  return (await on.append({ log: 'default', principal: 'test', body, format: 'ndjson' })).checkpoint;
}

async function stop(): Promise<void> {
  await trail?.close();
  trail = undefined;
}

function isSignedBy(vkey: string, checkpoint: string): boolean {
  try {
    openCheckpoint(checkpoint, createTrust([vkey]));
    return true;
  } catch {
    return false;
  }
}

test('old and new sign together, witnesses follow, the old key goes; with it a thief gets nothing cosigned', async () => {
  const old = signerIn('default.signing-key');
  witness = await serveWitness({ dir: join(folder, 'witness'), name: 'w.example', host: '127.0.0.1', port: 0, logs: [old.vkey] });
  const policy = join(folder, 'policy');
  const writePolicy = (...vkeys: string[]): void =>
    writeFileSync(policy, `${vkeys.map((vkey) => `log ${vkey}\n`).join('')}witness w ${witness?.vkey ?? ''} ${witness?.url ?? ''}\nquorum w\n`);
  writePolicy(old.vkey);
  let on = await open({ witnessPolicyFile: policy, witnessMode: 'require' });
  await append(on, 3);
  await stop();

  // Begun: both sign, everybody's verifier accepts, and what was there before still has its cosignatures.
  const begun = await rotateSigningKey(dataDir(), 'default', 'begin');
  const next = begun.next as string;
  await expect(rotateSigningKey(dataDir(), 'default', 'begin')).rejects.toMatchObject({ code: 'key_rotation' });
  expect(statSync(join(keys(), 'default.next-signing-key')).mode & 0o777).toBe(0o600);
  const atRest = readFileSync(join(dataDir(), 'logs', 'default', 'checkpoint'), 'utf8');
  expect([isSignedBy(old.vkey, atRest), isSignedBy(next, atRest), atRest.includes('w.example')]).toEqual([true, true, true]);
  expect(await verifyStoredLog(dataDir(), { log: 'default' })).toMatchObject({ ok: true, unwitnessedFrom: null });
  const store = openSqliteWitnessStore(join(folder, 'witness', 'witness.db'));
  store.addLog(`${origin}/default`, next);
  on = await open();
  const both = await append(on, 2);
  expect([isSignedBy(old.vkey, both), isSignedBy(next, both)]).toEqual([true, true]);
  const told = (await on.search('_system', {})).events.find(({ record }) => record['action'] === 'log.key.change')?.record;
  expect(told?.['metadata']).toEqual({ before: [old.vkey], after: [old.vkey, next] });
  await stop();

  // Finished: not before the witness policy knows the new key.
  await expect(rotateSigningKey(dataDir(), 'default', 'finish')).rejects.toThrow(/policy names the old key/);
  writePolicy(old.vkey, next);
  await open({ witnessPolicyFile: policy });
  await stop();
  expect(await rotateSigningKey(dataDir(), 'default', 'finish')).toEqual({ vkey: next, next: undefined, retired: [old.vkey] });
  await expect(rotateSigningKey(dataDir(), 'default', 'finish')).rejects.toMatchObject({ code: 'key_rotation' });
  expect(
    readdirSync(keys())
      .filter((name) => name.startsWith('default.'))
      .toSorted(),
  ).toEqual(['default.retired.vkeys', 'default.signing-key', 'default.vkey']);
  expect(readFileSync(join(keys(), 'default.vkey'), 'utf8')).toBe(`${next}\n`);
  expect(await verifyStoredLog(dataDir(), { log: 'default', vkey: next })).toMatchObject({ ok: true });
  on = await open();
  const after = await append(on, 2);
  expect([isSignedBy(old.vkey, after), isSignedBy(next, after)]).toEqual([false, true]);
  expect(after).toContain('w.example');
  expect(await verifyStoredLog(dataDir(), { log: 'default' })).toMatchObject({ ok: true, treeSize: 7, unwitnessedFrom: null });

  // The thief of the old key makes a second history. The witness has seen the first one; and once the key is taken away, hears nobody who has it.
  const second = signCheckpoint({ origin: `${origin}/default`, treeSize: 9, root: new Uint8Array(32).fill(9), extensions: [] }, [old]);
  const asked = async (oldSize: number): Promise<number> => {
    const body = formatAddCheckpoint({ oldSize, proof: [], checkpoint: second });
    return (await fetch(`${witness?.url ?? ''}/add-checkpoint`, { method: 'POST', body })).status;
  };
  expect([await asked(0), await asked(7)]).toEqual([409, 422]);
  expect(store.removeKey(`${origin}/default`, old.vkey)).toBe(true);
  store.close();
  expect([await asked(0), await asked(7)]).toEqual([403, 403]);
});

test('each step may be repeated after a crash', async () => {
  const on = await open();
  await append(on, 3);
  await stop();
  const old = signerIn('default.signing-key');
  const { next } = await rotateSigningKey(dataDir(), 'default', 'begin');
  // Cut short before the checkpoints were signed anew: they bear the old signature alone.
  const checkpoint = join(dataDir(), 'logs', 'default', 'checkpoint');
  const text = readFileSync(checkpoint, 'utf8').split('\n\n')[0] as string;
  const signed = readFileSync(checkpoint, 'utf8');
  writeFileSync(checkpoint, `${text}\n\n${(signed.split('\n\n')[1] as string).split('\n')[0] ?? ''}\n`);
  expect(isSignedBy(next as string, readFileSync(checkpoint, 'utf8'))).toBe(false);
  copyFileSync(join(keys(), 'default.next-signing-key'), join(folder, 'kept'));
  await rotateSigningKey(dataDir(), 'default', 'finish');
  expect(isSignedBy(next as string, readFileSync(checkpoint, 'utf8'))).toBe(true);
  // Cut short behind the new key's taking its place: the next one is still there, and is the same.
  copyFileSync(join(folder, 'kept'), join(keys(), 'default.next-signing-key'));
  expect(readSigningKeys(keys(), 'default')).toEqual({ vkey: next, next: undefined, retired: [old.vkey] });
  expect(await rotateSigningKey(dataDir(), 'default', 'finish')).toEqual({ vkey: next, next: undefined, retired: [old.vkey] });
  const again = await open();
  await append(again, 1);
  expect(await verifyStoredLog(dataDir(), { log: 'default' })).toMatchObject({ ok: true, treeSize: 4 });
});

test('by the command, at rest only; a log that is not there is none', async () => {
  const on = await open();
  const busy = await run(['key', 'rotate', 'signing', '--log', 'default', '--data', dataDir()]);
  expect([busy.code, busy.err.includes('data_dir_in_use')]).toEqual([3, true]);
  await append(on, 1);
  await stop();
  const begun = await run(['key', 'rotate', 'signing', '--log', 'default', '--data', dataDir()]);
  expect([begun.code, begun.out]).toEqual([0, readFileSync(join(keys(), 'default.next.vkey'), 'utf8')]);
  const finished = await run(['key', 'rotate', 'signing', '--log', 'default', '--finish', '--json', '--data', dataDir()]);
  expect(JSON.parse(finished.out)).toMatchObject({ log: 'default', vkey: begun.out.trim() });
  expect((await run(['key', 'rotate', 'signing', '--data', dataDir()])).code).toBe(2);
  expect((await run(['key', 'rotate', 'signing', '--log', 'none', '--data', dataDir()])).code).toBe(1);
  expect((await run(['verify', dataDir()])).code).toBe(0);
});

test('a witness with both keys takes a checkpoint that both signed', () => {
  const old = signerIn('default.signing-key');
  const next = createNoteSigner(old.name, new Uint8Array(32).fill(4));
  const { cosigner, store } = openWitnessDirectory(join(folder, 'own'));
  store.addLog(old.name, next.vkey);
  const note = signCheckpoint({ origin: old.name, treeSize: 1, root: new Uint8Array(32).fill(1), extensions: [] }, [old, next]);
  const witnessing = new Witness({ cosigner, store, clock: systemClock, rate: createRateLimit({ burst: 1, perSecond: 1, clock: systemClock }) });
  expect(witnessing.addCheckpoint(Buffer.from(formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: note }))).status).toBe(200);
  store.close();
});
