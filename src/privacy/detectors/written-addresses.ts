/** Email addresses whose marks are written as words, so that machines shall not read them: `jane [at] example [dot] com`, `jane at example dot com`. */
import { has } from '../survey.ts';
import { canonicalEmail } from './contact.ts';
import type { Detector, ScanContext } from './detector.ts';

const localMax = 64;
const bracketed = ['[at]', '(at)'];
const host =
  /\s?(?<host>[\p{L}\p{N}-]{1,63}(?:(?:\.|\s?[[(](?:dot|punkt|punto|point)[\])]\s?| dot )[\p{L}\p{N}-]{1,63}){0,3}(?:\.|\s?[[(](?:dot|punkt|punto|point)[\])]\s?| dot )\p{L}{2,24})(?![\p{L}\p{N}_-])/uy;
const local = /[\p{L}\p{N}_%+-]{1,64}(?:(?:\.|\s?[[(](?:dot|punkt|punto|point)[\])]\s?| dot )[\p{L}\p{N}_%+-]{1,64}){0,4} ?$/u;
const spoken =
  /(?<![\p{L}\p{N}_.+-])[\p{L}\p{N}_+-]{1,32}(?:(?:\.| dot )[\p{L}\p{N}_+-]{1,32}){0,3} at [\p{L}\p{N}-]{1,32}(?:(?:\.| dot )[\p{L}\p{N}-]{1,32}){0,2} dot \p{L}{2,10}(?![\p{L}\p{N}])/iu;
const writtenDot = /\s?[[(](?:dot|punkt|punto|point)[\])]\s?| dot /giu;
/** How far around ` dot ` an address may reach. */
const reach = 80;

function detectWritten({ text, found }: ScanContext): void {
  for (const mark of bracketed) {
    for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 4)) {
      const head = local.exec(text.slice(Math.max(0, at - localMax), at));
      host.lastIndex = at + 4;
      const name = head && host.exec(text)?.groups?.['host'];
      if (head && name) push(at - head[0].length, host.lastIndex, `${head[0].trimEnd()}@${name}`, found);
    }
  }
  let floor = 0;
  for (let dot = text.indexOf(' dot '); dot >= 0; dot = text.indexOf(' dot ', Math.max(dot + 5, floor))) {
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

export const writtenAddressDetector: Detector = { kinds: [], gate: has.space | has.dot, detect: detectWritten };
