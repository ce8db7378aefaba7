/** A clock that stands still until the simulation moves it, and timers that go off when it does. */
import type { Clock } from '../../src/core/clock.ts';
import type { Timers } from '../../src/ledger/batch-queue.ts';

export class VirtualTime implements Clock, Timers {
  #nowMs: number;
  #timers: { atMs: number; run: () => void }[] = [];

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on; timers go off in their order. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = untilMs;
  }

  /** The process is gone, and its timers with it. */
  forget(): void {
    this.#timers = [];
  }

  #next(untilMs: number): { atMs: number; run: () => void } | undefined {
    let next: { atMs: number; run: () => void } | undefined;
    for (const timer of this.#timers) if (timer.atMs <= untilMs && timer.atMs < (next?.atMs ?? Infinity)) next = timer;
    return next;
  }
}
