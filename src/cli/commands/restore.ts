import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { VeiltrailError } from '../../core/errors.ts';
import type { TileSource } from '../../storage/tile-store.ts';
import { openCheckpointFiles } from '../checkpoint-files.ts';
import { dataDirOf } from '../connection.ts';
import { print, printJson, say } from '../output.ts';
import { counted } from '../protection.ts';
import { readText } from '../vkey-option.ts';

interface RestoreOptions {
  keys: string;
  data?: string;
  tiles?: string;
  checkpoint?: string[];
  passphraseFile?: string;
  json?: boolean;
}

export function addRestore(program: Command): void {
  program
    .command('restore')
    .description('Put a backup into a new data directory. What was erased since it was made is erased again.')
    .argument('<backup>', 'the directory that `export --backup` made')
    .requiredOption('--keys <file>', 'the newest recovery kit (`export --keys`)')
    .requiredOption('--data <dir>', 'the data directory to make')
    .option(
      '--tiles <dir-or-url>',
      'public files of the logs (the `logs` directory of the old one, a mirror, a server): for a log that grew after the backup',
    )
    .option('--checkpoint <file...>', 'newer checkpoints of the logs that somebody kept: a log that grew is not restored at a smaller size')
    .option('--passphrase-file <file>', "the recovery kit's passphrase, in a file")
    .option('--json', 'the report as one line of JSON')
    .addHelpText(
      'after',
      '\nA log that is known to have grown beyond the backup (by the recovery kit, --tiles, --checkpoint, or what this machine remembers to have seen) is refused without --tiles:\ngoing on with it at its old size would be a second history. Give the newest checkpoint that anybody kept.',
    )
    .action(runRestore);
}

async function runRestore(backup: string, options: RestoreOptions): Promise<void> {
  const { restoreBackup } = await import('../../server/backup/restore.ts');
  if (!existsSync(backup)) throw new VeiltrailError('not_found', `${backup}: there is no backup here`);
  const { keys, data, tiles, checkpoint = [], passphraseFile } = options;
  const memory = openCheckpointFiles();
  const report = await restoreBackup({
    backup,
    kit: readText(keys),
    dataDir: dataDirOf(data === undefined ? {} : { data }),
    ...(passphraseFile === undefined ? {} : { passphrase: readText(passphraseFile).trim() }),
    ...(tiles === undefined ? {} : { tiles: await openTiles(tiles) }),
    checkpoints: checkpoint.map(readText),
    ...(memory ? { remembered: (origin) => memory.read(origin) } : {}),
  });
  if (options.json) return printJson(report);
  for (const { log, treeSize, entriesOnly } of report.logs)
    print(`log ${log}: ${treeSize} leaves${entriesOnly > 0 ? `, the newest ${entriesOnly} of them without their records` : ''}`);
  if (report.removalsReplayed > 0) say(`${counted(report.removalsReplayed, 'erasure')} of after the backup carried out again`);
  const lostRecords = report.lostRecords - report.logs.reduce((sum, { entriesOnly }) => sum + entriesOnly, 0);
  if (lostRecords + report.lostTokens > 0)
    say(
      `${counted(lostRecords, 'record')} and ${counted(report.lostTokens, 'token')} of this backup open no more, because an erasure since has rewritten what they were in; tombstones say so. A backup of after the erasure has them`,
    );
  say('alerts are found again by the first start; forwarders stop then, until "veiltrail forwarder resume": they would send again what was sent');
  say(`restored as of ${report.backedUpAt}; now run: veiltrail verify ${options.data ?? ''}`);
}

async function openTiles(where: string): Promise<TileSource> {
  if (/^https?:\/\//.test(where)) {
    const { openUrlTileSource } = await import('../../server/url-tiles.ts');
    return openUrlTileSource(where);
  }
  const { openFileTileSource } = await import('../../storage/files/tile-store.ts');
  return openFileTileSource(where);
}
