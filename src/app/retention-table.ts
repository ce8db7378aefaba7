/**
 * How long records are kept: the retention table, `retention.yaml`.
 *
 * ```yaml
 * version: 1
 * rules:                          # the first rule that fits a record decides; one that no rule fits is kept
 *   - name: logins                # names the retention class
 *     log: [default, payments]    # a log or several [every log but the server's own]
 *     category: authentication    # a category or several [all]
 *     keep: 90 days               # days, weeks, months or years since `receivedAt`, or forever
 *     basis: GDPR art. 5(1)(e)    # why so long: a law, a contract
 *     then: expire                # what happens then: the record goes, its entry stays [expire]
 * ```
 * The server's own logs (`_…`) are meant only where a rule names them. A tombstone is kept whatever the rules say: it accounts for what is gone.
 */
import { isMap, isScalar, isSeq, LineCounter, type Node } from 'yaml';
import { VeiltrailError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { categories } from '../event/audit-event.ts';
import { readYaml } from '../privacy/yaml-text.ts';

export const retentionUnits = ['days', 'weeks', 'months', 'years'] as const;
export type RetentionUnit = (typeof retentionUnits)[number];

/** How long: so many units of the calendar (UTC), or without end. */
export type Keep = { count: number; unit: RetentionUnit } | 'forever';

export interface RetentionRule {
  /** Lower-case letters, digits and hyphens: also the name of the class. */
  name: string;
  /** Absent: every log but the server's own. */
  logs?: readonly string[];
  /** Absent: all, and records without one. */
  categories?: readonly string[];
  keep: Keep;
  /** The legal basis, in the words of whoever wrote the table. */
  basis: string;
}

export interface RetentionTable {
  rules: readonly RetentionRule[];
}

/** What the table has to know of a record. */
export interface RetainedRecord {
  log: string;
  category?: string | undefined;
  /** Whether it accounts for a removal. */
  isTombstone?: boolean;
}

/** The class of records that no rule lets go. */
export const keptClass = 'kept';

const textUnitsMax = 262_144;
const rulesMax = 200;
const namesMax = 200;
const countMax = 36_500;
const basisMax = 300;
const problemsShown = 10;
const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const logPattern = /^[a-z0-9_][a-z0-9_-]{0,63}$/;
const keepPattern = /^([1-9]\d{0,4}) (day|week|month|year)s?$/;
const dayMs = 86_400_000;

/** The JSON Schema (2020-12) of a table, for editors: docs/reference/retention.schema.json. */
export function retentionSchema(): JsonObject {
  const orSeveral = (items: JsonObject, description: string): JsonObject => ({
    description,
    anyOf: [items, { type: 'array', items, minItems: 1, maxItems: namesMax }],
  });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'veiltrail retention table',
    type: 'object',
    required: ['version', 'rules'],
    additionalProperties: false,
    properties: {
      version: { const: 1 },
      rules: {
        description: 'The first rule that fits a record decides; what no rule fits is kept',
        type: 'array',
        maxItems: rulesMax,
        items: {
          type: 'object',
          required: ['name', 'keep', 'basis'],
          additionalProperties: false,
          properties: {
            name: { description: 'Of the retention class', type: 'string', pattern: namePattern.source, not: { const: keptClass } },
            log: orSeveral({ type: 'string', pattern: logPattern.source }, "A log or several [every log but the server's own]"),
            category: orSeveral({ enum: [...categories] }, 'A category or several [all]'),
            keep: {
              description: 'Since it was received: so many days, weeks, months or years, or forever',
              type: 'string',
              pattern: `${keepPattern.source}|^forever$`,
            },
            basis: { description: 'On what grounds: a law, a contract', type: 'string', minLength: 1, maxLength: basisMax },
            // oxlint-disable-next-line no-thenable -- it is the table's word, and nobody awaits a schema
            then: { description: 'What happens then: the record goes, its entry stays', const: 'expire' },
          },
        },
      },
    },
  };
}

/**
 * Reads a table.
 * @param file what to call it in messages, which quote the table and nothing else
 * @throws VeiltrailError `retention_invalid`, which names file, line and what would be right; `detail.problems` is their number
 */
export function parseRetention(text: string, file = 'retention.yaml'): RetentionTable {
  if (text.length > textUnitsMax) throw new VeiltrailError('retention_invalid', `${file}: a retention table has at most ${textUnitsMax} characters`);
  const lines = new LineCounter();
  const document = readYaml(text, lines);
  const reader = new TableReader(file, lines);
  for (const { offset, message } of document.errors) reader.report(offset, message);
  const rules = document.errors.length === 0 ? reader.table(document.contents) : [];
  reader.throwIfAny();
  return { rules };
}

