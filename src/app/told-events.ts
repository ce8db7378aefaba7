/** Counts what the server told of in `_system` since it started, for whoever watches it: by action, outcome and severity. */
import { isJsonObject, type JsonObject } from '../core/json.ts';

export interface ToldCount {
  action: string;
  outcome: string;
  /** 1 to 5, or empty. */
  severity: string;
  /** Of gathered events, how many they tell of. */
  count: number;
}

/** Far more than there are actions: nothing that is counted has no end. */
const kindsMax = 1_000;

export class ToldEvents {
  readonly #counts = new Map<string, ToldCount>();

  /** Events as they were appended: their actions are names of ours, and nobody else's. */
  note(events: readonly JsonObject[]): void {
    for (const { action, outcome, severity, metadata } of events) {
      const told = { action: textOf(action), outcome: textOf(outcome), severity: textOf(severity) };
      const key = `${told.action} ${told.outcome} ${told.severity}`;
      const gathered = isJsonObject(metadata) && told.action === 'auth.fail' ? metadata['count'] : undefined;
      const count = typeof gathered === 'number' ? gathered : 1;
      const known = this.#counts.get(key);
      if (known) known.count += count;
      else if (this.#counts.size < kindsMax) this.#counts.set(key, { ...told, count });
    }
  }

  get counts(): ToldCount[] {
    return [...this.#counts.values()];
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
