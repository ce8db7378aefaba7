/** Undoes what was opened, the last first. */
export class Undo {
  readonly #steps: (() => unknown)[] = [];

  push(step: () => unknown): void {
    this.#steps.push(step);
  }

  async run(): Promise<void> {
    await this.runBut(0);
  }

  /** All but the first `kept` that were pushed. */
  async runBut(kept: number): Promise<void> {
    while (this.#steps.length > kept) await this.#steps.pop()?.();
  }
}
