/**
 * Secrets: keys and tokens that prove themselves by their form, private keys, credentials in URLs and headers, and values that a
 * keyword (`password=`) gives away. Everything starts from the survey's runs and from literal marks; nothing is searched for twice.
 */
import { decodeBase64url } from '../../core/base64.ts';
import { has, isDigit, isLetter, isWord, mixed } from '../survey.ts';
import type { Detector, KindSpec, ScanContext } from './detector.ts';
import { runMay } from '../runs-code.ts';
import { runsMay } from './run-glance.ts';
import { isSpokenSecret } from './secret-words.ts';
import { detectSpokenAccount, detectSpokenSecret } from './spoken-secrets.ts';
import { beginsToken, beginsWithTwo, prefixes } from './token-prefixes.ts';

function secretKind(kind: string, example: string, check: string): KindSpec {
  return { kind, family: 'secret', example, check, floor: 0.5, canonical: (value) => value.trim() };
}

const kinds: KindSpec[] = [
  secretKind('secret', 'password=hunter2', 'a field or keyword says so; keys and tokens must also be long and mixed'),
  secretKind('jwt', 'eyJhbGciOiJub25lIn0.e30.', 'three base64url parts, the first of which is a JSON object with alg or typ'),
  secretKind('private_key', '-----BEGIN PRIVATE KEY----- …', 'the PEM frame'),
  secretKind('aws_access_key', 'AKIAIOSFODNN7EXAMPLE', 'AKIA, ASIA … and 16 capitals and digits'),
  secretKind('aws_secret_key', 'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', '40 base64 characters after a word that says so'),
  secretKind(
    'github_token',
    'ghp_0123456789abcdefghijABCDEFGHIJ012345',
    'the prefix and length; the CRC-32 in the last six characters makes it certain',
  ),
  secretKind(
    'api_key',
    'hf_abcdefghijABCDEFGHIJabcdefghijABCD1',
    'the prefix and length of Slack, Stripe, Google, npm, OpenAI, Anthropic, Vault, SendGrid, Twilio, GitLab, DigitalOcean, Shopify, PyPI, Docker, Hugging Face, Grafana, New Relic, Databricks, Atlassian and others; Azure client secrets, Slack webhooks, Telegram bots',
  ),
  secretKind('bearer_token', 'Authorization: Bearer abcdef0123456789abcdef', 'Bearer and 16 characters or more; Basic and base64 of user:password'),
  secretKind('cookie', 'Cookie: sid=8f3a…; lang=en', 'all pairs behind Cookie: or Set-Cookie:'),
  secretKind('url_credentials', 'postgres://app:s3cret@db/app', 'user and password before the host of a URL'),
];

/** By unit: what divides the words of a run. */
const joints = new Uint8Array(129);
for (const joint of '_-+/') joints[joint.charCodeAt(0)] = 1;

/** By unit: does a word for a password end with it? */
const endsSpoken = new Uint8Array(129);
for (const letter of 'dDtTeE') endsSpoken[letter.charCodeAt(0)] = 1;
/** The last three letters of such words (spoken-secrets.ts), in lower case. */
const spokenEnds = new Set(['ord', 'ort', 'ode', 'ase', 'swd', 'ied'].map((end) => tailOf(new TextEncoder().encode(end), 3)));

function tailOf(units: Uint8Array, end: number): number {
  return (((units[end - 3] as number) | 32) << 16) | (((units[end - 2] as number) | 32) << 8) | ((units[end - 1] as number) | 32);
}

/** No key or token is shorter. */
const tokenMin = 16;

function detectSecrets(context: ScanContext): void {
  const { text, survey, found } = context;
  const { runs, runCount, flags, units } = survey;
  let done = 0;
  let pemEnd = 0;
  const last = (runsMay(survey) & runMay.beSecret) === 0 ? 0 : 3 * runCount;
  for (let i = 0; i < last; i += 3) {
    const from = runs[i] as number;
    const to = runs[i + 1] as number;
    const mark = from > 0 ? (units[from - 1] as number) : 0;
    if (mark === 32) detectAuthorization(text, from, found);
    if (units[to] === 32 && endsSpoken[units[to - 1] as number] === 1 && spokenEnds.has(tailOf(units, to))) detectSpokenSecret(text, from, to, found);
    if (units[from] === 45 && units[to] === 32 && units[to - 1] === 101) detectSpokenAccount(text, from, to, found);
    if (mark === 58 && to - from >= telegramSize && units[from - 2] !== undefined && isDigit(units[from - 2] as number))
      detectTelegram(text, from, to, found);
    if (mark === 126 && units[from - 2] === 81) detectAzure(text, from, found);
    if (mark === 46 && units[from] === 99 && units[from + 3] === 47) {
      detectSlackHook(text, from, found);
      detectDiscordHook(text, from, found);
    }
    if (units[from] === 45 && units[from + 1] === 112 && mark === 32) detectMysql(text, from, found);
    if (mark === 46) done = Math.max(done, tokenAt(context, joinedStart(text, from), to));
    // `-----BEGIN` is a run that a space follows.
    if (units[to - 1] === 78 && units[to - 6] === 45 && from >= pemEnd && text.startsWith('-----BEGIN ', to - 10))
      pemEnd = pemAt(text, to - 10, found);
    if (((runs[i + 2] as number) & mixed) === 0) continue;
    // A token begins where a word does: at the run's start, and behind each mark within it.
    for (let at = done > from ? behindJoint(units, done - 1, to) : from; at <= to - tokenMin;) {
      const unit = units[at] as number;
      const mayBegin = beginsToken[unit] === 1 && beginsWithTwo[unit * 129 + (units[at + 1] as number)] === 1;
      at = behindJoint(units, mayBegin ? Math.max(at, tokenAt(context, at, to) - 1) : at, to);
    }
  }
  if ((flags & has.urlMark) !== 0 && (flags & has.at) !== 0) detectUrlCredentials(text, found);
}

