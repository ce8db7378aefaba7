/**
 * What changed between two policies, rule by rule, in words that can be kept: places, kinds, transforms and counts, and never a value that
 * somebody allowed or a word of a dictionary. Each change says whether less is protected by it, or more.
 */
import { kindSpecs } from './detectors/all.ts';
import {
  type AllowRule,
  type CustomKind,
  type FieldRule,
  type KeyRule,
  type KindRule,
  type Policy,
  policyOfLog,
  type TransformName,
} from './policy-model.ts';
import type { TransformOptions } from './policy-model.ts';
import { diffVaultRules, vaultRulesOf } from './vault-rules.ts';

export interface PolicyChange {
  /** Which rule: `kinds.email`, `fields.**.ssn`, `keys.x-*`, `custom.badge`, `allow`, `unknown`, `logs.payroll.kinds.email`. */
  rule: string;
  /** Absent: there was no such rule. */
  before?: string;
  /** Absent: there is none any more. */
  after?: string;
  /** Is less protected by it, or more? Neither, or nobody can tell: `other`. */
  effect: 'weaker' | 'stronger' | 'other';
}

/** All changes, those of the whole policy first, then those that only single logs see; empty if the two do the same. */
export function diffPolicies(before: Policy, after: Policy): PolicyChange[] {
  const changes = [
    ...diffFacts(before, after),
    ...diffCustom(before.custom, after.custom),
    ...diffVaultRules(vaultRulesOf(before), vaultRulesOf(after)),
  ];
  const general = diffRules(before, after);
  changes.push(...general);
  const seen = new Set(general.map((change) => JSON.stringify(change)));
  for (const log of new Set([...Object.keys(before.logs), ...Object.keys(after.logs)])) {
    const own = diffRules(policyOfLog(before, log), policyOfLog(after, log)).filter((change) => !seen.has(JSON.stringify(change)));
    changes.push(...own.map((change) => ({ ...change, rule: `logs.${log}.${change.rule}` })));
  }
  return changes;
}

function diffFacts(before: Policy, after: Policy): PolicyChange[] {
  const out: PolicyChange[] = [];
  for (const fact of ['name', 'version', 'owner', 'approver'] as const) {
    const [was, is] = [before[fact], after[fact]];
    if (was !== is) out.push(change(fact, was === undefined ? undefined : String(was), is === undefined ? undefined : String(is), 'other'));
  }
  return out;
}

const unknownStrength = { scan: 0, quarantine: 1, redact: 2 } as const;

function diffRules(before: Policy, after: Policy): PolicyChange[] {
  const out: PolicyChange[] = [];
  if (before.unknown !== after.unknown)
    out.push(change('unknown', before.unknown, after.unknown, compare(unknownStrength[before.unknown], unknownStrength[after.unknown])));
  out.push(...diffKinds(before, after));
  out.push(...diffListed('fields', pathsOf(before), pathsOf(after)));
  out.push(...diffListed('keys', namesOf(before), namesOf(after)));
  out.push(...diffAllow(before.allow, after.allow));
  return out;
}

function diffKinds(before: Policy, after: Policy): PolicyChange[] {
  const out: PolicyChange[] = [];
  for (const kind of new Set([...Object.keys(before.kinds), ...Object.keys(after.kinds)])) {
    const was = before.kinds[kind];
    const is = after.kinds[kind];
    if (same(was, is)) continue;
    const floor = kindSpecs.get(kind)?.floor ?? 0.5;
    // A kind of the policy's own that comes or goes is told under `custom`.
    const isOwn = (policy: Policy): boolean => policy.custom.some((custom) => custom.kind === kind);
    if (isOwn(before) !== isOwn(after)) {
      out.push(change(`kinds.${kind}`, was && kindInWords(was), is && kindInWords(is), 'other'));
      continue;
    }
    const by = compare(strengthOfKind(was), strengthOfKind(is));
    // A higher floor leaves more findings alone.
    const effect = by === 'other' ? compare(is?.floor ?? floor, was?.floor ?? floor) : by;
    out.push(change(`kinds.${kind}`, was && kindInWords(was), is && kindInWords(is), effect));
  }
  return out;
}

