/**
 * Prints the notes of a release: what the changelog has under "Unreleased", and the digest of the evidence page, by which anybody can tell whether a page
 * that they were given is the one of this version. The page is built twice, here and from a copy of the sources elsewhere, and must be the same bytes.
 *
 *     node scripts/release-notes.ts
 */
import { readFileSync } from 'node:fs';
import { buildEvidencePageElsewhere } from './build-elsewhere.ts';
import { buildEvidencePage } from './build-evidence-page.ts';

const root = new URL('../', import.meta.url);
const changelog = readFileSync(new URL('CHANGELOG.md', root), 'utf8');
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };
const { digest } = await buildEvidencePage();
const other = buildEvidencePageElsewhere();
if (digest !== other) throw new Error(`the evidence page is not reproducible: ${digest} here, ${other} elsewhere`);
const [, notes = ''] = /^## Unreleased\n([^]*?)(?=^## |$(?![^]))/m.exec(changelog) ?? [];
console.log(`# veiltrail ${version}\n${notes.trimEnd()}\n`);
console.log(`Evidence page: SHA-256 ${digest}, of the page without its evidence; \`veiltrail verify FILE.html\` compares it.`);
