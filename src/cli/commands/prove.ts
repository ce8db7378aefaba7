import type { Command } from 'commander';
import { VeiltrailError } from '../../core/errors.ts';
import { addConnectionOptions, connectReader, dataDirOf, notFound, parseLeaf, type ConnectionOptions } from '../connection.ts';
import { writeNew } from '../evidence-file.ts';
import { say } from '../output.ts';

interface ProveOptions extends ConnectionOptions {
  out?: string;
  disclose?: string[];
}

export function addProve(program: Command): void {
  addConnectionOptions(
    program
      .command('prove')
      .description("Make a leaf's receipt: anyone can check it with the log's public key and nothing else.")
      .argument('<leaf>', 'its leaf index'),
  )
    .option('--out <file>', 'where to write it [standard output]')
    .option('--disclose <pointer...>', 'make a disclosure instead: the receipt, and the fields at these RFC 6901 pointers; the others stay hidden')
    .addHelpText(
      'after',
      '\n  veiltrail prove 7 --out 7.tlog-proof\n  veiltrail prove 7 --disclose /action /time --out 7.disclosure.json\n  veiltrail verify 7.tlog-proof --vkey VKEY',
    )
    .action(runProve);
}

async function runProve(leaf: string, options: ProveOptions): Promise<void> {
  const leafIndex = parseLeaf(leaf);
  const text = options.disclose ? await disclose(leafIndex, options.disclose, options) : await receipt(leafIndex, options);
  if (text === undefined) throw notFound(options.log, leafIndex);
  if (options.out === undefined) process.stdout.write(text);
  else {
    writeNew(options.out, text);
    say(`written to ${options.out}`);
  }
}

async function receipt(leafIndex: number, options: ProveOptions): Promise<string | undefined> {
  const connection = await connectReader(options);
  try {
    return await connection.proveEvent(options.log, leafIndex);
  } finally {
    await connection.close();
  }
}

/** The salts of a record never leave the machine that has it, so a disclosure is made where the data directory is. */
async function disclose(leafIndex: number, pointers: string[], options: ProveOptions): Promise<string | undefined> {
  if (options.url !== undefined) throw new VeiltrailError('disclose_local', 'a disclosure is made on the data directory: use --data, not --url');
  const { openTrailReader } = await import('../../server/open-reader.ts');
  const trail = await openTrailReader(dataDirOf(options));
  try {
    return await trail.discloseEvent(options.log, leafIndex, pointers);
  } finally {
    await trail.close();
  }
}
