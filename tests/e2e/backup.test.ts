/**
 * Backups: what is backed up comes back whole; alone it opens nothing; what was erased since does not come back, whatever is put together; a log that grew
 * since is not forked; and whatever somebody changed in a backup is named.
 */
import '../setup/threads-here.ts';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, test } from 'vitest';
import { openCheckpointFiles } from '../../src/cli/checkpoint-files.ts';
import { openTrail } from '../../src/server/compose.ts';
import { makeKit, refuseChangedKeys } from '../../src/server/backup/recovery-kit.ts';
import { addSecretVersion, openKeyring } from '../../src/vault/keyring.ts';
import { openStoredVault } from '../../src/server/stored-vault.ts';
import { openCheckpoint, createTrust } from '../../src/log/index.ts';
import { createLookup } from '../../src/vault/token.ts';
import { run, serve, type Served, temporaryDirectory } from './product.ts';

let home: string;
const at = (name: string): string => join(home, name);
beforeEach(() => {
  home = temporaryDirectory();
});

const timeout = 300_000;
const people = ['jane.doe@example.com', 'omar@example.net', 'li@example.org'];

async function append(dataDir: string, from: number, to: number, emails = people): Promise<void> {
  const trail = await openTrail({ dataDir });
  try {
    await trail.createLog('default');
    const events = Array.from({ length: to - from }, (_, i) =>
      JSON.stringify({
        id: `e${from + i}`,
        time: '2026-11-01T00:00:00Z',
        action: 'order',
        actor: { type: 'user', id: `u${i % emails.length}`, email: emails[i % emails.length] },
      }),
    );
    await trail.append({
      log: 'default',
      principal: 'test',
      body: Buffer.from(events.join('\n')),
      format: 'auto',
      contentType: 'application/x-ndjson',
    });
  } finally {
    await trail.close();
  }
}

async function tokenOf(dataDir: string, leaf: number): Promise<string> {
  const { out } = await run(['show', String(leaf), '--data', dataDir]);
  return /tok_[A-Za-z0-9_-]{27}/.exec(out)?.[0] as string;
}

async function erase(dataDir: string, token: string): Promise<void> {
  const trail = await openTrail({ dataDir });
  try {
    const { records, tokens } = await trail.remove({ operation: 'erase', tokens: [token], reason: 'GDPR art. 17(1)(b)', by: 'test' });
    expect(records).toBeGreaterThan(0);
    expect(tokens).toBe(1);
  } finally {
    await trail.close();
  }
}

async function expectVerified(dataDir: string): Promise<{ treeSize: number; records: { verified: number; erased: number } }> {
  const { code, out, err } = await run(['verify', dataDir, '--json']);
  expect(code, out + err).toBe(0);
  return JSON.parse(out) as { treeSize: number; records: { verified: number; erased: number } };
}

/** Posts event after event, three at a time, until it is stopped, which says how many were taken; the first ten have been when this comes back. */
async function underLoad(served: Served): Promise<{ stop: () => Promise<number> }> {
  const over = new AbortController();
  const begun = Promise.withResolvers<void>();
  let all = 0;
  const post = async (): Promise<number> => {
    const headers = { authorization: `Bearer ${served.key('writer')}`, 'content-type': 'application/json' };
    let taken = 0;
    for (; !over.signal.aborted; taken++) {
      const { ok, status } = await fetch(`${served.url}/api/v1/logs/default/events`, { method: 'POST', headers, body: '{"action":"order"}' });
      if (!ok) throw new Error(`the server answers ${status}`);
      if (++all === 10) begun.resolve();
    }
    return taken;
  };
  const done = Promise.all([post(), post(), post()]).then((taken) => taken.reduce((sum, one) => sum + one));
  done.catch(() => undefined); // for whoever does not come to stop it
  await Promise.race([begun.promise, done]);
  return {
    stop() {
      over.abort();
      return done;
    },
  };
}

const backUp = (...more: string[]): ReturnType<typeof run> =>
  run(['export', '--data', at('data'), '--backup', at('backup'), '--keys', at('kit.json'), ...more]);
const restore = (...more: string[]): ReturnType<typeof run> =>
  run(['restore', at('backup'), '--keys', at('kit.json'), '--data', at('restored'), ...more]);

