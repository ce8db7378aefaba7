/**
 * Which values of an event must come through unchanged: names of resources, ids of requests, versions and the vocabulary of the source. Told by
 * the names of their fields alone, so that no program's own idea of what is personal decides.
 */
import type { JsonObject, JsonValue } from '../../src/core/json.ts';

const keeperNames =
  /^(?:(?:request|event|sharedEvent|shared_event|trace|span|correlation|image|instance|volume|snapshot|subnet|vpc|securityGroup|group|key|reservation|networkInterface|allocation|attachment|policy|version|dbInstance)(?:I[dD]|_id|Identifier)|[a-z]*(?:version|region)|event(?:name|source|type|category)|(?:bucket|role|function|group|policy|queue|topic|table|cluster|stack|trail|log[a-z]*|stream|key|parameter|secret|instanceprofile|db[a-z]*|alias|rule|repository)name|tlsdetails|ciphersuite|tlsversion|errorcode|instancetype|managementevent|readonly|policyarn|availabilityzone)$/i;

export interface IntactReport {
  /** How many values must stay. */
  readonly keepers: number;
  /** Pointers of those that did not. */
  readonly changed: string[];
}

/** Compares an event with what became of it. */
export function changedLeaves(before: JsonObject, after: JsonValue): IntactReport {
  const changed: string[] = [];
  let keepers = 0;
  const open: [JsonValue, JsonValue | undefined, string, string][] = [[before, after, '', '']];
  for (let top = open.pop(); top; top = open.pop()) {
    const [was, is, pointer, name] = top;
    if (typeof was === 'object' && was !== null) {
      const now = typeof is === 'object' && is !== null ? (is as Record<string, JsonValue>) : {};
      for (const [key, value] of Object.entries(was)) open.push([value as JsonValue, now[key], `${pointer}/${key}`, Array.isArray(was) ? name : key]);
    } else if (was !== null && was !== '' && keeperNames.test(name) && !String(was).includes('@')) {
      keepers++;
      if (was !== is) changed.push(pointer);
    }
  }
  return { keepers, changed };
}
