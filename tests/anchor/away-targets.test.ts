/** Targets that are away, or know nothing: neither is a success, and neither is a history rewritten. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, temporaryDirectory } from '../e2e/product.ts';
import { createTestLog } from './test-log.ts';

test('a directory that is not mounted is out of reach where anything was anchored there, and not checked before', async () => {
  const home = temporaryDirectory();
  const [usb, away] = [join(home, 'usb'), join(home, 'away')];
  const config = join(home, 'config.yaml');
  writeFileSync(config, `anchors:\n  - {kind: file, name: usb, dir: ${usb}}\n  - {kind: command, name: mail, run: [cat]}\n`);
  const log = createTestLog();
  try {
    await log.grow(3);
    const anchor = async (command: string, ...args: string[]): Promise<[number | null, string]> => {
      const { code, out, err } = await run(['anchor', command, '--data', log.dataDir, '--config', config, ...args]);
      return [code, out + err];
    };
    const verify = (...args: string[]): Promise<[number | null, string]> => anchor('verify', '--vkey', log.vkey, ...args);
    const says = (code: number, words: string): unknown => [code, expect.stringContaining(words)];
    // Before the first anchor, which makes the directory.
    const none = 'what usb keeps of log default: no anchor here was made there, and ';
    expect(await verify()).toEqual(says(0, `not checked: ${none}its directory ${usb} is not there`));
    expect(await verify()).toEqual(says(0, 'not checked: what mail keeps of log default: no anchor here was made there, so nobody was asked'));
    expect(JSON.parse((await verify('--json'))[1].split('\n')[0] as string)).toMatchObject({
      log: 'default',
      target: 'usb',
      notChecked: expect.any(String) as string,
    });
    mkdirSync(usb);
    expect(await verify()).toEqual(says(0, `${none}nothing is kept there`));
    // A stranger's file is no checkpoint of the log.
    const kept = join(usb, 'example.com%2Fanchored%2Fdefault');
    mkdirSync(kept);
    writeFileSync(join(kept, '9.checkpoint'), 'x');
    expect(await verify()).toEqual(says(0, `${none}nothing is kept there`));
    rmSync(kept, { recursive: true });

    expect(await anchor('now', '--target', 'usb')).toEqual(says(0, 'kept by usb'));
    expect((await verify())[1]).not.toContain('what usb keeps');
    const file = join(log.dataDir, 'anchors/default/0000000000000003-usb.json');
    const whole = readFileSync(file, 'utf8');
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(whole) as object), proof: {} }));
    expect(await verify()).toEqual(says(1, 'its proof has no path'));
    writeFileSync(file, whole);
    renameSync(usb, away);
    expect(await verify()).toEqual(says(3, `its directory ${usb} is not there: is it mounted?`));
    writeFileSync(usb, '');
    expect((await verify())[0]).toBe(3);
    rmSync(usb);
    // Of another log that was anchored there it is known that there was something.
    renameSync(join(log.dataDir, 'anchors/default'), join(log.dataDir, 'anchors/other'));
    expect(await verify('--log', 'default')).toEqual(says(3, 'is it mounted?'));
    renameSync(join(log.dataDir, 'anchors/other'), join(log.dataDir, 'anchors/default'));
    // A mount point stays where the mount is away: gone, as far as can be seen.
    mkdirSync(usb);
    expect(await verify()).toEqual(says(1, 'is not there any more, nor is anything else: is it mounted?'));
    rmSync(usb, { recursive: true });
    renameSync(away, usb);
    rmSync(join(kept, readdirSync(kept)[0] as string));
    expect(await verify()).toEqual(says(1, 'is not there any more\n'));
  } finally {
    log.remove();
  }
});

interface Report {
  ok: boolean;
  problems: { code: string; where: string; message: string }[];
  notChecked: string[];
}

test('verify --anchors: who does not answer is no success, and what verification found is told whatever the anchors cannot be held against', async () => {
  const home = temporaryDirectory();
  const [data, usb, away, config] = ['data', 'usb', 'away', 'config.yaml'].map((name) => join(home, name)) as [string, string, string, string];
  writeFileSync(config, `anchors:\n  - {kind: file, name: usb, dir: ${usb}}\n`);
  expect((await run(['ingest', '-', '--data', data], { input: '{"action":"x"}\n' })).code).toBe(0);
  const verify = (...args: string[]): ReturnType<typeof run> => run(['verify', data, '--anchors', '--config', config, ...args]);
  const report = async (code: number, ...args: string[]): Promise<Report> => {
    const done = await verify('--json', ...args);
    expect(done.code, done.out + done.err).toBe(code);
    return JSON.parse(done.out) as Report;
  };
  const codesOf = ({ problems }: Report): string[] => [...new Set(problems.map(({ code }) => code))];

  expect(await report(0)).toMatchObject({
    ok: true,
    notChecked: expect.arrayContaining([expect.stringContaining('what usb keeps of log default')]) as string[],
  });
  expect((await verify()).out).not.toContain('✓ anchors');
  expect((await run(['anchor', 'now', '--data', data, '--config', config])).code).toBe(0);
  expect((await verify()).out).toMatch(/✓ anchors +1 of log default\n/);

  renameSync(usb, away);
  const unanswered = await verify('--log', 'default');
  expect(unanswered.code, unanswered.out).toBe(3);
  expect(unanswered.out).toMatch(/✗ anchors +1 of log default; usb did not answer\n/);
  expect(unanswered.out).toContain(
    `log default: usb did not answer, or could not be asked, about 1 anchor: anchor usb: its directory ${usb} is not there`,
  );
  expect(unanswered.out).toMatch(/: nothing wrong was found, and not everybody answered\n$/);
  const silent = await report(3);
  expect([silent.ok, codesOf(silent)]).toEqual([false, ['anchor_unreachable']]);

  // Something else is wrong as well.
  const vkey = join(data, 'keys/default.vkey');
  const key = readFileSync(vkey, 'utf8');
  writeFileSync(join(data, 'logs/default/stray'), '');
  const both = await report(1);
  expect(codesOf(both)).toContain('anchor_unreachable');
  expect(codesOf(both).length).toBeGreaterThan(1);
  rmSync(join(data, 'logs/default/stray'));
  renameSync(away, usb);
  await report(0);

  for (const [change, code] of [
    [() => rmSync(vkey), 'vkey_missing'],
    [() => writeFileSync(vkey, 'nonsense'), 'vkey_syntax'],
  ] as const) {
    change();
    const found = await report(1);
    expect(found.problems).toContainEqual(expect.objectContaining({ code, where: 'anchors/default' }));
    expect((await report(1, '--vkey', key.trim())).problems.filter(({ where }) => where.startsWith('anchors/'))).toEqual([]);
  }
  writeFileSync(vkey, key);
  // The key is of the log that is named, or of default; others have their own.
  expect((await run(['anchor', 'verify', '--data', data, '--config', config, '--vkey', key.trim()])).code).toBe(0);
  rmSync(join(data, 'logs'), { recursive: true });
  const plain = await run(['verify', data, '--json']);
  expect(plain.code).toBe(1);
  const { problems } = await report(1);
  expect(problems).toEqual(expect.arrayContaining((JSON.parse(plain.out) as Report).problems));
  expect(problems).toContainEqual(expect.objectContaining({ code: 'checkpoint_missing', where: 'anchors/default' }));
});
