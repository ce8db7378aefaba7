/** Puts together what records who did what: the recorder of reads and refusals, and that of changes of the keys. */
import { hash, randomUUID } from 'node:crypto';
import { accessEvent } from '../app/access-event.ts';
import { type AccessLog, createAccessLog, eventsEach } from '../app/access-recorder.ts';
import type { KeyChanges } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import type { Keyring } from '../vault/keyring.ts';
import { systemLog } from './data-files.ts';
import { openKeyChanges } from './key-changes.ts';

export interface AccessParts {
  dataDir: string;
  keyring: Keyring;
  /** To `_system`; durable and published when it resolves. */
  append: (events: JsonObject[]) => Promise<void>;
  /** Nothing was ever stored. */
  isNew: boolean;
}

const digestDigits = 24;

export async function openAccess({ dataDir, keyring, append, isNew }: AccessParts): Promise<{ access: AccessLog; keyChanges: KeyChanges }> {
  const { key } = keyring.secret('idempotency');
  // The digest must not tell what was searched for to whoever guesses it: that takes the key.
  const digestQuery = (log: string, query: string): string =>
    hash('sha256', Buffer.concat([key, Buffer.from(`veiltrail-query/1\n${log}\n${query}`)]), 'hex').slice(0, digestDigits);
  const access = createAccessLog({ append, clock: systemClock, digestQuery, systemLog });
  const keyChanges = await openKeyChanges(
    {
      dataDir,
      async tell(entries) {
        const events = entries.map((entry) => accessEvent(entry, { id: randomUUID(), time: new Date(systemClock.now()).toISOString() }));
        for (let at = 0; at < events.length; at += eventsEach) await append(events.slice(at, at + eventsEach));
      },
    },
    isNew,
  );
  return { access, keyChanges };
}
