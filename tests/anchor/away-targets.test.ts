/** Targets that are away, or know nothing: neither is a success, and neither is a history rewritten. */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
