import { readdirSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { exitCodeOf, exitCodes } from '../../src/cli/exit.ts';
import { commands } from '../../src/cli/program.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import { problems } from '../../src/server/problem.ts';

test('every command is loaded by its own name, and no file of one is forgotten', async () => {
  const loaded: string[] = [];
  for (const [name, load] of Object.entries(commands)) {
    const program = new Command();
    (await load())(program);
    expect(program.commands.map((command) => command.name())).toEqual([name]);
    loaded.push(`${name}.ts`);
  }
  // The others are parts of `key`, `policy`, `request` and `scan`.
  const parts = /^(?:key|policy|request|scan)-/;
  const files = readdirSync(new URL('../../src/cli/commands/', import.meta.url)).filter((file) => !parts.test(file));
  expect(loaded.toSorted()).toEqual(files.toSorted());
});

test('what a server refuses exits 3, what it does not find exits 1', () => {
  const meant: Record<number, number> = {
    401: exitCodes.refused,
    403: exitCodes.refused,
    429: exitCodes.refused,
    503: exitCodes.refused,
    404: exitCodes.wrong,
  };
  for (const [code, { status }] of Object.entries(problems)) {
    if (meant[status] !== undefined) expect(exitCodeOf(new VeiltrailError(code, 'x')), code).toBe(meant[status]);
  }
  expect(exitCodeOf(new VeiltrailError('config_invalid', 'x')), 'a configuration that says nothing is no damage').toBe(exitCodes.usage);
  // They begin like what is damaged on a disk.
  expect(exitCodeOf(new VeiltrailError('token_damaged', 'x'))).toBe(exitCodes.wrong);
});
