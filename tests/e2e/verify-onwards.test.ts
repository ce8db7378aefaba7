/** `verify --resume` and `--watch`: what was verified is not read again, and whatever changes meanwhile ends the watch. */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VerifiedFrontier } from '../../src/app/verified-frontier.ts';
import { verifyPublishedLog } from '../../src/server/verify.ts';
import { openTrail } from '../../src/server/compose.ts';
import { runPass, type VerifyTarget } from '../../src/cli/verify-passes.ts';
import { raiseAlarm } from '../../src/cli/watch-report.ts';
import { VerifyState } from '../../src/cli/verify-state.ts';
import { main } from './command.ts';
import { run, temporaryDirectory } from './product.ts';

async function append(dataDir: string, from: number, to: number): Promise<string> {
  const trail = await openTrail({ dataDir, workers: 1 });
  await trail.createLog('default');
  const lines = Array.from({ length: to - from }, (_, i) => JSON.stringify({ id: `e-${from + i}`, action: 'user.login', message: `m ${from + i}` }));
  await trail.append({ log: 'default', principal: 'local', body: new TextEncoder().encode(lines.join('\n')), format: 'ndjson' });
  const vkey = trail.vkeyOf('default');
  await trail.close();
  return vkey;
}

/** Flips a bit of a file. */
function damage(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(file, bytes);
}

describe('--resume', () => {
  test('goes on where it stopped, with the log that it knows and no other', async () => {
    const dir = temporaryDirectory();
    const data = join(dir, 'data');
    const vkey = await append(data, 0, 600);
    const published = join(data, 'logs/default');
    const target: VerifyTarget = (options) => verifyPublishedLog(published, options);
    const file = join(dir, 'state.json');
    const options = { log: 'default', vkey };
    const pass = (): ReturnType<typeof runPass> => runPass(target, options, VerifyState.open(file), false);

    const first = await pass();
    expect([first.kind, first.report.ok]).toEqual(['full', true]);
    expect(VerifyState.open(file).get('default')).toMatchObject({ verifiedTo: 600 });
    cpSync(data, join(dir, 'older'), { recursive: true });
    await append(data, 600, 900);

    // What was read before is not read again, which is why a full pass comes now and then.
    const old = join(published, 'tile/0/000');
    damage(old, 40);
    const second = await pass();
    expect([second.kind, second.from, second.report.ok]).toEqual(['new', 600, true]);
    expect(second.report.notChecked.join('\n')).toContain('leaves 0 to 511: verified by an earlier run');
    expect((await runPass(target, options, VerifyState.open(), true)).report.firstBadLeaf).toBe(1);
    damage(old, 40);

    // What is new is read, and found again as long as it is wrong.
    await append(data, 900, 1_000);
    const newest = join(published, 'tile/entries/003.p/232');
    damage(newest, 150 * 35 + 20);
    for (let i = 0; i < 2; i++) expect((await pass()).report).toMatchObject({ ok: false, firstBadLeaf: 768 + 150 });
    damage(newest, 150 * 35 + 20);
    expect((await pass()).report.ok).toBe(true);

    // An older log put in its place was rolled back.
    rmSync(data, { recursive: true });
    cpSync(join(dir, 'older'), data, { recursive: true });
    expect((await pass()).report.problems.map(({ code }) => code)).toContain('rolled_back');
    expect(VerifyState.open(file).get('default')).toMatchObject({ verifiedTo: 1_000 });
  });

  test('by the command, over all logs of a directory', async () => {
    const dir = temporaryDirectory();
    const data = join(dir, 'data');
    await append(data, 0, 5);
    const file = join(dir, 'state.json');
    for (let i = 0; i < 2; i++) {
      const verified = await run(['verify', data, '--resume', file, '--json']);
      expect(verified.code, verified.err).toBe(0);
      expect(
        verified.out
          .trim()
          .split('\n')
          .map((line) => (JSON.parse(line) as { ok: boolean }).ok),
      ).not.toContain(false);
    }
    writeFileSync(file, '{"format":"something else"}');
    expect(await run(['verify', data, '--resume', file])).toMatchObject({
      code: 2,
      err: expect.stringContaining('not what verify --resume keeps') as string,
    });
  });
});

