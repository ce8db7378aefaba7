/**
 * The programs that are measured, each behind the same few lines: a text goes in, findings come out. Libraries that only return the redacted
 * text are read by laying it over the original: the spans between what both have are the findings.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { createPrivacyEngine, type TokenNeed } from '../../src/privacy/engine.ts';
import { defaultPolicyYaml, parsePolicy } from '../../src/privacy/policy.ts';

/** Kind, start and end in UTF-16 units, and whether it is taken out (a policy may keep what is found). */
export type Found = readonly [kind: string, start: number, end: number, removed: boolean];

export interface Contestant {
  readonly find: (text: string) => Found[];
  /** What a user calls for a text, with nothing of this file around it: what is timed. */
  readonly run: (text: string) => unknown;
  /** What a user calls for one event: a new event without personal data. */
  readonly redactEvent: (event: JsonObject) => JsonValue;
}

/** The npm peers, with the versions that are measured. */
export const npmPeers: Record<string, string> = { 'redact-pii': '3.4.0', '@redactpii/node': '1.0.17', compromise: '14.17.0' };

/** @param peers the folder in which the peers are installed */
export function createContestant(name: string, peers: string): Contestant {
  if (name === 'veiltrail') return ours();
  const load = createRequire(join(peers, 'package.json'));
  if (name === 'compromise') return compromise(load(name) as Compromise);
  const module = load(name) as Record<string, new () => { redact(text: string): string }>;
  const redactor = new (module[name === 'redact-pii' ? 'SyncRedactor' : 'Redactor'] as new () => { redact(text: string): string })();
  const redact = (text: string): string => redactor.redact(text);
  return { find: (text) => layOver(text, redact(text)), run: redact, redactEvent: (event) => mapStrings(event, redact) };
}

function ours(): Contestant {
  const policy = parsePolicy(defaultPolicyYaml);
  const engine = createPrivacyEngine(policy, { pseudonymKey: { version: 1, key: new Uint8Array(32) } });
  const isRemoved = (kind: string): boolean => policy.kinds[kind]?.transform !== 'keep';
  const token = ({ kind, canonical }: TokenNeed): string =>
    `tok_${Buffer.from(`${kind}${canonical}`).toString('base64url').slice(-27).padStart(27, 'x')}`;
  return {
    find: (text) => engine.scanText(text).map(({ kind, start, end }) => [kind, start, end, isRemoved(kind)]),
    run: (text) => engine.scanText(text),
    redactEvent: (event) => engine.apply(engine.plan(structuredClone(event)), token).event,
  };
}

interface Compromise {
  (text: string): Record<'people' | 'emails' | 'phoneNumbers', () => { json(options: object): { offset: { start: number; length: number } }[] }>;
}

function compromise(nlp: Compromise): Contestant {
  const find = (text: string): Found[] => {
    const document = nlp(text);
    const of = (kind: string, view: 'people' | 'emails' | 'phoneNumbers'): Found[] =>
      document[view]()
        .json({ offset: true })
        .map(({ offset: { start, length } }) => [kind, start, start + length, true]);
    return [...of('PERSON', 'people'), ...of('EMAIL', 'emails'), ...of('PHONE', 'phoneNumbers')];
  };
  return { find, run: find, redactEvent: (event) => mapStrings(event, (text) => cut(text, find(text))) };
}

function cut(text: string, found: readonly Found[]): string {
  let out = '';
  let at = 0;
  for (const [kind, start, end] of found.toSorted((a, b) => a[1] - b[1])) {
    if (start < at) continue;
    out += `${text.slice(at, start)}[${kind}]`;
    at = end;
  }
  return out + text.slice(at);
}

function mapStrings(value: JsonValue, map: (text: string) => string): JsonValue {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, map)]));
}

const marks =
  /\b(?:PERSON_NAME|CREDIT_CARD_NUMBER|CREDIT_CARD|STREET_ADDRESS|ZIPCODE|PHONE_NUMBER|IP_ADDRESS|US_SOCIAL_SECURITY_NUMBER|EMAIL_ADDRESS|USERNAME|PASSWORD|CREDENTIALS|DIGITS|URL)/;

/** The spans of `text` that `redacted` has marks for. */
export function layOver(text: string, redacted: string): Found[] {
  const found: Found[] = [];
  let rest = redacted;
  let at = 0;
  for (let mark = marks.exec(rest); mark; mark = marks.exec(rest)) {
    const plain = rest.slice(0, mark.index);
    // A mark that stands in the original is no finding.
    if (text.startsWith(plain + mark[0], at)) {
      at += plain.length + mark[0].length;
      rest = rest.slice(mark.index + mark[0].length);
      continue;
    }
    const start = at + plain.length;
    rest = rest.slice(mark.index + mark[0].length);
    const next = marks.exec(rest)?.index ?? rest.length;
    const behind = rest.slice(0, next);
    const found1 = next === rest.length ? text.length - behind.length : text.indexOf(behind, start + 1);
    const end = Math.min(Math.max(found1 < 0 ? text.length : found1, start), text.length);
    if (end > start) found.push([mark[0], start, end, true]);
    at = end;
  }
  return found;
}
