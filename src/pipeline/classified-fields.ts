/**
 * Fields that somebody has classified: their rules stand behind those of the policy, and what was withheld of them before becomes what it would
 * be today. That is worked out here, in the worker, because it takes the value: it comes from the vault and goes nowhere else.
 */
import { parseJson, type JsonObject, type JsonValue } from '../core/json.ts';
import type { PrivacyEngine } from '../privacy/engine.ts';
import { createPathTree } from '../privacy/fields.ts';
import type { Plan, TokenNeed } from '../privacy/plan.ts';
import type { FieldRule } from '../privacy/policy-model.ts';
import { parseWithheld, withheldKind, type Withheld } from '../privacy/unknown-fields.ts';
import type { TokenCache } from './token-cache.ts';

export interface ClassifiedField {
  /** The log it is for; '' for every log. */
  log: string;
  rule: FieldRule;
}

/** The rules for a log, the newest first. */
export function classifiedRules(classified: readonly ClassifiedField[], log: string): FieldRule[] {
  return classified.filter((field) => field.log === '' || field.log === log).map(({ rule }) => rule);
}

/** Does a rule's path pattern fit a field's path? */
export function createPathMatcher(patterns: readonly string[]): (path: string) => boolean {
  const tree = createPathTree([{ path: [...patterns], transform: 'scan' }]);
  return (path) => {
    let node = tree.root();
    for (const name of path.split('.')) node = name === '*' ? tree.element(node) : tree.member(node, name);
    return node.rules.length > 0;
  };
}

/** A row of the vault that holds a withheld value. */
export interface WithheldRow {
  token: string;
  canonical: string;
}

/** What becomes of a withheld value: it stays and may be read, a text (JSON) takes its place, or nothing is left. */
export type SettledRow = { token: string } & ({ becomes: 'itself' | 'nothing' } | { becomes: 'text'; json: string });

/** What becomes of withheld values of a field. Those that are withheld under today's rules too are left out. */
export async function settleRows(
  rows: readonly WithheldRow[],
  fits: (withheld: Withheld) => boolean,
  engineOf: (log: string) => PrivacyEngine,
  settle: (needs: readonly TokenNeed[], log: string) => ReturnType<TokenCache['settle']>,
): Promise<SettledRow[]> {
  const planned: { row: WithheldRow; log: string; json: string; names: readonly string[]; engine: PrivacyEngine; plan: Plan }[] = [];
  for (const row of rows) {
    const withheld = parseWithheld(row.canonical);
    if (!withheld || !fits(withheld)) continue;
    const names = withheld.path.split('.');
    const engine = engineOf(withheld.log);
    const plan = engine.plan(eventWith(names, parseJson(withheld.json).value));
    if (!plan.tokens.some(({ kind }) => kind === withheldKind)) planned.push({ row, log: withheld.log, json: withheld.json, names, engine, plan });
  }
  const tokens = new Map<string, (need: TokenNeed) => string>();
  for (const [log, some] of Map.groupBy(planned, (one) => one.log))
    tokens.set(
      log,
      await settle(
        some.flatMap(({ plan }) => plan.tokens),
        log,
      ),
    );
  return planned.map(({ row, log, json, names, engine, plan }): SettledRow => {
    const { event, applied } = engine.apply(plan, tokens.get(log) as (need: TokenNeed) => string);
    const value = valueAt(event, names);
    if (value === undefined || (applied.length > 0 && applied.every(({ transform }) => transform === 'redact')))
      return { token: row.token, becomes: 'nothing' };
    const now = JSON.stringify(value);
    return now === json ? { token: row.token, becomes: 'itself' } : { token: row.token, becomes: 'text', json: now };
  });
}

/** An event with nothing but a value at a path. */
function eventWith(names: readonly string[], value: JsonValue): JsonObject {
  return names.reduceRight<JsonValue>((inner, name) => (name === '*' ? [inner] : { [name]: inner }), value) as JsonObject;
}

function valueAt(event: JsonObject, names: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = event;
  // One way down, whatever the policy made of the names.
  for (let depth = 0; depth < names.length; depth++) {
    if (Array.isArray(value)) value = value[0];
    else if (typeof value === 'object' && value !== null) value = Object.values(value)[0];
  }
  return value;
}
