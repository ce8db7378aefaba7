/** What a verification found wrong: a stable code, the place, a sentence; and the first leaf it concerns, where it concerns leaves. */
export interface Problem {
  code: string;
  /** A file, a leaf, a table row: where someone would look. */
  where: string;
  message: string;
  leafIndex?: number;
}

/** Takes problems as they are found, and keeps those of the first leaves of each code: a broken disk must not fill the memory with its description. */
export class Problems {
  static readonly #keptMax = 20;
  readonly #kept = new Map<string, Problem[]>();
  #count = 0;
  #firstBadLeaf: number | undefined;

  add(problem: Problem): void {
    this.#count++;
    const kept = this.#kept.get(problem.code) ?? [];
    this.#kept.set(problem.code, kept);
    kept.push(problem);
    if (kept.length > Problems.#keptMax) kept.splice(lastOf(kept), 1);
    const { leafIndex } = problem;
    if (leafIndex !== undefined && (this.#firstBadLeaf === undefined || leafIndex < this.#firstBadLeaf)) this.#firstBadLeaf = leafIndex;
  }

  /** A problem of something that is come upon several times: told once for its place, of the first leaf. */
  addOnce(problem: Problem): void {
    const { code, where, leafIndex } = problem;
    const known = this.#kept.get(code)?.find((one) => one.where === where);
    if (!known) return this.add(problem);
    if (leafIndex === undefined || leafIndex >= (known.leafIndex ?? Infinity)) return;
    known.leafIndex = leafIndex;
    if (this.#firstBadLeaf === undefined || leafIndex < this.#firstBadLeaf) this.#firstBadLeaf = leafIndex;
  }

  /** How many there were, kept or not. */
  get count(): number {
    return this.#count;
  }

  get firstBadLeaf(): number | null {
    return this.#firstBadLeaf ?? null;
  }

  /** Those kept, by leaf where they have one. */
  list(): Problem[] {
    return [...this.#kept.values()].flat().toSorted((a, b) => (a.leafIndex ?? Infinity) - (b.leafIndex ?? Infinity) || 0);
  }

  merge(other: { list: readonly Problem[]; count: number }): void {
    for (const problem of other.list) this.add(problem);
    this.#count += other.count - other.list.length;
  }
}

/** Where the problem of the last leaf stands; of those without a leaf, the newest. */
function lastOf(problems: readonly Problem[]): number {
  let last = problems.length - 1;
  problems.forEach(({ leafIndex = Infinity }, at) => {
    if (leafIndex > (problems[last]?.leafIndex ?? Infinity)) last = at;
  });
  return last;
}
