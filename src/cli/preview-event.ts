/** What `preview` shows of one event. */
import { colors } from './colors.ts';
import { encodeBase64url } from '../core/base64.ts';
import { utf8 } from '../core/bytes.ts';
import type { JsonObject } from '../core/json.ts';
import { systemRandom } from '../core/random.ts';
import { createMac } from '../core/sha256.ts';
import { visible } from '../core/visible.ts';
import { flattenRecord } from '../log/record.ts';
import type { PrivacyEngine } from '../privacy/engine.ts';
import type { TokenNeed } from '../privacy/plan.ts';
import { print, printJson } from './output.ts';

/**
 * Prints an event before and after the policy, field by field; or as JSON, after it.
 * @param line the number of its line, or words for where it is from
 */
export function previewEvent(
  engine: PrivacyEngine,
  event: JsonObject,
  line: number | string,
  token: (need: TokenNeed) => string,
  json: boolean,
): void {
  const before = new Map(flattenRecord(event).map(({ pointer, value }) => [pointer, value]));
  const { event: after, applied } = engine.apply(engine.plan(event), token);
  if (json) return printJson(typeof line === 'number' ? { line, event: after, applied } : { where: line, event: after, applied });
  const done = Map.groupBy(applied, ({ pointer }) => pointer);
  print(colors.bold(typeof line === 'number' ? `line ${line}` : line));
  const fields = flattenRecord(after);
  for (const { pointer, value } of fields) {
    const was = before.get(pointer);
    if (was === value) continue;
    // One text may hold several kinds, each with a transform of its own.
    const why = (done.get(pointer) ?? []).map((one) => `${one.kind}, ${one.transform}${one.why === undefined ? '' : `: ${one.why}`}`);
    print(
      `  ${visible(pointer)}  ${was === undefined ? colors.dim('(renamed)') : colors.red(visible(was))} → ${colors.green(visible(value))}  ${colors.dim(why.join('; '))}`,
    );
  }
  const kept = new Set(fields.map(({ pointer }) => pointer));
  for (const [pointer, was] of before) if (!kept.has(pointer)) print(`  ${visible(pointer)}  ${colors.red(visible(was))} → ${colors.dim('(gone)')}`);
}

/** Tokens that look and correlate like real ones within this run. */
export function exampleTokens(): (need: TokenNeed) => string {
  const mac = createMac(systemRandom.bytes(32));
  return ({ kind, canonical }) => `tok_${encodeBase64url(mac(utf8(`${kind}\0${canonical}`)).subarray(0, 20))}`;
}