describe('a backup', () => {
  test('comes back whole, and goes on', { timeout }, async () => {
    await append(at('data'), 0, 600);
    await append(at('data'), 0, 3);
    const made = await backUp();
    expect(made, made.err).toMatchObject({ code: 0 });
    expect(statSync(at('kit.json')).mode & 0o777).toBe(0o600);
    // What it was made of is as it was: nothing beside the databases that the seal would have to tell of.
    expect((await expectVerified(at('data'))).records.verified).toBe(600);
    const restored = await restore('--json');
    expect(restored.code, restored.err).toBe(0);
    expect(JSON.parse(restored.out)).toMatchObject({ lostRecords: 0, lostTokens: 0, removalsReplayed: 0 });
    expect((await expectVerified(at('restored'))).records).toMatchObject({ verified: 600, erased: 0 });
    expect(await tokenOf(at('restored'), 0)).toBe(await tokenOf(at('data'), 0));
    // The same value still has the same token, and the same event is known for one that came before.
    await append(at('restored'), 600, 603);
    expect(await tokenOf(at('restored'), 600)).toBe(await tokenOf(at('data'), 0));
    await append(at('restored'), 0, 3);
    expect((await expectVerified(at('restored'))).records.verified).toBe(603);
    // Who made it, too: that was on record before anything was copied.
    const told = await run(['search', 'category:log_control', '--log', '_system', '--data', at('restored')]);
    for (const what of ['backup.restored', 'backup.make']) expect(told.out).toContain(what);
    // A kit made later: the record of that alone, which it brings along, does not make the backup one that would fork the log.
    expect((await run(['export', '--data', at('data'), '--keys', at('later.json')])).code).toBe(0);
    await expectVerified(at('data'));
    const later = await run(['restore', at('backup'), '--keys', at('later.json'), '--data', at('again'), '--json']);
    expect(later.code, later.err).toBe(0);
    expect(JSON.parse(later.out)).toMatchObject({
      lostRecords: 1,
      lostTokens: 0,
      logs: expect.arrayContaining([expect.objectContaining({ entriesOnly: 1 })]),
    });
    const checkpoint = at('data/logs/_system/checkpoint');
    const kept = await run(['verify', at('again'), '--log', '_system', '--checkpoint', checkpoint]);
    expect(kept.code, kept.out + kept.err).toBe(0);
  });

  test('made while a signing key is rotated: both keys go on signing, and the rotation can be finished', { timeout }, async () => {
    await append(at('data'), 0, 3);
    const keys = at('data/keys');
    const first = openKeyring(keys, { create: false }).signer('default')?.vkey;
    const rotate = async (dir: string, ...args: string[]): Promise<void> => {
      const { code, err } = await run(['key', 'rotate', 'signing', '--data', at(dir), '--log', ...args]);
      expect(code, err).toBe(0);
    };
    await rotate('data', '_system');
    await rotate('data', '_system', '--finish');
    await rotate('data', 'default');
    const next = openKeyring(keys, { create: false }).signers('default')[1]?.vkey;
    const made = await backUp();
    expect(made, made.err).toMatchObject({ code: 0 });
    const restored = await restore();
    expect(restored.code, restored.err).toBe(0);
    for (const file of ['default.next-signing-key', 'default.next.vkey', '_system.retired.vkeys']) {
      expect(readFileSync(at(`restored/keys/${file}`), 'utf8'), file).toBe(readFileSync(at(`data/keys/${file}`), 'utf8'));
      expect(statSync(at(`restored/keys/${file}`)).mode & 0o777, file).toBe(file.endsWith('key') && !file.endsWith('vkey') ? 0o600 : 0o644);
    }
    const checkpoint = readFileSync(at('restored/logs/default/checkpoint'), 'utf8');
    for (const vkey of [first, next]) expect(openCheckpoint(checkpoint, createTrust([vkey as string])).treeSize).toBe(3);
    await rotate('restored', 'default', '--finish');
    await append(at('restored'), 3, 5);
    await expectVerified(at('restored'));
    expect(
      openKeyring(at('restored/keys'), { create: false })
        .signers('default')
        .map(({ vkey }) => vkey),
    ).toEqual([next]);
  });

  test('beside a running server, and again into the same directory: tiles are copied once', { timeout }, async () => {
    await append(at('data'), 0, 700);
    const server = await serve(at('data'));
    const first = await backUp('--json');
    expect(first.code, first.err).toBe(0);
    // The server keeps the record of it, where it is asked to; keys are made over the network as well.
    expect(first.err).toContain('not on record in _system: a server has this directory');
    const there = (role: 'admin' | 'writer' | 'reader'): string[] => ['--url', server.url, '--key', server.key(role)];
    const operator = await run(['key', 'create', '--role', 'operator', '--json', ...there('admin')]);
    const { key, id } = JSON.parse(operator.out) as { key: string; id: string };
    const why = ['--purpose', 'every Sunday', '--url', server.url, '--key'];
    expect(await backUp(...why, server.key('reader'))).toMatchObject({ code: 3, err: expect.stringContaining('backup.make') });
    // While events come: the kit knows of no larger log than the backup has.
    const load = await underLoad(server);
    const told = await backUp(...why, key);
    const more = await load.stop();
    expect(more).toBeGreaterThanOrEqual(10);
    expect([told.code, told.err]).toEqual([0, expect.not.stringContaining('not on record')]);
    const taken = await restore();
    expect(taken.code, taken.err).toBe(0);
    expect((await expectVerified(at('restored'))).records.verified).toBeGreaterThan(700);
    rmSync(at('restored'), { recursive: true });
    const found = await run(['search', `action:backup.make actor.id:key:${id}`, '--log', '_system', '--json', ...there('admin')]);
    const event = { purpose: 'every Sunday', outcome: 'success', severity: 4, metadata: { parts: ['state', 'keys'] } };
    expect(JSON.parse(found.out)).toMatchObject({ record: event });
    const list = await run(['key', 'list', '--json', ...there('admin')]);
    expect(list.out).toContain(`"id":"${id}"`);
    expect(list.out).toContain('"secret":"root"');
    const rotated = await run(['key', 'rotate', id, '--overlap', '1', '--json', ...there('admin')]);
    expect(JSON.parse(rotated.out)).toMatchObject({ key: expect.stringMatching(/^vt_operator_/), rotates: id });
    expect((await run(['key', 'revoke', id, '--json', ...there('admin')])).out).toContain('"revokedAt"');
    const vkey = await run(['key', 'export-public', '--data', at('data')]);
    expect((await run(['key', 'export-public', ...there('reader')])).out).toBe(vkey.out);
    // Another server cannot say so for this directory.
    const elsewhere = await serve(at('elsewhere'));
    const other = JSON.parse((await run(['key', 'create', '--role', 'operator', '--json', '--data', at('elsewhere')])).out) as { key: string };
    expect(await backUp('--url', elsewhere.url, '--key', other.key)).toMatchObject({ err: expect.stringContaining('(backup_remote)') });
    await Promise.all([server.stop(), elsewhere.stop()]);
    await append(at('data'), 700, 1_200);
    const second = await backUp('--json');
    expect(JSON.parse(second.out)).toMatchObject({ kept: expect.any(Number) });
    expect((JSON.parse(second.out) as { kept: number }).kept).toBeGreaterThan(0);
    expect(await restore()).toMatchObject({ code: 0, err: expect.stringContaining('forwarders stop then') });
    expect((await expectVerified(at('restored'))).records.verified).toBe(1_200 + more);
  });

  test('opens nothing by itself, not even with the keys of the installation: no secret, no root, no lookup', { timeout }, async () => {
    await append(at('data'), 0, 30);
    expect((await backUp()).code).toBe(0);
    const files = (readdirSync(at('backup'), { recursive: true, encoding: 'utf8' }) as string[]).filter((path) =>
      statSync(join(at('backup'), path)).isFile(),
    );
    expect(files.filter((path) => /\.secret$|\.signing-key$|\.key$|index\.db|^lock/.test(path))).toEqual([]);
    const keyring = openKeyring(at('data/keys'), { create: false });
    for (const purpose of ['root', 'lookup', 'index', 'seal', 'pseudonym', 'idempotency'] as const) {
      for (const { key } of keyring.secrets(purpose))
        for (const path of files) expect(readFileSync(join(at('backup'), path)).includes(Buffer.from(key)), path).toBe(false);
    }
    const scope = 'installation';
    const lookup = createLookup(keyring.secret('lookup').key)(scope, 'email', 'jane.doe@example.com');
    const has = (dir: string): boolean => {
      const vault = new DatabaseSync(join(dir, 'vault.db'), { readOnly: true });
      const found = vault.prepare('SELECT 1 FROM tokens WHERE lookup = ?').get(lookup) !== undefined;
      vault.close();
      return found;
    };
    expect([has(at('data')), has(at('backup'))]).toEqual([true, false]);
  });

  test('under a passphrase the kit opens with it alone', { timeout }, async () => {
    await append(at('data'), 0, 5);
    writeFileSync(at('pass'), 'correct horse\n');
    expect((await backUp('--passphrase-file', at('pass'))).code).toBe(0);
    expect(readFileSync(at('kit.json'), 'utf8')).not.toContain('VEILTRAIL+SECRET');
    expect(await restore()).toMatchObject({ code: 2, err: expect.stringContaining('passphrase') });
    writeFileSync(at('other'), 'battery staple\n');
    expect(await restore('--passphrase-file', at('other'))).toMatchObject({ code: 2, err: expect.stringContaining('wrong') });
    expect(existsSync(at('restored'))).toBe(false);
    expect((await restore('--passphrase-file', at('pass'))).code).toBe(0);
  });
});

