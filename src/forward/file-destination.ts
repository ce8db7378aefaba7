/**
 * A file, in the one directory that the server's configuration names: a line a record, on disk (fsync) before the cursor moves. It is opened for each
 * batch, so that it may be moved away and begun anew. A batch that does not fit on the disk is taken back; one that a crash cut short leaves a line
 * that is cut, and is written again behind it.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { connectionError, DeliveryError, type Destination } from './destination.ts';
import type { FileSetting } from './setting.ts';

const lineFeed = 0x0a;

/** The last write to each file: whoever shares one takes turns. */
export type FileTurns = Map<string, Promise<void>>;

/** @param directory undefined where the configuration names none */
export function createFileDestination({ file }: FileSetting, directory: string | undefined, turns: FileTurns): Destination {
  const write = async (text: string): Promise<void> => {
    if (directory === undefined) throw new DeliveryError('no_directory');
    try {
      await append(directory, file, Buffer.from(text));
    } catch (error) {
      throw connectionError(error);
    }
  };
  return {
    send({ items }) {
      const done = (turns.get(file) ?? Promise.resolve()).then(() => write(items.map(({ json }) => `${json}\n`).join('')));
      turns.set(
        file,
        done.catch(() => undefined),
      );
      return done;
    },
    forget: () => undefined,
    close: () => undefined,
  };
}

async function append(directory: string, file: string, bytes: Buffer): Promise<void> {
  // A link could lead anywhere.
  const handle = await open(join(directory, file), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new DeliveryError('no_file', { isFinal: true });
    const isCut = stat.size > 0 && (await handle.read(Buffer.alloc(1), 0, 1, stat.size - 1)).buffer[0] !== lineFeed;
    try {
      await writeAll(handle, isCut ? Buffer.concat([Buffer.of(lineFeed), bytes]) : bytes, stat.size);
    } catch (error) {
      await handle.truncate(stat.size).catch(() => undefined);
      throw error;
    }
    await handle.sync();
    if (stat.size === 0) await syncDirectory(directory);
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Buffer, from: number): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at, bytes.length - at, from + at)).bytesWritten;
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
