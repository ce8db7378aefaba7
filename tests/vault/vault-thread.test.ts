import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '../../src/core/bytes.ts';
import { Caller } from '../../src/thread/port-call.ts';
import { VaultClient } from '../../src/vault/vault-client.ts';
import { serveVault, type VaultNews, type VaultThreadData } from '../../src/vault/vault-thread.ts';
import {
  email,
  emails,
  errorOf,
  makeVaultDirectory,
  openVault,
  origin,
  readVault,
  scope,
  settle,
  type VaultDirectory,
  verifyVault,
} from './open-vault.ts';

let at: VaultDirectory;
beforeEach(() => {
  at = makeVaultDirectory();
});
afterEach(() => at.remove());

const open = (onFatal?: (error: Error) => void): Promise<VaultClient> =>
  VaultClient.open({ dataDir: at.dir, keyringDir: at.keyringDir, ...(onFatal ? { onFatal } : {}) });

function call(port: MessagePort) {
  const caller = new Caller(port);
  return {
    settle: (names: readonly string[]) => caller.call<string[]>('settle', { origin, scope, needs: names.map(email) }),
    bucketKey: (log: string, bucket: number) => caller.call<Uint8Array>('bucketKey', { log, bucket }),
    other: () => caller.call('close', undefined),
  };
}

describe("the vault's thread", () => {
  it('answers every line to it alike', async () => {
    const vault = await open();
    const lines = Array.from({ length: 3 }, () => call(vault.newPort()));
    const answers = await Promise.all([settle(vault, [email('Ada'), email('Grace')]), ...lines.map((line) => line.settle(['Ada', 'Grace']))]);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    const keys = await Promise.all([vault.bucketKey('default', 0), ...lines.map((line) => line.bucketKey('default', 0))]);
    for (const key of keys) expect(key).toEqual(keys[0]);
    expect(await vault.reveal(answers[0]?.[0] as string)).toMatchObject({ kind: 'email', value: 'Ada@Example.org' });
    await expect(settle(vault, [{ ...email('Ada'), kind: '' }])).rejects.toThrow(errorOf('token_need'));
    await expect(lines[0]?.other()).rejects.toThrow('no such call');
    await Promise.all([vault.close(), vault.close()]);
    await expect(settle(vault, [email('Ada')])).rejects.toThrow(errorOf('vault_failed'));
    expect(await verifyVault(at)).toEqual({ tokens: 2, problems: [] });
  });

  it('closes the lines when it closes, and takes no new ones', async () => {
    const vault = await open();
    const port = vault.newPort();
    const closed = new Promise((resolve) => port.on('close', resolve));
    const dropped = vault.newPort();
    await call(dropped).settle(['Ada']);
    dropped.close(); // as a worker does that dies
    await call(port).settle(['Ada']);
    await vault.close();
    await closed;
    const late = vault.newPort();
    await new Promise((resolve) => late.on('close', resolve));
  });

  it('is read by others while it writes', async () => {
    const vault = await open();
    const [token] = await settle(vault, [email('Ada')]);
    await readVault(at, async (reader) => expect((await reader.reveal(token as string))?.value).toBe('Ada@Example.org'));
    await vault.close();
  });

  it('that cannot open says why', async () => {
    writeFileSync(at.path, 'this is no database, and long enough that nobody takes it for a file that is still to be made');
    await expect(open()).rejects.toThrow(errorOf('storage_damaged'));
    rmSync(at.path);
    rmSync(join(at.keyringDir, 'lookup.v1.secret'));
    await expect(open()).rejects.toThrow(errorOf('keyring_incomplete'));
  });

  it('that ends is fatal: everyone is told, once, and lines close', async () => {
    const failures: Error[] = [];
    const started = once(process, 'worker') as Promise<[Worker]>;
    const vault = await open((error) => failures.push(error));
    const port = vault.newPort();
    const closed = new Promise((resolve) => port.on('close', resolve));
    await call(port).settle(['Ada']);
    const waiting = settle(vault, emails(0, 5_000));
    const [worker] = await started;
    await Promise.all([expect(waiting).rejects.toThrow(errorOf('vault_failed')), worker.terminate(), closed]);
    expect(failures).toEqual([errorOf('vault_failed')]);
    await vault.close();
    expect((await verifyVault(at)).problems).toEqual([]);
  });

  it('that fails is fatal: everyone is told, once', async () => {
    const failures: Error[] = [];
    const vault = await open((error) => failures.push(error));
    await settle(vault, [email('Ada')]);
    const line = call(vault.newPort());
    await line.settle(['Ada']);
    // What it asks of SQLite next fails in a way that says nothing about what is on disk.
    const database = new DatabaseSync(at.path);
    database.exec('PRAGMA foreign_keys=OFF; DROP TABLE tokens');
    database.close();
    await expect(line.settle(['Grace'])).rejects.toThrow(errorOf('storage_failed'));
    await expect.poll(() => failures).toEqual([errorOf('storage_failed')]);
    await expect(settle(vault, [email('Grace')])).rejects.toThrow(errorOf('storage_failed'));
    await vault.close();
    expect(failures).toHaveLength(1);
  });
});

