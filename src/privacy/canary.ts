/**
 * Canaries: made-up values of every kind, in every position and encoding of an event, to be sent through the live policy and then looked for in
 * what was stored. They test the installation, policy and engine as they are now; what engine and default policy must find is the test suite's.
 *
 * A value is the kind's example with other digits and letters, as many times drawn as it takes until it is a value of that kind again (a checksum
 * of two digits takes about a hundred). A kind whose engine is broken gets its example as it is: it is found to leak, and not passed over.
 */
import type { JsonObject, JsonValue } from '../core/json.ts';
import type { Random } from '../core/random.ts';
import { defaultPolicyYaml } from './default-policy.ts';
import { kindSpecs } from './detectors/all.ts';
import { createPrivacyEngine, type PrivacyEngine } from './engine.ts';
import { parsePolicy } from './policy-file.ts';
import { type Encoding, encodings, type Position, positions } from './canary-places.ts';

/** One value in one place. */
export interface Canary {
  readonly kind: string;
  readonly position: Position;
  readonly encoding: Encoding;
  /** The value by itself. */
  readonly value: string;
  /** The value as it was planted: encoded, with what announces it. */
  readonly planted: string;
  /** Drawn for this run: nothing else anywhere has it. */
  readonly unique: boolean;
}

/** An event with canaries in it. */
export interface CanaryEvent {
  readonly event: JsonObject;
  readonly canaries: readonly Canary[];
}

/** Kinds whose values are words that may stand anywhere for other reasons, or that are no personal data by themselves. */
export const kindsWithoutCanary: ReadonlySet<string> = new Set(['place']);

/** What announces a value, and the value, where a kind's example is cut short for being a secret's. */
const examples: Readonly<Record<string, (random: Random) => string>> = {
  jwt: (random) => `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(`{"sub":"${letters(random, 12)}"}`)}.${characters(random, 43)}`,
  private_key: (random) => `-----BEGIN PRIVATE KEY----- ${characters(random, 64)} -----END PRIVATE KEY-----`,
  aws_secret_key: (random) => `aws_secret_access_key = ${characters(random, 40)}`,
  github_token: (random) => `github_pat_${characters(random, 22)}_${characters(random, 59)}`,
  api_key: (random) => `sk_live_${characters(random, 24)}`,
  bearer_token: (random) => `Authorization: Bearer ${characters(random, 40)}`,
  cookie: (random) => `Cookie: sid=${characters(random, 32)}`,
  secret: (random) => `password=${characters(random, 16)}`,
  url_credentials: (random) => `postgres://app:${characters(random, 16)}@db.internal/app`,
  email: (random) => `${letters(random, 8)}.${letters(random, 8)}@${letters(random, 8)}.com`,
  ip_address: (random) => `login from 8${number(random, 1)}.${number(random, 2)}.1${number(random, 1)}${number(random, 1)}.${number(random, 2)}`,
  mac_address: (random) => Array.from({ length: 6 }, () => draw(random, '2468ace', 2)).join(':'),
  aws_access_key: (random) => `AKIA${draw(random, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16)}`,
  person_name: (random) => `user ${capitalised(random)} ${capitalised(random)} logged in`,
  username: (random) => `arn:aws:iam::123456789012:user/${letters(random, 10)}`,
  postal_address: (random) => `${number(random, 4)} ${capitalised(random)} Avenue`,
};

const positionNames = Object.keys(positions) as Position[];
const encodingNames = Object.keys(encodings) as Encoding[];
/** What announces a value where the example alone says too little. */
const announcements: Readonly<Record<string, string>> = {
  employee_id: 'employee ID: ',
  jp_my_number: 'My Number: ',
  lv_personas_kods: 'personas kods: ',
};

/** Of one kind. */
const drawsMax = 2_000;
const uniqueDigits = 8;
const shortUnits = 6;

/**
 * Events with a value of each kind in each position: one event a kind and encoding. Takes some seconds over all; each step some milliseconds.
 * @param options.without kinds to leave out; @param options.encodingsEach so many encodings of each kind, drawn at random [all]
 */
