/**
 * What detectors report: a kind, a span in UTF-16 units, a confidence. A finding never carries what it found; the internal
 * {@link Candidate} may, where the personal value hides in an encoding and cannot be read from the span.
 */
export interface Finding {
  kind: string;
  /** First UTF-16 unit. */
  start: number;
  /** The unit after the last one. */
  end: number;
  /** 0 … 1. */
  confidence: number;
  /** RFC 6901 pointer to the string, number or key (an object key's finding bears the pointer of its member). */
  pointer?: string;
}

/** A finding on its way: `value` and `canonical` are set where the span's own text is not the personal value (it is encoded). */
export interface Candidate {
  kind: string;
  start: number;
  end: number;
  confidence: number;
  value?: string;
  canonical?: string;
}

/**
 * Sorts candidates and settles overlaps, in the list that is given, so that the union of all spans stays covered: of two overlapping ones the longer wins
 * (the surer, if equally long) and takes in what sticks out of the other. Nothing found is ever uncovered by a merge.
 */
export function mergeCandidates(found: Candidate[]): Candidate[] {
  if (areApart(found)) return found;
  sortByPlace(found);
  let count = 0;
  let last = found[0] as Candidate;
  for (let i = 1; i < found.length; i++) {
    const next = found[i] as Candidate;
    if (next.start >= last.end) {
      found[count++] = last;
      last = next;
    } else if (next.end > last.end) last = joined(last, next);
  }
  found[count++] = last;
  // To set the length is dearer where little is cut off.
  if (found.length - count > insertionMax) found.length = count;
  else while (found.length > count) found.pop();
  return found;
}

/** Lists up to this length are sorted by insertion: no garbage, and most have two elements. */
const insertionMax = 16;

function sortByPlace(found: Candidate[]): void {
  if (found.length > insertionMax) {
    found.sort(compare);
    return;
  }
  for (let i = 1; i < found.length; i++) {
    const one = found[i] as Candidate;
    let at = i;
    for (; at > 0 && compare(found[at - 1] as Candidate, one) > 0; at--) found[at] = found[at - 1] as Candidate;
    found[at] = one;
  }
}

/** Of two equally sure ones the decoded one comes first: it says what is meant (`mаrisol@…` with a Cyrillic letter is `marisol@…`). */
function compare(a: Candidate, b: Candidate): number {
  return a.start - b.start || b.end - a.end || b.confidence - a.confidence || Number(a.canonical === undefined) - Number(b.canonical === undefined);
}

/** Are they in order already, and do no two of them overlap? */
function areApart(found: readonly Candidate[]): boolean {
  for (let i = 1; i < found.length; i++) if ((found[i] as Candidate).start < (found[i - 1] as Candidate).end) return false;
  return true;
}

function joined(left: Candidate, right: Candidate): Candidate {
  const longer = right.end - right.start > left.end - left.start ? right : left;
  return { kind: longer.kind, start: left.start, end: right.end, confidence: Math.max(left.confidence, right.confidence) };
}