function strengthOfKind(rule: KindRule | undefined): number {
  return rule ? strengthOf(rule.transform, rule.options) : strengthOf('redact');
}

/** How much of a value is gone, for telling more from less; drop and redact are one, hash and token are one. */
function strengthOf(transform: TransformName | 'scan', options: TransformOptions = {}): number {
  switch (transform) {
    case 'drop':
    case 'redact':
      return 100;
    case 'hash':
    case 'tokenize':
      return 80;
    case 'mask':
      return 70 - (options.keepLast ?? 4);
    case 'generalize': {
      const { ipv4 = 24, ipv6 = 48, date = 'month', bucket = 10, parts = 1, keepFirst = 2 } = options;
      return 60 - ipv4 / 8 - ipv6 / 32 - (date === 'month' ? 1 : 0) - parts - keepFirst + Math.log10(bucket);
    }
    case 'shift':
      return 40 + Math.log10(options.maxDays ?? 365);
    case 'sha256':
      return 30;
    case 'scan':
      return 10;
    default:
      return 0;
  }
}

/** What is said about one path or name: all rules for it, in order, and the strength of the first; a condition halves it. */
interface Listed {
  readonly words: string;
  readonly strength: number;
  /** Without the reasons: are the rules the same? */
  readonly reasons: string;
}

function pathsOf(policy: Policy): Map<string, Listed> {
  return listed(
    policy.fields.flatMap((rule) => rule.path.map((path) => [path, rule] as const)),
    policy,
  );
}

function namesOf(policy: Policy): Map<string, Listed> {
  return listed(
    policy.keys.flatMap((rule) => rule.match.map((match) => [`${match} (${rule.on})`, rule] as const)),
    policy,
  );
}

function listed(pairs: readonly (readonly [string, FieldRule | KeyRule])[], policy: Policy): Map<string, Listed> {
  const out = new Map<string, Listed>();
  for (const [name, rule] of pairs) {
    const before = out.get(name);
    const isConditional = 'when' in rule || 'unless' in rule;
    const kind = rule.kind === undefined ? undefined : policy.kinds[rule.kind];
    const full = strengthOf(rule.transform ?? kind?.transform ?? 'redact', { ...kind?.options, ...rule.options });
    const strength = isConditional ? (full + strengthOf('scan')) / 2 : full;
    out.set(name, {
      words: [...(before ? [before.words] : []), ruleInWords(rule)].join('; '),
      strength: before?.strength ?? strength,
      reasons: `${before?.reasons ?? ''}${rule.why ?? ''}\n`,
    });
  }
  return out;
}

function diffListed(section: string, before: ReadonlyMap<string, Listed>, after: ReadonlyMap<string, Listed>): PolicyChange[] {
  const out: PolicyChange[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(name);
    const is = after.get(name);
    if (was?.words === is?.words) {
      if (was?.reasons !== is?.reasons) out.push(change(`${section}.${name}`, 'why', 'why, in other words', 'other'));
      continue;
    }
    const unlisted = strengthOf('scan');
    out.push(change(`${section}.${name}`, was?.words, is?.words, compare(was?.strength ?? unlisted, is?.strength ?? unlisted)));
  }
  const both = [...before.keys()].filter((name) => after.has(name));
  const order = [...after.keys()].filter((name) => before.has(name));
  if (both.join('\n') !== order.join('\n')) out.push(change(`${section} (order)`, 'in one order', 'in another: the first that fits counts', 'other'));
  return out;
}

function diffCustom(before: readonly CustomKind[], after: readonly CustomKind[]): PolicyChange[] {
  const out: PolicyChange[] = [];
  const old = new Map(before.map((one) => [one.kind, one]));
  const now = new Map(after.map((one) => [one.kind, one]));
  for (const kind of new Set([...old.keys(), ...now.keys()])) {
    const was = old.get(kind);
    const is = now.get(kind);
    if (same(was, is)) continue;
    if (!was || !is) {
      out.push(change(`custom.${kind}`, was && customInWords(was), is && customInWords(is), is ? 'stronger' : 'weaker'));
      continue;
    }
    const members = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter(
      (member) => !same(was[member as keyof CustomKind], is[member as keyof CustomKind]),
    );
    out.push(change(`custom.${kind}`, customInWords(was), `${customInWords(is)}; changed: ${members.join(', ')}`, 'other'));
  }
  return out;
}