export function* plantCanaries(random: Random, options: { without?: ReadonlySet<string>; encodingsEach?: number } = {}): Generator<CanaryEvent> {
  const engine = createPrivacyEngine(parsePolicy(defaultPolicyYaml), { pseudonymKey: { version: 1, key: new Uint8Array(32) } });
  for (const kind of kindSpecs.keys()) {
    if (kindsWithoutCanary.has(kind) || options.without?.has(kind)) continue;
    // Another value for each position: what is found in one must not give away the others. Encodings are events of their own.
    const texts = drawTexts(kind, engine, random, positionNames.length);
    for (const encoding of drawSome(random, encodingNames, options.encodingsEach ?? encodingNames.length)) yield plantOne(kind, encoding, texts);
  }
}

/** What would give a canary away in a stored record, in lower case: the value, and what was planted, as JSON and URLs write it. */
export function tracesOf({ value, planted, encoding }: Canary): string[] {
  // Announced in plain text, what announces the value may stay; encoded, nothing of it makes sense without the rest.
  // A short value stands anywhere by chance.
  const texts = value.length < shortUnits ? [planted] : encoding === 'plain' ? [value] : [value, planted];
  const traces = texts.flatMap((text) => [text, JSON.stringify(text).slice(1, -1), encodeURIComponent(text)]);
  return [...new Set(traces.map((text) => text.toLowerCase()))];
}

function plantOne(kind: string, encoding: Encoding, texts: readonly Drawn[]): CanaryEvent {
  const metadata: JsonObject = {};
  const canaries: Canary[] = [];
  let message = '';
  for (const [i, position] of positionNames.entries()) {
    const { text, value, unique } = texts[i] as Drawn;
    const planted = encodings[encoding](text);
    canaries.push({ kind, position, encoding, value, planted, unique });
    if (position === 'message') message = positions.message(planted) as string;
    else metadata[position] = positions[position](planted) as JsonValue;
  }
  return {
    event: { source: 'veiltrail', action: 'canary.plant', category: 'log_control', actor: { type: 'system', id: 'veiltrail' }, message, metadata },
    canaries,
  };
}

/** A text that announces a value, and the value. */
interface Drawn {
  readonly text: string;
  readonly value: string;
  readonly unique: boolean;
}

function drawTexts(kind: string, engine: PrivacyEngine, random: Random, count: number): Drawn[] {
  const example = `${announcements[kind] ?? ''}${kindSpecs.get(kind)?.example ?? ''}`;
  const make = examples[kind] ?? redrawn(kind, example, engine);
  const drawn: Drawn[] = [];
  for (let draws = 0; drawn.length < count && draws < drawsMax; draws++) {
    const text = make?.(random) ?? example;
    const found = engine.scanText(text).find((one) => one.kind === kind);
    if (!found) continue;
    const value = text.slice(found.start, found.end);
    drawn.push({ text, value, unique: kind in examples || value.replace(/\D/g, '').length >= uniqueDigits });
  }
  while (drawn.length < count) drawn.push({ text: example, value: example, unique: false });
  return drawn;
}

/** The example with other digits where its value stands. Letters stay: they are words, or letters of a country, or parts of a checksum. */
function redrawn(kind: string, example: string, engine: PrivacyEngine): ((random: Random) => string) | undefined {
  const span = engine.scanText(example).find((one) => one.kind === kind);
  if (!span) return undefined;
  const { start, end } = span;
  return (random) => example.slice(0, start) + example.slice(start, end).replace(/\d/g, () => number(random, 1)) + example.slice(end);
}

/** So many of the items, in their order. */
function drawSome<T>(random: Random, items: readonly T[], count: number): T[] {
  const left = items.map((item, at) => ({ item, at, lot: random.bytes(1)[0] as number }));
  return left
    .toSorted((a, b) => a.lot - b.lot)
    .slice(0, count)
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function draw(random: Random, alphabet: string, count: number): string {
  return Array.from(random.bytes(2 * count).subarray(0, count), (byte) => alphabet[byte % alphabet.length]).join('');
}

const small = 'abcdefghijklmnopqrstuvwxyz';

function number(random: Random, digits: number): string {
  return draw(random, '123456789', digits);
}

function letters(random: Random, count: number): string {
  return draw(random, small, count);
}

function characters(random: Random, count: number): string {
  return draw(random, `${small}${small.toUpperCase()}0123456789`, count);
}

/** A word that no lexicon has. */
function capitalised(random: Random): string {
  const word = letters(random, 7);
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function base64url(text: string): string {
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
