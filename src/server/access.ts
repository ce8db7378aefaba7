/** Puts together what records who did what: the recorder of reads and refusals, and that of changes of the keys. */
import { randomUUID } from 'node:crypto';
import type { IssuerConfig } from '../access/oidc-rules.ts';
import { parseNetworks } from '../access/networks.ts';
import { personSecret } from '../access/person.ts';
import type { TokenAuthenticator } from '../access/tokens.ts';
import { accessEvent } from '../app/access-event.ts';
import { type AccessLog, type AccessRecorder, createAccessLog, eventsEach } from '../app/access-recorder.ts';
import type { KeyChanges } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import type { Keyring } from '../vault/keyring.ts';
import { systemLog } from './data-files.ts';
import type { AccessConfig } from './access-config.ts';
import type { HttpParts } from './http.ts';
import { openKeyChanges } from './key-changes.ts';
import { createMortalDigest } from './mortal-digest.ts';

export interface AccessParts {
  dataDir: string;
  keyring: Keyring;
  /** To `_system`; durable and published when it resolves. */
  append: (events: JsonObject[]) => Promise<void>;
  /** Nothing was ever stored. */
  isNew: boolean;
}

/** What of the configuration the door goes by. */
export async function openDoorParts(
  { trustedProxies, hides, oidc }: AccessConfig,
  dataDir: string,
  access: AccessRecorder,
  onRecognised: (principal: string, person: string) => void = () => undefined,
): Promise<Pick<HttpParts, 'tokens' | 'hides' | 'isProxy'>> {
  return {
    ...(trustedProxies ? { isProxy: parseNetworks(trustedProxies) } : {}),
    ...(hides ? { hides } : {}),
    ...(oidc ? { tokens: await openTokens(oidc, dataDir, access, onRecognised) } : {}),
  };
}

async function openTokens(
  oidc: readonly IssuerConfig[],
  dataDir: string,
  access: AccessRecorder,
  onRecognised: (principal: string, person: string) => void,
): Promise<TokenAuthenticator> {
  const { openOidc } = await import('../access/oidc.ts');
  return openOidc(oidc, {
    clock: systemClock,
    secret: personSecret(dataDir),
    onRecognised({ id, owner }) {
      if (owner !== undefined) onRecognised(id, owner);
    },
    // Who is behind the principal's name is told here and nowhere else: tokenized, so that it takes a reveal to know and an erasure to forget.
    onLogin({ id, role, owner }, { issuer, subject, email }) {
      const metadata = { issuer, userName: subject, ...(email === undefined ? {} : { email }), ...(owner === undefined ? {} : { person: owner }) };
      access.note({ action: 'auth.login', principal: id, role, outcome: 'success', metadata });
    },
  });
}

export async function openAccess({ dataDir, keyring, append, isNew }: AccessParts): Promise<{ access: AccessLog; keyChanges: KeyChanges }> {
  // A query may hold what the log does not: its digest dies with the next removal.
  const digest = createMortalDigest(keyring, 'veiltrail queries');
  const digestQuery = (log: string, query: string): string => digest(`${log}\n${query}`);
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