/** The place behind the first joint at or behind `at`. */
function behindJoint(units: Uint8Array, at: number, to: number): number {
  let joint = at;
  while (joint < to && joints[units[joint] as number] === 0) joint++;
  return joint + 1;
}

const telegramSize = 35;

/** The number of a bot, a colon, and 35 characters. */
function detectTelegram(text: string, from: number, to: number, found: ScanContext['found']): void {
  const bot = /(?<!\d)\d{8,10}:$/.exec(text.slice(Math.max(0, from - 12), from));
  if (bot && to - from === telegramSize) found.push({ kind: 'api_key', start: from - bot[0].length, end: to, confidence: 0.9 });
}

const azureSecret = /[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~])/y;

/** Azure's client secrets have `8Q~` or the like as their fourth to sixth character: the run at `from` follows that. */
function detectAzure(text: string, from: number, found: ScanContext['found']): void {
  const start = from - 6;
  azureSecret.lastIndex = Math.max(0, start);
  const match = start < 0 || isWord(text.charCodeAt(start - 1)) ? null : azureSecret.exec(text);
  if (match) found.push({ kind: 'api_key', start, end: start + match[0].length, confidence: 0.9 });
}

const slackHook = 'com/services/';
const slackPath = /[A-Z0-9]{8,14}\/[A-Z0-9]{8,14}\/[A-Za-z0-9]{20,32}/y;

/** `hooks.slack.com/services/…`: the run begins with `com`. */
function detectSlackHook(text: string, from: number, found: ScanContext['found']): void {
  if (!text.startsWith(slackHook, from) || !text.startsWith('hooks.slack.', from - 12)) return;
  slackPath.lastIndex = from + slackHook.length;
  const match = slackPath.exec(text);
  if (match) found.push({ kind: 'api_key', start: slackPath.lastIndex - match[0].length, end: slackPath.lastIndex, confidence: 0.9 });
}

const discordHook = 'com/api/webhooks/';
const discordPath = /\d{16,20}\/[A-Za-z0-9_-]{20,100}/y;

/** `discord.com/api/webhooks/…`: the run begins with `com`. */
function detectDiscordHook(text: string, from: number, found: ScanContext['found']): void {
  if (!text.startsWith(discordHook, from) || !/discord(?:app)?\.$/.test(text.slice(Math.max(0, from - 11), from))) return;
  discordPath.lastIndex = from + discordHook.length;
  const match = discordPath.exec(text);
  if (match) found.push({ kind: 'api_key', start: discordPath.lastIndex - match[0].length, end: discordPath.lastIndex, confidence: 0.9 });
}

const mysql = /\b(?:mysql|mariadb)[\w-]*(?: [^|;&\n]{0,64})? $/;

/** `mysql -u root -phunter22`: the run at `from` begins with `-p`. */
function detectMysql(text: string, from: number, found: ScanContext['found']): void {
  const end = from + (/^\S{3,66}/.exec(text.slice(from, from + 66))?.[0].length ?? 0);
  if (isSpokenSecret(text.slice(from + 2, end)) && mysql.test(text.slice(Math.max(0, from - 80), from)))
    found.push({ kind: 'secret', start: from + 2, end, confidence: 0.7 });
}

/** `hvs.`, `SG.` and `ya29.` are too short for runs of their own: the run behind the dot leads back to them. */
function joinedStart(text: string, at: number): number {
  if (text.charCodeAt(at - 1) !== 46) return at;
  let start = at - 1;
  while (start > 0 && at - start < 5 && (isLetter(text.charCodeAt(start - 1)) || isDigit(text.charCodeAt(start - 1)))) start--;
  return start;
}

