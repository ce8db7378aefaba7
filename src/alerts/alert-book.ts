/**
 * The alerts there are, and what becomes of them: raised → told in `_system` → acknowledged. All of them are in memory, and every change is in
 * `alerts.db` before it is here.
 *
 * What is in the book can be told again from `_system`, which has every alert and who dealt with it: {@link AlertBook.learnRaised} and
 * {@link AlertBook.learnAcknowledged} are given the events as they are followed. So a book that was lost comes back, and one event is told once,
 * wherever a crash came: what was appended and not marked is seen there before anything is told again.
 */
import { toHex } from '../core/bytes.ts';
import type { JsonObject } from '../core/json.ts';
import { isJsonObject } from '../core/json.ts';
import type { AlertChange, AlertCursor, AlertRow, AlertStore } from '../storage/alert-store.ts';
import type { TextSealer } from '../vault/sealed-text.ts';
import { type Alert, actorsMax, alertOfEvent, type AlertState, leavesMax, stateOf } from './alert.ts';
import type { AlertSeverity } from './rule.ts';
import type { Finding, Quiet } from './rule-watch.ts';

/** Alerts that are kept; of more, those go first that somebody has dealt with. `_system` has them all. */
const alertsMax = 10_000;

/** What is gone of a log. */
export interface GoneRecords {
  log: string;
  /** Whether the record of a leaf is. */
  isRemoved: (leafIndex: number) => boolean;
  /** Whether values of it are. */
  isRedacted: (leafIndex: number) => boolean;
  /** Tokens that stand for nothing any more. */
  tokens: readonly string[];
}

export interface AlertFilter {
  state?: AlertState;
  severity?: AlertSeverity;
  /** At most so many [1,000]. */
  limit?: number;
  /** Those raised before this one. */
  before?: string;
}

export class AlertBook {
  readonly #store: AlertStore;
  readonly #sealer: TextSealer;
  readonly #max: number;
  /** In the order in which they were raised. */
  readonly #alerts = new Map<string, Alert>();
  /** The newest of each group, and of each rule and log. */
  readonly #newest = new Map<string, string>();

  /** @throws VeiltrailError `sealed_text_damaged`, and those of storage */
  constructor(store: AlertStore, sealer: TextSealer, max = alertsMax) {
    this.#store = store;
    this.#sealer = sealer;
    this.#max = max;
    for (const { sealed } of store.alerts()) this.#hold(JSON.parse(sealer.open(sealed)) as Alert);
  }

  idOf(rule: string, log: string, leafIndex: number): string {
    return `al_${toHex(this.#sealer.lookup(`${rule}\n${log}\n${leafIndex}`).subarray(0, 16))}`;
  }

  get(id: string): Alert | undefined {
    return this.#alerts.get(id);
  }

