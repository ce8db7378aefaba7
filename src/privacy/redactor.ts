/**
 * The engine where there is no vault: values, texts and log lines in, the same without anything personal out. It keeps nothing and waits for
 * nothing; what a policy tokenizes is hashed with a key instead, because a token needs a place where its value is kept.
 */
import type { JsonObject, JsonValue } from '../core/json.ts';
import { defaultPolicyYaml } from './default-policy.ts';
import { createPrivacyEngine, type PrivacyEngine, type PseudonymKey, type TokenNeed } from './engine.ts';
import { parsePolicy, type Policy, policyOfLog } from './policy.ts';
import { createHasher } from './transforms.ts';

export interface RedactorOptions {
  /** A policy, or its YAML [the default policy]. */
  policy?: Policy | string;
  /** The log whose overrides in the policy hold. */
  log?: string;
  /**
   * The key of hashes, 32 random bytes with a version, or all versions that are left of it. Equal values have equal hashes under one key.
   * [A random one: hashes correlate until the redactor is gone.]
   */
  key?: PseudonymKey | readonly PseudonymKey[];
  /** What stands for a value that the policy tokenizes [its keyed hash]. */
  token?: (need: TokenNeed) => string;
}

export interface Redactor {
  /** A copy of what `JSON.stringify` writes of the value, with nothing personal in it. A value that has no JSON is `null`. */
  redact: (value: unknown) => JsonValue;
  /**
   * A text without anything personal. A text that is a JSON object or array is read as such, so its fields count; it is written anew only if
   * something in it changes. A line feed at its end stays.
   */
  redactText: (text: string) => string;
}

const keyBytes = 32;

/**
 * A redactor. Time is linear in the size of what it is given.
 * @throws VeiltrailError `policy_invalid` · RangeError for a key that is not 32 bytes long
 */
export function createRedactor(options: RedactorOptions = {}): Redactor {
  const keys = keysOf(options.key);
  const given = options.policy ?? defaultPolicyYaml;
  const policy = typeof given === 'string' ? parsePolicy(given) : given;
  const engine = createPrivacyEngine(options.log === undefined ? policy : policyOfLog(policy, options.log), { pseudonymKey: keys });
  const hash = createHasher(keys);
  const token = options.token ?? ((need: TokenNeed): string => hash(need.kind, need.canonical).text);
  return {
    redact(value) {
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) return null;
      const copy = JSON.parse(text) as JsonValue;
      return typeof copy === 'object' && copy !== null ? carryOut(engine, copy, token) : onlyOf(carryOut(engine, [copy], token));
    },
    redactText: (text) => onlyOf(carryOut(engine, [text], token)) as string,
  };
}

function carryOut(engine: PrivacyEngine, value: JsonObject | JsonValue[], token: (need: TokenNeed) => string): JsonObject | JsonValue[] {
  return engine.apply(engine.plan(value as JsonObject), token).event;
}

function onlyOf(value: JsonObject | JsonValue[]): JsonValue {
  return (value as JsonValue[])[0] as JsonValue;
}

function keysOf(given: RedactorOptions['key']): readonly PseudonymKey[] {
  const keys: readonly PseudonymKey[] =
    given === undefined ? [{ version: 1, key: globalThis.crypto.getRandomValues(new Uint8Array(keyBytes)) }] : 'key' in given ? [given] : given;
  if (keys.length === 0 || keys.some(({ key }) => key.length !== keyBytes)) throw new RangeError(`a pseudonym key has ${keyBytes} bytes`);
  return keys;
}
