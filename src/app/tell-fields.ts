/** Events of `_system` that tell of fields: of new ones, many at a time, and of each one that somebody classified. Paths and types, never a value. */
import type { JsonObject } from '../core/json.ts';
import type { SettledCounts } from '../pipeline/worker.ts';
import { actorIdOf } from './access-event.ts';
import type { Classification, FieldRegistry } from './field-registry.ts';

/** Fields that one event spells out. */
const fieldsEach = 200;
/** New fields come in flocks: this long they are gathered. */
const gatherMs = 500;

export class FieldTeller {
  readonly #registry: FieldRegistry;
  readonly #append: (event: JsonObject) => Promise<unknown>;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();

  /** @param append durable when it resolves */
  constructor(registry: FieldRegistry, append: (event: JsonObject) => Promise<unknown>) {
    this.#registry = registry;
    this.#append = append;
  }

  /** There may be something to tell. What cannot be told now is told with the next one, or at the next start. */
  soon(): void {
    this.#timer ??= setTimeout(() => void this.now().catch(() => undefined), gatherMs).unref();
  }

  /** Tells of all there is. @throws VeiltrailError what appending throws */
  async now(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const telling = this.#last.catch(() => undefined).then(() => this.#tell());
    this.#last = telling;
    await telling;
  }

  async #tell(): Promise<void> {
    const byLog = Map.groupBy(this.#registry.untold(), ({ log }) => log);
    for (const [log, fields] of byLog) {
      for (let at = 0; at < fields.length; at += fieldsEach) {
        const some = fields.slice(at, at + fieldsEach);
        const unknown = some.filter(({ settledBy }) => settledBy === 'unknown').length;
        await this.#append({
          source: 'veiltrail',
          action: 'field.new',
          category: 'config_change',
          crud: 'c',
          outcome: 'success',
          severity: unknown > 0 ? 3 : 1,
          actor: { type: 'system', id: 'veiltrail' },
          targets: [{ type: 'log', id: log }],
          message: `${some.length} new fields, ${unknown} of them unknown to the policy`,
          changes: some.map(({ path, types, settledBy }) => ({ field: path, before: null, after: types.join(' or '), settledBy })),
        });
        // A crash before this line tells of them again.
        this.#registry.told(some);
      }
    }
  }
}

/** The event that says who classified a field as what, and what became of the values that were withheld. */
export function classificationEvent({ path, log, as, by, why, at, request }: Classification, values: SettledCounts): JsonObject {
  return {
    source: 'veiltrail',
    action: 'field.classify',
    category: 'config_change',
    crud: 'u',
    outcome: 'success',
    severity: as === 'keep' || as === 'scan' ? 4 : 2,
    actor: { type: 'user', id: actorIdOf(by) },
    targets: [{ type: 'field', id: path }],
    message: `${log === '' ? 'all logs' : `log ${log}`}: the field is ${as} from now on`,
    changes: [{ field: path, before: null, after: as }],
    metadata: {
      ...(log === '' ? {} : { log }),
      classifiedAt: at,
      ...(why === undefined ? {} : { why }),
      ...(request === undefined ? {} : { request }),
      values: { readable: values.itself, replaced: values.text, destroyed: values.nothing },
    },
  };
}
