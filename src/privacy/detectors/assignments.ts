/**
 * Values that the word before them gives away: `password=…`, `"api_key": "…"`, `user: jdoe`. Anchored on `=` and `:`, reading one word
 * back and one value on.
 */
import { commonWords } from '../lexicon.ts';
import { has, isDigit, isIdentifier, isLetter } from '../survey.ts';
import { isAccountName, isPersonalAccount } from './account-names.ts';
import { readBehind, readField } from './attributes.ts';
import { before, type Detector, type ScanContext } from './detector.ts';
import { readForms } from './form-data.ts';

/** Secrets that may be any word at all. */
const passwords = new Set([
  'password',
  'passwd',
  'pwd',
  'pass',
  'passphrase',
  'passcode',
  'userpassword',
  'dbpassword',
  'pgpassword',
  'mysqlpwd',
  'pw',
  'kennwort',
  'passwort',
]);
/** Secrets that are long and mixed; the same words also stand before harmless values. */
const keys = new Set([
  'secret',
  'token',
  'apikey',
  'accesskey',
  'secretkey',
  'secretaccesskey',
  'awssecretaccesskey',
  'privatekey',
  'clientsecret',
  'authtoken',
  'accesstoken',
  'refreshtoken',
  'idtoken',
  'sessiontoken',
  'bearertoken',
  'authorization',
  'credential',
  'credentials',
  'xapikey',
  'xauthtoken',
  'accountkey',
  'sharedaccesskey',
  'encryptionkey',
  'signingkey',
  'masterkey',
  'webhooksecret',
  'cookie',
  'setcookie',
  'phpsessid',
  'jsessionid',
  'csrftoken',
  'xcsrftoken',
  'apisecret',
  'appsecret',
  // Signed addresses open what they point to as long as they are good.
  'sig',
  'xamzsignature',
  'xamzsecuritytoken',
  'xgoogsignature',
]);
const accounts = new Set([
  'user',
  'username',
  'login',
  'usr',
  'uname',
  'userid',
  'uid',
  'acct',
  'account',
  'ruser',
  'logname',
  'auid',
  'principal',
  'loginname',
  'samaccountname',
  'targetusername',
  'subjectusername',
  'accountname',
]);

const wordKinds = new Map<string, 'password' | 'key' | 'account' | 'entry'>([
  // `CN=jane.doe,OU=Sales`; most entries of directories are groups and machines.
  ['cn', 'entry'],
  ...Array.from(accounts, (word) => [word, 'account'] as const),
  ...Array.from(keys, (word) => [word, 'key'] as const),
  ...Array.from(passwords, (word) => [word, 'password'] as const),
]);

const wordMax = 32;

function detectAssignments(context: ScanContext): void {
  const { survey } = context;
  // A value is read once: marks within it are no assignments of their own, or `a=a=a=` would cost more than linear time.
  judgeAll(context, survey.equals, survey.equalCount);
  judgeAll(context, survey.colons, survey.colonCount);
  if ((survey.flags & (has.newline | has.equals)) === (has.newline | has.equals)) readForms(context, (...field) => judgeField(context, ...field));
  if ((survey.flags & has.endTag) === 0) return;
  for (let at = context.text.indexOf('</'); at >= 0; at = context.text.indexOf('</', at + 2)) readElement(context, at);
}

/** A field of a form: `user` is an account's name there, whoever it is. */
function judgeField({ text, found }: ScanContext, word: string, value: string, start: number, end: number): void {
  const kind = wordKinds.get(word) ?? (endsInSecret(word) ? 'key' : '');
  if (kind === 'account') {
    if (isAccountName(value)) found.push({ kind: 'username', start, end, confidence: 0.7 });
  } else if (kind === 'password' ? isPassword(value, 61) : kind === 'key' && isMixed(value))
    found.push({ kind: 'secret', start, end, confidence: 0.8 });
  else if (kind === '') readField(text, start, word, found);
}

/** Judges the assignments at the marks of a list. */
function judgeAll(context: ScanContext, marks: Int32Array, count: number): void {
  const { text, found } = context;
  let next = 0;
  for (let i = 0; i < count; i++) {
    const at = marks[i] as number;
    if (at < next) continue;
    readBehind(text, at, found);
    next = judge(context, at);
  }
}

const elementMax = 256;

