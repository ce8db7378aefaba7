/**
 * Silence of whoever has a log that is watched. Once it is nobody's fault; but it must not be the way to keep a watch from finding something: so for long,
 * or of a part only, it is an alarm.
 */
import { VeiltrailError } from '../core/errors.ts';

/** Passes in which a signed checkpoint is shown, and not the tiles under it. Between two of them a server is restarted once, and not each time. */
export const withheldPassesMax = 3;
/** Nothing could be verified for so long. */
export const silentMsMax = 15 * 60_000;
/** Checkpoints that are remembered until they can be compared: the first ones. */
const shownMax = 8;

/** Of one log. It ends with a pass that could read all it needed, not with one that got further than the last. */
export class Silence {
  #sinceMs: number | undefined;
  #withheld = 0;
  readonly #shown: string[] = [];

  /** Checkpoints that the log showed, signed, and that were compared with nothing yet: it must have grown from them, too. */
  get shown(): readonly string[] {
    return this.#shown;
  }

  /**
   * Takes a pass that came to nothing.
   * @param error what `verifyLog` threw
   * @param atMs of a clock that is never set back
   * @returns what is an alarm by now: `tiles_withheld`, `log_away`
   */
  note({ message, detail: { checkpoint } }: VeiltrailError, atMs: number): VeiltrailError | undefined {
    this.#sinceMs ??= atMs;
    if (typeof checkpoint === 'string') {
      this.#withheld++;
      if (!this.#shown.includes(checkpoint) && this.#shown.length < shownMax) this.#shown.push(checkpoint);
    }
    const where = 'log';
    if (this.#withheld >= withheldPassesMax) {
      return new VeiltrailError('tiles_withheld', `a signed checkpoint is shown, and for ${this.#withheld} passes not what is under it: ${message}`, {
        where,
      });
    }
    if (atMs - this.#sinceMs < silentMsMax) return undefined;
    const minutes = Math.floor((atMs - this.#sinceMs) / 60_000);
    return new VeiltrailError('log_away', `nothing of the log could be verified for ${minutes} minutes: ${message}`, { where });
  }

  /** Takes a pass that has a report. */
  end({ ok }: { ok: boolean }): void {
    this.#sinceMs = undefined;
    this.#withheld = 0;
    if (ok) this.#shown.length = 0;
  }
}

/** What silence that is an alarm is called; nothing was read, so nothing need rest. */
export const silenceCodes: ReadonlySet<string> = new Set(['tiles_withheld', 'log_away']);
