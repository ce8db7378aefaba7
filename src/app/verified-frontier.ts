/**
 * How far a log is in order without a gap, while ranges of it are verified in any order: what a later run may skip. A range with a problem, or with
 * something in it that only the whole log can account for, ends it.
 */
export class VerifiedFrontier {
  readonly #done = new Map<number, number>();
  readonly #onAdvance: ((to: number) => void) | undefined;
  #to: number;
  #ended = false;

  constructor(from: number, onAdvance?: (to: number) => void) {
    this.#to = from;
    this.#onAdvance = onAdvance;
  }

  /** Leaves from `firstLeaf` up to, not including, `endLeaf` are verified. */
  add(firstLeaf: number, endLeaf: number, inOrder: boolean): void {
    this.#done.set(firstLeaf, inOrder ? endLeaf : -1);
    const before = this.#to;
    for (let end = this.#done.get(this.#to); end !== undefined && !this.#ended; end = this.#done.get(this.#to)) {
      this.#done.delete(this.#to);
      if (end < 0) this.#ended = true;
      else this.#to = end;
    }
    if (this.#to > before) this.#onAdvance?.(this.#to);
  }
}