/** `<password>hunter2</password>`: the end tag at `at` says what stands before it. */
function readElement({ text, found }: ScanContext, at: number): void {
  const name = /^[\w:.-]{1,64}(?=>)/
    .exec(text.slice(at + 2, at + 67))?.[0]
    .replace(/^.*:/, '')
    .toLowerCase();
  const word = name?.replace(/[_.-]/g, '') ?? '';
  const kind = wordKinds.get(word) ?? (endsInSecret(word) ? 'key' : '');
  if (kind === '' || kind === 'entry') return;
  let start = at;
  while (start > 0 && at - start < elementMax && text.charCodeAt(start - 1) !== 62) start--;
  if (start === at || text.charCodeAt(start - 1) !== 62) return;
  const value = text.slice(start, at);
  if (kind === 'account') {
    if (isAccountName(value)) found.push({ kind: 'username', start, end: at, confidence: 0.6 });
  } else if (kind === 'password' ? isPassword(value, 61) : isMixed(value)) found.push({ kind: 'secret', start, end: at, confidence: 0.8 });
}

/** Judges the assignment at `at`; returns where to go on. */
function judge(context: ScanContext, at: number): number {
  const { text, found } = context;
  let end = at;
  if (text.charCodeAt(end - 1) === 32) end--;
  while (end > 0 && isQuote(text.charCodeAt(end - 1))) end--;
  // Nearly all words before a mark are out at once, by their last two letters.
  if (end < 2 || endings[endingSlot(text.charCodeAt(end - 2), text.charCodeAt(end - 1))] !== 1) return at + 1;
  let start = end - 1;
  while (start > 0 && end - start < wordMax && (isIdentifier(text.charCodeAt(start - 1)) || text.charCodeAt(start - 1) === 45)) start--;
  // `arn:aws:secretsmanager:…:secret:name`: between colons it is a part of a name, not a word before a value.
  if (start > 0 && text.charCodeAt(start - 1) === 58 && text.charCodeAt(at) === 58) return at + 1;
  const written = text.slice(start, end).toLowerCase();
  const word = written.includes('_') || written.includes('-') ? written.replace(/[_-]/g, '') : written;
  const kind = wordKinds.get(word) ?? (endsInSecret(word) ? 'key' : isAccountWord(text, start, written) ? 'account' : '');
  if (kind === '') return at + 1;
  // `&sig=…` of a signed address, not a variable.
  if (word === 'sig' && text.charCodeAt(start - 1) !== 38 && text.charCodeAt(start - 1) !== 63) return at + 1;
  let from = valueStart(text, at + 1);
  // Dovecot's `user=<jane>`.
  if (kind === 'account' && text.charCodeAt(from) === 60) from++;
  const to = valueEnd(text, from);
  if (to <= from) return at + 1;
  if (isCookie(word)) {
    // A name and its `=` come first, or there is no cookie.
    if (/^[^=\s"\\]{1,128}=/.test(text.slice(from, from + 129))) {
      const line = cookieEnd(text, from);
      found.push({ kind: 'cookie', start: from, end: line, confidence: 0.8 });
      return line;
    }
  }
  const value = text.slice(from, to);
  if (kind === 'account' || kind === 'entry') {
    if (kind === 'account' ? isAccountName(value) : isPersonalAccount(value)) found.push({ kind: 'username', start: from, end: to, confidence: 0.6 });
  } else if (kind === 'password' ? isPassword(value, text.charCodeAt(at)) && !(word === 'pwd' && isPath.test(value)) : isMixed(value)) {
    const aws = value.length === 40 && word.includes('secret') && /^[A-Za-z0-9/+]{40}$/.test(value);
    found.push({ kind: aws ? 'aws_secret_key' : 'secret', start: from, end: to, confidence: 0.8 });
  }
  return to;
}

/** `PWD=/srv`: where a shell stands. */
const isPath = /^(?:[~./]|[A-Za-z]:\\)/;

/** `Account Name:`, as Windows writes it; `X-Remote-User:`, `PG_USER=`; `new user: name=`. */
function isAccountWord(text: string, start: number, written: string): boolean {
  if (written !== 'name') return /[_-]user(?:[_-]?name)?$/.test(written);
  return text.charCodeAt(start - 1) === 32 && /(?:^|[^a-z])(?:account|user:?|logon|login) $/.test(before(text, start, 9));
}

/** By the last two letters in any case: does a word of interest end like this? */
const endings = new Uint8Array(1024);
for (const word of [...passwords, ...keys, ...accounts, 'cn', 'password', 'passwd', 'secret', 'key', 'token'])
  endings[endingSlot(word.charCodeAt(word.length - 2), word.charCodeAt(word.length - 1))] = 1;

function endingSlot(last: number, least: number): number {
  return ((last & 31) << 5) | (least & 31);
}

function isCookie(word: string): boolean {
  return word === 'cookie' || word === 'setcookie';
}

/** All pairs of a header, to the end of its line or string. */
function cookieEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + cookieMax);
  let end = from;
  while (end < limit && text.charCodeAt(end) >= 32 && text.charCodeAt(end) !== 34 && text.charCodeAt(end) !== 92) end++;
  return end;
}

