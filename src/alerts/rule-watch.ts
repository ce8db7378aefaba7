/**
 * Rules over the records of logs, one record after the other: what is found, and when that is an alert. Nothing here is durable: after a start the
 * records of the longest window are read again, with the same outcome, because only leaves and times of receipt count (a sender's own time may
 * be any). For each log apart, since nothing orders records of two logs.
 *
 * The memory is bounded: a group keeps as many leaves as its rule counts, and of all groups of a rule those go first that were seen longest ago.
 */
import { createMatcher, type Matcher } from '../search/match.ts';
import { parseQuery } from '../search/query.ts';
import { textOfJson, valuesAt } from './record-fields.ts';
import { type AlertRule, isOfLog } from './rule.ts';

/** A record as rules see it. */
export interface WatchedRecord {
  leafIndex: number;
  receivedAtMs: number;
  /** See `search/searchable-form.ts`. */
  searchable: Uint8Array;
}

/** What a record led to: an alert, or one more for an alert that was raised a moment ago. */
export interface Finding {
  rule: AlertRule;
  log: string;
  /** Canonical JSON of the value at the rule's `by`; empty where there is none. */
  group: string;
  /** The one that decided. */
  leafIndex: number;
  receivedAtMs: number;
  /** Who made it happen, where it is a log of the server's own: principals as its events name them. */
  actors: readonly string[];
  /** Of an alert: the leaves that it is about, ascending, and when the first of them was received. */
  raises?: { leaves: number[]; sinceMs: number };
}

type Reached = { leaves: number[]; sinceMs: number; actors: string[] };

/** An alert that keeps its group quiet until then. */
export interface Quiet {
  rule: string;
  log: string;
  group: string;
  untilMs: number;
}

export interface RuleWatchOptions {
  /** Groups of one rule [10,000], leaves of all groups together [200,000]. */
  groupsMax?: number;
  leavesMax?: number;
  /** Told, by rule, when groups that still counted were forgotten. */
  onForgotten?: (rule: AlertRule) => void;
  /** Told when a rule raised as many alerts within a minute as anybody would read: what it finds besides is counted on the last one. */
  onTooMany?: (rule: AlertRule) => void;
}

/** Alerts of one rule within a minute of receipt. */
const raisesEach = 100;

/** Longer values of a group are known by their beginning. */
const groupUnitsMax = 1_024;

/** The newest leaves of one group, as many as the rule counts. */
interface Window {
  log: string;
  group: string;
  /** A ring: `at` is the oldest once it is full. */
  leaves: number[];
  times: number[];
  /** Empty where nobody is known. */
  actors: string[];
  at: number;
}

const actorPointer = '/actor/id';

interface LogRules {
  rules: readonly AlertRule[];
  match: Matcher;
}

export class RuleWatch {
  readonly #rules: readonly AlertRule[];
  readonly #groupsMax: number;
  readonly #leavesMax: number;
  readonly #onForgotten: (rule: AlertRule) => void;
  readonly #onTooMany: (rule: AlertRule) => void;
  readonly #raises = new Map<string, { minute: number; count: number }>();
  readonly #ofLogs = new Map<string, LogRules>();
  /** By rule; those used last come last. */
  readonly #windows = new Map<string, Map<string, Window>>();
  readonly #quiet = new Map<string, number>();
  #leaves = 0;

  /** @throws VeiltrailError `query_syntax`, `query_too_complex` */
  constructor(rules: readonly AlertRule[], options: RuleWatchOptions = {}) {
    const { groupsMax = 10_000, leavesMax = 200_000, onForgotten = () => undefined, onTooMany = () => undefined } = options;
    for (const { q } of rules) parseQuery(q);
    this.#rules = rules;
    this.#groupsMax = groupsMax;
    this.#leavesMax = leavesMax;
    this.#onForgotten = onForgotten;
    this.#onTooMany = onTooMany;
  }

  isWatched(log: string): boolean {
    return this.#rules.some((rule) => isOfLog(rule, log));
  }

