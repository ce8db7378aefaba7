/**
 * Reading a policy: YAML 1.2 text → {@link Policy}. Everything wrong with it is reported at once, each with file, line and column and
 * what would be right. Messages quote the policy, which is the operator's own, and never an event.
 */
import { isMap, isScalar, isSeq, LineCounter } from 'yaml';
import { decodeUtf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { defaultPolicyYaml } from './default-policy.ts';
import { checkMeaning } from './policy-meaning.ts';
import type { Policy } from './policy-model.ts';
import { policyShape } from './policy-shape.ts';
import { ShapeChecker } from './shape-checker.ts';
import { readYaml } from './yaml-text.ts';

const policyUnitsMax = 1_048_576;

/** Something in a policy that is allowed and should be looked at. */
export interface PolicyWarning {
  line: number;
  column: number;
  /** Begins with file, line and column. */
  message: string;
}

/**
 * Parses and checks a policy.
 * @param file what to call it in messages
 * @throws VeiltrailError `policy_invalid`; `detail` has `line` and `column` of the first problem and the number of `problems`
 */
export function parsePolicy(text: string, file = 'policy'): Policy {
  return checkPolicy(text, file).policy;
}

/** As {@link parsePolicy}, and says what should be looked at. */
export function checkPolicy(text: string, file = 'policy'): CheckedPolicy {
  if (text !== defaultPolicyYaml) return readPolicy(text, file);
  // A server asks for this one two or three times as it starts, at 50 ms each. There is nothing in it to warn of.
  ofDefault ??= readPolicy(text, file);
  return structuredClone(ofDefault);
}

interface CheckedPolicy {
  policy: Policy;
  warnings: PolicyWarning[];
}

let ofDefault: CheckedPolicy | undefined;

function readPolicy(text: string, file: string): CheckedPolicy {
  if (text.length > policyUnitsMax) throw new VeiltrailError('policy_invalid', `${file}: a policy has at most ${policyUnitsMax} characters`);
  const lines = new LineCounter();
  // The checker itself sees a name that is there twice.
  const document = readYaml(text, lines, { uniqueKeys: false });
  const checker = new ShapeChecker(file, lines, { kinds: customKinds(document.contents), code: 'policy_invalid' });
  for (const { offset, message } of document.errors) checker.report(offset, message);
  if (document.errors.length === 0 && isNothing(document.contents))
    checker.report(0, 'the policy is empty: `veiltrail policy default` prints one to begin with');
  checker.throwIfAny();
  const value = checker.check(document.contents, policyShape, 'the policy', 0, '');
  checker.throwIfAny();
  const policy = toPolicy(value as JsonObject);
  // What a value means is looked at once all have the right form.
  const warnings: PolicyWarning[] = [];
  checkMeaning(policy, {
    problem: (path, message) => checker.report(checker.placeOf(path), message),
    warning: (path, message) => warnings.push(checker.warning(checker.placeOf(path), message)),
  });
  checker.throwIfAny();
  return { policy, warnings: warnings.sort((a, b) => a.line - b.line || a.column - b.column) };
}

function isNothing(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

/**
 * The text of a policy's file. Bytes that are no UTF-8 would become other letters, and a rule for such a name would fit no field.
 * @throws VeiltrailError `policy_unreadable`
 */
export function policyTextOf(bytes: Uint8Array, file: string): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw new VeiltrailError('policy_unreadable', `${file}: not UTF-8: save it in that encoding`);
  }
}

/** Names of the kinds that the policy makes itself, as far as they can be read. */
function customKinds(contents: unknown): string[] {
  const custom = isMap(contents) ? contents.get('custom') : undefined;
  if (!isSeq(custom)) return [];
  return custom.items.flatMap((item) => {
    const name = isMap(item) ? item.get('kind') : undefined;
    return typeof name === 'string' ? [name] : [];
  });
}

/** The checked value has every member in the type its shape promises; what is optional gets its default here. */
function toPolicy(value: JsonObject): Policy {
  const policy = { unknown: 'scan', fields: [], keys: [], custom: [], allow: [], logs: {}, ...value } as unknown as Policy;
  const keys = [...policy.keys, ...Object.values(policy.logs).flatMap((log) => log.keys ?? [])];
  for (const rule of keys) rule.on ??= 'name';
  return policy;
}
