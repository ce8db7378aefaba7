/** Alerts of a data directory that is open for writing: where their state is, what they follow, and whom they tell. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readAccessFile } from '../access/access-file.ts';
import { type Alert, alertInfo, type AlertInfo } from '../alerts/alert.ts';
import { AlertBook, type AlertFilter, type GoneRecords } from '../alerts/alert-book.ts';
import { AlertEngine, type AlertFigures } from '../alerts/alert-engine.ts';
import { formatRules, ruleChanges, rulesEvent } from '../alerts/rule-changes.ts';
import { alertSeverities } from '../alerts/rule.ts';
import { builtInRules } from '../alerts/built-in-rules.ts';
import { type AlertSettings, defaultAlertSettings } from '../alerts/rules-file.ts';
import type { AccessEntry } from '../app/access-event.ts';
import { type Alerts, createAlerts } from '../app/alerts.ts';
import { openKnownPersons } from '../app/known-persons.ts';
import { systemClock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { systemRandom } from '../core/random.ts';
import type { FollowSource } from '../search/follow-log.ts';
import type { RecordSource } from '../storage/record-store.ts';
import { openSqliteAlertSource, openSqliteAlertStore } from '../storage/sqlite/alert-store.ts';
import { type Keyring, openKeyring } from '../vault/keyring.ts';
import { createTextSealer } from '../vault/sealed-text.ts';
import { readDataConfig } from './data-config.ts';
import { alertsFileName, keysDirectory, systemLog } from './data-files.ts';
import type { OwnRecord } from './own-records.ts';

export interface AlertingParts {
  dataDir: string;
  keyring: Pick<Keyring, 'secrets'>;
  reader: FollowSource;
  records: Pick<RecordSource, 'logs'>;
  /** Every log, as far as it is published. */
  logs(): { log: string; treeSize: number }[];
  /** Appends a record of the server's own to `_system`, which is there then. */
  appendOwn(record: OwnRecord): Promise<number>;
  /** Appends an event of the server's own. */
  tell(event: JsonObject): Promise<void>;
  record(entry: AccessEntry): Promise<void>;
  onFatal?: ((error: Error) => void) | undefined;
}

export interface OpenAlerting {
  readonly alerts: Alerts;
  readonly figures: AlertFigures;
  /** A login's token was checked, and says whose it is: see `known-persons.ts`. */
  recognised(principal: string, person: string): void;
  /** Begins to follow the logs. Before that, alerts can be looked at and removed. */
  start(settings: AlertSettings, onRaised?: (alert: Alert) => void): Promise<void>;
  published(log: string, treeSize: number): void;
  /** Nothing of it is on the disk when it returns. @throws VeiltrailError `storage_busy`: call it again */
  forget(gone: GoneRecords): void;
  /** Resolves when all that is published was looked at and told. */
  idle(): Promise<void>;
  /** Ends following. */
  stop(): Promise<void>;
  close(): void;
}

const rulesFact = 'rules';
const personsFact = 'persons';
const clockCheckMs = 30_000;
/** A clock that is put right by its time server moves by less. */
const clockSlackMs = 60_000;

/** @throws VeiltrailError those of storage */
export function openAlerting(parts: AlertingParts): OpenAlerting {
  const { dataDir } = parts;
  const book = openBook(parts);
  const persons = openKnownPersons({ read: () => book.fact(personsFact), write: (text) => book.setFact(personsFact, text) });
  let settings = defaultAlertSettings;
  let engine: AlertEngine | undefined;
  let clock: NodeJS.Timeout | undefined;
  const alerts = createAlerts({
    book,
    settings: () => settings,
    record: (entry) => parts.record(entry),
    personsOf: (actor) => [...persons.of(actor), ...ownersOf(dataDir, actor)],
    clock: systemClock,
    onAcknowledged: (alert) => engine?.acknowledged(alert),
  });
  return {
    alerts,
    recognised: (principal, person) => persons.recognised(principal, person),
    get figures() {
      return engine?.figures ?? { raised: new Map(), open: book.openCounts(), behind: [] };
    },
    async start(wanted, onRaised) {
      settings = wanted;
      await tellChanges(parts, book, wanted);
      engine = new AlertEngine({
        book,
        rules: wanted.rules,
        source: parts.reader,
        systemLog,
        logs: () => parts.logs(),
        tell: (record) => parts.appendOwn(record),
        clock: systemClock,
        ...(onRaised ? { onRaised } : {}),
        ...(parts.onFatal ? { onFatal: parts.onFatal } : {}),
      });
      await engine.start();
      clock = watchClock(parts);
    },
    published: (log, treeSize) => engine?.published(log, treeSize),
    forget: (gone) => (engine ?? book).forget(gone),
    async idle() {
      await engine?.idle();
    },
    async stop() {
      clearInterval(clock);
      await engine?.close();
      engine = undefined;
    },
    close: () => book.close(),
  };
}

