/** `export --backup` and `export --keys`: the state of a data directory, and what opens it, apart. */
import { chmodSync, existsSync, renameSync, writeFileSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import { dataDirOf } from './connection.ts';
import { print, printJson, say } from './output.ts';
import { readText } from './vkey-option.ts';

export interface BackupOptions {
  data?: string;
  url?: string;
  backup?: string;
  keys?: string;
  passphraseFile?: string;
  json?: boolean;
}

/** @throws VeiltrailError `backup_remote`, and what `makeBackup` and `makeKit` throw */
export async function exportBackup(options: BackupOptions): Promise<void> {
  if (options.url !== undefined)
    throw new VeiltrailError('backup_remote', 'a backup is made where the data directory is: --data, beside the server if it runs');
  const dataDir = dataDirOf(options);
  const { makeBackup } = await import('../server/backup/make-backup.ts');
  const { formatKit, makeKit } = await import('../server/backup/recovery-kit.ts');
  if (options.backup !== undefined) {
    const report = await makeBackup(dataDir, options.backup, Date.now());
    if (options.json) printJson(report);
    else {
      for (const { log, treeSize } of report.logs) print(`log ${log}: ${treeSize} leaves`);
      say(`${report.files} files, ${report.bytes} bytes in ${options.backup}; ${report.kept} were there already. It opens with a recovery kit only`);
    }
  }
  if (options.keys === undefined) {
    say('no recovery kit was made (--keys FILE): one that is older than the newest erasure cannot open this backup');
    return;
  }
  const passphrase = options.passphraseFile === undefined ? undefined : readText(options.passphraseFile).trim();
  const kit = await makeKit(dataDir, Date.now());
  writePrivately(options.keys, formatKit(kit, systemRandom, passphrase));
  say(
    `recovery kit in ${options.keys}${passphrase === undefined ? ', in the clear: keep it like the keyring' : ''}. Make a new one after every erasure, and destroy this one then`,
  );
}

function writePrivately(path: string, text: string): void {
  if (existsSync(path)) chmodSync(path, 0o600);
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
