/** Timers that go off when a test says so. */
import type { Timers } from '../../src/ledger/batch-queue.ts';

export class ManualTimers implements Timers {
  #due: { ms: number; run: () => void }[] = [];

  after(ms: number, run: () => void): () => void {
    const timer = { ms, run };
    this.#due.push(timer);
    return () => {
      this.#due = this.#due.filter((other) => other !== timer);
    };
  }

  /** How long the ones that wait were to wait. */
  get waiting(): number[] {
    return this.#due.map(({ ms }) => ms);
  }

  fire(): void {
    const due = this.#due;
    this.#due = [];
    for (const { run } of due) run();
  }
}
