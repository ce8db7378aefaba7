/** Policies: their types, the parser, the default. */
export { defaultPolicyYaml } from './default-policy.ts';
export { parsePolicy } from './policy-file.ts';
export type { FieldRule, KindRule, Policy, TransformName, TransformOptions } from './policy-model.ts';
