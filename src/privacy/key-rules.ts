/** Rules for members by their own name: does a name fit? Asked once a place in the shape of events, and not at all without such rules. */
import { normalName } from './fields.ts';
import { compilePattern } from './pattern.ts';
import { refused } from './pattern-syntax.ts';
import type { KeyRule } from './policy-model.ts';

/** Longer names are looked at as far as this. */
const nameUnitsMax = 1_024;

export type NameTest = (name: string) => boolean;

/** A rule, ready to be asked. */
export interface ActiveKeyRule {
  readonly rule: KeyRule;
  readonly fits: NameTest;
}

export function activateKeyRules(rules: readonly KeyRule[]): ActiveKeyRule[] {
  return rules.map((rule) => {
    const tests = rule.match.map(compileMatch);
    return { rule, fits: (name) => tests.some((test) => test(name)) };
  });
}

/** @throws VeiltrailError `pattern_refused` */
export function compileMatch(match: string): NameTest {
  const between = /^\/(.*)\/([a-z]*)$/su.exec(match);
  if (between) {
    if (between[2] !== '' && between[2] !== 'i') throw refused('only i may stand behind the last slash');
    const { source, flags } = compilePattern(between[1] as string, between[2] === 'i');
    const expression = new RegExp(source, flags);
    return (name) => expression.test(name.slice(0, nameUnitsMax));
  }
  if (match.split('*').length > 3) throw refused('a name has at most two *; write a regular expression between slashes for more');
  const parts = match.split('*').map(normalName);
  if (parts.every((part) => part === '')) throw refused('it fits every name: write what they have in common');
  const expression = new RegExp(`^${parts.map((part) => part.replace(/[\\^$.|?+()[\]{}/]/g, '\\$&')).join('.*')}$`, 'su');
  return (name) => expression.test(normalName(name.slice(0, nameUnitsMax)));
}
