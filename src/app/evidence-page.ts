/**
 * The evidence page: one HTML file that holds evidence and the verifier for it. The page is built once (scripts/build-evidence-page.ts); evidence is
 * put in as it is, which its format allows, and can be taken out again.
 */
import { VeiltrailError } from '../core/errors.ts';

const placeholder = '{{evidence}}';
const open = '<script type="application/json" id="evidence">';
const close = '</script>';

/** The page with evidence in it. @throws VeiltrailError `evidence_page` for a page that has no place for it, or evidence that would end it */
export function fillEvidencePage(page: string, evidence: string): string {
  const [before, after, ...more] = page.split(open + placeholder + close);
  if (before === undefined || after === undefined || more.length > 0)
    throw new VeiltrailError('evidence_page', 'not the page that evidence goes into');
  if (evidence.includes('<')) throw new VeiltrailError('evidence_page', 'not evidence: it has a character that evidence never has');
  return before + open + evidence + close + after;
}

/** Whether a file is a page with evidence in it, rather than evidence. */
export function isEvidencePage(file: string): boolean {
  return /^\s*<!doctype html/i.test(file) && file.includes(open);
}

/**
 * The evidence in a page, and the page as it was before it was filled. Newlines are LF however they are written, as browsers read them, and a byte order
 * mark is none: mail and editors put them there, and nobody sees it.
 * @throws VeiltrailError `evidence_page`, also where there are two: a browser may show one, and this find the other
 */
export function openEvidencePage(file: string): { evidence: string; page: string } {
  const text = file.replace(/^\u{feff}/u, '').replaceAll(/\r\n?/g, '\n');
  const start = text.indexOf(open);
  const end = text.indexOf(close, start);
  if (start < 0 || end < 0) throw new VeiltrailError('evidence_page', 'a page without evidence in it');
  if (text.includes(open, start + 1)) throw new VeiltrailError('evidence_page', 'a page with two pieces of evidence, of which it shows one');
  const from = start + open.length;
  return { evidence: text.slice(from, end), page: text.slice(0, from) + placeholder + text.slice(end) };
}
