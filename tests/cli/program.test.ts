import { readdirSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { commands } from '../../src/cli/program.ts';

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