  /** Newest first. */
  list({ state, severity, limit = 1_000, before }: AlertFilter = {}): Alert[] {
    const found: Alert[] = [];
    let isBefore = before === undefined;
    for (const alert of [...this.#alerts.values()].toReversed()) {
      if (found.length === limit) break;
      if (isBefore && (state === undefined || stateOf(alert) === state) && (severity === undefined || alert.severity === severity)) found.push(alert);
      isBefore ||= alert.id === before;
    }
    return found;
  }

  /** The oldest that is not known to be in `_system`. */
  untold(): Alert | undefined {
    for (const alert of this.#alerts.values()) if (alert.toldLeaf === undefined) return alert;
    return undefined;
  }

  /** Groups that are to be quiet. */
  quiet(): Quiet[] {
    return [...this.#alerts.values()]
      .filter(({ acknowledged, quietUntilMs }) => !acknowledged && quietUntilMs > 0)
      .map(({ rule, log, group, quietUntilMs }) => ({ rule, log, group, untilMs: quietUntilMs }));
  }

  cursors(): AlertCursor[] {
    return this.#store.cursors();
  }

  moveCursors(cursors: readonly AlertCursor[]): void {
    this.#store.commit({ cursors });
  }

  /** Something that is remembered, sealed. @throws VeiltrailError `sealed_text_damaged` */
  fact(name: string): string | undefined {
    const value = this.#store.fact(name);
    return value && this.#sealer.open(value);
  }

  setFact(name: string, text: string, cursors: readonly AlertCursor[] = []): void {
    this.#store.commit({ cursors, fact: { name, value: this.#sealer.seal(text) } });
  }

  /** What a batch of a log led to, and that it was looked at: one transaction. */
  take(findings: readonly Finding[], cursor: AlertCursor): void {
    const changed = new Map<string, Alert>();
    const newest = new Map<string, string>();
    for (const finding of findings) {
      const { rule, log, group, leafIndex, receivedAtMs } = finding;
      const keys = keysOf(rule.name, log, group);
      if (finding.raises) {
        const alert = this.#alertOf(finding, finding.raises);
        if (!this.#alerts.has(alert.id) && !changed.has(alert.id)) changed.set(alert.id, alert);
        for (const key of keys) newest.set(key, alert.id);
        continue;
      }
      const id = keys.map((key) => newest.get(key) ?? this.#newest.get(key)).find((one) => one !== undefined);
      const known = id === undefined ? undefined : (changed.get(id) ?? this.#alerts.get(id));
      if (known && leafIndex > known.lastLeaf) changed.set(known.id, oneMore(known, leafIndex, receivedAtMs, finding.actors));
    }
    const dropped = this.#dropped(changed);
    this.#commit({ put: [...changed.values()].map((alert) => this.#row(alert)), deleted: dropped, cursors: [cursor] });
    for (const alert of changed.values()) this.#hold(alert);
    for (const id of dropped) this.#alerts.delete(id);
  }

  /** The event is in `_system`. */
  told(id: string, leaf: number): void {
    const alert = this.#alerts.get(id);
    if (alert && alert.toldLeaf === undefined) this.#put({ ...alert, toldLeaf: leaf });
  }

  /** `_system` tells of an alert. @param isLost what it told of before is not in the book: one that is not there was lost, and not forgotten */
  learnRaised(record: JsonObject, leaf: number, isLost: boolean): void {
    const alert = alertOfEvent(record, leaf);
    if (!alert) return;
    if (this.#alerts.has(alert.id)) this.told(alert.id, leaf);
    else if (isLost && this.#alerts.size < this.#max) this.#put(alert);
  }

  /** @returns the alert as it is now; undefined where there is none */
  acknowledge(id: string, acknowledged: NonNullable<Alert['acknowledged']>): Alert | undefined {
    const alert = this.#alerts.get(id);
    if (!alert) return undefined;
    const now = { ...alert, acknowledged: { ...acknowledged, ...alert.acknowledged } };
    this.#put(now);
    return now;
  }

  /** `_system` tells who has dealt with an alert; why stands there as the policy left it. */
  learnAcknowledged(record: JsonObject, leaf: number, receivedAtMs: number): Alert | undefined {
    const { outcome, targets, actor, purpose, metadata } = record;
    const target = Array.isArray(targets) ? targets.find((one) => isJsonObject(one) && one['type'] === 'alert') : undefined;
    const id = isJsonObject(target) ? target['id'] : undefined;
    if (outcome !== 'success' || typeof id !== 'string' || this.#alerts.get(id)?.acknowledged?.leaf !== undefined) return undefined;
    const reference = isJsonObject(metadata) ? metadata['reference'] : undefined;
    return this.acknowledge(id, {
      by: isJsonObject(actor) && typeof actor['id'] === 'string' ? actor['id'] : '',
      atMs: receivedAtMs,
      leaf,
      ...(typeof purpose === 'string' ? { purpose } : {}),
      ...(typeof reference === 'string' ? { reference } : {}),
    });
  }

  /**
   * Forgets what was removed: leaves, groups that such a leaf or token named, alerts of which nothing is left. Nothing of it is on the disk when it
   * returns.
   * @returns those that are gone or without their group now, as they were: nothing is counted on them any more
   * @throws VeiltrailError `storage_busy`: call it again
   */
  forget(gone: GoneRecords): Alert[] {
    const changed: Alert[] = [];
    const deleted: string[] = [];
    const ended: Alert[] = [];
    for (const alert of this.#alerts.values()) {
      const now = withoutGone(alert, gone);
      if (now === undefined) deleted.push(alert.id);
      else if (now !== alert) changed.push(now.group === alert.group ? now : { ...now, quietUntilMs: 0 });
      if (now?.group !== alert.group) ended.push(alert);
    }
    if (changed.length + deleted.length > 0) this.#commit({ put: changed.map((alert) => this.#row(alert)), deleted });
    for (const alert of changed) this.#hold(alert);
    for (const id of deleted) this.#alerts.delete(id);
    // Groups that are gone are in its keys.
    this.#newest.clear();
    for (const alert of this.#alerts.values()) this.#noteNewest(alert);
    this.#store.scrub();
    return ended;
  }

  /** By severity. */
  openCounts(): Map<AlertSeverity, number> {
    const counts = new Map<AlertSeverity, number>();
    for (const { severity, acknowledged } of this.#alerts.values()) if (!acknowledged) counts.set(severity, (counts.get(severity) ?? 0) + 1);
    return counts;
  }

  close(): void {
    this.#store.close();
  }

  #alertOf({ rule, log, group, leafIndex, receivedAtMs, actors }: Finding, { leaves, sinceMs }: NonNullable<Finding['raises']>): Alert {
    return {
      id: this.idOf(rule.name, log, leafIndex),
      rule: rule.name,
      severity: rule.severity,
      log,
      leaves: leaves.slice(0, leavesMax),
      count: leaves.length,
      lastLeaf: leafIndex,
      sinceMs,
      raisedMs: receivedAtMs,
      lastMs: receivedAtMs,
      quietUntilMs: rule.quietMs > 0 ? receivedAtMs + rule.quietMs : 0,
      ...(rule.by === undefined ? {} : { by: rule.by }),
      group,
      actors: actors.slice(0, actorsMax),
    };
  }

  /** What goes to make room: never what nobody was told of. */
  #dropped(added: ReadonlyMap<string, Alert>): string[] {
    let over = this.#alerts.size - this.#max;
    for (const id of added.keys()) if (!this.#alerts.has(id)) over++;
    if (over <= 0) return [];
    const able = [...this.#alerts.values()].filter(({ id, toldLeaf }) => toldLeaf !== undefined && !added.has(id));
    const first = able.filter(({ acknowledged }) => acknowledged);
    return [...first, ...able.filter(({ acknowledged }) => !acknowledged)].slice(0, over).map(({ id }) => id);
  }

  #put(alert: Alert): void {
    this.#commit({ put: [this.#row(alert)] });
    this.#hold(alert);
  }

  #commit(change: AlertChange): void {
    this.#store.commit(change);
  }

  #row(alert: Alert): AlertRow {
    return { id: alert.id, sealed: this.#sealer.seal(JSON.stringify(alert)) };
  }

  #hold(alert: Alert): void {
    this.#alerts.set(alert.id, alert);
    this.#noteNewest(alert);
  }

  #noteNewest(alert: Alert): void {
    for (const key of keysOf(alert.rule, alert.log, alert.group)) {
      const known = this.#alerts.get(this.#newest.get(key) ?? '');
      if (!known || known.raisedMs <= alert.raisedMs) this.#newest.set(key, alert.id);
    }
    if (this.#newest.size > 4 * this.#max) this.#forgetKeys();
  }

  #forgetKeys(): void {
    for (const [key, id] of this.#newest) if (!this.#alerts.has(id)) this.#newest.delete(key);
  }
}

/** The group's own, and that of all groups of the rule in that log: for what came when the rule had raised too many already. */
function keysOf(rule: string, log: string, group: string): string[] {
  return [`${rule}\n${log}\n${group}`, `${rule}\n${log}`];
}

function oneMore(alert: Alert, leafIndex: number, receivedAtMs: number, actors: readonly string[]): Alert {
  return {
    ...alert,
    count: alert.count + 1,
    lastLeaf: leafIndex,
    lastMs: receivedAtMs,
    leaves: alert.leaves.length < leavesMax ? [...alert.leaves, leafIndex] : alert.leaves,
    actors: [...new Set([...alert.actors, ...actors])].slice(0, actorsMax),
  };
}

/**
 * What is left of an alert, or of what is to be one.
 * @returns the same where nothing of it is gone, undefined where nothing is left
 */
export function withoutGone<T extends Pick<Alert, 'log' | 'group' | 'leaves'>>(
  alert: T,
  { log, isRemoved, isRedacted, tokens }: GoneRecords,
): T | undefined {
  const named = tokens.some((token) => alert.group.includes(token));
  const removed = alert.log === log && alert.leaves.some(isRemoved);
  const redacted = alert.log === log && alert.group !== '' && alert.leaves.some(isRedacted);
  if (!named && !removed && !redacted) return alert;
  const leaves = alert.log === log ? alert.leaves.filter((leaf) => !isRemoved(leaf)) : alert.leaves;
  if (leaves.length === 0) return undefined;
  // Which of the records the group was read from is not known any more: it goes with any of them.
  return { ...alert, leaves, group: '' };
}
