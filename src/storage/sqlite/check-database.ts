/** SQLite's own opinion of a file: structure, indexes against tables, constraints. Reads every page. */
import { DatabaseSync } from 'node:sqlite';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const problemsMax = 20;

/** What is wrong with a database file, in SQLite's words; empty when nothing is. Says so when the file is missing or cannot be opened. */
export function checkDatabase(path: string): string[] {
  if (!existsSync(path)) return ['the file is missing'];
  let database: DatabaseSync | undefined;
  try {
    const location = pathToFileURL(path);
    if (!existsSync(`${path}-wal`)) location.search = '?immutable=1';
    database = new DatabaseSync(location, { readOnly: true, timeout: 5_000 });
    const rows = database.prepare(`PRAGMA integrity_check(${problemsMax})`).all() as { integrity_check: string }[];
    const messages = rows.map((row) => row.integrity_check);
    return messages.length === 1 && messages[0] === 'ok' ? [] : messages;
  } catch (error) {
    return [`SQLite cannot read it: ${(error as Error).message}`];
  } finally {
    database?.close();
  }
}
