/** Names of accounts in free text: `arn:…:user/jane`, `/home/jane`, `C:\\Users\\jane`, `user jane failed`. */
import { commonWords, sharedMailboxes, systemAccounts } from '../lexicon.ts';
import { lookUp } from '../name-lexicon.ts';
import { has, isDigit, isIdentifier, isLetter, isWord, made } from '../survey.ts';
import { isAccountName, isPersonalAccount } from './account-names.ts';
import type { ScanContext } from './detector.ts';

/** `arn:aws:iam::123456789012:user/team/jane`, `/home/jane`, `C:\Users\jane`: the last name of the path. */
export function detectAccounts({ text, survey, found }: ScanContext): void {
  const { flags } = survey;
  if ((flags & has.account) !== 0) findPaths(text, ':user/', true, found);
  // The key of an object in a bucket has no slash before it.
  if (survey.units[0] === 104 && text.startsWith('home/')) pushAccount(text, 5, found, false);
  if ((flags & has.folder) !== 0 && (flags & has.slash) !== 0) findNamesInPaths(text, survey, found);
  if ((flags & has.account) !== 0) findUser(text, found);
  if ((flags & has.backslash) !== 0) {
    findHomes(text, found);
    findDomainUsers(text, found);
  }
  if ((flags & has.space) !== 0 && (flags & has.digit) !== 0) {
    if ((flags & has.login) !== 0) findLogins(text, (flags & has.equals) !== 0, found);
    findWebUser(text, found);
  }
}

const domain = /(?<![\w\\/:.-])(?!HK|NT |SYSTEM|SOFTWARE|BUILTIN|WINDOWS|WINNT|WOW)[A-Z][A-Z0-9-]{1,14}$/;
const accountOfDomain = /\\(?<name>[A-Za-z][\w.-]{2,31})(?![\w\\/-])/y;

/** `ACME\jane.doe`: not `FOO\nBAR`, not a path. */
function findDomainUsers(text: string, found: ScanContext['found']): void {
  for (let at = text.indexOf('\\'); at >= 0; at = text.indexOf('\\', at + 1)) {
    if (at < 2 || !isIdentifier(text.charCodeAt(at - 1)) || !domain.test(text.slice(Math.max(0, at - 17), at))) continue;
    // `ACME\\jane`, where the mark itself is written with an escape.
    const isEscaped = text.charCodeAt(at + 1) === 92;
    if (isEscaped) at++;
    accountOfDomain.lastIndex = at;
    const name = accountOfDomain.exec(text)?.groups?.['name']?.replace(/\.$/, '');
    if (name === undefined || (!isEscaped && mayBeEscape(name)) || !isAccountName(name)) continue;
    found.push({ kind: 'username', start: at + 1, end: at + 1 + name.length, confidence: 0.7 });
  }
}

/** `ERROR\nfoo` has a line break in it, `ACME\nora` has somebody. */
function mayBeEscape(name: string): boolean {
  return /^[nrtbfux][^._-]*$/.test(name) && (!isPersonalAccount(name) || commonWords.has(name.slice(1).toLowerCase()));
}

/** What sshd, PAM and sudo write behind the name of an account, each after a part of it that is rarer than its first blank, and what stands before it. */
const logins = [
  ['from', ' from ', /\b(?:password|publickey|hostbased|keyboard-interactive\/pam|gssapi-with-mic) for $/],
  ['(uid=', '(uid=', /\bby $/],
  ['TTY=', ' : TTY=', /\bsudo(?:\[\d+\])?: +$/],
] as const;
/** `su: (to root) jane on pts/1` */
const suClient = / \(to [\w.-]{1,64}\) (?<name>[A-Za-z][\w.-]{1,63})(?= on )/y;
const webClient = /[\d.:a-f]{7,45} \S{1,64} (?=[A-Za-z][\w.-]{1,63} \[\d\d\/[A-Z][a-z]{2}\/\d{4}:)/y;

/** Accounts where a program writes them without a word that says so. */
function findLogins(text: string, hasEquals: boolean, found: ScanContext['found']): void {
  for (const [part, behind, before] of logins) {
    const end = hasEquals || !part.endsWith('=') ? placeOf(text, part, behind) : -1;
    if (end < 0) continue;
    let start = end;
    while (start > 0 && end - start < 64 && isAccountUnit(text.charCodeAt(start - 1))) start--;
    if (before.test(text.slice(Math.max(0, start - 48), start))) pushLogin(text, start, end, found);
  }
  const behindRoot = text.indexOf('(to ');
  if (behindRoot > 0) {
    suClient.lastIndex = behindRoot - 1;
    const name = suClient.exec(text)?.groups?.['name'];
    if (name !== undefined) pushLogin(text, suClient.lastIndex - name.length, suClient.lastIndex, found);
  }
}

/** The third column of a web server's log. */
function findWebUser(text: string, found: ScanContext['found']): void {
  // The third column of a line without an account is a dash.
  if (!isDigit(text.charCodeAt(0)) || !isLetter(text.charCodeAt(text.indexOf(' ', text.indexOf(' ') + 1) + 1))) return;
  webClient.lastIndex = 0;
  if (!webClient.test(text)) return;
  const start = webClient.lastIndex;
  pushLogin(text, start, text.indexOf(' ', start), found);
}

/** The first place of `whole` in the text, or -1: the places of a part of it are looked at. */
function placeOf(text: string, part: string, whole: string): number {
  const ahead = whole.indexOf(part);
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1))
    if (at >= ahead && text.startsWith(whole, at - ahead)) return at - ahead;
  return -1;
}

function isAccountUnit(unit: number): boolean {
  return isWord(unit) || unit === 95 || unit === 45 || unit === 46;
}

