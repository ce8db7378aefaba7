/**
 * The policy in force is kept in the data directory (`policy.yaml`), so that every command works under the same one. `--policy FILE` puts another
 * one in its place. Beside it is the policy that was last put on record (`policy.recorded.yaml`): where the two differ, what changed is an event
 * of the log `_system`, appended before the first event that the new policy is applied to.
 *
 * A policy that protects less than the one on record comes into force only if a second person approved it, where two are needed (`PolicyGate`).
 * Until then the one on record stays in force, and what was asked for is beside it (`policy.asked.yaml`).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { defaultPolicyYaml } from '../privacy/default-policy.ts';
import { diffPolicies, groupChanges, type PolicyChange } from '../privacy/policy-diff.ts';
import { policyDigest, policyLabel } from '../privacy/policy-digest.ts';
import { checkPolicy, parsePolicy, policyTextOf, type PolicyWarning } from '../privacy/policy-file.ts';
import type { Policy } from '../privacy/policy-model.ts';
import { replaceKeyFile } from '../vault/key-file.ts';

export const policyFileName = 'policy.yaml';
const recordedFileName = 'policy.recorded.yaml';
const askedFileName = 'policy.asked.yaml';
/** Changes that an event spells out; beyond it only their number is told. */
const changesMax = 200;

export interface PolicyInForce {
  text: string;
  /** As records show it: name, version, and the beginning of the text's digest. */
  label: string;
  policy: Policy;
  /** What is allowed and should be looked at. */
  warnings: PolicyWarning[];
  /** Who let it into force, where it protects less than the one before. */
  permission?: JsonObject;
}

/** Decides whether a policy that protects less than the one on record may come into force. */
export interface PolicyGate {
  /** @returns what the event says of who approved it; undefined: it may not */
  permit(text: string, policy: Policy): JsonObject | undefined;
  /** It is in force, and on record. */
  done(): void;
}

/**
 * @param gate asked where something was stored under another policy
 * @throws VeiltrailError `policy_unreadable`, and what `checkPolicy` throws, naming file and line
 */
export function openPolicy(dataDir: string, policyFile: string | undefined, gate?: PolicyGate): PolicyInForce {
  const kept = join(dataDir, policyFileName);
  const source = policyFile ?? (existsSync(kept) ? kept : undefined);
  const asked = source === undefined ? defaultPolicyYaml : readText(source);
  const checked = checkPolicy(asked, source);
  const weaker = gate ? weakerRules(dataDir, asked, checked.policy) : 0;
  const permission = weaker > 0 ? gate?.permit(asked, checked.policy) : undefined;
  if (weaker > 0 && !permission) return keepRecorded(dataDir, asked, weaker);
  const { policy, warnings } = checked;
  warnings.push(...versionWarning(dataDir, asked, policy));
  if (!existsSync(kept) || readText(kept) !== asked) replaceKeyFile(dataDir, policyFileName, asked);
  return { text: asked, label: policyLabel(policy, asked), policy, warnings, ...(permission ? { permission } : {}) };
}

/** How many rules protect less than under the policy on record, or may for all that anybody can tell; without one on record, than under the default. */
function weakerRules(dataDir: string, text: string, policy: Policy): number {
  const before = recordedText(dataDir);
  if (before === text) return 0;
  return diffPolicies(parseRecorded(before) ?? parsePolicy(defaultPolicyYaml), policy).filter(mayWeaken).length;
}

/** What a policy is called, and the reasons that it gives, protect nothing. */
function mayWeaken({ rule, before, effect }: PolicyChange): boolean {
  return effect === 'weaker' || (effect === 'other' && !['name', 'version', 'owner', 'approver'].includes(rule) && before !== 'why');
}

/** The policy on record stays in force, and what was asked for is kept beside it. */
function keepRecorded(dataDir: string, asked: string, weaker: number): PolicyInForce {
  const recorded = recordedText(dataDir);
  const text = parseRecorded(recorded) ? recorded : defaultPolicyYaml;
  const { policy, warnings } = checkPolicy(text);
  replaceKeyFile(dataDir, askedFileName, asked);
  replaceKeyFile(dataDir, policyFileName, text);
  const label = policyLabel(policy, text);
  const message =
    `the policy that was asked for protects less, or may (${weaker} ${weaker === 1 ? 'rule' : 'rules'}), and needs a second person: ${label} stays in force. ` +
    `Ask with "veiltrail request ask policy.change --policy FILE --purpose WHY"; when it is approved, start with it again (it is kept as ${askedFileName})`;
  return { text, label, policy, warnings: [...warnings, { line: 1, column: 1, message }] };
}

function recordedText(dataDir: string): string {
  const recorded = join(dataDir, recordedFileName);
  return existsSync(recorded) ? readText(recorded) : defaultPolicyYaml;
}

