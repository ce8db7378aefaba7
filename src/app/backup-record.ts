/** That a backup is made, or the recovery kit that opens one: on record before anything is copied, with who and why. */
import type { AccessEntry } from './access-event.ts';
import { type Asker, type Reasons, whoAndWhy } from './look-up-report.ts';

/** What is made: a copy of the state, what opens it. */
export const backupParts = ['state', 'keys'] as const;
export type BackupPart = (typeof backupParts)[number];

export function backupEntry(parts: readonly BackupPart[], by: Asker & Reasons): AccessEntry {
  return {
    ...whoAndWhy(by),
    action: 'backup.make',
    category: 'log_control',
    outcome: 'success',
    // Whoever has the kit opens every backup that there is.
    severity: parts.includes('keys') ? 4 : 3,
    metadata: { parts: [...parts] },
  };
}
