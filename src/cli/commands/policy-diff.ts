/** `policy diff`: which rules differ, and what that does to events. */
import { colors, errorColors } from '../colors.ts';
import type { JsonObject } from '../../core/json.ts';
import { systemRandom } from '../../core/random.ts';
import { flattenRecord } from '../../log/record.ts';
import { createPrivacyEngine, type PrivacyEngine, type TokenNeed } from '../../privacy/engine.ts';
import { diffPolicies, groupChanges, type PolicyChange } from '../../privacy/policy-diff.ts';
import { policyDigest } from '../../privacy/policy-digest.ts';
import { parsePolicy } from '../../privacy/policy-file.ts';
import { type Policy, policyOfLog } from '../../privacy/policy-model.ts';
import { eventsToTry, type TryOptions } from '../events-to-try.ts';
import { exitCodes } from '../exit.ts';
import { print, printJson, say } from '../output.ts';
import { readPolicyText } from '../policy-option.ts';
import { exampleTokens } from '../preview-event.ts';

interface DiffOptions extends TryOptions {
  json?: boolean;
  examples: number;
  forbidWeaker?: boolean;
}

const signs: Readonly<Record<PolicyChange['effect'], string>> = { weaker: colors.red('-'), stronger: colors.green('+'), other: '~' };

export async function runPolicyDiff(
  beforeFile: string,
  afterFile: string,
  files: readonly string[],
  options: DiffOptions,
  stored: boolean,
): Promise<void> {
  const texts = [await readPolicyText(beforeFile), await readPolicyText(afterFile)] as const;
  const before = parsePolicy(texts[0], beforeFile);
  const after = parsePolicy(texts[1], afterFile);
  const changes = diffPolicies(before, after);
  if (options.json)
    for (const { rule, before: was, after: is, effect } of changes) printJson({ rule, before: was ?? null, after: is ?? null, effect });
  else
    for (const { rules, before: was, after: is, effect } of groupChanges(changes))
      print(`${signs[effect]} ${namesOf(rules)}  ${colors.red(was ?? 'no rule')} → ${colors.green(is ?? 'no rule')}`);
  const weaker = changes.filter(({ effect }) => effect === 'weaker').length;
  if (changes.length > 0)
    say(`${changes.length} rules differ: ${weaker} weaker, ${changes.filter(({ effect }) => effect === 'stronger').length} stronger`);
  else
    say(policyDigest(texts[0]) === policyDigest(texts[1]) ? 'the same policy' : 'the same rules: only comments, order of members or spelling differ');
  if (changes.length > 0 && before.name === after.name && before.version === after.version)
    say(`${errorColors.yellow('warning')} both are version ${after.version} of ${after.name}: count it up`);
  if (files.length > 0 || stored) await tryBoth(before, after, files, options, stored);
  if (options.forbidWeaker && weaker > 0) process.exitCode = exitCodes.wrong;
}

function namesOf(rules: readonly string[]): string {
  return rules.length <= 3 ? rules.join(', ') : `${rules.slice(0, 2).join(', ')} and ${rules.length - 2} more`;
}

/** A field that comes out otherwise, and of how many events. */
interface FieldChange {
  path: string;
  before: string;
  after: string;
  events: number;
  examples: string[];
}

async function tryBoth(before: Policy, after: Policy, files: readonly string[], options: DiffOptions, stored: boolean): Promise<void> {
  // One key and one maker of tokens for both: what differs then is what the policies do.
  const pseudonymKey = { version: 1, key: systemRandom.bytes(32) };
  const [old, now] = [before, after].map((policy) => createPrivacyEngine(policyOfLog(policy, options.log), { pseudonymKey })) as [
    PrivacyEngine,
    PrivacyEngine,
  ];
  const token = exampleTokens();
  const changes = new Map<string, FieldChange>();
  let events = 0;
  let changed = 0;
  for await (const { event } of eventsToTry(files, options, stored)) {
    events++;
    const found = compareOutcomes(outcomeOf(old, structuredClone(event), token), outcomeOf(now, event, token));
    if (found.length > 0) changed++;
    for (const { example, ...one } of found) {
      const name = JSON.stringify(one);
      const known = changes.get(name) ?? { ...one, events: 0, examples: [] };
      known.events++;
      if (known.examples.length < options.examples) known.examples.push(example);
      changes.set(name, known);
    }
  }
  for (const { examples, ...one } of [...changes.values()].toSorted((a, b) => b.events - a.events)) {
    if (options.json) printJson({ ...one, ...(options.examples > 0 ? { examples } : {}) });
    else {
      print(`${String(one.events).padStart(7)} ×  ${one.path}  ${colors.red(one.before)} → ${colors.green(one.after)}`);
      for (const example of examples) print(colors.dim(`             ${example}`));
    }
  }
  say(`${changed} of ${events} ${stored ? 'stored events' : 'events'} would come out otherwise`);
}

/** By pointer: the value, and what was done to it in words. */
type Outcome = Map<string, { value: string; done: string }>;

function outcomeOf(engine: PrivacyEngine, event: JsonObject, token: (need: TokenNeed) => string): Outcome {
  const { event: after, applied } = engine.apply(engine.plan(event), token);
  const done = new Map<string, string[]>();
  for (const { pointer, kind, transform } of applied) done.set(pointer, [...(done.get(pointer) ?? []), `${transform} ${kind}`]);
  const out: Outcome = new Map(
    flattenRecord(after).map(({ pointer, value }) => [pointer, { value, done: done.get(pointer)?.join(', ') ?? 'as it is' }]),
  );
  for (const [pointer, what] of done) if (!out.has(pointer)) out.set(pointer, { value: '', done: what.join(', ') });
  return out;
}

function compareOutcomes(before: Outcome, after: Outcome): { path: string; before: string; after: string; example: string }[] {
  const nothing = { value: '', done: 'not there' };
  const out: { path: string; before: string; after: string; example: string }[] = [];
  for (const pointer of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(pointer) ?? nothing;
    const is = after.get(pointer) ?? nothing;
    if (was.value === is.value && was.done === is.done) continue;
    // Elements of one list are one place.
    const path = pointer.replace(/\/\d+(?=\/|$)/g, '/*');
    out.push({ path, before: was.done, after: is.done, example: `${was.value} → ${is.value}` });
  }
  return out;
}