const cookieMax = 8192;

function endsInSecret(word: string): boolean {
  return word.length > 8 && /(?:password|passwd|secret|apikey|secretkey|accesskey|accesstoken|authtoken|clientsecret)$/.test(word);
}

function isQuote(unit: number): boolean {
  return unit === 34 || unit === 39 || unit === 92 || unit === 96;
}

function valueStart(text: string, at: number): number {
  // `"password"=>"…"`, as Ruby writes it.
  let start = text.charCodeAt(at) === 62 && text.charCodeAt(at - 1) === 61 ? at + 1 : at;
  while (
    start - at < 6 &&
    (text.charCodeAt(start) === 32 || text.charCodeAt(start) === 9 || isQuote(text.charCodeAt(start)) || text.charCodeAt(start) === 61)
  )
    start++;
  return start;
}

/** Up to the closing quote where one opened; else up to a space or a mark that ends values in logs, URLs and JSON. */
function valueEnd(text: string, from: number): number {
  const quote = text.charCodeAt(from - 1);
  const quoted = isQuote(quote);
  let end = from;
  for (; end < text.length; end++) {
    const unit = text.charCodeAt(end);
    if (
      quoted
        ? unit === quote || unit === 92 || unit === 10
        : unit <= 32 ||
          unit === 34 ||
          unit === 39 ||
          unit === 38 ||
          unit === 44 ||
          unit === 59 ||
          unit === 60 ||
          unit === 62 ||
          unit === 41 ||
          unit === 125 ||
          unit === 93
    )
      break;
  }
  if (quoted) return end;
  // The full stop of a sentence.
  while (end > from && text.charCodeAt(end - 1) === 46) end--;
  return end;
}

const placeholder =
  /^(?:\*+|hidden_due_to_security_reasons|x+|\.+|-+|<.*|\$\{?.*|\{\{?.*|%[a-z]|\[.*|null|none|nil|true|false|undefined|empty|redacted|masked|hidden|required|invalid|expired|incorrect|changed|reset|missing|yes|no|not|is|was|must|tok_.*|hash_v.*)$/i;

/** After `=` anything will do; after `:` prose is likely, so a plain lower-case word is no password. */
export function isPassword(value: string, mark: number): boolean {
  if (value.length < 3 || placeholder.test(value)) return false;
  return mark === 61 || value.length >= 6 ? !(mark !== 61 && /^[a-z]+$/.test(value) && commonWords.has(value)) : /[^a-z]/.test(value);
}

/** Long, with letters and digits, and not a number, a date, a path or a plain identifier. */
function isMixed(value: string): boolean {
  if (value.length < 12 || placeholder.test(value) || value.includes('://') || value.startsWith('arn:')) return false;
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value)) return false;
  let digits = 0;
  let letters = 0;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    if (isDigit(unit)) digits++;
    else if (isLetter(unit)) letters++;
  }
  return digits > 0 && letters > 0 && entropyBits(value) >= 3;
}

/** Shannon entropy of the characters, in bits each; over the first 256. */
export function entropyBits(value: string): number {
  const counts = new Map<number, number>();
  const length = Math.min(value.length, 256);
  for (let i = 0; i < length; i++) counts.set(value.charCodeAt(i), (counts.get(value.charCodeAt(i)) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / length) * Math.log2(count / length);
  return bits;
}

export const assignmentDetector: Detector = { kinds: [], gate: has.equals | has.colon | has.endTag, detect: detectAssignments };