/** Adds the token that begins at `start`; returns its end, or -1. */
function tokenAt({ text, found }: ScanContext, start: number, runEnd: number): number {
  if (isWord(text.charCodeAt(start - 1))) return -1;
  const unit = text.charCodeAt(start);
  if (unit === 101 && text.startsWith('eyJ', start)) return jwtAt(text, start, runEnd, found);
  const list = unit < 128 ? prefixes[unit] : undefined;
  if (!list) return -1;
  for (const { mark, kind, rest } of list) {
    if (!text.startsWith(mark, start)) continue;
    rest.lastIndex = start + mark.length;
    const match = rest.exec(text);
    if (!match) continue;
    const end = start + mark.length + match[0].length;
    const certain = kind === 'github_token' && mark.length === 4 && passesGithubCheck(text.slice(start, end));
    found.push({ kind, start, end, confidence: certain ? 1 : 0.9 });
    return end;
  }
  return -1;
}

const jwtPart = /[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*){0,3}/y;

/** The header reaches to the end of its run, which a dot follows; within a run it is looked for near that end only. */
function jwtAt(text: string, start: number, runEnd: number, found: ScanContext['found']): number {
  const inside = text.charCodeAt(start - 1) === 45 || text.charCodeAt(start - 1) === 95;
  if (text.charCodeAt(runEnd) !== 46 || runEnd - start > (inside ? 512 : 8192)) return -1;
  jwtPart.lastIndex = start;
  const match = jwtPart.exec(text);
  if (!match) return -1;
  const header = match[0].slice(0, match[0].indexOf('.'));
  if (!isJwtHeader(header)) return -1;
  const end = start + match[0].length;
  found.push({ kind: 'jwt', start, end, confidence: 0.99 });
  return end;
}

function isJwtHeader(part: string): boolean {
  try {
    const bytes = decodeBase64url(part);
    return /^\{.*"(?:alg|typ|enc|kid|cty)"\s*:/s.test(String.fromCharCode(...bytes));
  } catch {
    return false;
  }
}

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The last six characters of a GitHub token are the CRC-32 of the ones between prefix and check, in base 62. */
export function passesGithubCheck(token: string): boolean {
  const body = token.slice(4, -6);
  let crc = 0xffffffff;
  for (let i = 0; i < body.length; i++) {
    crc ^= body.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  let rest = (crc ^ 0xffffffff) >>> 0;
  let check = '';
  for (let i = 0; i < 6; i++) {
    check = (base62[rest % 62] as string) + check;
    rest = Math.floor(rest / 62);
  }
  return token.endsWith(check);
}

/** Adds the private key whose frame begins at `start`, from BEGIN to END, or to the end of a text that was cut off; returns its end, or 0. */
function pemAt(text: string, start: number, found: ScanContext['found']): number {
  const label = text.slice(start + 11, start + 60);
  const dashes = label.indexOf('-----');
  if (dashes < 0 || !/^[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?$/.test(label.slice(0, dashes))) return 0;
  const close = text.indexOf('-----END ', start);
  const end = close < 0 ? text.length : Math.min(text.length, Math.max(close + 14, text.indexOf('-----', close + 9) + 5));
  found.push({ kind: 'private_key', start, end, confidence: 1 });
  return end;
}

const userinfo = /[^\s/?#@"'<>\\]{1,256}@/y;

/** `scheme://user:password@host`: the part before the @. A name without a password is an account. */
function detectUrlCredentials(text: string, found: ScanContext['found']): void {
  for (let mark = text.indexOf('://'); mark >= 0; mark = text.indexOf('://', mark + 3)) {
    userinfo.lastIndex = mark + 3;
    const match = userinfo.exec(text);
    if (!match) continue;
    const start = mark + 3;
    const end = start + match[0].length - 1;
    // The password itself may hold an @: the last one before the host counts.
    const kind = match[0].includes(':') ? 'url_credentials' : 'username';
    found.push({ kind, start, end, confidence: kind === 'username' ? 0.6 : 0.9 });
  }
}

const credentials = /[A-Za-z0-9._~+/-]{8,4096}={0,2}/y;

/** `Bearer …` and `Basic …` before the run at `start`. */
function detectAuthorization(text: string, start: number, found: ScanContext['found']): void {
  const last = text.charCodeAt(start - 2) | 32;
  if (last !== 114 && last !== 99) return;
  const scheme = /(?:^|[^a-z])(bearer|basic)$/.exec(text.slice(Math.max(0, start - 8), start - 1).toLowerCase())?.[1];
  if (scheme === undefined) return;
  credentials.lastIndex = start;
  const credential = credentials.exec(text)?.[0].replace(/\.$/, '');
  if (credential === undefined) return;
  if (scheme === 'basic' ? !isUserAndPassword(credential) : credential.length < tokenMin || !/\d/.test(credential)) return;
  found.push({ kind: 'bearer_token', start, end: start + credential.length, confidence: 0.9 });
}

function isUserAndPassword(credential: string): boolean {
  try {
    const bytes = decodeBase64url(credential.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_'));
    return bytes.includes(58) && bytes.every((byte) => byte >= 32);
  } catch {
    return false;
  }
}

export const secretDetector: Detector = { kinds, gate: has.run | has.at, detect: detectSecrets };
