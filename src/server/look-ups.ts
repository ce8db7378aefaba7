/** Revealing tokens, searching by real values, and exports with values, put together for a data directory: limits that outlast a restart, records, alarms. */
import type { GoneRecords } from '../alerts/alert-book.ts';
import { RawExporter } from '../app/export-raw.ts';
import { LookUpLimits } from '../app/look-up-limits.ts';
import { type LookUpCounts, whoAndWhy } from '../app/look-up-report.ts';
import type { LookUps } from '../app/look-ups.ts';
import type { AccessRecorder } from '../app/access-recorder.ts';
import type { PublishedLog } from '../app/read-log.ts';
import type { RequestDesk } from '../app/requests.ts';
import { revealTokens } from '../app/reveal-token.ts';
import { findPseudonyms, realValuesIn, searchByValue, type ValueSearchParts } from '../app/search-by-value.ts';
import type { SearchAnswer, SearchRequest } from '../app/trail.ts';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { systemRandom } from '../core/random.ts';
import type { RecordReader } from '../ledger/reader.ts';
import { canonicalForms, fieldKind } from '../privacy/canonical-of.ts';
import { defaultPolicyYaml } from '../privacy/default-policy.ts';
import type { PseudonymKey } from '../privacy/engine.ts';
import { parsePolicy } from '../privacy/policy-file.ts';
import type { Policy } from '../privacy/policy-model.ts';
import { createRedactor } from '../privacy/redactor.ts';
import { createHashFinder } from '../privacy/transforms.ts';
import { vaultRulesOf } from '../privacy/vault-rules.ts';
import type { Query } from '../search/query.ts';
import type { TileSource } from '../storage/tile-store.ts';
import type { Keyring } from '../vault/keyring.ts';
import { createTextSealer } from '../vault/sealed-text.ts';
import type { VaultClient } from '../vault/vault-client.ts';
import { openSealedFile } from './sealed-file.ts';
import { createMortalDigest } from './mortal-digest.ts';

export const lookUpsFileName = 'look-ups.sealed';

export interface LookUpParts {
  dataDir: string;
  keyring: Keyring;
  vault: Pick<VaultClient, 'kindsOf' | 'reveal' | 'restore' | 'findValue'>;
  policy: Policy;
  recorder: AccessRecorder;
  desk: Pick<RequestDesk, 'permit' | 'permitsStill' | 'show'>;
  /** The log of that name. @throws VeiltrailError `log_unknown` */
  published(log: string): PublishedLog;
  tiles: TileSource;
  records: Pick<RecordReader, 'record'>;
  search(log: string, request: SearchRequest, query: Query): Promise<SearchAnswer>;
  /** A line for whoever watches the server. */
  alert: (line: string) => void;
}

/** With what only the one who puts it together may do. */
export interface OpenLookUps extends LookUps {
  /** Other versions of the pseudonym key from now on. */
  rekey(keys: readonly PseudonymKey[]): void;
  /** Breaks off exports that have opened what is gone now. */
  forget(gone: GoneRecords): Promise<void>;
  /** Breaks off exports that are under way. */
  close(): Promise<void>;
}

/** @throws VeiltrailError `sealed_text_damaged`, `config_damaged`, and those of `storage-error.ts` */
export function openLookUps({ dataDir, keyring, vault, policy, recorder, desk, alert, ...rest }: LookUpParts): OpenLookUps {
  const rules = vaultRulesOf(policy);
  const sealer = createTextSealer(keyring.secrets('seal'), 'look-ups', systemRandom);
  const digest = createMortalDigest(keyring, 'veiltrail look-ups');
  const limits = new LookUpLimits({ rules, clock: systemClock, digest, ...openSealedFile(dataDir, lookUpsFileName, sealer) });
  const counts: LookUpCounts = { reveals: 0, revealsRefused: 0, searches: 0, searchesRefused: 0, sweeps: 0 };
  let hashesOf = createHashFinder(keyring.secrets('pseudonym'));
  const shared = { vault, rules, limits, recorder, counts, alert };
  const forms = canonicalForms(policy);
  const parts: ValueSearchParts = {
    ...shared,
    ...forms,
    sought: soughtKinds(policy),
    hashesOf: (kind, canonical) => hashesOf(kind, canonical),
    digest,
    search: (log, request, query) => rest.search(log, request, query),
  };
  const exporter = new RawExporter({
    ...shared,
    ...rest,
    desk,
    digest,
    clock: systemClock,
    restore: (token) => vault.restore(token),
    realValuesIn: (query) => realValuesIn(query, parts.sought),
    redactText: (log, text) => createRedactor({ policy, log }).redactText(text),
    search: (log, request, asker) => searchByValue(parts, log, request, asker),
  });
  return {
    exportRaw: (request) => exporter.begin(request),
    forget: (gone) => exporter.forget(gone),
    close: () => exporter.close(),
    reveal: (request) => revealTokens({ ...shared, desk }, request),
    find: (request) => findPseudonyms(parts, request),
    search: (log, request, asker) => searchByValue(parts, log, request, asker),
    kindsAskedFor: (query) => [...new Set(realValuesIn(query, parts.sought).map(({ kind }) => kind))],
    stops: () => limits.stops(),
    async lift(principal, by) {
      if (by.principal === principal || by.owner === principal) throw new VeiltrailError('stop_own', 'who is stopped does not lift it');
      if (!limits.stops().some((stop) => stop.principal === principal)) throw new VeiltrailError('stop_unknown', 'nobody of that name is stopped');
      await recorder.write({
        ...whoAndWhy(by),
        action: 'token.resume',
        outcome: 'success',
        severity: 3,
        target: { type: 'key', id: principal },
      });
      return limits.lift(principal);
    },
    get figures() {
      return { ...counts, stopped: limits.stops().length };
    },
    rekey: (keys) => (hashesOf = createHashFinder(keys)),
  };
}

/**
 * Kinds that pseudonyms stand for: under this policy, or under the default one, since what was stored before another policy came has them still.
 * Not those that are kept everywhere now.
 */
export function soughtKinds(policy: Policy): Set<string> {
  const sought = new Set([...pseudonymisedKinds(parsePolicy(defaultPolicyYaml)), ...pseudonymisedKinds(policy)]);
  for (const [kind, { transform }] of Object.entries(policy.kinds))
    if (transform === 'keep' && !pseudonymisedKinds(policy).has(kind)) sought.delete(kind);
  return sought;
}

const pseudonymises: ReadonlySet<string | undefined> = new Set(['tokenize', 'hash', 'sha256']);

/** Kinds of which a rule makes tokens or hashes, in any log. */
function pseudonymisedKinds(policy: Policy): Set<string> {
  const out = new Set<string>();
  for (const rules of [policy, ...Object.values(policy.logs)]) {
    for (const [kind, { transform }] of Object.entries(rules.kinds ?? {})) if (pseudonymises.has(transform)) out.add(kind);
    for (const { kind = fieldKind, transform } of [...(rules.fields ?? []), ...(rules.keys ?? [])]) if (pseudonymises.has(transform)) out.add(kind);
  }
  return out;
}