/** Only counts: what is allowed are values. */
function diffAllow(before: readonly AllowRule[], after: readonly AllowRule[]): PolicyChange[] {
  const old = allowed(before);
  const now = allowed(after);
  const added = [...now].filter((one) => !old.has(one)).length;
  const removed = [...old].filter((one) => !now.has(one)).length;
  if (added === 0 && removed === 0) return [];
  const words = `${now.size} that stay: ${added} added, ${removed} removed`;
  return [change('allow', `${old.size} that stay`, words, added > 0 ? 'weaker' : 'stronger')];
}

function allowed(rules: readonly AllowRule[]): Set<string> {
  const out = new Set<string>();
  for (const { kinds = [], values = [], patterns = [], networks = [], domains = [] } of rules) {
    for (const [sort, list] of Object.entries({ values, patterns, networks, domains }))
      for (const one of list) out.add(JSON.stringify([sort, one, kinds.toSorted()]));
  }
  return out;
}

function change(rule: string, before: string | undefined, after: string | undefined, effect: PolicyChange['effect']): PolicyChange {
  return { rule, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }), effect };
}

function compare(before: number, after: number): PolicyChange['effect'] {
  return after < before ? 'weaker' : after > before ? 'stronger' : 'other';
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/** With members in order, so that the order in which somebody wrote them is no change. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}

function optionsInWords(options: TransformOptions | undefined): string {
  const parts = Object.entries(options ?? {}).map(([name, value]) => `${name}: ${value}`);
  return parts.length === 0 ? '' : ` {${parts.toSorted().join(', ')}}`;
}

/** `generalize {ipv4: 24}, floor 0.7` */
export function kindInWords({ transform, options, floor }: KindRule): string {
  return `${transform}${optionsInWords(options)}${floor === undefined ? '' : `, floor ${floor}`}`;
}

/** `tokenize (username), when it looks personal, unless type is role or group` */
export function ruleInWords(rule: FieldRule | KeyRule): string {
  const what = rule.transform ?? (rule.kind === undefined ? 'redact' : 'as its kind');
  const when = 'when' in rule && rule.when ? ', when it looks personal' : '';
  const unless = Object.entries(('unless' in rule && rule.unless) || {}).map(([name, values]) => {
    const shown = values.length > 3 ? `${values.slice(0, 3).join(', ')} or ${values.length - 3} more` : values.join(' or ');
    return `, unless ${name} is ${shown}`;
  });
  return `${what}${optionsInWords(rule.options)}${rule.kind === undefined ? '' : ` (${rule.kind})`}${when}${unless.join('')}`;
}

/** `2 expressions, 3 keywords, luhn` */
export function customInWords({ pattern, dictionary, keywords, check }: CustomKind): string {
  const parts = [
    ...(pattern ? [`${pattern.length} ${pattern.length === 1 ? 'expression' : 'expressions'}`] : []),
    ...(dictionary ? [`a dictionary of ${dictionary.hashes.length}`] : []),
    ...(keywords ? [`${keywords.length} ${keywords.length === 1 ? 'keyword' : 'keywords'}`] : []),
    ...(check ? [check] : []),
  ];
  return parts.join(', ');
}

/** Changes that say the same of many rules, as one: for people. */
export function groupChanges(changes: readonly PolicyChange[]): (PolicyChange & { rules: string[] })[] {
  const groups = Map.groupBy(changes, ({ rule, before, after, effect }) => JSON.stringify([sectionOf(rule), before, after, effect]));
  return [...groups.values()].map((group) => ({ ...(group[0] as PolicyChange), rules: group.map(({ rule }) => rule) }));
}

function sectionOf(rule: string): string {
  return /^(?:logs\.[^.]+\.)?[a-z]+/.exec(rule)?.[0] ?? rule;
}