/** A version that stays the same while the rules change names nothing. */
function versionWarning(dataDir: string, text: string, { name, version }: Policy): PolicyWarning[] {
  const recorded = join(dataDir, recordedFileName);
  const before = existsSync(recorded) ? readText(recorded) : text;
  const known = before === text ? undefined : parseRecorded(before);
  if (known?.name !== name || known.version !== version) return [];
  return [{ line: 1, column: 1, message: `the policy ${name} changed, and its version is still ${version}: count it up` }];
}

/** The policy in force, for reading. @throws VeiltrailError `policy_unreadable`, and what `parsePolicy` throws */
export function readPolicyInForce(dataDir: string): Policy {
  const kept = join(dataDir, policyFileName);
  return existsSync(kept) ? parsePolicy(readText(kept), kept) : parsePolicy(defaultPolicyYaml);
}

/** The default policy, under which the server's own events are stored: nobody can hide them by a rule. */
export function openSystemPolicy({ text, label, policy }: PolicyInForce): { policy: Policy; label: string } {
  if (text === defaultPolicyYaml) return { policy, label };
  const own = parsePolicy(defaultPolicyYaml);
  return { policy: own, label: policyLabel(own, defaultPolicyYaml) };
}

/**
 * The event that says what changed since the policy that is on record; undefined if nothing did. Rules by path and kind, never a value.
 * @param isNew nothing was ever stored here: then the default policy is no news
 */
export function policyChangeEvent(dataDir: string, { text, label, policy, permission }: PolicyInForce, isNew: boolean): JsonObject | undefined {
  const recorded = join(dataDir, recordedFileName);
  const beforeText = existsSync(recorded) ? readText(recorded) : undefined;
  if (beforeText === text || (beforeText === undefined && isNew && text === defaultPolicyYaml)) return undefined;
  const before = beforeText === undefined ? undefined : parseRecorded(beforeText);
  // Without a policy on record nobody can say what changed: all that differs from the default is told.
  const all = diffPolicies(before ?? parsePolicy(defaultPolicyYaml), policy);
  const count = (effect: string): number => all.filter((one) => one.effect === effect).length;
  const groups = groupChanges(all);
  const beforeLabel = before && beforeText !== undefined ? policyLabel(before, beforeText) : undefined;
  return {
    source: 'veiltrail',
    action: 'policy.change',
    category: 'config_change',
    crud: 'u',
    outcome: 'success',
    severity: count('weaker') > 0 ? 4 : 2,
    actor: { type: 'system', id: 'veiltrail' },
    targets: [{ type: 'policy', id: label }],
    message: `${beforeLabel ?? (isNew ? 'nothing' : 'a policy that is not on record')} → ${label}: ${count('weaker')} rules weaker, ${count('stronger')} stronger, ${count('other')} other`,
    changes: groups.slice(0, changesMax).map((group) => ({
      field: fieldOfRule(group.rule),
      ...(group.rules.length > 1 ? { rules: group.rules } : {}),
      before: group.before ?? null,
      after: group.after ?? null,
      effect: group.effect,
    })),
    metadata: {
      ...(beforeText === undefined ? {} : { before: { label: beforeLabel ?? 'unreadable', digest: policyDigest(beforeText) } }),
      after: {
        label,
        digest: policyDigest(text),
        version: policy.version,
        ...(policy.owner === undefined ? {} : { owner: policy.owner }),
        ...(policy.approver === undefined ? {} : { approver: policy.approver }),
      },
      comparedWith: before ? 'recorded' : 'default',
      changes: { weaker: count('weaker'), stronger: count('stronger'), other: count('other') },
      ...permission,
    },
  };
}

/**
 * Puts the policy on record: to be called when its event is durable, or where there is none to tell. A crash between the two tells the same
 * change again.
 */
export function recordPolicy(dataDir: string, { text }: PolicyInForce): void {
  const recorded = join(dataDir, recordedFileName);
  if (!existsSync(recorded) || readText(recorded) !== text) replaceKeyFile(dataDir, recordedFileName, text);
}

/**
 * The rule as the name of a changed field. Without the end, `tokenize` before and after `kinds.person_name` would pass for somebody's name,
 * and the record would not say what changed.
 */
function fieldOfRule(rule: string): string {
  return /^(?:kinds|fields|keys|custom|logs)\./.test(rule) ? `${rule}/rule` : rule;
}

/** A policy of an earlier version of ours may not be one any more. */
function parseRecorded(text: string): Policy | undefined {
  try {
    return parsePolicy(text);
  } catch {
    return undefined;
  }
}

function readText(file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    throw new VeiltrailError('policy_unreadable', `${file}: cannot be read`);
  }
  return policyTextOf(bytes, file);
}
