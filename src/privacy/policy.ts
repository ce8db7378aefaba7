/** Policies: their types, the parser, the default. */
export { defaultPolicyYaml } from './default-policy.ts';
export { checkPolicy, parsePolicy, type PolicyWarning } from './policy-file.ts';
export type { AllowRule, CustomKind, FieldRule, KeyRule, KindRule, LogRules, Policy, TransformName, TransformOptions } from './policy-model.ts';
export { policyOfLog } from './policy-model.ts';
