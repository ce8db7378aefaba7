/** Passwords behind a word and a space: options of commands (`--password hunter2`) and SQL (`IDENTIFIED BY '…'`, `PASSWORD '…'`). */
import { isPassword } from './assignments.ts';
import type { ScanContext } from './detector.ts';

const option = /^--?(?:[a-z]{1,16}-)?(?:password|passwd)$/;
const quoted = /(?: by| by password)? ?(?:'(?<value>[^'\n]{3,128})'|"(?<other>[^"\n]{3,128})")/iy;
const bare = / +["']?(?<value>[^\s"'`-][^\s"'`]{2,127})/y;

/** Looks behind the run [from, to) of a text, which ends in a `d` that a space follows. */
export function detectSpokenSecret(text: string, from: number, to: number, found: ScanContext['found']): void {
  if (to - from > 32) return;
  const word = text.slice(from, to);
  const isOption = option.test(word);
  if (!isOption && word !== 'PASSWORD' && word !== 'IDENTIFIED' && word !== 'identified') return;
  const form = isOption ? bare : quoted;
  form.lastIndex = to;
  const groups = form.exec(text)?.groups;
  const value = groups?.['value'] ?? groups?.['other'];
  if (value === undefined || !isPassword(value, 61)) return;
  const start = text.indexOf(value, to);
  found.push({ kind: 'secret', start, end: start + value.length, confidence: 0.8 });
}
