/**
 * Fixtures of a policy: `input`, and `expect`, what the policy is to make of it, member for member. In the texts of `expect`, `tok_*` stands
 * for any token and `tok_*NAME` for the same one wherever the fixture says NAME (and another one than for any other name); `hash_*` and
 * `sha256:*` stand for any hash. All else is compared as it is, so nothing that came out otherwise goes unnoticed.
 */
import { parseDocument } from 'yaml';
import { VeiltrailError } from '../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import type { PrivacyEngine } from '../privacy/engine.ts';
import type { TokenNeed } from '../privacy/plan.ts';

export interface Fixture {
  name: string;
  input: JsonValue;
  expect: JsonValue;
  /** Whose own rules hold. */
  log?: string;
}

/** A place where it came out otherwise. */
export interface Difference {
  pointer: string;
  expected: string;
  got: string;
}

const fixtureBytesMax = 16_777_216;

/**
 * Reads a file of fixtures: a list, or a mapping with `fixtures`; YAML or JSON.
 * @throws VeiltrailError `fixture_invalid`, naming file and fixture
 */
export function parseFixtures(text: string, file: string): Fixture[] {
  if (text.length > fixtureBytesMax) throw new VeiltrailError('fixture_invalid', `${file}: larger than ${fixtureBytesMax} characters`);
  const document = parseDocument(text, { version: '1.2', logLevel: 'silent', uniqueKeys: true });
  const [error] = document.errors;
  if (error) throw new VeiltrailError('fixture_invalid', `${file}: ${error.message}`);
  const value = document.toJS({ maxAliasCount: 100 }) as JsonValue;
  const list = isJsonObject(value) && Array.isArray(value['fixtures']) ? value['fixtures'] : isJsonObject(value) ? [value] : value;
  if (!Array.isArray(list) || list.length === 0) throw new VeiltrailError('fixture_invalid', `${file}: fixtures are a list of {name, input, expect}`);
  return list.map((one, i) => fixtureOf(one, `${file}: fixture ${i + 1}`, i));
}

function fixtureOf(value: JsonValue, where: string, index: number): Fixture {
  if (!isJsonObject(value)) throw new VeiltrailError('fixture_invalid', `${where} must be a mapping with input and expect`);
  const { name, input, expect, log, why: _why, ...rest } = value;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw new VeiltrailError('fixture_invalid', `${where}: unknown name "${unknown}"; known are name, input, expect, log, why`);
  for (const [member, given] of Object.entries({ input, expect })) {
    if (typeof given !== 'string' && !isJsonObject(given))
      throw new VeiltrailError('fixture_invalid', `${where}: ${member} must be an event or a text`);
  }
  if (typeof input !== typeof expect) throw new VeiltrailError('fixture_invalid', `${where}: input and expect must both be events, or both be texts`);
  if (log !== undefined && typeof log !== 'string') throw new VeiltrailError('fixture_invalid', `${where}: log must be a name`);
  const fixture: Fixture = {
    name: typeof name === 'string' || typeof name === 'number' ? String(name) : `fixture ${index + 1}`,
    input: input as JsonValue,
    expect: expect as JsonValue,
  };
  if (log !== undefined) fixture.log = log;
  return fixture;
}

/** Runs one fixture; empty if it came out as expected. */
export function runFixture({ input, expect }: Fixture, engine: PrivacyEngine, token: (need: TokenNeed) => string): Difference[] {
  const isText = typeof input === 'string';
  const given: JsonObject = isText ? { message: input } : (structuredClone(input) as JsonObject);
  const { event } = engine.apply(engine.plan(given), token);
  const out: Difference[] = [];
  compare(isText ? { message: expect } : expect, event, '', new TokenNames(), out);
  return out;
}

/** Which token each name of the fixture stands for. */
class TokenNames {
  readonly #byName = new Map<string, string>();
  readonly #byToken = new Map<string, string>();

  fits(name: string, token: string): boolean {
    if (name === '') return true;
    const known = this.#byName.get(name);
    const other = this.#byToken.get(token);
    if (known === undefined && other === undefined) {
      this.#byName.set(name, token);
      this.#byToken.set(token, name);
      return true;
    }
    return known === token && other === name;
  }
}

function compare(expected: JsonValue | undefined, got: JsonValue | undefined, pointer: string, names: TokenNames, out: Difference[]): void {
  if (Array.isArray(expected) && Array.isArray(got)) {
    for (let i = 0; i < Math.max(expected.length, got.length); i++) compare(expected[i], got[i], `${pointer}/${i}`, names, out);
  } else if (isJsonObject(expected) && isJsonObject(got)) compareMembers(expected, got, pointer, names, out);
  else if (
    typeof expected === 'string' && typeof got === 'string' ? !fitsText(expected, got, names) : JSON.stringify(expected) !== JSON.stringify(got)
  )
    out.push({ pointer, expected: written(expected), got: written(got) });
}

function compareMembers(expected: JsonObject, got: JsonObject, pointer: string, names: TokenNames, out: Difference[]): void {
  const left = new Set(Object.keys(got));
  for (const [name, value] of Object.entries(expected)) {
    // A name may have become a token, too.
    const found = left.has(name) ? name : [...left].find((one) => !Object.hasOwn(expected, one) && fitsText(name, one, names));
    const step = `${pointer}/${(found ?? name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (found === undefined) out.push({ pointer: step, expected: written(value), got: written(undefined) });
    else compare(value, got[found], step, names, out);
    if (found !== undefined) left.delete(found);
  }
  for (const name of left)
    out.push({ pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, expected: written(undefined), got: written(got[name]) });
}

const wildcard = /(tok_|hash_|sha256:)\*([A-Za-z0-9]{0,40})/;
const shapes: Readonly<Record<string, RegExp>> = {
  tok_: /^tok_[A-Za-z0-9_-]{27}/,
  hash_: /^hash_v\d{1,9}_[A-Za-z0-9_-]{27}/,
  'sha256:': /^sha256:[0-9a-f]{64}/,
};

function fitsText(expected: string, got: string, names: TokenNames): boolean {
  let rest = got;
  let pattern = expected;
  for (let match = wildcard.exec(pattern); match; match = wildcard.exec(pattern)) {
    const before = pattern.slice(0, match.index);
    if (!rest.startsWith(before)) return false;
    const found = (shapes[match[1] as string] as RegExp).exec(rest.slice(before.length));
    if (!found || !names.fits(match[2] as string, found[0])) return false;
    rest = rest.slice(before.length + found[0].length);
    pattern = pattern.slice(match.index + match[0].length);
  }
  return rest === pattern;
}

function written(value: JsonValue | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