function pushLogin(text: string, start: number, end: number, found: ScanContext['found']): void {
  if (isAccountName(text.slice(start, end))) found.push({ kind: 'username', start, end, confidence: 0.7 });
}

function findPaths(text: string, head: string, nested: boolean, found: ScanContext['found']): void {
  for (let at = text.indexOf(head); at >= 0; at = text.indexOf(head, at + head.length)) pushAccount(text, at + head.length, found, nested);
}

/** Names of folders with homes in them. */
const homeFolders = ['/home/', '/Users/'] as const;
/** Folders below which people stand beside much else: `GET /users/jane.doe/keys`. */
const personFolders = ['/users/', '/user/', '/people/', '/members/', '/customers/', '/employees/', '/profile/', '/profiles/', '/accounts/'] as const;
const role = 'assumed-role';
/** By unit: may the name of such a folder begin with it? */
const mayBeFolder = new Uint8Array(129);
for (const folder of [...homeFolders, ...personFolders]) mayBeFolder[folder.charCodeAt(1)] = 1;

/** `/home/jane`, `/users/jane.doe`, `…:assumed-role/Admin/jane.doe`: each slash of a run is looked at once. */
function findNamesInPaths(text: string, { units, runs, runCount, flags }: ScanContext['survey'], found: ScanContext['found']): void {
  // Runs are of ASCII.
  if ((flags & has.nonAscii) !== 0)
    for (const folder of homeFolders)
      for (let at = text.indexOf(folder); at >= 0; at = text.indexOf(folder, at + 1)) pushAccount(text, at + folder.length, found, false);
  for (let i = 0; i < 3 * runCount; i += 3) {
    if (((runs[i + 2] as number) & made.ofSlashes) === 0) continue;
    const end = runs[i + 1] as number;
    for (let at = runs[i] as number; at < end; at++) {
      if (units[at] !== 47) continue;
      if (mayBeFolder[units[at + 1] as number] === 1) findInFolder(text, at, found);
      if (units[at - 1] === 101 && text.slice(at - role.length, at) === role) pushSession(text, at, found);
    }
  }
}

function findInFolder(text: string, at: number, found: ScanContext['found']): void {
  for (const folder of homeFolders) if (text.startsWith(folder, at)) pushAccount(text, at + folder.length, found, false);
  for (const folder of personFolders) if (text.startsWith(folder, at)) pushPerson(text, at + folder.length, false, found);
}

/** The name of a role's session stands behind the role, whose slash is at `at`. */
function pushSession(text: string, at: number, found: ScanContext['found']): void {
  let start = at + 1;
  while (start < text.length && start - at < 96 && isAccountUnit(text.charCodeAt(start))) start++;
  if (text.charCodeAt(start) === 47) pushPerson(text, start + 1, true, found);
}

/** The name at `start`, if it is a person's. */
function pushPerson(text: string, start: number, joined: boolean, found: ScanContext['found']): void {
  let end = start;
  while (end < text.length && end - start <= 64 && isAccountUnit(text.charCodeAt(end))) end++;
  while (end > start && text.charCodeAt(end - 1) === 46) end--;
  // What goes on with an @ is an address.
  if (text.charCodeAt(end) !== 64 && isPersonalAccount(text.slice(start, end), joined))
    found.push({ kind: 'username', start, end, confidence: 0.65 });
}

/** Two or three words and the mark that ends the folder's name. */
const spacedHome = /\p{Lu}[\p{L}\p{M}'’.-]{0,31}(?: \p{Lu}[\p{L}\p{M}'’.-]{0,31}){1,2}(?=\\)/uy;

/** Folders of Windows and of shares in which people have theirs: `C:\\Users\\`, `\\\\fs01\\home$\\`. */
const windowsHomes = /\\(?:(?<shared>profiles?|people|staff|employees)\$?|users\$?|homes?\$?|documents and settings)\\/gi;

/** `C:\\Users\\jane`, `C:\\Users\\Jane Doe\\` */
function findHomes(text: string, found: ScanContext['found']): void {
  for (const match of text.matchAll(windowsHomes)) {
    const start = match.index + match[0].length;
    spacedHome.lastIndex = start;
    const name = spacedHome.exec(text)?.[0];
    if (name !== undefined && !name.split(' ').every((word) => commonWords.has(word.toLowerCase())))
      found.push({ kind: 'person_name', start, end: start + name.length, confidence: 0.7 });
    else if (match.groups?.['shared'] === undefined) pushAccount(text, start, found, false);
    else pushPerson(text, start, false, found);
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
    if (!isAccountName(name) || isIdentifier(next) || next === 61 || next === 58 || next === 64) continue;
    // `session opened for user jane(uid=1001)`
    const isNumbered = next === 40 && text.startsWith('(uid=', end);
    if (next === 40 && !isNumbered) continue;
    const quoted = match[0].length > raw.length;
    // `--user jdoe`, but `systemctl --user mask`
    const isOption =
      text.charCodeAt(at - 2) === 45 && text.charCodeAt(at - 3) === 45 && (lookUp(name.toLowerCase()) === 0 || isPersonalAccount(name));
    const telling = quoted || isNumbered || isOption || /[._\-\d]/.test(name);
    if (telling ? true : afterUser.test(text.slice(end, end + 24)) && !isProse(name))
      found.push({ kind: 'username', start, end, confidence: telling ? 0.65 : 0.55 });
  }
}

/** Words that follow "user" in sentences. Endings say it for verbs and adjectives, wherever the word is unknown. */
function isProse(name: string): boolean {
  return /(?:ed|ing|able|tion|tions|ment|ly|ible|ness|ship|base|land|space|agent|data|input)$/.test(name) || isDigit(name.charCodeAt(0));
}
