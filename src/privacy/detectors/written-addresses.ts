/** Email addresses whose marks are spoken: `jane at example dot com`. (Marks in brackets are read by a decoded view, see defanged.ts.) */
import { has } from '../survey.ts';
import { canonicalEmail } from './contact.ts';
import type { Detector, ScanContext } from './detector.ts';

const spoken =
  /(?<![\p{L}\p{N}_.+-])[\p{L}\p{N}_+-]{1,32}(?:(?:\.| dot )[\p{L}\p{N}_+-]{1,32}){0,3} at [\p{L}\p{N}-]{1,32}(?:(?:\.| dot )[\p{L}\p{N}-]{1,32}){0,2} dot \p{L}{2,10}(?![\p{L}\p{N}])/iu;
const writtenDot = / dot /giu;
/** How far around ` dot ` an address may reach. */
const reach = 80;

function detectWritten({ text, found }: ScanContext): void {
  let floor = 0;
  // A letter is rarer than a blank.
  for (let word = text.indexOf('dot '); word >= 0; word = text.indexOf('dot ', Math.max(word + 4, floor))) {
    const dot = word - 1;
    if (text.charCodeAt(dot) !== 32) continue;
    const from = Math.max(floor, dot - reach);
    const match = spoken.exec(text.slice(from, dot + reach));
    if (!match || / at (?:the|a|an|this|that|each|every) /i.test(match[0])) continue;
    floor = from + match.index + match[0].length;
    push(from + match.index, floor, match[0].replace(/ at /i, '@'), found);
  }
}

function push(start: number, end: number, written: string, found: ScanContext['found']): void {
  const value = written.replace(writtenDot, '.');
  found.push({ kind: 'email', start, end, confidence: 0.75, value, canonical: canonicalEmail(value) });
}

export const writtenAddressDetector: Detector = { kinds: [], gate: has.written, detect: detectWritten };
