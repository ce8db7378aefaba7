/**
 * `export --backup` and `export --keys`: the state of a data directory, and what opens it, apart. Before anything is copied it is put on record in
 * `_system`: by whoever has the directory, or by the server that has it. Where neither can be, standard error says so, and it is made all the same:
 * a backup is wanted most when nothing can be appended any more.
 */
import { chmodSync, existsSync, renameSync, writeFileSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import { systemLog } from '../server/data-files.ts';
import { readDataConfig } from '../server/data-config.ts';
import { createAdministrationClient } from '../sdk/administration.ts';
import { errorColors } from './colors.ts';
import { dataDirOf, readKey } from './connection.ts';
import { print, printJson, say } from './output.ts';
import { localPerson } from './request-desk.ts';
import { readText } from './vkey-option.ts';
import { withTrailHere } from './trail-here.ts';

export interface BackupOptions {
  data?: string;
  url?: string;
  backup?: string;
  keys?: string;
  key?: string;
  purpose?: string;
  /** Who, on a directory that no server has [the name at the machine]. */
  by?: string;
  passphraseFile?: string;
  json?: boolean;
}

/** @throws VeiltrailError `backup_remote`, and what `makeBackup` and `makeKit` throw */
export async function exportBackup(options: BackupOptions): Promise<void> {
  if (options.url !== undefined && options.data === undefined && process.env['VEILTRAIL_DATA'] === undefined)
    throw new VeiltrailError(
      'backup_remote',
      'a backup is made where the data directory is: name it (--data), and the server beside it (--url, --key), which puts it on record',
    );
  const dataDir = dataDirOf(options);
  const { origin } = readDataConfig(dataDir);
  const { readUndisturbed } = await import('../storage/data-dir.ts');
  const { makeBackup } = await import('../server/backup/make-backup.ts');
  const { formatKit, makeKit, publishedSize, refuseChangedKeys } = await import('../server/backup/recovery-kit.ts');
  const before = new Map([[systemLog, publishedSize(dataDir, systemLog)]]);
  await record(dataDir, origin, options);
  const { kit, report } = await readUndisturbed(dataDir, async () => {
    // The kit first: beside a server that takes events a later one would know of larger logs than the backup has.
    const made = options.keys === undefined ? undefined : await makeKit(dataDir, Date.now(), before);
    if (options.backup === undefined) return { kit: made };
    const copied = await makeBackup(dataDir, options.backup, Date.now());
    if (made) refuseChangedKeys(dataDir, made);
    return { kit: made, report: copied };
  });
  if (report) {
    if (options.json) printJson(report);
    else {
      for (const { log, treeSize } of report.logs) print(`log ${log}: ${treeSize} leaves`);
      say(`${report.files} files, ${report.bytes} bytes in ${options.backup}; ${report.kept} were there already. It opens with a recovery kit only`);
    }
  }
  if (options.keys === undefined || !kit) {
    say('no recovery kit was made (--keys FILE): one that is older than the newest erasure cannot open this backup');
    return;
  }
  const passphrase = options.passphraseFile === undefined ? undefined : readText(options.passphraseFile).trim();
  writePrivately(options.keys, formatKit(kit, systemRandom, passphrase));
  say(
    `recovery kit in ${options.keys}${passphrase === undefined ? ', in the clear: keep it like the keyring' : ''}. After every erasure make a backup and a kit anew, and destroy this kit: what an erasure rewrote, older backups lose`,
  );
}

/** @throws VeiltrailError what the server at `--url` refuses with, `backup_remote` when it has another directory */
async function record(dataDir: string, origin: string, options: BackupOptions): Promise<void> {
  const { url, backup, keys, purpose, by } = options;
  const parts = [...(backup === undefined ? [] : ['state' as const]), ...(keys === undefined ? [] : ['keys' as const])];
  const why = purpose === undefined ? {} : { purpose };
  if (url !== undefined) {
    const { checkpoint } = await createAdministrationClient({ url, key: readKey(options.key) }).recordBackup({ parts, ...why });
    if (checkpoint.split('\n', 1)[0] !== `${origin}/${systemLog}`)
      throw new VeiltrailError('backup_remote', 'the server at --url has another data directory than --data');
    return;
  }
  try {
    const { backupEntry } = await import('../app/backup-record.ts');
    await withTrailHere(dataDir, ({ access }) => access.write(backupEntry(parts, { ...localPerson(by), ...why })));
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    const words =
      error.code === 'data_dir_in_use'
        ? 'a server has this directory: with --url and --key (role operator) it puts that on record'
        : `nothing can be appended to the log (${error.code})`;
    say(`${errorColors.yellow('warning')} this is not on record in ${systemLog}: ${words}`);
  }
}

function writePrivately(path: string, text: string): void {
  if (existsSync(path)) chmodSync(path, 0o600);
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
