/**
 * What a policy means, once it has the right form: expressions that cost too much, hashes that could be undone by trying, networks that are
 * none are problems; what is allowed and rarely meant is a warning.
 */
import { decodeBase64url } from '../core/base64.ts';
import { VeiltrailError } from '../core/errors.ts';
import { normalDomain } from './allow-list.ts';
import { compileCustomKinds } from './custom-kinds.ts';
import { kindSpecs } from './detectors/all.ts';
import type { KindSpec } from './detectors/detector.ts';
import { normalName } from './fields.ts';
import { compileMatch } from './key-rules.ts';
import { compilePattern } from './pattern.ts';
import type { AllowRule, CustomKind, FieldRule, KeyRule, KindRule, LogRules, Policy, TransformName, TransformOptions } from './policy-model.ts';
import type { Candidate } from './finding.ts';
import { Survey, surveyText } from './survey.ts';
import type { VaultSection } from './vault-rules.ts';
import { saltBytesMin } from './word-digests.ts';
import ipaddr from 'ipaddr.js';

/** Where findings about a policy go; `path` is as in `fields[0].path[1]`. */
export interface MeaningReport {
  problem(path: string, message: string): void;
  warning(path: string, message: string): void;
}

const customPatternsMax = 200;
const dictionaryMax = 20_000;
const allowValuesMax = 10_000;

export function checkMeaning(policy: Policy, report: MeaningReport): void {
  policy.custom.forEach((custom, i) => checkCustom(custom, `custom[${i}]`, report));
  const patterns = policy.custom.reduce((sum, { pattern = [] }) => sum + pattern.length, 0);
  if (patterns > customPatternsMax) report.problem('custom', `a policy has at most ${customPatternsMax} expressions`);
  const names = policy.custom.map(({ kind }) => kind);
  names.forEach((name, i) => names.indexOf(name) < i && report.problem(`custom[${i}].kind`, `custom has the kind "${name}" already`));
  const own = new Set(names);
  checkRules(policy, '', own, report);
  if (policy.vault) checkVault(policy.vault, report);
  for (const [log, rules] of Object.entries(policy.logs)) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/.test(log)) report.problem(`logs.${log}`, 'not the name of a log');
    if (log.startsWith('_'))
      report.problem(`logs.${log}`, "logs of the server's own are under the default policy, so that no rule hides what it did");
    checkRules(rules, `logs.${log}.`, own, report);
  }
}

function checkRules({ fields = [], keys = [], kinds = {}, allow = [] }: LogRules, at: string, own: ReadonlySet<string>, report: MeaningReport): void {
  fields.forEach((rule, i) => checkTransform(rule, `${at}fields[${i}]`, own, report));
  checkReached(fields, `${at}fields`, report);
  keys.forEach((rule, i) => checkKey(rule, `${at}keys[${i}]`, own, report));
  for (const [kind, rule] of Object.entries(kinds)) checkTransform({ kind, ...rule }, `${at}kinds.${kind}`, own, report);
  allow.forEach((rule, i) => checkAllow(rule, `${at}allow[${i}]`, report));
  if (allow.reduce((sum, { values = [] }) => sum + values.length, 0) > allowValuesMax)
    report.problem(`${at}allow`, `at most ${allowValuesMax} values are allowed one by one: write what they have in common`);
}

function checkVault({ scope, tenant, reveal = {} }: VaultSection, report: MeaningReport): void {
  if (scope === 'tenant' && tenant === undefined)
    report.problem('vault.scope', 'scope: tenant needs `tenant`: where an event names its tenant, such as tenant.id');
  if (scope !== 'tenant' && tenant !== undefined) report.warning('vault.tenant', 'tenant is for scope: tenant, and does nothing here');
  if (reveal.secondPerson === 'kinds' && !reveal.kinds) report.problem('vault.reveal.secondPerson', 'secondPerson: kinds needs `kinds`: which');
  if (reveal.secondPerson !== 'kinds' && reveal.kinds)
    report.warning('vault.reveal.kinds', 'kinds is for secondPerson: kinds, and does nothing here');
}

function checkCustom(custom: CustomKind, at: string, report: MeaningReport): void {
  const { pattern, dictionary, example } = custom;
  if (!pattern && !dictionary) report.problem(at, 'a kind needs `pattern`, or `dictionary`');
  let sound = true;
  (pattern ?? []).forEach((one, i) => {
    sound = attempt(report, `${at}.pattern[${i}]`, () => compilePattern(one, custom.ignoreCase)) && sound;
  });
  if (dictionary) sound = checkDictionary(dictionary.salt, dictionary.hashes.length, at, report) && sound;
  if (custom.check && !pattern) report.warning(`${at}.check`, 'a check is for patterns: what a dictionary finds is not checked');
  if (!sound || example === undefined) return;
  // The keywords stand by, so that only pattern and check are on trial.
  if (!isFound(custom, `${custom.keywords?.[0] ?? ''} ${example}`.trimStart()))
    report.problem(`${at}.example`, 'the example is not found by the pattern, or the check fails');
}

function checkDictionary(salt: string, count: number, at: string, report: MeaningReport): boolean {
  let bytes: Uint8Array = new Uint8Array(0);
  try {
    bytes = decodeBase64url(salt);
  } catch {
    // too short, then
  }
  if (bytes.length < saltBytesMin) report.problem(`${at}.dictionary.salt`, `salt must be base64url of at least ${saltBytesMin} random bytes`);
  if (count > dictionaryMax) report.problem(`${at}.dictionary.hashes`, `a dictionary has at most ${dictionaryMax} phrases`);
  return bytes.length >= saltBytesMin && count <= dictionaryMax;
}

