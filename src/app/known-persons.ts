/**
 * Whose logins are, as far as they were seen: the person behind an OpenID Connect principal stands in the claims of its tokens and nowhere else, so
 * it is kept when a token was checked. Both are keyed digests. A principal keeps all persons it ever was, within a bound: claims change, and what
 * was done before stays its doing.
 */
import type { JsonObject } from '../core/json.ts';
import { parseJson } from '../core/json.ts';

export interface KnownPersons {
  /** A principal's token was checked. Durable when it returns, or tried again the next time: nobody is turned away for it. */
  recognised(principal: string, person: string): void;
  /** Empty where nobody is known. */
  of(principal: string): readonly string[];
}

export interface KnownPersonsParts {
  /** What was written last; undefined where nothing was. */
  read: () => string | undefined;
  /** Durable when it returns. */
  write: (text: string) => void;
  /** Principals that are kept [10,000]; those recognised longest ago for the first time go first. */
  max?: number;
}

const personsEach = 8;
const limits = { depthMax: 4, nodesMax: 1_000_000 };

export function openKnownPersons({ read, write, max = 10_000 }: KnownPersonsParts): KnownPersons {
  const persons = new Map<string, readonly string[]>();
  const text = read();
  // Sealed where it comes from: what is in it, we wrote.
  if (text !== undefined)
    for (const [principal, own] of Object.entries(parseJson(text, limits).value as JsonObject)) persons.set(principal, own as string[]);
  let isWritten = true;
  return {
    recognised(principal, person) {
      const known = persons.get(principal) ?? [];
      if (!known.includes(person)) {
        persons.set(principal, [...known, person].slice(-personsEach));
        if (persons.size > max) persons.delete(persons.keys().next().value as string);
        isWritten = false;
      }
      if (isWritten) return;
      try {
        write(JSON.stringify(Object.fromEntries(persons)));
        isWritten = true;
      } catch {
        // In memory it is known already.
      }
    },
    of: (principal) => persons.get(principal) ?? [],
  };
}
