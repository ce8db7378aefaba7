#!/usr/bin/env node
/** The `veiltrail` command. What it can do is in `program.ts`, which is loaded once the process is as it is to stay. */
import { nodeTooOld } from './node-version.ts';
import { settleMemory } from './settle-memory.ts';

const tooOld = nodeTooOld(process.versions.node);
if (tooOld !== undefined) {
  process.stderr.write(`${tooOld}\n`);
  process.exit(2);
}

// Before anything large is loaded: a server would load it all twice, which is a third of its start.
const [, , command] = process.argv;
if (command === 'serve' || command === 'verify') settleMemory(command);

const { runCommandLine } = await import('./program.ts');
await runCommandLine();
