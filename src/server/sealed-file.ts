/** Small texts that the server keeps sealed and authenticated in a file of the data directory: whole or not at all. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeBase64, encodeBase64 } from '../core/base64.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { SealedFile } from '../app/holds.ts';
import { storageError } from '../storage/storage-error.ts';
import { replaceKeyFile } from '../vault/key-file.ts';
import type { TextSealer } from '../vault/sealed-text.ts';

/** Reading throws `sealed_text_damaged` for what was not written here, and those of `storage-error.ts`; writing throws the latter. */
export function openSealedFile(dataDir: string, name: string, sealer: TextSealer): SealedFile {
  const path = join(dataDir, name);
  return {
    read() {
      if (!existsSync(path)) return undefined;
      let sealed: Uint8Array;
      try {
        sealed = decodeBase64(readFileSync(path, 'utf8').trimEnd());
      } catch (error) {
        if ((error as NodeJS.ErrnoException).errno !== undefined) throw storageError(error, `read ${name}`);
        throw new VeiltrailError('sealed_text_damaged', `${name} is damaged`, { where: name }, { cause: error });
      }
      return sealer.open(sealed);
    },
    write: (text) => replaceKeyFile(dataDir, name, `${encodeBase64(sealer.seal(text))}\n`),
  };
}
