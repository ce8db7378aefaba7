/** Anchors of a directory whose logs were taken away: that it was one is still seen. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, temporaryDirectory } from '../e2e/product.ts';

test('a directory without logs is none only where nothing else says that it is one; a log that is not there has not simply no anchors', async () => {
  const data = join(temporaryDirectory(), 'data');
  const anchor = async (...args: string[]): Promise<[number | null, string]> => {
    const { code, out, err } = await run(['anchor', ...args, '--data', data]);
    return [code, out + err];
  };
  const noDirectory = [3, expect.stringContaining('is not a data directory')];
  mkdirSync(data);
  expect(await anchor('verify')).toEqual(noDirectory);
  expect(await anchor('list')).toEqual(noDirectory);
  for (const name of ['config.json', 'keys/default.vkey']) {
    mkdirSync(join(data, 'keys'), { recursive: true });
    writeFileSync(join(data, name), '{}');
    expect(await anchor('verify'), name).toEqual([1, expect.stringContaining('logs is missing')]);
    expect(await anchor('list'), name).toEqual([0, expect.stringContaining('0 anchors')]);
    rmSync(join(data, 'config.json'), { force: true });
  }
  expect(await anchor('list', '--log', 'default')).toEqual([0, expect.stringContaining('0 anchors')]);
  const unknown = [1, expect.stringContaining('log_unknown')];
  for (const log of ['nosuch', '../keys', '']) expect(await anchor('list', '--log', log), log).toEqual(unknown);
  mkdirSync(join(data, 'logs'));
  expect(await anchor('verify', '--log', 'nosuch')).toEqual(unknown);
});
