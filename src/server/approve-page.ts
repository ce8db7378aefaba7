/** The files of the page on which approvers decide, as they were built with the package (scripts/build-approve-page.ts). */
import { readFileSync } from 'node:fs';

export interface ApprovePage {
  html: string;
  script: string;
  style: string;
}

/** Names of its files below dist/approve. */
export const approvePageFiles: Readonly<Record<keyof ApprovePage, string>> = { html: 'page.html', script: 'script.js', style: 'style.css' };

/** From sources and when installed, it stands at the same place. */
const built = new URL('../../dist/approve/', import.meta.url);

/** Undefined where it was not built: a checkout without `npm run build`. */
export function readApprovePage(): ApprovePage | undefined {
  try {
    const read = (file: string): string => readFileSync(new URL(file, built), 'utf8');
    return { html: read(approvePageFiles.html), script: read(approvePageFiles.script), style: read(approvePageFiles.style) };
  } catch {
    return undefined;
  }
}
