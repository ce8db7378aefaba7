/**
 * Writes docs/reference/access.md: roles, rights and routes as the server goes by them: `node scripts/generate-access-page.ts`. A test fails while
 * the file differs from what this writes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { rights, rightsOf, roleMeanings, roles, rolesWith } from '../src/access/roles.ts';
import { type RecordedAs, routeTable } from '../src/server/route-table.ts';

const recordings: Readonly<Record<RecordedAs, string>> = {
  gathered: 'gathered',
  written: 'written',
  'in the log': 'in the log itself',
  nothing: '–',
};

/** The page as Markdown: what people wrote (access-page.md), with the tables in their places. */
export function accessPage(): string {
  const words = readFileSync(new URL('access-page.md', import.meta.url), 'utf8');
  const tables: Record<string, string> = { roles: rolesTable(), rights: rightsTable(), routes: routesTable() };
  return words.replaceAll(/^\{\{(\w+)\}\}$/gm, (_all, name: string) => tables[name] ?? fail(name));
}

function rolesTable(): string {
  const rows = roles.map((role) => `| **${role}** | ${roleMeanings[role]} | ${rightsOf[role].map(code).join(' ')} |`);
  return `| role | for | rights |\n|---|---|---|\n${rows.join('\n')}`;
}

function rightsTable(): string {
  const rows = rights.map((right) => {
    const own = rolesWith(right, '_system');
    const watching = own.length > 0 && own.join() !== rolesWith(right).join() ? own.join(', ') : '';
    return `| ${code(right)} | ${rolesWith(right).join(', ')} | ${watching} |`;
  });
  return `| right | who has it | on the server's own logs |\n|---|---|---|\n${rows.join('\n')}`;
}

function routesTable(): string {
  const rows = routeTable.map(
    ({ method, path, right, recorded, action }) =>
      `| ${method} | ${code(path)} | ${right === undefined ? 'everybody' : code(right)} | ${recordings[recorded]} | ${action === undefined ? '' : code(action)} |`,
  );
  return `| | route | right | on record | as |\n|---|---|---|---|---|\n${rows.join('\n')}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function fail(name: string): never {
  throw new Error(`access-page.md asks for a table ${name}, which there is not`);
}

if (import.meta.main) writeFileSync(new URL('../docs/reference/access.md', import.meta.url), accessPage());