/** The rule that decides about a record; undefined where none does, and for a tombstone. */
export function ruleOf({ rules }: RetentionTable, { log, category, isTombstone = false }: RetainedRecord): RetentionRule | undefined {
  if (isTombstone) return undefined;
  return rules.find(
    (rule) =>
      (rule.logs === undefined ? !log.startsWith('_') : rule.logs.includes(log)) &&
      (rule.categories === undefined || (category !== undefined && rule.categories.includes(category))),
  );
}

/** The retention class of a record: records of one class go together. {@link keptClass} where none lets it go. */
export function classOf(table: RetentionTable, record: RetainedRecord): string {
  const rule = ruleOf(table, record);
  return rule === undefined || rule.keep === 'forever' ? keptClass : rule.name;
}

/** Records received before this time are due, at a given time; undefined for what is kept without end. */
export function dueBeforeMs(keep: Keep, nowMs: number): number | undefined {
  return keep === 'forever' ? undefined : shift(nowMs, keep, -1);
}

/** When a record that was received then is due; undefined for what is kept without end. */
export function dueAtMs(keep: Keep, receivedAtMs: number): number | undefined {
  return keep === 'forever' ? undefined : shift(receivedAtMs, keep, 1);
}

function shift(ms: number, { count, unit }: Exclude<Keep, 'forever'>, sign: 1 | -1): number {
  if (unit === 'days' || unit === 'weeks') return ms + sign * count * dayMs * (unit === 'weeks' ? 7 : 1);
  const date = new Date(ms);
  const months = date.getUTCMonth() + sign * count * (unit === 'years' ? 12 : 1);
  const day = date.getUTCDate();
  date.setUTCDate(1);
  date.setUTCMonth(months);
  // The 31st of a month that has none is its last day.
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  return date.getTime();
}

/** As the table has it: `90 days`, `1 year`, `forever`. */
export function formatKeep(keep: Keep): string {
  return keep === 'forever' ? 'forever' : `${keep.count} ${keep.count === 1 ? keep.unit.slice(0, -1) : keep.unit}`;
}

/** What becomes of some records under another table. */
export interface RetentionChange {
  log: string;
  category: string;
  before: Keep;
  after: Keep;
  effect: 'shorter' | 'longer';
}

/** `log` of a {@link RetentionChange} that is about logs which neither table names. */
export const otherLogs = '*';
/** `category` of one that is about records of another category, or of none. */
export const otherCategories = '*';

/** For which logs and categories a table keeps records shorter or longer than another: by what the rules mean, however they are written. */
export function diffRetention(before: RetentionTable, after: RetentionTable): RetentionChange[] {
  const all = [...before.rules, ...after.rules];
  const logs = new Set(all.flatMap((rule) => rule.logs ?? []));
  const named = new Set([...categories, ...all.flatMap((rule) => rule.categories ?? [])]);
  const keepOf = (table: RetentionTable, log: string, category: string): Keep =>
    ruleOf(table, { log, category: category === otherCategories ? undefined : category })?.keep ?? 'forever';
  const changes: RetentionChange[] = [];
  for (const log of [...[...logs].toSorted(), otherLogs]) {
    for (const category of [...[...named].toSorted(), otherCategories]) {
      const was = keepOf(before, log, category);
      const is = keepOf(after, log, category);
      const effect = effectOf(was, is);
      if (effect) changes.push({ log, category, before: was, after: is, effect });
    }
  }
  return changes;
}

/** Days from which two durations are compared: the last and the first of every month of four years, a leap year among them. */
const comparedFromMs = Array.from({ length: 48 }, (_, month) => [Date.UTC(2027, month, 1), Date.UTC(2027, month, 0)]).flat();

/** `shorter` where any record would go earlier: a year becomes 365 days. */
function effectOf(was: Keep, is: Keep): RetentionChange['effect'] | undefined {
  if (was === 'forever' || is === 'forever') return was === is ? undefined : was === 'forever' ? 'shorter' : 'longer';
  const differences = comparedFromMs.map((ms) => shift(ms, is, 1) - shift(ms, was, 1));
  if (differences.some((difference) => difference < 0)) return 'shorter';
  return differences.some((difference) => difference > 0) ? 'longer' : undefined;
}

class TableReader {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #problems: { offset: number; message: string }[] = [];

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  report(offset: number, message: string): void {
    this.#problems.push({ offset, message });
  }

