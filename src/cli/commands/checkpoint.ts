import type { Command } from 'commander';
import { VeiltrailError } from '../../core/errors.ts';
import { addConnectionOptions, connectReader, type ConnectionOptions } from '../connection.ts';

export function addCheckpoint(program: Command): void {
  addConnectionOptions(
    program.command('checkpoint').description('Print the newest checkpoint. Keep it elsewhere: `verify --checkpoint FILE` then finds any rollback.'),
  ).action(runCheckpoint);
}

async function runCheckpoint(options: ConnectionOptions): Promise<void> {
  const connection = await connectReader(options);
  try {
    const checkpoint = await connection.checkpoint(options.log);
    if (checkpoint === undefined) throw new VeiltrailError('not_found', `there is no log ${options.log}, or nothing in it`);
    process.stdout.write(checkpoint);
  } finally {
    await connection.close();
  }
}