describe('what was erased after the backup', () => {
  test('does not come back: the log is not forked, the erasure is replayed, and nothing opens it', { timeout }, async () => {
    await append(at('data'), 0, 300);
    // Chunks that an erasure leaves alone.
    await append(at('data'), 300, 500, ['only@example.com']);
    const jane = await tokenOf(at('data'), 0);
    const omar = await tokenOf(at('data'), 1);
    expect((await backUp()).code).toBe(0);
    cpSync(at('kit.json'), at('old-kit.json'));
    await erase(at('data'), jane);
    await expectVerified(at('data'));
    expect((await run(['export', '--data', at('data'), '--keys', at('kit.json')])).code).toBe(0);
    // The log has grown by its tombstones since.
    expect(await restore()).toMatchObject({ code: 1, err: expect.stringMatching(/would be a second history.*with one command, or the kit first/) });
    expect(existsSync(at('restored'))).toBe(false);
    const restored = await restore('--tiles', at('data/logs'), '--json');
    expect(restored.code, restored.err).toBe(0);
    const report = JSON.parse(restored.out) as { removalsReplayed: number; lostRecords: number; logs: { log: string; entriesOnly: number }[] };
    const entriesOnly = report.logs.reduce((sum, one) => sum + one.entriesOnly, 0);
    expect(report.removalsReplayed).toBe(1);
    // The chunk that held jane's records is lost with them: a backup made after the erasure would have the rest of it.
    expect(report.lostRecords).toBe(300 + entriesOnly);
    expect((await expectVerified(at('restored'))).records.verified).toBe(200 + 1); // and the tombstone of what was restored
    // The log itself is whole: the same entries, one history.
    const kept = await run(['verify', at('restored'), '--checkpoint', at('data/logs/default/checkpoint'), '--json']);
    expect(kept.code, kept.out).toBe(0);
    const vault = openStoredVault(at('restored'), openKeyring(at('restored/keys'), { create: false }));
    expect(await vault.hasToken(jane)).toBe(true);
    await vault.close();
    const trail = await openTrail({ dataDir: at('restored') });
    expect((await trail.search('default', { q: jane })).events).toEqual([]);
    await trail.close();
    expect(omar).not.toBe(jane);
  });

  test('a kit that is older than the backup is refused: it would count everything as lost', { timeout }, async () => {
    await append(at('data'), 0, 30);
    expect((await backUp()).code).toBe(0);
    cpSync(at('kit.json'), at('old-kit.json'));
    await erase(at('data'), await tokenOf(at('data'), 0));
    expect((await backUp()).code).toBe(0);
    cpSync(at('kit.json'), at('new-kit.json'));
    cpSync(at('old-kit.json'), at('kit.json'));
    expect(await restore()).toMatchObject({ code: 2, err: expect.stringContaining('(kit_outdated)') });
    expect(existsSync(at('restored'))).toBe(false);
    cpSync(at('new-kit.json'), at('kit.json'));
    expect((await restore()).code).toBe(0);
    await expectVerified(at('restored'));
    // So is one that lacks a secret that came since; both made at once notice it in the making.
    const kit = await makeKit(at('data'), Date.now());
    refuseChangedKeys(at('data'), kit);
    addSecretVersion(at('data/keys'), 'pseudonym');
    expect(() => refuseChangedKeys(at('data'), kit)).toThrow('make it again');
    expect((await run(['export', '--data', at('data'), '--backup', at('backup')])).code).toBe(0);
    rmSync(at('restored'), { recursive: true });
    expect(await restore()).toMatchObject({ code: 2, err: expect.stringContaining('(kit_outdated)') });
  });

  test('with the old kit it would: that is why it is destroyed', { timeout }, async () => {
    await append(at('data'), 0, 30);
    const jane = await tokenOf(at('data'), 0);
    expect((await backUp()).code).toBe(0);
    await erase(at('data'), jane);
    // The control: the kit of before opens the backup of before. What keeps it from it is that nobody has it any more.
    expect((await restore()).code).toBe(0);
    expect(await tokenOf(at('restored'), 0)).toBe(jane);
  });
});