  throwIfAny(): void {
    if (this.#problems.length === 0) return;
    const shown = this.#problems.slice(0, problemsShown).map(({ offset, message }) => {
      const { line, col } = this.#lines.linePos(offset);
      return `${this.#file}:${line}:${col}: ${message}`;
    });
    const more = this.#problems.length - shown.length;
    if (more > 0) shown.push(`… and ${more} more`);
    throw new VeiltrailError('retention_invalid', shown.join('\n'), { problems: this.#problems.length });
  }

  table(contents: unknown): RetentionRule[] {
    const members = this.#members(contents, 'the table', ['version', 'rules']);
    const version = members.get('version');
    if (members.size > 0 && this.#scalar(version) !== 1) this.report(this.#at(version ?? contents), 'version must be 1');
    const rules = members.get('rules');
    if (!isSeq(rules)) {
      this.report(this.#at(rules ?? contents), 'rules must be a list');
      return [];
    }
    if (rules.items.length > rulesMax) this.report(this.#at(rules), `at most ${rulesMax} rules`);
    const read = rules.items.slice(0, rulesMax).flatMap((item) => this.#rule(item) ?? []);
    const seen = new Set<string>();
    read.forEach(({ name }, i) => {
      if (seen.has(name)) this.report(this.#at(rules.items[i]), `there are two rules ${name}`);
      seen.add(name);
    });
    return read;
  }

  #rule(item: unknown): RetentionRule | undefined {
    const before = this.#problems.length;
    const members = this.#members(item, 'a rule', ['name', 'log', 'category', 'keep', 'basis', 'then']);
    const name = this.#scalar(members.get('name'));
    if (typeof name !== 'string' || !namePattern.test(name) || name === keptClass) {
      this.report(this.#at(members.get('name') ?? item), `name must be lower-case letters, digits and hyphens, at most 32, and not "${keptClass}"`);
    }
    const logs = this.#names(members.get('log'), (log) => logPattern.test(log), 'log must be the name of a log, or a list of them');
    const named = this.#names(
      members.get('category'),
      (category) => (categories as readonly string[]).includes(category),
      `category must be one of ${categories.join(', ')}, or a list of them`,
    );
    const keep = this.#keep(members.get('keep'), item);
    const basis = this.#scalar(members.get('basis'));
    if (typeof basis !== 'string' || basis.trim() === '' || basis.length > basisMax) {
      this.report(this.#at(members.get('basis') ?? item), `basis must say on what grounds, in at most ${basisMax} characters`);
    }
    const then = members.get('then');
    if (then !== undefined && this.#scalar(then) !== 'expire') this.report(this.#at(then), 'then must be expire');
    if (this.#problems.length > before || keep === undefined) return undefined;
    return {
      name: name as string,
      ...(logs === undefined ? {} : { logs }),
      ...(named === undefined ? {} : { categories: named }),
      keep,
      basis: (basis as string).trim(),
    };
  }

  #keep(node: unknown, rule: unknown): Keep | undefined {
    const text = this.#scalar(node);
    if (text === 'forever') return 'forever';
    const match = typeof text === 'string' ? keepPattern.exec(text) : null;
    const count = Number(match?.[1]);
    if (match && count <= countMax) return { count, unit: `${match[2]}s` as RetentionUnit };
    this.report(this.#at(node ?? rule), `keep must be a number of days, weeks, months or years (at most ${countMax}), such as 90 days, or forever`);
    return undefined;
  }

  #names(node: unknown, isName: (text: string) => boolean, wanted: string): string[] | undefined {
    if (node === undefined) return undefined;
    const items = isSeq(node) ? node.items : [node];
    const names = items.map((item) => this.#scalar(item));
    const good = items.length > 0 && items.length <= namesMax && names.every((one) => typeof one === 'string' && isName(one));
    if (!good) this.report(this.#at(node), wanted);
    return good ? (names as string[]) : undefined;
  }

  /** Members of a mapping, each known. */
  #members(node: unknown, what: string, known: readonly string[]): Map<string, unknown> {
    const members = new Map<string, unknown>();
    if (!isMap(node)) {
      this.report(this.#at(node), `${what} must be a mapping of ${known.join(', ')}`);
      return members;
    }
    for (const { key, value } of node.items) {
      const name = this.#scalar(key);
      if (typeof name === 'string' && known.includes(name)) members.set(name, value);
      else this.report(this.#at(key), `unknown member of ${what}; there are ${known.join(', ')}`);
    }
    return members;
  }

  #scalar(node: unknown): unknown {
    return isScalar(node) ? node.value : undefined;
  }

  #at(node: unknown): number {
    return (node as Node | null | undefined)?.range?.[0] ?? 0;
  }
}