describe('what the thread serves', () => {
  const channel = (data: Partial<VaultThreadData> = {}) => {
    const { port1, port2 } = new MessageChannel();
    serveVault(port1, { thread: 'vault', path: at.path, keyringDir: at.keyringDir, ...data });
    const news: VaultNews[] = [];
    port2.on('message', (message: VaultNews) => 'fatal' in message && news.push(message));
    return { caller: new Caller(port2), news, close: () => port2.close() };
  };

  it('is the vault, to the main thread and over lines', async () => {
    const { caller, close } = channel();
    await caller.call('open', undefined);
    const { port1, port2 } = new MessageChannel();
    await caller.call('connect', port1, [port1]);
    const [token] = await call(port2).settle(['Ada']);
    expect(await caller.call('settle', { origin, scope, needs: [email('Ada')] })).toEqual([token]);
    expect(await caller.call('reveal', token)).toMatchObject({ value: 'Ada@Example.org' });
    expect(await call(port2).bucketKey('a', 0)).toEqual(await caller.call('bucketKey', { log: 'a', bucket: 0 }));
    const { port1: gone, port2: dropped } = new MessageChannel();
    await caller.call('connect', gone, [gone]);
    dropped.close();
    const closed = once(port2, 'close');
    await caller.call('close', undefined);
    await closed;
    close();
  });

  it('tells what it could not open, and what failed', async () => {
    const without = channel({ keyringDir: join(at.dir, 'none') });
    await expect(without.caller.call('open', undefined)).rejects.toThrow(errorOf('keyring_missing'));
    without.close();
    const { caller, news, close } = channel();
    await caller.call('open', undefined);
    const database = new DatabaseSync(at.path);
    database.exec('DROP TABLE tokens');
    database.close();
    await expect(caller.call('settle', { origin, scope, needs: [email('Ada')] })).rejects.toThrow(errorOf('storage_failed'));
    await expect.poll(() => news).toMatchObject([{ fatal: { code: 'storage_failed' } }]);
    close();
    const damaged = channel();
    await expect(damaged.caller.call('open', undefined)).rejects.toThrow(errorOf('storage_failed')); // no such table
    damaged.close();
    const other = channel({ path: join(at.dir, 'other.db') });
    await expect(other.caller.call('settle', { origin: 'o', scope: 's', needs: null })).rejects.toThrow('not iterable');
    other.close();
  });
});

describe('kill -9 while settling', () => {
  it('loses nothing that was answered', async () => {
    const settled = new Map<string, string>();
    const keys = new Map<string, string>();
    for (let round = 0; round < 4; round++) {
      const name = `person of round ${round}`;
      for (const line of await killedOutput(name, 1 + 3 * round, 5 * round)) {
        const { i, tokens, key } = JSON.parse(line) as { i: number; tokens: string[]; key: string };
        tokens.forEach((token, j) => settled.set(`${name} ${i + j}`, token));
        keys.set(`${name}/${i}`, key);
      }
      const vault = openVault(at);
      for (const [value, token] of settled) expect((await vault.reveal(token))?.value).toBe(value);
      const needs = [...settled.keys()].map((value) => ({ kind: 'person', canonical: value, value }));
      expect(await settle(vault, needs)).toEqual([...settled.values()]);
      for (const [place, key] of keys) {
        const [log, bucket] = place.split('/') as [string, string];
        expect(toHex(await vault.bucketKey(log, Number(bucket)))).toBe(key);
      }
      await vault.close();
      expect((await verifyVault(at)).problems).toEqual([]);
    }
    expect(settled.size).toBeGreaterThan(60);
  });
});

/** What a settling process had printed when it was killed, some time after so many lines. */
async function killedOutput(name: string, lines: number, afterMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [new URL('./settling-process.ts', import.meta.url).pathname, at.dir, at.keyringDir, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split('\n').length > lines) setTimeout(() => child.kill('SIGKILL'), afterMs);
  });
  await new Promise((resolve) => child.on('close', resolve));
  return output.split('\n').slice(0, -1);
}
