/** What an attack of a drill is, and what is claimed of it. */
import type { Stage } from './stage.ts';

/** What it takes to do it. */
export type Adversary =
  | 'sender'
  | 'thief of the disk'
  | 'administrator'
  | 'administrator with all keys'
  | 'administrator with all keys and a witness'
  | 'holder of the file';

/**
 * What somebody else has against it, which is what the administrators of SECURITY.md differ in: nothing, a checkpoint kept elsewhere, or the cosignatures of
 * witnesses, who are asked what they hold.
 */
export const defences = ['nothing', 'checkpoint', 'witnesses'] as const;
export type Defence = (typeof defences)[number];

export type Attack = DirectoryAttack | ExportAttack;

interface AttackFacts {
  /** Of the classes in SECURITY.md. */
  class: string;
  name: string;
  by: Adversary;
  /**
   * `alone`: by `verify` on the directory itself; `kept`: with a checkpoint kept elsewhere; `witnesses`: by whoever demands the cosignatures of the stage's
   * witnesses; `prevented`: it has no effect; `nobody`.
   */
  claim: Claim;
}

export interface DirectoryAttack extends AttackFacts {
  /** Demand these witnesses' cosignatures [both]; of either nobody is asked what they hold. */
  quorum?: 'both' | 'either';
  /** What the attacker does. Returns how it was prevented, when it was. */
  act(stage: Stage): unknown;
}

/** On the file of a raw export, which is verified by the log's key alone, whatever else somebody has. */
export interface ExportAttack extends AttackFacts {
  quorum?: never;
  /** Its lines, without line feeds, as the attacker leaves them. */
  change(lines: readonly string[]): string[];
}

export type Claim = 'alone' | 'kept' | 'witnesses' | 'prevented' | 'nobody';

/** Which defences find an attack, by its claim. */
export function claimedDefences({ claim, quorum }: Attack): Record<Defence, boolean> {
  if (claim === 'alone') return { nothing: true, checkpoint: true, witnesses: true };
  // Another history that colluding witnesses cosigned is still not that of a checkpoint that somebody kept.
  const isFork = claim === 'kept' || quorum !== undefined;
  return { nothing: false, checkpoint: isFork, witnesses: claim === 'kept' || claim === 'witnesses' };
}
