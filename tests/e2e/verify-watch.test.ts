/** `verify --watch --keep-going`: whatever is done to the directory, the alarm is raised, and again when something else is wrong. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openTrail } from '../../src/server/compose.ts';
import { main } from './command.ts';
import { runProcess as run, temporaryDirectory } from './product.ts';

interface Alarm {
  log: string;
  ok: boolean;
  problems: { code: string }[];
}

test('a directory that is ruined in any way raises the alarm, and the watch goes on', async () => {
  const dir = temporaryDirectory();
  const [data, whole, alarm, alarmed] = ['data', 'whole', 'alarm.sh', 'alarmed'].map((name) => join(dir, name)) as [string, string, string, string];
  const trail = await openTrail({ dataDir: data, workers: 1 });
  await trail.createLog('default');
  await trail.close();
  cpSync(data, whole, { recursive: true });
  writeFileSync(alarm, `#!/bin/sh\ncat >> '${alarmed}'\n`, { mode: 0o755 });
  const options = ['--watch', '--every', '0.05', '--json', '--alert', alarm, '--keep-going'];
  const watching = spawn(process.execPath, [main, 'verify', data, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  let passes = 0;
  watching.stdout.on('data', (bytes: Buffer) => (passes += bytes.toString().split('\n').length - 1));
  const ended = new Promise((resolve) => watching.on('close', resolve));
  const alarms = (): Alarm[] => {
    const lines = existsSync(alarmed) ? readFileSync(alarmed, 'utf8').split('\n').slice(0, -1) : [];
    return lines.map((line) => JSON.parse(line) as Alarm);
  };
  const until = async (isThere: () => boolean, what: string): Promise<void> => {
    for (let i = 0; i < 6_000 && !isThere(); i++) await new Promise((resolve) => setTimeout(resolve, 25));
    expect(isThere(), what).toBe(true);
  };
  await until(() => passes > 1, 'a pass');
  expect(alarms()).toEqual([]);
  const ruins: Record<string, () => void> = {
    config_missing: () => rmSync(join(data, 'config.json')),
    storage_damaged: () => writeFileSync(join(data, 'records.db'), 'no database at all, but a few bytes'),
    data_dir_missing: () => renameSync(data, join(dir, 'away')),
    log_unknown: () => {
      const records = new DatabaseSync(join(data, 'records.db'));
      records.exec("PRAGMA foreign_keys=OFF; DELETE FROM logs WHERE name = 'default'");
      records.close();
    },
  };
  for (const [what, ruin] of Object.entries(ruins)) {
    const before = alarms().length;
    ruin();
    await until(
      () =>
        alarms()
          .slice(before)
          .some(({ ok }) => !ok),
      what,
    );
    expect(alarms().slice(before).at(-1), what).toMatchObject({ ok: false, log: 'default', problems: [{ code: expect.any(String) as string }] });
    const ruined = join(dir, `ruined-${what}`);
    if (existsSync(data)) renameSync(data, ruined);
    const wholeAgain = join(dir, 'again');
    cpSync(whole, wholeAgain, { recursive: true });
    renameSync(wholeAgain, data);
    await until(() => alarms().at(-1)?.ok === true, `well after ${what}`);
  }
  watching.kill('SIGTERM');
  expect(await ended).toBe(1);

  // Wrong use is still wrong use.
  expect((await run(['verify', join(whole, 'logs/default'), '--watch'])).code).toBe(2);
  const nothing = await run(['verify', join(whole, 'logs'), '--watch', '--vkey', readFileSync(join(whole, 'keys/default.vkey'), 'utf8').trim()]);
  expect(nothing.err).toContain('neither a data directory nor a log');
});
