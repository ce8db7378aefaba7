/** Randomness that a seed decides, so that a run that failed can be run again. */
import { hash } from 'node:crypto';
import type { Random } from '../../src/core/random.ts';

export class SeededRandom implements Random {
  readonly #seed: string;
  #drawn = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  bytes(length: number): Uint8Array {
    return hash('shake256', `${this.#seed} ${this.#drawn++}`, { outputEncoding: 'buffer', outputLength: length });
  }

  /** An integer from 0 up to, not including, `end`. */
  below(end: number): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.bytes(4);
    return ((a * 256 + b) * 256 + c) * 256 + d - Math.floor((((a * 256 + b) * 256 + c) * 256 + d) / end) * end;
  }

  chance(part: number): boolean {
    return this.below(1_000_000) < part * 1_000_000;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}
