/** `policy check` and `policy kinds`: what a policy says. */
import { colors, errorColors } from '../colors.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { kindSpecs } from '../../privacy/detectors/all.ts';
import { compilePattern } from '../../privacy/pattern.ts';
import { customInWords, kindInWords, ruleInWords } from '../../privacy/policy-diff.ts';
import { policyDigest, policyLabel } from '../../privacy/policy-digest.ts';
import { checkPolicy, parsePolicy } from '../../privacy/policy-file.ts';
import type { CustomKind, LogRules, Policy } from '../../privacy/policy-model.ts';
import { exitCodes } from '../exit.ts';
import { print, printJson, say } from '../output.ts';
import { readPolicyText } from '../policy-option.ts';

interface CheckOptions {
  json?: boolean;
}

export async function runPolicyCheck(file: string, options: CheckOptions): Promise<void> {
  const text = await readPolicyText(file);
  const checked = attempt(() => checkPolicy(text, file), options);
  if (!checked) return;
  const { policy, warnings } = checked;
  if (options.json) {
    return printJson({
      ok: true,
      name: policy.name,
      version: policy.version,
      owner: policy.owner ?? null,
      approver: policy.approver ?? null,
      digest: policyDigest(text),
      label: policyLabel(policy, text),
      unknown: policy.unknown,
      rules: rulesOf(policy),
      custom: policy.custom.map((custom) => ({ kind: custom.kind, about: customInWords(custom), steps: stepsOf(custom), ...whyOf(custom) })),
      logs: Object.keys(policy.logs),
      warnings,
    });
  }
  print(`${colors.bold(policy.name)} version ${policy.version}, owner ${policy.owner ?? '–'}, approver ${policy.approver ?? '–'}`);
  print(`  SHA-256 ${policyDigest(text)}; in records ${policyLabel(policy, text)}`);
  print(`  fields that no rule names: ${policy.unknown}`);
  for (const { rule, does, why } of rulesOf(policy)) print(`  ${rule}  ${colors.green(does)}${why === undefined ? '' : colors.dim(`  ${why}`)}`);
  for (const custom of policy.custom) {
    const steps = stepsOf(custom);
    const cost = steps === 0 ? '' : `, at most ${steps.toLocaleString('en')} steps a character`;
    print(`  custom.${custom.kind}  ${customInWords(custom)}${cost}${custom.why === undefined ? '' : colors.dim(`  ${custom.why}`)}`);
  }
  for (const { message } of warnings) say(`${errorColors.yellow('warning')} ${message}`);
  say(warnings.length === 0 ? 'all well' : `can be used; ${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`);
}

/** What cannot be used is bad input; with `--json` the problems are the answer. */
function attempt<T>(work: () => T, { json }: CheckOptions): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!json || !(error instanceof VeiltrailError)) throw error;
    printJson({ ok: false, problems: error.message.split('\n') });
    process.exitCode = exitCodes.usage;
    return undefined;
  }
}

interface RuleInWords {
  rule: string;
  does: string;
  why?: string;
}

function rulesOf(policy: Policy): RuleInWords[] {
  return [...rulesIn(policy, ''), ...Object.entries(policy.logs).flatMap(([log, rules]) => rulesIn(rules, `logs.${log}.`))];
}

function rulesIn({ fields = [], keys = [], kinds = {}, allow = [] }: LogRules, at: string): RuleInWords[] {
  return [
    ...fields.map((rule) => ({ rule: `${at}fields  ${firstOf(rule.path)}`, does: ruleInWords(rule), ...whyOf(rule) })),
    ...keys.map((rule) => ({ rule: `${at}keys  ${firstOf(rule.match)} (${rule.on})`, does: ruleInWords(rule), ...whyOf(rule) })),
    ...Object.entries(kinds).map(([kind, rule]) => ({ rule: `${at}kinds.${kind}`, does: kindInWords(rule), ...whyOf(rule) })),
    ...allow.map((rule) => ({ rule: `${at}allow`, does: allowInWords(rule), ...whyOf(rule) })),
  ];
}

function allowInWords({ kinds, values = [], patterns = [], networks = [], domains = [] }: Policy['allow'][number]): string {
  const counts = Object.entries({ values, patterns, networks, domains }).filter(([, list]) => list.length > 0);
  return `may stay: ${counts.map(([sort, list]) => `${sort} ${list.length}`).join(', ')}${kinds ? `, of ${kinds.join(', ')}` : ''}`;
}

function firstOf(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ');
}

function whyOf({ why }: { why?: string }): { why?: string } {
  return why === undefined ? {} : { why };
}

function stepsOf({ pattern = [], ignoreCase }: CustomKind): number {
  return pattern.reduce((sum, one) => sum + compilePattern(one, ignoreCase).steps, 0);
}

export async function runPolicyKinds(options: { policy?: string; json?: boolean }): Promise<void> {
  const policy = parsePolicy(await readPolicyText(options.policy), options.policy);
  const own = policy.custom.map((custom) => ({ kind: custom.kind, family: 'custom', example: custom.example ?? '', check: customInWords(custom) }));
  for (const { kind, family, example, check } of [...kindSpecs.values(), ...own]) {
    const rule = policy.kinds[kind];
    const transform = rule ? kindInWords(rule) : 'redact';
    if (options.json) printJson({ kind, family, example, check, transform });
    else print(`${kind.padEnd(22)} ${family.padEnd(11)} ${transform.padEnd(32)} ${colors.dim(example.replaceAll('\n', ' ').slice(0, 60))}`);
  }
}
