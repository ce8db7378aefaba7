import type { Command } from 'commander';
import { addConnectionOptions, connectReader, notFound, parseLeaf, type ConnectionOptions } from '../connection.ts';
import { print, printJson, say } from '../output.ts';

export function addShow(program: Command): void {
  addConnectionOptions(program.command('show').description('Print the record at a leaf.').argument('<leaf>', 'its leaf index'))
    .option('--json', 'as one line of JSON: {"leafIndex","record","redacted"?,"restored"?,"hidden"?}')
    .action(runShow);
}

async function runShow(leaf: string, options: ConnectionOptions & { json?: boolean }): Promise<void> {
  const leafIndex = parseLeaf(leaf);
  const connection = await connectReader(options);
  try {
    const found = await connection.readEvent(options.log, leafIndex);
    if (!found) throw notFound(options.log, leafIndex);
    if (options.json) printJson(found);
    else {
      print(JSON.stringify(found.record, null, 2));
      if (found.hidden) say(`left out, because this key does not get to see it: ${found.hidden.join(', ')}`);
      for (const { pointer, value, removed } of found.restored ?? [])
        print(`${pointer} = ${removed ? 'removed, as the field was classified' : JSON.stringify(value)}`);
    }
  } finally {
    await connection.close();
  }
}
