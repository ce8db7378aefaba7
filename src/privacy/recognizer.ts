/**
 * The port for a stronger recogniser than what is built in: a model, a dictionary, a service's client that answers at once. What it finds is
 * settled with what the detectors find: overlaps are merged, floors and allow-lists hold.
 */
import type { Detector } from './detectors/detector.ts';

/** What a {@link Recognizer} reports: offsets in UTF-16 units, confidence 0 … 1. */
export interface Recognized {
  readonly kind: string;
  readonly start: number;
  readonly end: number;
  readonly confidence: number;
}

/**
 * Finds personal data in a text. It sees every text that is scanned, decoded ones too, and must answer the same to the same text: what is clean is
 * remembered. The time it takes is added to that of every event.
 *
 * @example
 * const people: Recognizer = (text) => model(text).map(({ from, to, score }) => ({ kind: 'person_name', start: from, end: to, confidence: score }));
 */
export type Recognizer = (text: string) => readonly Recognized[];

/** @throws RangeError while searching, if the recogniser reports a span that is not in the text: the event is then not processed */
export function detectorOf(recognize: Recognizer): Detector {
  return {
    kinds: [],
    gate: -1,
    isForeign: true,
    detect({ text, found }) {
      for (const { kind, start, end, confidence } of recognize(text)) {
        if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= text.length))
          throw new RangeError('a recognizer reported a span that is not in the text');
        found.push({ kind, start, end, confidence });
      }
    },
  };
}