  /** The longest time that a rule of this log counts within. */
  longestMs(log: string): number {
    return Math.max(0, ...this.#rules.filter((rule) => isOfLog(rule, log)).map(({ withinMs }) => withinMs));
  }

  /** Rules of a log that are true of a record. @throws VeiltrailError `bad_record` */
  matching(log: string, searchable: Uint8Array): AlertRule[] {
    const { rules, match } = this.#rulesOf(log);
    if (rules.length === 0) return [];
    const found = match(searchable);
    return rules.filter((_, i) => found[i]);
  }

  /**
   * Takes the next record of a log.
   * @param rules those that are true of it
   * @param counts only: what it led to is known already
   */
  take(log: string, record: WatchedRecord, rules: readonly AlertRule[], counts = false): Finding[] {
    if (rules.length === 0) return [];
    const { leafIndex, receivedAtMs } = record;
    const isOwn = log.startsWith('_');
    const values = valuesAt(record.searchable, [...(isOwn ? [actorPointer] : []), ...rules.flatMap(({ by }) => by ?? [])]);
    const actor = isOwn ? textOfJson(values.get(actorPointer) ?? '""') : '';
    return rules.flatMap((rule) => {
      const group = rule.by === undefined ? '' : (values.get(rule.by) ?? '').slice(0, groupUnitsMax);
      const reached = this.#count(rule, { log, group, actor, leafIndex, ms: receivedAtMs });
      if (counts) return [];
      const finding: Finding = { rule, log, group, leafIndex, receivedAtMs, actors: actor === '' ? [] : [actor] };
      if (this.#isQuiet(rule, log, group, receivedAtMs)) return [finding];
      if (!reached) return [];
      if (!this.#mayRaise(rule, receivedAtMs)) return [finding];
      if (rule.quietMs > 0) this.keepQuiet({ rule: rule.name, log, group, untilMs: receivedAtMs + rule.quietMs });
      const { actors, ...raises } = reached;
      return [{ ...finding, actors, raises }];
    });
  }

  /** An alert was raised. */
  keepQuiet({ rule, log, group, untilMs }: Quiet): void {
    const key = quietKey(rule, log, group);
    this.#quiet.delete(key);
    this.#quiet.set(key, untilMs);
    if (this.#quiet.size > this.#groupsMax) this.#quiet.delete(this.#quiet.keys().next().value as string);
  }

  /** Somebody has dealt with what was found: what comes now is new. */
  endQuiet({ rule, log, group }: Omit<Quiet, 'untilMs'>): void {
    this.#quiet.delete(quietKey(rule, log, group));
  }

  /** An alert is gone that findings were counted on: what comes now is raised, however many its rule has raised this minute. */
  endCount(alert: Omit<Quiet, 'untilMs'>): void {
    this.endQuiet(alert);
    this.#raises.delete(alert.rule);
  }

  /** Forgets groups of a log that hold one of these leaves, or a text. */
  forget(log: string, isGone: (leafIndex: number) => boolean, texts: readonly string[]): void {
    for (const windows of this.#windows.values()) {
      for (const [key, window] of windows) {
        const bears = texts.some((text) => window.group.includes(text));
        if (!bears && (window.log !== log || !window.leaves.some(isGone))) continue;
        this.#drop(windows, key, window);
        const left = bears ? [] : entriesOf(window).filter(({ leaf }) => !isGone(leaf));
        if (left.length === 0) continue;
        const kept = { leaves: left.map(({ leaf }) => leaf), times: left.map(({ ms }) => ms), actors: left.map(({ actor }) => actor) };
        windows.set(key, { ...window, ...kept, at: 0 });
        this.#leaves += left.length;
      }
    }
    for (const key of this.#quiet.keys()) if (texts.some((text) => key.includes(text))) this.#quiet.delete(key);
  }

  #rulesOf(log: string): LogRules {
    const known = this.#ofLogs.get(log);
    if (known) return known;
    const rules = this.#rules.filter((rule) => isOfLog(rule, log));
    const made = { rules, match: createMatcher(rules.map(({ q }) => parseQuery(q))) };
    this.#ofLogs.set(log, made);
    return made;
  }

  #mayRaise(rule: AlertRule, ms: number): boolean {
    const minute = Math.floor(ms / 60_000);
    const known = this.#raises.get(rule.name);
    const count = (known?.minute === minute ? known.count : 0) + 1;
    this.#raises.set(rule.name, { minute, count });
    if (count > raisesEach) this.#onTooMany(rule);
    return count <= raisesEach;
  }

  #isQuiet(rule: AlertRule, log: string, group: string, nowMs: number): boolean {
    const key = quietKey(rule.name, log, group);
    const untilMs = this.#quiet.get(key);
    if (untilMs === undefined) return false;
    if (nowMs < untilMs) return true;
    this.#quiet.delete(key);
    return false;
  }

  /** @returns what the alert would be about, where there are enough now */
  #count(rule: AlertRule, { log, group, actor, leafIndex, ms }: Seen): Reached | undefined {
    if (rule.count === 1) return { leaves: [leafIndex], sinceMs: ms, actors: actor === '' ? [] : [actor] };
    const windows = this.#windows.get(rule.name) ?? new Map<string, Window>();
    this.#windows.set(rule.name, windows);
    const key = `${log}\n${group}`;
    const window = windows.get(key) ?? { log, group, leaves: [], times: [], actors: [], at: 0 };
    windows.delete(key);
    windows.set(key, window);
    if (window.leaves.length < rule.count) {
      window.leaves.push(leafIndex);
      window.times.push(ms);
      window.actors.push(actor);
      this.#leaves++;
      this.#bound(rule, windows, ms);
    } else {
      window.leaves[window.at] = leafIndex;
      window.times[window.at] = ms;
      window.actors[window.at] = actor;
      window.at = (window.at + 1) % rule.count;
    }
    const sinceMs = window.times[window.at] as number;
    if (window.leaves.length < rule.count || ms - sinceMs > rule.withinMs) return undefined;
    const actors = [...new Set(window.actors)].filter((one) => one !== '');
    return { leaves: window.leaves.toSorted((a, b) => a - b), sinceMs, actors };
  }

  /** Of more groups than there is room for, those seen longest ago are forgotten; whether any of them still counted is told. */
  #bound(rule: AlertRule, windows: Map<string, Window>, nowMs: number): void {
    while (windows.size > this.#groupsMax || (this.#leaves > this.#leavesMax && windows.size > 1)) {
      const [key, oldest] = windows.entries().next().value as [string, Window];
      this.#drop(windows, key, oldest);
      if (nowMs - Math.max(...oldest.times) <= rule.withinMs) this.#onForgotten(rule);
    }
  }

  #drop(windows: Map<string, Window>, key: string, { leaves }: Window): void {
    windows.delete(key);
    this.#leaves -= leaves.length;
  }
}

/** One record, for one rule. */
interface Seen {
  log: string;
  group: string;
  actor: string;
  leafIndex: number;
  ms: number;
}

/** Oldest first. */
function entriesOf({ leaves, times, actors }: Window): { leaf: number; ms: number; actor: string }[] {
  return leaves.map((leaf, i) => ({ leaf, ms: times[i] as number, actor: actors[i] as string })).toSorted((a, b) => a.leaf - b.leaf);
}

function quietKey(rule: string, log: string, group: string): string {
  return `${rule}\n${log}\n${group}`;
}