/**
 * Alerts of a data directory, whether or not a server has it: what is not told yet, too.
 * @throws VeiltrailError `data_dir_missing`, `sealed_text_damaged`, and those of storage
 */
export function readAlerts(dataDir: string, filter: AlertFilter): AlertInfo[] {
  readDataConfig(dataDir);
  const path = join(dataDir, alertsFileName);
  if (!existsSync(path)) return [];
  const store = openSqliteAlertSource(path);
  try {
    const keyring = openKeyring(join(dataDir, keysDirectory), { create: false });
    return new AlertBook(store, createTextSealer(keyring.secrets('seal'), 'alerts', systemRandom)).list(filter).map(alertInfo);
  } finally {
    store.close();
  }
}

/** One line, without values. */
export function alertLine({ id, rule, severity, log, count }: Alert): string {
  return `${severity}: ${rule}: ${count === 1 ? 'a record' : `${count} records`} of log ${log}; see "veiltrail alert show ${id}"`;
}

/** Whether somebody at the console should read of it. */
export function isLoud({ severity }: Pick<Alert, 'severity'>): boolean {
  return alertSeverities.indexOf(severity) >= alertSeverities.indexOf('high');
}

/** A file that does not open is begun anew: `_system` has what was in it, and the engine says that it was lost. */
function openBook({ dataDir, keyring }: AlertingParts): AlertBook {
  const path = join(dataDir, alertsFileName);
  const open = (): AlertBook => {
    const store = openSqliteAlertStore(path);
    try {
      return new AlertBook(store, createTextSealer(keyring.secrets('seal'), 'alerts', systemRandom));
    } catch (error) {
      store.close();
      throw error;
    }
  };
  try {
    return open();
  } catch (error) {
    if (!(error instanceof VeiltrailError) || !lost.has(error.code)) throw error;
    for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
    return open();
  }
}

const lost = new Set(['storage_damaged', 'sealed_text_damaged']);

/** Tells of rules that are others than when the server last told of them; at first, of built-in ones that are not in force. */
async function tellChanges(parts: AlertingParts, book: AlertBook, { rules }: AlertSettings): Promise<void> {
  const now = formatRules(rules);
  const before = book.fact(rulesFact) ?? formatRules(builtInRules);
  const event = rulesEvent(ruleChanges(before, rules));
  if (event) await parts.tell(event);
  // A crash before this line tells the same changes again.
  if (event || book.fact(rulesFact) === undefined) book.setFact(rulesFact, now);
}

/** The person whose key an actor is, where that is known. */
function ownersOf(dataDir: string, actor: string): string[] {
  if (!actor.startsWith('key:')) return [];
  return readAccessFile(dataDir).flatMap(({ id, owner }) => (`key:${id}` === actor && owner !== undefined ? [owner] : []));
}

/** Says when the machine's clock is behind the newest record: times of receipt stand still until it has caught up. */
function watchClock(parts: AlertingParts): NodeJS.Timeout {
  let isBehind = false;
  const look = async (): Promise<void> => {
    const newestMs = Math.max(0, ...(await parts.records.logs()).map(({ lastReceivedAtMs }) => lastReceivedAtMs));
    const behindMs = newestMs - systemClock.now();
    const was = isBehind;
    isBehind = behindMs > clockSlackMs;
    if (!isBehind || was) return;
    const metadata = { seconds: Math.round(behindMs / 1_000) };
    await parts.record({ action: 'clock.back', principal: 'system', outcome: 'failure', category: 'log_control', severity: 4, metadata });
  };
  const lookOnce = (): void => void look().catch(() => (isBehind = false));
  lookOnce();
  return setInterval(lookOnce, clockCheckMs).unref();
}
