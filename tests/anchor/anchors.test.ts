/** Anchors: their files, targets of other kinds, the clock that makes them, and the command. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { type Anchored, type AnchorTarget, formatAnchor, parseAnchor } from '../../src/anchor/anchor.ts';
import { Anchoring, type AnchorResult } from '../../src/anchor/anchoring.ts';
import { AnchorStore } from '../../src/anchor/anchor-store.ts';
import { createCommandTarget } from '../../src/anchor/command-anchor.ts';
import { createFileTarget } from '../../src/anchor/file-anchor.ts';
import { openTarget, readTargets } from '../../src/anchor/targets.ts';
import type { LowerBound, UpperBound } from '../../src/anchor/time-brackets.ts';
import { openKeys } from '../../src/access/manage-keys.ts';
import type { EvidenceReport } from '../../src/verify/evidence/index.ts';
import { checkAnchors, clockDoubtsOf } from '../../src/cli/check-anchors.ts';
import { systemClock } from '../../src/core/clock.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import { systemRandom } from '../../src/core/random.ts';
import type { CheckedLog } from '../../src/server/verify-anchors.ts';
import { keyOf, launch, run } from '../e2e/product.ts';
import { hasOpenssl, startTimeStampAuthority } from './time-stamp-authority.ts';
import { createTestLog, type TestLog } from './test-log.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'veiltrail-anchors-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const checkpoint = 'example.com/log\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— example.com/log AAAA\n';
const anchored: Anchored = { log: 'log', origin: 'example.com/log', treeSize: 42, checkpoint };
const anchorOf = (proof: Record<string, string>, over: Partial<Anchored> = {}): ReturnType<typeof parseAnchor> => ({
  ...anchored,
  ...over,
  kind: 'file',
  target: 'usb',
  madeAt: '2026-01-01T00:00:00.000Z',
  proof,
});

describe('an anchor', () => {
  test('is read as it was written, and as nothing else', () => {
    const text = formatAnchor(anchorOf({ path: 'x' }));
    expect(parseAnchor(text)).toEqual(anchorOf({ path: 'x' }));
    for (const bent of [
      '',
      '[]',
      '{}',
      text.replace('v1', 'v2'),
      text.replace('"file"', '"tape"'),
      text.replace('42', '-1'),
      text.replace('"proof"', '"prove"'),
      text.slice(0, -3),
    ]) {
      expect(() => parseAnchor(bent), bent.slice(0, 40)).toThrow(expect.objectContaining({ code: 'anchor_syntax' }));
    }
  });

  test('is kept by log and size; a file of another name, or that cannot be read, is said so', async () => {
    const store = new AnchorStore(home);
    await store.add(anchorOf({ path: 'x' }));
    await store.add(anchorOf({ path: 'y' }, { treeSize: 50 }));
    expect((await store.newest('log', 'usb'))?.treeSize).toBe(50);
    expect(await store.newest('log', 'other')).toBe(undefined);
    writeFileSync(join(home, 'anchors/log/0000000000000060-usb.json'), formatAnchor(anchorOf({ path: 'x' })));
    writeFileSync(join(home, 'anchors/log/0000000000000070-usb.json'), 'no');
    expect((await store.list('log')).map(({ treeSize, problem }) => [treeSize, problem !== undefined])).toEqual([
      [42, false],
      [50, false],
      [60, true],
      [70, true],
    ]);
    expect(await new AnchorStore(join(home, 'nowhere')).logs()).toEqual([]);
  });
});

async function keptOf(target: AnchorTarget, origin: string): Promise<(string | undefined)[]> {
  const kept: (string | undefined)[] = [];
  for await (const text of target.kept?.(origin) ?? []) kept.push(text);
  return kept;
}

describe('a file elsewhere', () => {
  test('is written once; the same again does no harm, another history is refused, and what changes is found', async () => {
    const target = createFileTarget({ name: 'usb', everyMs: 1, dir: home, git: false });
    const proof = await target.put(anchored);
    const path = join(home, 'example.com%2Flog/42.checkpoint');
    expect(readFileSync(path, 'utf8')).toBe(checkpoint);
    expect(await target.put(anchored)).toEqual(proof);
    // Cosignatures may have come since.
    expect(await target.put({ ...anchored, checkpoint: `${checkpoint}— witness AAAA\n` })).toEqual(proof);
    expect(await target.check(anchorOf(proof as never))).toMatchObject({ ok: true });
    await expect(target.put({ ...anchored, checkpoint: checkpoint.replace('AAAA=', 'AAAB=') })).rejects.toMatchObject({
      code: 'anchor_refused',
      message: expect.stringContaining('two histories'),
    });
    chmodSync(path, 0o644);
    writeFileSync(path, checkpoint.replace('42', '43'));
    expect(await target.check(anchorOf(proof as never))).toMatchObject({ ok: false, detail: expect.stringContaining('another checkpoint') });
    rmSync(path);
    expect(await target.check(anchorOf(proof as never))).toMatchObject({ ok: false, detail: expect.stringContaining('not there') });
    expect(await target.check(anchorOf({ path: '../elsewhere' }))).toMatchObject({ ok: false });
  });

  test('that a crash cut short is made whole', async () => {
    const target = createFileTarget({ name: 'usb', everyMs: 1, dir: home, git: false });
    for (const cut of [0, 1, 30, checkpoint.length - 1]) {
      mkdirSync(join(home, 'example.com%2Flog'), { recursive: true });
      writeFileSync(join(home, 'example.com%2Flog/42.checkpoint'), checkpoint.slice(0, cut));
      await target.put(anchored);
      expect(readFileSync(join(home, 'example.com%2Flog/42.checkpoint'), 'utf8')).toBe(checkpoint);
      expect(readdirSync(join(home, 'example.com%2Flog'))).toEqual(['42.checkpoint']);
    }
  });

  test('what a crash left of a write is neither in the way nor the newest', async () => {
    const target = createFileTarget({ name: 'usb', everyMs: 1, dir: home, git: false });
    const kept = join(home, 'example.com%2Flog');
    await target.put(anchored);
    for (const cut of ['', checkpoint.slice(0, 16), checkpoint.slice(0, -1)]) {
      writeFileSync(join(kept, '43.checkpoint'), cut);
      expect(await keptOf(target, 'example.com/log')).toEqual([undefined, checkpoint]);
    }
    rmSync(join(kept, '43.checkpoint'));
    writeFileSync(join(kept, '43.checkpoint.new'), checkpoint.slice(0, 16), { mode: 0o444 });
    const next = checkpoint.replace('42', '43');
    await target.put({ ...anchored, treeSize: 43, checkpoint: next });
    expect(await keptOf(target, 'example.com/log')).toEqual([next, checkpoint]);
    expect(await keptOf(target, 'example.com/other')).toEqual([]);
    expect(readdirSync(kept)).toEqual(['42.checkpoint', '43.checkpoint']);
  });

  test('in a git working copy is a commit', async () => {
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: home, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
    git('init', '--quiet');
    git('config', 'user.email', 'anchor@example.com');
    git('config', 'user.name', 'anchor');
    const target = createFileTarget({ name: 'git', everyMs: 1, dir: home, git: true });
    const proof = await target.put(anchored);
    expect(git('log', '--format=%H %s').trim()).toBe(`${proof['commit'] as string} checkpoint example.com%2Flog/42.checkpoint`);
    expect(await target.put(anchored)).toEqual(proof);
    expect(git('status', '--porcelain')).toBe('');
  });

  test('that cannot be written is said so', async () => {
    writeFileSync(join(home, 'file'), '');
    const target = createFileTarget({ name: 'usb', everyMs: 1, dir: join(home, 'file'), git: false });
    await expect(target.put(anchored)).rejects.toMatchObject({ code: 'anchor_failed' });
    expect(() => createFileTarget({ name: 'usb', everyMs: 1, dir: 'relative', git: false })).toThrow(
      expect.objectContaining({ code: 'anchor_refused' }),
    );
  });
});

describe('a command', () => {
  test('gets the checkpoint and its name, and nothing else of ours', async () => {
    process.env['VEILTRAIL_KEY'] = 'secret';
    const target = createCommandTarget({ name: 'c', everyMs: 1, argv: ['/bin/sh', '-c', `cat > ${home}/got; env > ${home}/env; echo queued as 7`] });
    expect(await target.put(anchored)).toEqual({ said: 'queued as 7' });
    expect(readFileSync(join(home, 'got'), 'utf8')).toBe(checkpoint);
    const env = readFileSync(join(home, 'env'), 'utf8');
    expect(env).toContain('VEILTRAIL_ORIGIN=example.com/log');
    expect(env).toContain('VEILTRAIL_TREE_SIZE=42');
    expect(env).not.toContain('secret');
    delete process.env['VEILTRAIL_KEY'];
  });

  test('vouches for nothing that could be checked from here, and is not taken to', async () => {
    const target = createCommandTarget({ name: 'c', everyMs: 1, argv: ['/bin/true'] });
    expect((await target.check(anchorOf({ said: '-' }))).ok).toBe(undefined);
  });

  test('that fails, hangs or is not there is said so', async () => {
    for (const argv of [['/bin/sh', '-c', 'exit 3'], ['/bin/sleep', '20'], [join(home, 'nothing')]]) {
      const target = createCommandTarget({ name: 'c', everyMs: 1, argv, timeoutMs: 300 });
      await expect(target.put(anchored)).rejects.toMatchObject({ code: 'anchor_failed' });
    }
  });
});

describe('the list of targets', () => {
  const file = { kind: 'file', name: 'usb', dir: '/mnt/usb' };
  test('is read strictly, and says what would be right', () => {
    expect(readTargets([{ ...file, every: '2d' }])).toMatchObject([
      { kind: 'file', name: 'usb', everyMs: 172_800_000, settings: { dir: '/mnt/usb' } },
    ]);
    for (const [list, message] of [
      ['file', 'must be a list'],
      [['file'], 'must have kind'],
      [[{ ...file, kind: 'tape' }], 'kind is one of file, command'],
      [[{ ...file, name: 'USB!' }], 'lower-case'],
      [[{ kind: 'file', name: 'usb' }], 'needs dir'],
      [[{ ...file, bucket: 'x' }], 'unknown setting bucket; file has dir, git, every'],
      [[{ ...file, every: 'hourly' }], 'every is a number'],
      [[file, file], 'same name'],
    ] as const)
      expect(() => readTargets(list), message).toThrow(expect.objectContaining({ code: 'anchor_config', message: expect.stringContaining(message) }));
  });

  test('opens targets without asking anybody, and refuses secrets that others may read', () => {
    const parts = {
      clock: systemClock,
      random: systemRandom,
      tiles: { read: () => Promise.resolve(undefined) },
      newest: () => Promise.resolve(undefined),
    };
    const open = (entry: Record<string, unknown>): AnchorTarget => openTarget(readTargets([{ name: 't', ...entry }])[0] as never, parts);
    const keys = join(home, 'keys.json');
    writeFileSync(keys, '{"accessKeyId":"a","secretAccessKey":"b"}', { mode: 0o644 });
    const bucket = { kind: 's3', endpoint: 'https://s3.example.com', region: 'x', bucket: 'audit', retainDays: 30, credentials: keys };
    expect(() => open(bucket)).toThrow(expect.objectContaining({ message: expect.stringContaining('chmod 600') }));
    chmodSync(keys, 0o600);
    expect(open(bucket)).toMatchObject({ kind: 's3', name: 't' });
    for (const [over, message] of [
      [{ retainDays: 0 }, 'retainDays'],
      [{ mode: 'NONE' }, 'mode is'],
      [{ prefix: '../x y' }, 'prefix is'],
      [{ endpoint: 'ftp://x' }, 'URL of http'],
      [{ endpoint: 'https://a:b@x' }, 'without a password'],
      [{ bucket: 'Not A Bucket' }, 'name of a bucket'],
      [{ credentials: join(home, 'none') }, 'cannot be read'],
      [{ legalHold: 'yes' }, 'true or false'],
    ] as const)
      expect(() => open({ ...bucket, ...over }), message).toThrow(expect.objectContaining({ message: expect.stringContaining(message) }));
    writeFileSync(keys, '{}', { mode: 0o600 });
    expect(() => open(bucket)).toThrow(expect.objectContaining({ message: expect.stringContaining('accessKeyId') }));
    expect(() => open({ kind: 'command', run: 'mail' })).toThrow(expect.objectContaining({ message: expect.stringContaining('a list') }));
    expect(() => open({ kind: 'rfc3161', url: 'https://tsa.example.com', trusted: join(home, 'none') })).toThrow(
      expect.objectContaining({ code: 'anchor_config' }),
    );
  });
});

describe('anchoring by the clock', () => {
  test('each target has its turn; what fails is told, and keeps nobody else waiting', async () => {
    const results: AnchorResult[] = [];
    let size = 42;
    const good: AnchorTarget = {
      name: 'good',
      kind: 'file',
      everyMs: 20,
      isBeacon: false,
      put: () => Promise.resolve({ path: 'x' }),
      check: () => Promise.resolve({ ok: true, detail: '' }),
    };
    const bad: AnchorTarget = { ...good, name: 'bad', put: () => Promise.reject(new VeiltrailError('anchor_failed', 'away')) };
    const anchoring = new Anchoring({
      targets: [bad, good],
      store: new AnchorStore(home),
      clock: systemClock,
      checkpoints: () => Promise.resolve([{ ...anchored, treeSize: size }]),
      onResult: (result) => void results.push(result),
    });
    await anchoring.start();
    await expect.poll(() => results.map((result) => 'anchor' in result)).toEqual(expect.arrayContaining([true, false]));
    size = 50;
    await expect.poll(async () => (await anchoring.figures()).find(({ target }) => target === 'good')?.treeSize).toBe(50);
    await anchoring.stop();
    const count = results.length;
    const figures = await anchoring.figures();
    expect(figures.find(({ target }) => target === 'good')).toMatchObject({ behind: 0, failures: 0 });
    expect(figures.find(({ target }) => target === 'bad')).toMatchObject({ treeSize: 0, behind: 50, madeAtMs: undefined });
    expect(figures.find(({ target }) => target === 'bad')?.failures).toBeGreaterThan(0);
    expect(results.flatMap((result) => ('anchor' in result ? [result.anchor.treeSize] : []))).toEqual([42, 50]);
    await sleep(60);
    expect(results.length, 'after the stop').toBe(count);
  });
});

describe('a stop', () => {
  test('waits for no target for ever, and keeps nothing that comes later', async () => {
    let give: (proof: { path: string }) => void = () => undefined;
    const asked: string[] = [];
    const results: AnchorResult[] = [];
    const slow: AnchorTarget = {
      name: 'slow',
      kind: 'file',
      everyMs: 1,
      isBeacon: false,
      put: ({ log }) => {
        asked.push(log);
        return new Promise((resolve) => (give = resolve));
      },
      check: () => Promise.resolve({ ok: true, detail: '' }),
    };
    const store = new AnchorStore(home);
    const anchoring = new Anchoring({
      targets: [slow],
      store,
      clock: systemClock,
      checkpoints: () => Promise.resolve([anchored, { ...anchored, log: 'next' }]),
      onResult: (result) => void results.push(result),
    });
    await anchoring.start();
    await expect.poll(() => asked).toEqual([anchored.log]);
    await anchoring.stop(20);
    give({ path: 'x' });
    await sleep(20);
    expect([await store.newest(anchored.log, 'slow'), asked, results]).toEqual([undefined, [anchored.log], []]);
  });
});

describe('veiltrail anchor', () => {
  let log: TestLog;
  let config: string;
  beforeEach(() => {
    log = createTestLog();
    mkdirSync(join(home, 'usb'));
    config = join(home, 'config.yaml');
    writeFileSync(config, `anchors:\n  - {kind: file, name: usb, dir: ${join(home, 'usb')}}\n`);
  });
  afterEach(() => log.remove());

  test('now | list | verify: what was made is found, and what somebody changed as well', async () => {
    await log.grow(300);
    const at = ['--data', log.dataDir];
    const made = await run(['anchor', 'now', ...at, '--config', config]);
    expect(made, made.err).toMatchObject({ code: 0, out: expect.stringContaining('log default, 300 leaves: kept by usb (file)') });
    expect((await run(['anchor', 'now', ...at, '--config', config])).err).toContain('has the newest checkpoint');
    await log.grow(30);
    expect((await run(['anchor', 'now', ...at, '--config', config])).code).toBe(0);
    expect((await run(['anchor', 'list', ...at])).out.trim().split('\n').length).toBe(2);
    const verify = (...more: string[]): ReturnType<typeof run> => run(['anchor', 'verify', ...at, '--vkey', log.vkey, '--json', ...more]);
    const good = await verify('--config', config);
    expect(good.code, good.err).toBe(0);
    expect(
      good.out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { ok: boolean }).ok),
    ).toEqual([true, true]);
    // Without the configuration nobody else is asked, and that is said.
    expect((await verify()).out).toContain('nobody else was asked');
    const kept = join(home, 'usb', readdirSync(join(home, 'usb'))[0] as string, '300.checkpoint');
    expect(existsSync(kept)).toBe(true);
    rmSync(kept);
    const gone = await verify('--config', config);
    expect(gone.code).toBe(1);
    expect(gone.out).toContain('not there any more');
    expect((await run(['anchor', 'now', ...at, '--config', join(home, 'none')])).code).toBe(2);
    writeFileSync(config, 'anchors: [{kind: tape, name: x}]\n');
    expect(await run(['anchor', 'now', ...at, '--config', config])).toMatchObject({ code: 2, err: expect.stringContaining('kind is one of') });
  });

  test('verify: what a target keeps counts where the anchors beside the log were deleted', async () => {
    await log.grow(300);
    expect((await run(['anchor', 'now', '--data', log.dataDir, '--config', config])).code).toBe(0);
    const settings = readTargets([{ kind: 'file', name: 'usb', dir: join(home, 'usb') }]);
    const check = async (dataDir: string): Promise<CheckedLog['anchors']> =>
      (await checkAnchors(dataDir, settings, { vkey: log.vkey })).flatMap(({ anchors }) => anchors);
    expect(await check(log.dataDir)).toMatchObject([{ ok: true, treeSize: 300 }]);
    rmSync(join(log.dataDir, 'anchors'), { recursive: true });
    expect(await check(log.dataDir)).toMatchObject([
      { ok: true, treeSize: 300, target: 'usb', detail: expect.stringContaining('no anchor here tells') },
    ]);
    expect(await check(log.fork(200))).toMatchObject([{ ok: false, detail: expect.stringContaining('it was rolled back') }]);
    expect(await check(log.fork(400, 'another'))).toMatchObject([{ ok: false, detail: expect.stringContaining('its history was rewritten') }]);
    await log.grow(100);
    expect(await check(log.dataDir)).toMatchObject([{ ok: true, treeSize: 300 }]);
    // Others may write there: what the log did not sign says nothing about it, and hides nothing.
    const [origin] = readdirSync(join(home, 'usb')) as [string];
    for (const [size, text] of Object.entries({ '9999999999999999': '', '999': 'made up\n', '998': 'made up\n998\nAAAA\n\n— made up AAAA\n' }))
      writeFileSync(join(home, 'usb', origin, `${size}.checkpoint`), text);
    const [kept, strange] = await check(log.dataDir);
    expect(kept).toMatchObject({ ok: true, treeSize: 300 });
    expect(strange).toMatchObject({ ok: undefined, detail: expect.stringContaining('2 of its files') });
    expect(await check(log.fork(200))).toContainEqual(expect.objectContaining({ ok: false, detail: expect.stringContaining('rolled back') }));
  });

  test('verify: a history that was given away and rewritten since is found, also where the log was anchored again behind it', async () => {
    const settings = readTargets([{ kind: 'file', name: 'usb', dir: join(home, 'usb') }]);
    const anchor = async (dataDir: string): Promise<void> => {
      expect((await run(['anchor', 'now', '--data', dataDir, '--config', config])).code).toBe(0);
    };
    await log.grow(100);
    await anchor(log.dataDir);
    const rewritten = log.fork(100);
    await log.grow(1);
    await anchor(log.dataDir); // the history that is to be forgotten
    const later = log.fork(103, 'another');
    for (const dataDir of [rewritten, later]) {
      const checked = (await checkAnchors(dataDir, settings, { vkey: log.vkey })).flatMap(({ anchors }) => anchors);
      expect(checked).toContainEqual(expect.objectContaining({ ok: false, treeSize: 101 }));
    }
    await anchor(later).catch(() => undefined);
    const checked = (await checkAnchors(later, settings, { vkey: log.vkey })).flatMap(({ anchors }) => anchors);
    expect(checked).toContainEqual(expect.objectContaining({ ok: false, treeSize: 101, detail: expect.stringContaining('rewritten') }));
  });

  test.skipIf(!hasOpenssl())('a time stamp brackets what was there (needs openssl)', async () => {
    const authority = await startTimeStampAuthority();
    try {
      await log.grow(10);
      writeFileSync(join(home, 'root.pem'), authority.trusted);
      writeFileSync(config, `anchors:\n  - {kind: rfc3161, name: tsa, url: "${authority.url}", trusted: ${join(home, 'root.pem')}}\n`);
      const made = await run(['anchor', 'now', '--data', log.dataDir, '--config', config]);
      expect(made, made.err).toMatchObject({ code: 0, out: expect.stringContaining('stamped') });
    } finally {
      await authority.close();
    }
    // The authority is gone, and the stamp is verified all the same.
    const checked = await run(['anchor', 'verify', '--data', log.dataDir, '--vkey', log.vkey, '--config', config]);
    expect(checked, checked.err).toMatchObject({ code: 0, out: expect.stringContaining('says that it was there at') });
  });
});

describe('a server that anchors', () => {
  test('does it by the clock, tells _system, quotes what came back, and verify --anchors says between which times leaves came', async () => {
    const data = join(home, 'data');
    const usb = join(home, 'usb');
    mkdirSync(usb);
    const config = join(home, 'config.yaml');
    const authority = hasOpenssl() ? await startTimeStampAuthority() : undefined;
    if (authority) writeFileSync(join(home, 'root.pem'), authority.trusted);
    const stamps = authority ? `  - {kind: rfc3161, name: tsa, url: "${authority.url}", trusted: ${join(home, 'root.pem')}, every: 1s}\n` : '';
    writeFileSync(config, `anchors:\n  - {kind: file, name: usb, dir: ${usb}, every: 1s}\n${stamps}`);
    const server = launch(data, { args: ['--config', config] });
    const url = await server.answering;
    const post = async (): Promise<number> => {
      const answer = await fetch(`${url}/api/v1/logs/default/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${keyOf(data, 'writer')}`, 'content-type': 'application/json' },
        body: '{"action":"x"}',
      });
      expect(answer.status).toBe(201);
      return ((await answer.json()) as { receipts: { leafIndex: number }[] }).receipts[0]?.leafIndex as number;
    };
    const anchorsOf = (log: string, end: string): string[] =>
      existsSync(join(data, 'anchors', log))
        ? readdirSync(join(data, 'anchors', log))
            .filter((name) => name.endsWith(end))
            .toSorted()
        : [];
    const until = (files: () => string[], count: number): Promise<void> =>
      vi.waitFor(() => expect(files()).toHaveLength(count), { timeout: 120_000, interval: 50 });
    expect(await post()).toBe(0);
    await until(() => anchorsOf('default', '-usb.json'), 1);
    if (authority) await until(() => anchorsOf('default', '.quote'), 1);
    // Behind what was quoted: the authority vouches that this one is younger.
    const second = await post();
    expect(second).toBe(authority ? 2 : 1);
    await until(() => anchorsOf('default', '-usb.json'), 2);
    if (authority) await until(() => anchorsOf('default', '.quote'), 2);
    const { key } = openKeys(data, { clock: systemClock, random: systemRandom }).create({ role: 'operator' });
    const metrics = async (): Promise<string> => (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } })).text();
    await expect.poll(metrics).toMatch(/veiltrail_anchor_behind_leaves\{log="default",target="usb"\} 0\n/);
    await server.end('SIGTERM');
    expect(await server.ended, server.said()).toBe(0);
    await authority?.close();
    // Quotes ask for no further anchors, though the clock came round some times.
    expect(anchorsOf('default', '-usb.json')).toHaveLength(2);
    const told = await run(['search', 'action:anchor.made', '--log', '_system', '--data', data, '--json']);
    expect(told.out).toContain('anchor.made');
    const verified = await run(['verify', data, '--anchors', '--config', config, '--log', 'default']);
    expect(verified.code, verified.out + verified.err).toBe(0);
    expect(verified.out).toMatch(new RegExp(`✓ anchors +${authority ? 4 : 2} of log default`));
    expect(verified.err).not.toContain('that clock');
    const future = { leafIndex: second, time: '2100-01-01T00:00:00.000Z', target: 'tsa' };
    expect((await clockDoubtsOf(data, 'default', [{ from: 0, to: 3, after: future }])).join()).toMatch(/set back$/);
    expect(await clockDoubtsOf(join(home, 'nowhere'), 'default', [{ from: 0, to: 3, after: future }])).toEqual([]);
    if (authority) await checkBracket(data, config, second);
    const kept = join(usb, readdirSync(usb).find((name) => name.endsWith('default')) as string);
    const file = join(kept, readdirSync(kept)[0] as string);
    rmSync(file);
    const changed = await run(['verify', data, '--anchors', '--config', config, '--json', '--log', 'default']);
    expect(changed.code).toBe(1);
    expect(JSON.parse(changed.out)).toMatchObject({
      ok: false,
      problems: [{ code: 'anchor_mismatch', where: expect.stringMatching(/^anchors\/default\//) }],
      brackets: { default: expect.any(Array) },
    });
  });

  /** The leaf between two stamps is between their times; quotes that say anything else are found. */
  async function checkBracket(data: string, config: string, leaf: number): Promise<void> {
    const verify = (...more: string[]): ReturnType<typeof run> => run(['anchor', 'verify', '--data', data, '--config', config, ...more]);
    const bracket = JSON.parse((await verify('--leaf', String(leaf), '--json')).out) as { after: LowerBound; before: UpperBound };
    expect(bracket).toMatchObject({ leafIndex: leaf, after: { leafIndex: 1, target: 'tsa' }, before: { treeSize: 3, target: 'tsa' } });
    expect(Date.parse(bracket.after.time)).toBeLessThanOrEqual(Date.parse(bracket.before.time));
    const all = (await verify('--log', 'default')).out;
    expect(all).toMatch(/^ {2}log default, leaf 0: before \S+ \(1 leaves, tsa\)$/m);
    expect(all).toMatch(/^ {2}log default, leaves 1 to 2: after \S+ \(leaf 1, tsa\) and before \S+ \(3 leaves, tsa\)$/m);
    const settings = readTargets((parse(readFileSync(config, 'utf8')) as { anchors: unknown }).anchors);
    const check = async (): Promise<CheckedLog> => (await checkAnchors(data, settings, { log: 'default' }))[0] as CheckedLog;
    const dir = join(data, 'anchors/default');
    const [first, next] = readdirSync(dir)
      .filter((name) => name.endsWith('.quote'))
      .toSorted() as [string, string];
    const [good, other] = [readFileSync(join(dir, first), 'utf8'), readFileSync(join(dir, next), 'utf8')];
    for (const [text, why] of [
      [other, 'the leaf quotes another anchor'],
      [good.replace('anchor.quote', 'anchor.quoth'), ''],
      ['{}', ''],
    ] as const) {
      writeFileSync(join(dir, first), text);
      const wrong = (await check()).anchors.filter(({ ok }) => ok === false);
      expect(wrong).toMatchObject([{ treeSize: 1, target: 'tsa', detail: expect.stringContaining(`the leaf that quotes it: ${why}`) }]);
    }
    // Without it there is one bound less, and nothing wrong.
    rmSync(join(dir, first));
    const { anchors, brackets } = await check();
    expect(anchors.filter(({ ok }) => ok === false)).toEqual([]);
    expect(brackets.find(({ from }) => from <= leaf)).not.toHaveProperty('after');
    writeFileSync(join(dir, first), good);
    // A stranger with a file of evidence and the authority's certificate sees both sides.
    const out = join(home, 'evidence.json');
    const asked = ['--audience', 'an auditor', '--purpose', 'a test'];
    const exported = await run(['export', '--data', data, '--evidence', '--range', `${leaf}-${leaf}`, ...asked, '--out', out]);
    expect(exported.code, exported.err).toBe(0);
    const evidence = await run(['verify', out, '--tsa', join(home, 'root.pem'), '--json']);
    expect(evidence.code, evidence.out + evidence.err).toBe(0);
    const report = JSON.parse(evidence.out) as Pick<EvidenceReport, 'bounds' | 'lowerBounds' | 'proved'>;
    expect(report.lowerBounds).toMatchObject([{ leafIndex: 1, cameAfter: bracket.after.time, isTrusted: true }]);
    expect(report.bounds[0]).toMatchObject({ treeSize: 3, existedBy: bracket.before.time, isTrusted: true });
    expect(report.proved.join('\n')).toContain(`Leaf 1 and all behind it came after ${bracket.after.time}`);
  }
});