describe('a log that grew after backup and kit were made', () => {
  test('is not forked: a checkpoint that somebody kept, the public files or this machine’s memory tell of it', { timeout }, async () => {
    await append(at('data'), 0, 5);
    expect((await backUp()).code).toBe(0);
    await append(at('data'), 5, 9);
    const kept = at('data/logs/default/checkpoint');
    expect(await restore('--checkpoint', kept)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/9 leaves, as the checkpoint given says.*second history/),
    });
    const state = at('state');
    const text = readFileSync(kept, 'utf8');
    openCheckpointFiles({ VEILTRAIL_STATE: state })?.write(text.split('\n', 1)[0] as string, text);
    const remembering = await run(['restore', at('backup'), '--keys', at('kit.json'), '--data', at('restored')], { env: { VEILTRAIL_STATE: state } });
    expect(remembering).toMatchObject({ code: 1, err: expect.stringContaining('as the checkpoint that this machine remembers says') });
    writeFileSync(at('foreign'), text.replace(/^/, 'other.example/'));
    expect(await restore('--checkpoint', at('foreign'))).toMatchObject({ code: 2, err: expect.stringContaining('of none of the logs') });
    writeFileSync(at('forged'), text.replace('\n9\n', '\n7\n'));
    expect(await restore('--checkpoint', at('forged'))).toMatchObject({
      code: expect.toSatisfy((code: number) => code > 0),
      err: expect.stringContaining('note_signature'),
    });
    expect(existsSync(at('restored'))).toBe(false);
    const restored = await restore('--tiles', at('data/logs'), '--checkpoint', kept, '--json');
    expect(restored.code, restored.err).toBe(0);
    expect((JSON.parse(restored.out) as { logs: object[] }).logs).toContainEqual({ log: 'default', treeSize: 9, entriesOnly: 4 });
    expect((await run(['verify', at('restored'), '--checkpoint', kept])).code).toBe(0);
  });
});

