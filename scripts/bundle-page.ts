/** What the builds of the pages in web/ have in common. The same sources give the same bytes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const web = new URL('../web/', import.meta.url);

/** The script of a page (`web/<page>/main.ts`) with all it imports, as one that imports nothing. */
export async function bundleScript(page: string): Promise<string> {
  const input = fileURLToPath(new URL(`${page}/main.ts`, web));
  const made = await rolldown({ input, platform: 'browser', logLevel: 'silent', treeshake: true });
  const { output } = await made.generate({ format: 'iife', minify: true, sourcemap: false, comments: false });
  await made.close();
  if (output.length !== 1 || output[0].imports.length > 0) throw new Error('the page must be one script that imports nothing');
  return output[0].code.trim();
}

/** What all pages share, and the page's own style sheet, without comments and indentation: no value in them has either. */
export function bundleStyle(page: string): string {
  return ['base.css', `${page}/style.css`]
    .map((file) => readFileSync(new URL(file, web), 'utf8'))
    .join('\n')
    .replaceAll(/\/\*[^]*?\*\//g, '')
    .replaceAll(/\s*\n\s*/g, '\n')
    .trim();
}

export function readPage(page: string): string {
  return readFileSync(new URL(`${page}/page.html`, web), 'utf8');
}
