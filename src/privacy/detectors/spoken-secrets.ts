/** Passwords, and names of accounts, behind a word and a space: options of commands (`--password hunter2`) and SQL (`IDENTIFIED BY '…'`, `PASSWORD '…'`). */
import { isAccountName } from './account-names.ts';
import { isPassword } from './assignments.ts';
import type { ScanContext } from './detector.ts';
import { isSpokenSecret } from './secret-words.ts';

const option = /^--?(?:[a-z]{1,16}-)?(?:password|passwd)$/;
const quoted = /(?: by| by password)? ?(?:'(?<value>[^'\n]{3,128})'|"(?<other>[^"\n]{3,128})")/iy;
const bare = / +["']?(?<value>[^\s"'`-][^\s"'`]{2,127})/y;

/** A word for a password, and what may stand between it and one. */
const inProse = /^(?:[a-z]+[-_/])?(?:password|passwort|passcode|passphrase|kennwort|wachtwoord)$/i;
const spoken = / (?:(?:is|was|ist|lautet|is nu|set to|changed to|reset to|now|=|:|->) )?["'“„`]?(?<value>[^\s"'”“`<>]{6,64})/y;

/** `the password is hunter2`, `Passwort lautet Sommer2024`, `temporary password Xk9#mQ2p`. */
function detectInProse(text: string, to: number, found: ScanContext['found']): void {
  spoken.lastIndex = to;
  const value = spoken.exec(text)?.groups?.['value']?.replace(/[.,;:)]+$/, '');
  if (value === undefined || !isSpokenSecret(value)) return;
  const start = text.indexOf(value, to);
  found.push({ kind: 'secret', start, end: start + value.length, confidence: 0.7 });
}

/** Looks behind the run [from, to) of a text, which ends in a `d`, `t` or `e` that a space follows. */
export function detectSpokenSecret(text: string, from: number, to: number, found: ScanContext['found']): void {
  if (to - from > 32) return;
  const word = text.slice(from, to);
  if (inProse.test(word)) detectInProse(text, to, found);
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

const account = / +["']?(?<value>[A-Za-z][\w.@+-]{1,63})/y;

/** `--username jdoe`: the run [from, to) of a text ends in an `e` that a space follows. */
export function detectSpokenAccount(text: string, from: number, to: number, found: ScanContext['found']): void {
  if (to - from > 32 || !/^--(?:[a-z]{1,12}-)?user-?name$/.test(text.slice(from, to))) return;
  account.lastIndex = to;
  const value = account.exec(text)?.groups?.['value'];
  if (value === undefined || !isAccountName(value)) return;
  const start = text.indexOf(value, to);
  found.push({ kind: 'username', start, end: start + value.length, confidence: 0.65 });
}