function isFound(custom: CustomKind, text: string): boolean {
  const survey = new Survey();
  surveyText(text, survey);
  const found: Candidate[] = [];
  for (const detector of compileCustomKinds([custom])) detector.detect({ text, survey, field: '', found });
  return found.some(({ confidence }) => confidence >= (custom.check && custom.keywords ? 0.9 : 0.5));
}

function checkKey(rule: KeyRule, at: string, own: ReadonlySet<string>, report: MeaningReport): void {
  rule.match.forEach((match, i) => attempt(report, `${at}.match[${i}]`, () => compileMatch(match)));
  checkTransform(rule, at, own, report);
}

function checkAllow({ values, patterns, networks, domains }: AllowRule, at: string, report: MeaningReport): void {
  if (!values && !patterns && !networks && !domains) report.problem(at, 'a rule that allows needs `values`, `patterns`, `networks` or `domains`');
  (patterns ?? []).forEach((one, i) => attempt(report, `${at}.patterns[${i}]`, () => compilePattern(one)));
  (networks ?? []).forEach((network, i) => {
    if (!ipaddr.isValidCIDR(network)) report.problem(`${at}.networks[${i}]`, `"${network}" is not a network, such as 10.0.0.0/8 or 2001:db8::/32`);
  });
  (domains ?? []).forEach((domain, i) => {
    const plain = normalDomain(domain);
    if (!/^[\p{L}\p{N}_-]{1,63}(?:\.[\p{L}\p{N}_-]{1,63})+$/u.test(plain))
      report.problem(`${at}.domains[${i}]`, `"${domain}" is not a domain, such as example.com (all below it is meant too)`);
  });
}

/** Runs what refuses an expression; says so at its place. */
function attempt(report: MeaningReport, path: string, work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    report.problem(path, `this expression is refused: ${error.message}`);
    return false;
  }
}

/** Which transform each option is for. */
const optionOf: Readonly<Record<keyof TransformOptions, TransformName>> = {
  label: 'redact',
  shape: 'tokenize',
  keys: 'hash',
  force: 'sha256',
  keepLast: 'mask',
  ipv4: 'generalize',
  ipv6: 'generalize',
  date: 'generalize',
  bucket: 'generalize',
  parts: 'generalize',
  keepFirst: 'generalize',
  maxDays: 'shift',
  subject: 'shift',
};

interface AnyRule {
  kind?: string;
  transform?: TransformName | 'scan';
  options?: TransformOptions;
}

function checkTransform(
  { kind, transform, options = {} }: AnyRule | FieldRule | (KindRule & { kind: string }),
  at: string,
  own: ReadonlySet<string>,
  report: MeaningReport,
): void {
  if (transform === 'sha256') checkSha256(kind, options.force ?? false, at, own, report);
  if (transform === 'shift' && kind !== undefined && !/date|birth|time/.test(kind))
    report.warning(`${at}.transform`, `shift moves dates; a value of ${kind} that is none will be redacted`);
  if (transform === 'keep' && kind !== undefined && isGrave(kind))
    report.warning(`${at}.transform`, `${kind} will be stored as it was sent, in every record, readable by whoever reads records`);
  for (const option of Object.keys(options) as (keyof TransformOptions)[]) {
    if (transform !== undefined && optionOf[option] !== transform)
      report.warning(`${at}.options.${option}`, `${option} is for ${optionOf[option]}, and does nothing to ${transform}`);
  }
}

/** Kinds with so many possible values that nobody tries all of them, though names and addresses can still be guessed. */
const wideKinds = new Set(['email', 'person_name', 'username', 'postal_address', 'url', 'hostname']);

function checkSha256(kind: string | undefined, force: boolean, at: string, own: ReadonlySet<string>, report: MeaningReport): void {
  const spec: KindSpec | undefined = kind === undefined ? undefined : kindSpecs.get(kind);
  const isNarrow = kind !== undefined && (own.has(kind) || (spec !== undefined && spec.family !== 'secret' && !wideKinds.has(kind)));
  if (isNarrow && !force) {
    report.problem(
      `${at}.transform`,
      `a plain SHA-256 of ${kind} can be undone: there are few enough values to try them all. Use hash, which is keyed; or write options: {force: true}`,
    );
  } else {
    report.warning(
      `${at}.transform`,
      `a plain SHA-256 is no protection where values can be guessed (names, addresses, numbers): whoever has candidates can try them. hash is keyed`,
    );
  }
}

function isGrave(kind: string): boolean {
  const family = kindSpecs.get(kind)?.family;
  return family === 'secret' || family === 'government' || family === 'money';
}

/** A path that an earlier rule settles in every case has no effect: the same one, or `**`. */
function checkReached(fields: readonly FieldRule[], at: string, report: MeaningReport): void {
  const settled = new Map<string, number>();
  let everything: number | undefined;
  fields.forEach((rule, i) => {
    rule.path.forEach((path, j) => {
      const name = path
        .split('.')
        .map((part) => (part.includes('*') ? part.split('*').map(normalName).join('*') : normalName(part)))
        .join('.');
      const before = settled.get(name);
      const earlier = before ?? everything;
      if (earlier !== undefined && earlier !== i) report.warning(`${at}[${i}].path[${j}]`, `"${path}" is never reached: an earlier rule settles it`);
      else if (before === undefined && rule.when === undefined && rule.unless === undefined) settled.set(name, i);
      if (everything === undefined && /^\*\*(?:\.\*\*?)?$/.test(name) && settled.has(name)) everything = i;
    });
  });
}
