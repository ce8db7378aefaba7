/** Evidence in files: read out of a page or as it is, written either way. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fillEvidencePage, isEvidencePage, openEvidencePage } from '../app/evidence-page.ts';
import { VeiltrailError } from '../core/errors.ts';
import { evidenceFormat } from '../verify/evidence/index.ts';

/** Built with the package (scripts/build.ts): from sources and when installed, it stands at the same place. */
const pageFile = new URL('../../dist/evidence/page.html', import.meta.url);

/** The page that evidence goes into. @throws VeiltrailError `evidence_page` where it was not built */
export function readEvidencePage(): string {
  try {
    return readFileSync(pageFile, 'utf8');
  } catch {
    throw new VeiltrailError('evidence_page', 'the evidence page was not built: npm run build makes it');
  }
}

/** Writes evidence that goes to somebody else; nothing that is there is overwritten. @throws VeiltrailError `output_unwritable` */
export function writeNew(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST';
    throw new VeiltrailError('output_unwritable', `${file}: ${exists ? 'is there already' : 'cannot be written'}`, {}, { cause });
  }
}

export function writeEvidencePage(file: string, evidence: string): void {
  writeNew(file, fillEvidencePage(readEvidencePage(), evidence));
}

export interface EvidenceFile {
  evidence: string | Uint8Array;
  /** The page that it stood in, as it was before. */
  page?: string;
}

/** UTF-8's, which editors put in front of a page; browsers leave it out. */
const byteOrderMark = /^\u00ef\u00bb\u00bf/;

/** Evidence in a file's bytes, as it is or in a page; undefined for anything else. */
export function evidenceIn(bytes: Uint8Array): EvidenceFile | undefined {
  // Told by either of two places, so that evidence in which one was damaged is still taken for what it is.
  const start = Buffer.from(bytes.subarray(0, 4_096)).toString('latin1').replace(byteOrderMark, '').trimStart();
  if (start.startsWith('{"') && (start.includes(`"${evidenceFormat}"`) || start.includes('\n"export":{'))) return { evidence: bytes };
  if (!/^<!doctype html/i.test(start)) return undefined;
  const file = Buffer.from(bytes).toString('utf8');
  if (!isEvidencePage(file)) return undefined;
  return openEvidencePage(file);
}