describe('a backup beside somebody who removes', () => {
  test('whose records and vault do not fit together is no backup', { timeout }, async () => {
    await append(at('data'), 0, 5);
    const vault = new DatabaseSync(at('data/vault.db'));
    vault.exec("DELETE FROM bucket_keys WHERE log = 'default'");
    vault.close();
    expect(await backUp()).toMatchObject({ code: 2, err: expect.stringContaining('(backup_moved)') });
    expect(await restore()).toMatchObject({ code: 2 });
    writeFileSync(at('data/removal.json'), '');
    expect(await backUp()).toMatchObject({ err: expect.stringContaining('(removal_unfinished)') });
  });
});

describe('a backup that somebody changed', () => {
  test('is refused, and the file is named; so is one that was cut short, and a target that is not empty', { timeout }, async () => {
    await append(at('data'), 0, 300);
    expect((await backUp()).code).toBe(0);
    for (const path of ['records.db', 'vault.db', 'policy.yaml', 'logs/default/tile/0/000', 'files.json', 'backup.note']) {
      cpSync(at('backup'), at('good'), { recursive: true });
      const bytes = readFileSync(join(at('backup'), path));
      bytes[bytes.length >>> 1] = (bytes[bytes.length >>> 1] as number) ^ 1;
      writeFileSync(join(at('backup'), path), bytes);
      const refused = await restore();
      expect(refused.code, path).not.toBe(0);
      if (!/note|files/.test(path)) expect(refused.err).toContain(path);
      expect(existsSync(at('restored')), path).toBe(false);
      rmSync(at('backup'), { recursive: true });
      cpSync(at('good'), at('backup'), { recursive: true });
      rmSync(at('good'), { recursive: true });
    }
    rmSync(join(at('backup'), 'backup.note'));
    expect(await restore()).toMatchObject({ code: 2, err: expect.stringContaining('cut short') });
    mkdirSync(at('restored'));
    writeFileSync(at('restored/mine'), '');
    expect((await backUp()).code).toBe(0);
    expect(await restore()).toMatchObject({ code: 2, err: expect.stringContaining('not empty') });
    writeFileSync(at('kit.json'), '{}');
    rmSync(at('restored'), { recursive: true });
    expect(await restore()).toMatchObject({ code: 2, err: expect.stringContaining('no recovery kit') });
    mkdirSync(at('something'));
    writeFileSync(at('something/else'), '');
    expect(await run(['export', '--data', at('data'), '--backup', at('something')])).toMatchObject({
      code: 2,
      err: expect.stringContaining('no backup'),
    });
  });
});
