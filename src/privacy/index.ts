/** `veiltrail/privacy`: finds personal data in texts and events and takes it out as a policy says. Runs in Node and in browsers. */
export type { JsonObject, JsonValue } from '../core/json.ts';
export {
  type Applied,
  createPrivacyEngine,
  type Finding,
  type Plan,
  type PrivacyEngine,
  type PseudonymKey,
  type TokenNeed,
  type UnknownField,
} from './engine.ts';
export type { Recognized, Recognizer } from './recognizer.ts';
export type { KindSpec } from './detectors/detector.ts';
export { kindSpecs } from './detectors/all.ts';
export {
  checkPolicy,
  defaultPolicyYaml,
  type FieldRule,
  type KindRule,
  parsePolicy,
  type Policy,
  policyOfLog,
  type TransformName,
  type TransformOptions,
} from './policy.ts';
export { policySchema } from './policy-schema.ts';
export { pinoRedactor, redactLines, type RedactLinesOptions } from './redact-lines.ts';
export { createRedactor, type Redactor, type RedactorOptions } from './redactor.ts';
