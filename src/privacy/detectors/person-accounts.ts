/** Names of accounts in free text: `arn:…:user/jane`, `/home/jane`, `C:\\Users\\jane`, `user jane failed`. */
import { sharedMailboxes, systemAccounts } from '../lexicon.ts';
import { has, isDigit, isIdentifier, isWord } from '../survey.ts';
import { isAccountName } from './assignments.ts';
import type { ScanContext } from './detector.ts';

/** `arn:aws:iam::123456789012:user/team/jane`, `/home/jane`, `C:\Users\jane`: the last name of the path. */
export function detectAccounts({ text, survey, found }: ScanContext): void {
  const { flags } = survey;
  if ((flags & has.account) !== 0) findPaths(text, ':user/', true, found);
  if ((flags & has.slash) !== 0) findPaths(text, '/home/', false, found);
  if ((flags & (has.slash | has.backslash)) !== 0) findUsersPaths(text, found);
  if ((flags & has.account) !== 0) findUser(text, found);
}

function findPaths(text: string, head: string, nested: boolean, found: ScanContext['found']): void {
  for (let at = text.indexOf(head); at >= 0; at = text.indexOf(head, at + head.length)) pushAccount(text, at + head.length, found, nested);
}

/** `/Users/jane`, `C:\\Users\\jane`: a capital is found sooner than a slash, of which texts have many. */
function findUsersPaths(text: string, found: ScanContext['found']): void {
  let done = 0;
  for (let at = text.indexOf('Users'); at >= 0; at = text.indexOf('Users', at + 5)) {
    const mark = text.charCodeAt(at - 1);
    if (at <= done || (mark !== 47 && mark !== 92) || text.charCodeAt(at + 5) !== mark) continue;
    done = at + 6;
    pushAccount(text, done, found, false);
  }
}

const sharedHomes = new Set(['shared', 'public', 'default', 'all', 'linuxbrew', 'app', 'node', 'site', 'work', 'workspace', 'build', 'src']);

/** The account whose name starts at `from`; in an ARN (`nested`) it is the last name of a path. */
function pushAccount(text: string, from: number, found: ScanContext['found'], nested: boolean): void {
  let start = from;
  let end = start;
  for (; end < text.length && end - start <= 64; end++) {
    const unit = text.charCodeAt(end);
    if (nested && unit === 47) start = end + 1;
    else if (!isWord(unit) && unit !== 95 && unit !== 46 && unit !== 45 && unit !== 64 && unit !== 43) break;
  }
  while (end > start && (text.charCodeAt(end - 1) === 46 || text.charCodeAt(end - 1) === 45)) end--;
  const name = text.slice(start, end).toLowerCase();
  if (
    name.length < 2 ||
    systemAccounts.has(name) ||
    sharedMailboxes.has(name) ||
    sharedHomes.has(name) ||
    name.startsWith('tok_') ||
    name.startsWith('hash_v')
  )
    return;
  found.push({ kind: 'username', start, end, confidence: 0.7 });
}

const userWord = /['"`]?(?<name>[A-Za-z\u00c0-\u024f][\w.-]{1,63})/y;
const afterUser =
  /^['"`]?(?:\s*$|\s+(?:from|logged|signed|log|sign|has|had|was|is|at|on|failed|authenticated|by|to|in|added|removed|created|deleted|updated|not)\b|[,;.)])/;

/** `for user jdoe from 8.8.4.4`, `user "jdoe"`: a word after `user` that is none of the words of every log. */
function findUser(text: string, found: ScanContext['found']): void {
  for (let at = text.indexOf('ser '); at >= 0; at = text.indexOf('ser ', at + 4)) {
    const first = text.charCodeAt(at - 1);
    if ((first !== 117 && first !== 85) || isIdentifier(text.charCodeAt(at - 2))) continue;
    userWord.lastIndex = at + 4;
    const match = userWord.exec(text);
    const raw = match?.groups?.['name'];
    if (!match || raw === undefined) continue;
    const name = raw.replace(/[.-]+$/, '');
    const start = at + 4 + match[0].length - raw.length;
    const end = start + name.length;
    const next = text.charCodeAt(end);
    if (!isAccountName(name) || isIdentifier(next) || next === 61 || next === 58 || next === 40 || next === 64) continue;
    const quoted = match[0].length > raw.length;
    const telling = quoted || /[._\-\d]/.test(name);
    if (telling ? true : afterUser.test(text.slice(end, end + 24)) && !isProse(name))
      found.push({ kind: 'username', start, end, confidence: telling ? 0.65 : 0.55 });
  }
}

/** Words that follow "user" in sentences. Endings say it for verbs and adjectives, wherever the word is unknown. */
function isProse(name: string): boolean {
  return /(?:ed|ing|able|tion|tions|ment|ly|ible|ness|ship|base|land|space|agent|data|input)$/.test(name) || isDigit(name.charCodeAt(0));
}
