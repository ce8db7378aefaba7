/** The engine with a fixed key, and a token maker that stands where the vault's batch will be. */
import { createHash } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { type Applied, createPrivacyEngine, type PrivacyEngine, type TokenNeed } from '../../src/privacy/engine.ts';
import { defaultPolicyYaml, parsePolicy } from '../../src/privacy/policy.ts';

export const pseudonymKey = { version: 7, key: new Uint8Array(32).fill(9) };

export function engineOf(yaml: string = defaultPolicyYaml): PrivacyEngine {
  return createPrivacyEngine(parsePolicy(yaml), { pseudonymKey });
}

/** Shaped as the vault's: `tok_` and 27 base64url characters, equal for equal kind and canonical value. */
export function tokenOf({ kind, canonical }: TokenNeed): string {
  return `tok_${createHash('sha256').update(`${kind}\0${canonical}`).digest('base64url').slice(0, 27)}`;
}

export function cleaned(engine: PrivacyEngine, event: JsonValue): { event: JsonObject; applied: Applied[] } {
  return engine.apply(engine.plan(structuredClone(event) as JsonObject), tokenOf);
}

/** `kind:text` of each finding, in order. */
export function foundIn(engine: PrivacyEngine, text: string): string[] {
  return engine.scanText(text).map(({ kind, start, end }) => `${kind}:${text.slice(start, end)}`);
}
