/**
 * The one error class of the project. `code` is stable (scripts and clients match on it), `message` is for people,
 * and neither ever repeats what a sender sent: they name a path, an offset, a limit.
 */
export class VeiltrailError extends Error {
  readonly code: string;
  /** Facts that help to act on it: numbers and our own names only, never content. */
  readonly detail: Readonly<Record<string, string | number | boolean>>;

  constructor(code: string, message: string, detail: Record<string, string | number | boolean> = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'VeiltrailError';
    this.code = code;
    this.detail = detail;
  }
}

/** Asserts what only our own mistake could break; what the world does wrong is a {@link VeiltrailError}. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${what}`);
}