describe('--watch', () => {
  test('says each pass, sees new leaves, and ends with 1 when something is wrong', async () => {
    const dir = temporaryDirectory();
    const data = join(dir, 'data');
    const vkey = await append(data, 0, 300);
    const [metrics, alarm, alarmed] = [join(dir, 'watch.prom'), join(dir, 'alarm.sh'), join(dir, 'alarmed.json')];
    writeFileSync(alarm, `#!/bin/sh\ncat > '${alarmed}'\n`, { mode: 0o755 });
    const options = ['--watch', '--every', '0.2', '--json', '--metrics', metrics, '--alert', alarm];
    const watching = spawn(process.execPath, [main, 'verify', join(data, 'logs/default'), '--vkey', vkey, ...options]);
    const passes: Record<string, unknown>[] = [];
    let rest = '';
    watching.stdout.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes.toString()).split('\n');
      rest = lines.pop() as string;
      passes.push(...lines.map((line) => JSON.parse(line) as Record<string, unknown>));
    });
    const ended = new Promise((resolve) => watching.on('close', resolve));
    const until = async (isThere: () => boolean): Promise<void> => {
      for (let i = 0; i < 3_000 && !isThere(); i++) await new Promise((resolve) => setTimeout(resolve, 50));
      expect(isThere()).toBe(true);
    };
    await until(() => passes.length >= 2);
    expect(passes[0]).toMatchObject({ pass: 'full', ok: true, treeSize: 300, from: 0 });
    expect(passes[1]).toMatchObject({ pass: 'new', ok: true, from: 300 });
    await append(data, 300, 400);
    await until(() => passes.some(({ treeSize }) => treeSize === 400));
    expect(readFileSync(metrics, 'utf8')).toMatch(/^veiltrail_watch_ok\{log="default"\} 1$/m);
    expect(readFileSync(metrics, 'utf8')).toMatch(/^veiltrail_watch_full_pass_timestamp_seconds\{log="default"\} \d{10}\.\d+$/m);
    damage(join(data, 'logs/default/checkpoint'), 60);
    expect(await ended).toBe(1);
    expect(passes.at(-1)).toMatchObject({ ok: false });
    expect(readFileSync(metrics, 'utf8')).toMatch(/^veiltrail_watch_ok\{log="default"\} 0$/m);
    expect(JSON.parse(readFileSync(alarmed, 'utf8'))).toMatchObject({
      log: 'default',
      ok: false,
      problems: [{ code: expect.any(String) as string }],
    });
    // A monitor that goes on raises the alarm once, and says when all is well again.
    writeFileSync(alarm, `#!/bin/sh\ncat >> '${alarmed}.all'\n`, { mode: 0o755 });
    const monitor = spawn(process.execPath, [main, 'verify', join(data, 'logs/default'), '--vkey', vkey, ...options, '--keep-going']);
    let lines = 0;
    monitor.stdout.on('data', (bytes: Buffer) => (lines += bytes.toString().split('\n').length - 1));
    const stopped = new Promise((resolve) => monitor.on('close', resolve));
    await until(() => lines >= 3);
    damage(join(data, 'logs/default/checkpoint'), 60);
    const alarms = (): { ok: boolean }[] =>
      readFileSync(`${alarmed}.all`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { ok: boolean });
    await until(() => alarms().length > 1);
    monitor.kill('SIGTERM');
    expect(await stopped).toBe(1);
    expect(alarms().map(({ ok }) => ok)).toEqual([false, true]);
    await expect(raiseAlarm(join(dir, 'none'), '')).rejects.toMatchObject({ code: 'alert_failed' });
  });
});

describe('how far a log is in order', () => {
  test('is known without gaps, and up to what is not', () => {
    const seen: number[] = [];
    const frontier = new VerifiedFrontier(0, (to) => seen.push(to));
    frontier.add(20, 30, true);
    frontier.add(0, 10, true);
    frontier.add(10, 20, true);
    frontier.add(30, 40, false);
    frontier.add(40, 50, true);
    expect(seen).toEqual([10, 30]);
  });

  test('is not remembered of a file that cannot be written, or is none', () => {
    const dir = temporaryDirectory();
    expect(() => VerifyState.open(dir)).toThrow(/cannot be read/);
    const lost = VerifyState.open(join(dir, 'no/where'));
    expect(() => lost.set('default', { checkpoint: 'x', verifiedTo: 1, at: '2026-01-01T00:00:00.000Z' })).toThrow(/cannot be written/);
    for (const text of [
      '',
      '[]',
      '{"format":"veiltrail.verify-state/1","logs":{"a":1}}',
      '{"format":"veiltrail.verify-state/1","logs":{"a":{"checkpoint":"x","verifiedTo":-1,"at":"x"}}}',
    ]) {
      const file = join(dir, 'state.json');
      writeFileSync(file, text);
      expect(() => VerifyState.open(file)).toThrow(/not what verify --resume keeps/);
    }
  });
});
