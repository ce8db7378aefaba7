/**
 * What a policy says about the vault (`vault:`): where equal values have equal tokens, who must agree to a reveal, and how many values one
 * principal may look up before it counts as a sweep.
 */

/** Where the same value has the same token. */
export const scopeNames = ['installation', 'log', 'tenant'] as const;
export type ScopeName = (typeof scopeNames)[number];

/** When a reveal takes a second person. */
export const secondPersonNames = ['never', 'kinds', 'always'] as const;
export type SecondPerson = (typeof secondPersonNames)[number];

/** How often one principal may look, and how many different things. */
export interface LookUpRates {
  /** Calls a minute on the long run. */
  perMinute: number;
  /** Calls at once. */
  burst: number;
  /** Different tokens or values within an hour, and within a day: one more is a sweep. */
  perHour: number;
  perDay: number;
}

/** As it stands in the file: everything may be left out. */
export interface VaultSection {
  scope?: ScopeName;
  tenant?: string;
  stopHours?: number;
  reveal?: { secondPerson?: SecondPerson; kinds?: string[] } & Partial<LookUpRates>;
  search?: { purpose?: 'needed' | 'optional' } & Partial<LookUpRates>;
}

/** With what is meant where nothing is said. */
export interface VaultRules {
  scope: ScopeName;
  /** Where an event names its tenant: names divided by dots; for `scope: tenant`. */
  tenant: string | undefined;
  /** Whoever sweeps is stopped for so long. */
  stopHours: number;
  reveal: { secondPerson: SecondPerson; kinds: readonly string[] } & LookUpRates;
  search: { purpose: 'needed' | 'optional' } & LookUpRates;
}

const revealDefaults = { secondPerson: 'never', kinds: [], perMinute: 10, burst: 20, perHour: 100, perDay: 300 } as const;
const searchDefaults = { purpose: 'optional', perMinute: 20, burst: 40, perHour: 200, perDay: 600 } as const;

/** @param section of the policy, absent where it has none */
export function vaultRulesOf({ vault = {} }: { vault?: VaultSection }): VaultRules {
  const { scope = 'installation', tenant, stopHours = 24, reveal, search } = vault;
  return { scope, tenant, stopHours, reveal: { ...revealDefaults, ...reveal }, search: { ...searchDefaults, ...search } };
}

/** Does a reveal of a token of this kind take a second person? */
export function needsSecondPerson({ reveal }: VaultRules, kind: string): boolean {
  return reveal.secondPerson === 'always' || (reveal.secondPerson === 'kinds' && reveal.kinds.includes(kind));
}

/** One thing that changed, and whether less is protected by it. */
export interface VaultChange {
  /** Such as `vault.reveal.perDay`. */
  rule: string;
  before: string;
  after: string;
  effect: 'weaker' | 'stronger' | 'other';
}

/** What differs between two policies' rules for the vault. */
export function diffVaultRules(before: VaultRules, after: VaultRules): VaultChange[] {
  const out: VaultChange[] = [];
  const note = (rule: string, was: string | number, is: string | number, gain: number): void => {
    if (was === is) return;
    out.push({ rule: `vault.${rule}`, before: String(was), after: String(is), effect: gain > 0 ? 'stronger' : gain < 0 ? 'weaker' : 'other' });
  };
  // A wider scope lets more of what somebody did be put together.
  note('scope', before.scope, after.scope, scopeNames.indexOf(after.scope) - scopeNames.indexOf(before.scope));
  note('tenant', before.tenant ?? 'none', after.tenant ?? 'none', 0);
  note('stopHours', before.stopHours, after.stopHours, after.stopHours - before.stopHours);
  const second = (rules: VaultRules): number => secondPersonNames.indexOf(rules.reveal.secondPerson);
  note('reveal.secondPerson', before.reveal.secondPerson, after.reveal.secondPerson, second(after) - second(before));
  const [was, is] = [before.reveal.kinds, after.reveal.kinds];
  note('reveal.kinds', was.toSorted().join(', '), is.toSorted().join(', '), was.some((kind) => !is.includes(kind)) ? -1 : 1);
  note('search.purpose', before.search.purpose, after.search.purpose, after.search.purpose === 'needed' ? 1 : -1);
  for (const use of ['reveal', 'search'] as const) {
    for (const rate of ['perMinute', 'burst', 'perHour', 'perDay'] as const)
      note(`${use}.${rate}`, before[use][rate], after[use][rate], before[use][rate] - after[use][rate]);
  }
  return out;
}
