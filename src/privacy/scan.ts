/**
 * Looking through one text with all detectors, and behind its encodings: the decoded view and hidden runs are looked through in turn,
 * three levels deep. What is found behind an encoding is reported with the span it has in the text itself.
 */
import { canonicalOf, detectors } from './detectors/all.ts';
import type { Detector, ScanContext } from './detectors/detector.ts';
import { numberStarts } from './detectors/number-starts.ts';
import { runsMay } from './detectors/run-glance.ts';
import { labelOfField } from './detectors/vocabulary.ts';
import { labelBefore } from './detectors/vocabulary.ts';
import { type Candidate, mergeCandidates } from './finding.ts';
import { isHexId } from './hex-id.ts';
import { anyStart, hexStarts, NameIndex, digitStarts } from './names.ts';
import { addressConfidence, plainAddress } from './plain-address.ts';
import { type Hidden, hiddenTexts, mayHide } from './runs.ts';
import { runMay } from './runs-code.ts';
import { has, Survey, surveyText } from './survey.ts';
import { isTimeStamp } from './time-stamp.ts';
import { mayLieInOutcome, outcomeSpans } from './transforms.ts';
import { decodeViews, originEnd, originOf, type View } from './views.ts';

const levelsMax = 3;
/** A list that was longer is not kept. */
const scratchMax = 64;
const nothing: readonly Candidate[] = [];

/** A bit that every text has, for detectors that ask for no starts. */
const always = 1 << 30;
/** By detector: flags and starts without any of which it is not asked. */
const gates = Int32Array.from(detectors, ({ gate }) => gate);
const starts = Int32Array.from(detectors, (detector) => detector.starts ?? always);

/** Adds what it finds in a surveyed text. */
type Search = (context: ScanContext) => void;

function detectAll(context: ScanContext): void {
  const { flags, digitRunCount } = context.survey;
  const any = digitRunCount === 0 ? always : numberStarts.of(context.survey).any | always;
  for (let i = 0; i < detectors.length; i++) {
    const detector = detectors[i] as Detector;
    if ((flags & (gates[i] as number)) !== 0 && (any & (starts[i] as number)) !== 0) detector.detect(context);
  }
}

function detectWith(context: ScanContext, custom: readonly Detector[]): void {
  detectAll(context);
  detectOwn(context, custom);
}

function detectOwn(context: ScanContext, custom: readonly Detector[]): void {
  for (const detector of custom) detector.detect(context);
}

export class Scanner {
  /** One context a level, used again and again. */
  readonly #contexts: { text: string; survey: Survey; field: string; found: Candidate[] }[] = [];
  /** Of a text that stands alone. */
  readonly #people = new NameIndex();
  /** Where the next scan collects; handed over only if there is something in it. */
  #scratch: Candidate[] = [];
  readonly #floors: ReadonlyMap<string, number>;
  readonly #detect: Search;
  readonly #custom: readonly Detector[];
  readonly #kept: ReadonlySet<string>;
  /** Is what is found of an address by itself sure enough, and nothing that the policy lets stay? */
  readonly #takesAddresses: boolean;
  /** Does nothing that is called on the way look through texts of its own? */
  readonly #isAlone: boolean;

  /**
   * @param floors the least confidence by kind
   * @param custom detectors of the policy's own kinds
   * @param kept kinds that the policy lets stay: they must not stand for, or take in, anything that has to go
   */
  constructor(floors: ReadonlyMap<string, number>, custom: readonly Detector[] = [], kept: ReadonlySet<string> = new Set()) {
    this.#isAlone = !custom.some(({ isForeign }) => isForeign);
    this.#floors = floors;
    this.#custom = custom;
    this.#kept = kept;
    this.#takesAddresses = (floors.get('ip_address') ?? 0) <= addressConfidence && !kept.has('ip_address');
    this.#detect = custom.length === 0 ? detectAll : (context) => detectWith(context, custom);
  }

  /** What the policy's own kinds find in the digits of a number. */
  scanNumber(value: number, field: string): readonly Candidate[] {
    if (this.#custom.length === 0) return nothing;
    const found: Candidate[] = [];
    const text = String(value);
    this.#search(text, field, (context) => detectOwn(context, this.#custom), found, levelsMax);
    return found.length === 0 ? nothing : this.settle(text, found);
  }

  /** Everything personal in `text`: sorted, not overlapping. `field` is the normalised name of the field, or ''. */
  scan(text: string, field: string): readonly Candidate[] {
    const found = this.#scratch;
    this.layered = false;
    if (this.#custom.length === 0) {
      if (this.#isKnownForm(text) && labelOfField(field) === undefined) return nothing;
      const address = this.#takesAddresses ? plainAddress(text, field) : undefined;
      if (address && labelOfField(field) === undefined) {
        this.starts = digitStarts;
        this.mayHold = false;
        return [address];
      }
    }
    this.starts = anyStart;
    this.#search(text, field, this.#detect, found, 0);
    this.mayHold = this.#mayHoldOutcome(0);
    return found.length === 0 ? nothing : this.settle(text, this.#handOver(), this.mayHold);
  }

  /** Is it of a form in which no detector finds anything? */
  #isKnownForm(text: string): boolean {
    const isTime = isTimeStamp(text);
    if (!isTime && !isHexId(text)) return false;
    this.starts = isTime ? digitStarts : hexStarts;
    this.mayHold = false;
    return true;
  }

  /** By its survey: may the text of this level hold the outcome of a transform? */
  #mayHoldOutcome(level: number): boolean {
    return ((this.#contexts[level] as ScanContext).survey.flags & has.outcome) !== 0;
  }

  /** What was collected, in a list of its own size. */
  #handOver(): Candidate[] {
    const found = this.#scratch.slice();
    if (found.length > scratchMax) this.#scratch = [];
    else while (this.#scratch.length > 0) this.#scratch.pop();
    return found;
  }

  /** Everything personal in a text that stands alone: the people found in it are looked for in the rest of it. */
  scanAll(text: string): readonly Candidate[] {
    const found = this.scan(text, '');
    const people = this.#people;
    for (const { kind, start, end, value } of found) if (NameIndex.knows(kind)) people.meet(kind, value ?? text.slice(start, end));
    if (people.isEmpty) return found;
    const all = this.addNames(text, people, this.layered, found, this.mayHold);
    people.clear();
    return all;
  }

  /** Did the last text that was scanned hold anything encoded? If not, looking for names in it can stay on the surface. */
  layered = false;
  /** What its words begin with at the most (names.ts), and whether it may hold tokens or hashes. */
  starts = anyStart;
  mayHold = true;

  /** `found`, and what `names` knows in `text`; behind encodings too if the text is `layered`. */
  addNames(text: string, names: NameIndex, layered: boolean, found: readonly Candidate[], mayHold = true): readonly Candidate[] {
    const all = this.#scratch;
    if (!layered) names.find(text, all);
    else this.#search(text, '', (context) => names.find(context.text, context.found), all, 0);
    if (all.length === 0) return found;
    for (const one of found) all.push(one);
    return this.settle(text, this.#handOver(), mayHold);
  }

  /**
   * Drops what the policy finds too unsure and what lies within tokens and hashes, then merges.
   * @param mayHold what is known of the text: may it hold tokens or hashes?
   */
  settle(text: string, found: Candidate[], mayHold = true): Candidate[] {
    let sure = found;
    for (const one of found) {
      if (one.confidence >= (this.#floors.get(one.kind) ?? 0.5)) continue;
      sure = found.filter(({ kind, confidence }) => confidence >= (this.#floors.get(kind) ?? 0.5));
      break;
    }
    return this.#merge(mayHold && mayHoldOutcome(text) && anyInOutcome(text, sure) ? outside(sure, outcomeSpans(text)) : sure);
  }

  /** Merges what has to go by itself, and leaves of what stays only what is apart from it. */
  #merge(found: Candidate[]): Candidate[] {
    if (!found.some(({ kind }) => this.#kept.has(kind))) return mergeCandidates(found);
    const staying = mergeCandidates(found.filter(({ kind }) => this.#kept.has(kind)));
    const addresses = staying.flatMap(({ kind, start, end }) => (kind === 'email' ? [start, end] : []));
    // The name that an address is made of stays with the address.
    const names = found.filter(({ kind }) => !this.#kept.has(kind) && isOfAddress(kind));
    const others = found.filter(({ kind }) => !this.#kept.has(kind) && !isOfAddress(kind));
    const going = mergeCandidates([...others, ...(addresses.length === 0 ? names : outside(names, addresses))]);
    let i = 0;
    const apart = staying.filter(({ start, end }) => {
      while (i < going.length && (going[i] as Candidate).end <= start) i++;
      return i === going.length || (going[i] as Candidate).start >= end;
    });
    return mergeCandidates([...going, ...apart]);
  }

  #search(text: string, field: string, search: Search, found: Candidate[], level: number): void {
    const context = (this.#contexts[level] ??= { text, survey: new Survey(this.#isAlone ? level : undefined), field, found });
    const { survey } = context;
    surveyText(text, survey);
    context.text = text;
    context.field = field;
    context.found = found;
    search(context);
    if (level >= levelsMax) return;
    if ((survey.flags & (has.percent | has.ampersand | has.backslash | has.nonAscii | has.bracket | has.mail)) !== 0)
      this.#searchView(text, survey, field, search, found, level);
    const last = (runsMay(survey) & runMay.hideText) === 0 ? 0 : 3 * survey.runCount;
    for (let i = 0; i < last; i += 3) {
      const { runs, units } = survey;
      // Nothing hides in words and paths in lower case, nor in what is short.
      if (!mayHide(runs[i] as number, runs[i + 1] as number, runs[i + 2] as number)) continue;
      const hidden = hiddenTexts(units, runs[i] as number, runs[i + 1] as number, runs[i + 2] as number);
      if (hidden.length === 0) continue;
      this.layered = true;
      this.#searchHidden(hidden, labelOf(text, units, hidden) || field, search, found, level);
    }
  }

  #searchView(text: string, survey: Survey, field: string, search: Search, found: Candidate[], level: number): void {
    for (const view of decodeViews(text, survey)) {
      this.layered = true;
      const inner: Candidate[] = [];
      this.#search(view.text, field, search, inner, level + 1);
      liftFindings(view, inner, found);
    }
  }

  #rank({ kind, confidence }: Candidate): number {
    return this.#kept.has(kind) ? confidence - 1 : confidence;
  }

  /** A run that hides something personal is personal as a whole: the surest of what it hides stands for it. */
  #searchHidden(texts: readonly Hidden[], field: string, search: Search, found: Candidate[], level: number): void {
    for (const hidden of texts) {
      const inner: Candidate[] = [];
      this.#search(hidden.text, field, search, inner, level + 1);
      const settled = inner.length === 0 ? inner : this.settle(hidden.text, inner);
      if (settled.length === 0) continue;
      const best = settled.reduce((a, b) => (this.#rank(b) > this.#rank(a) ? b : a));
      const own = best.value ?? hidden.text.slice(best.start, best.end);
      const whole = settled.length === 1 && own.length >= hidden.text.trim().length;
      // Only a run that hides one value and nothing else correlates with it; any other is a secret of its own.
      const candidate = { kind: best.kind, start: hidden.start, end: hidden.end, confidence: Math.max(best.confidence, 0.5) };
      found.push(
        whole ? { ...candidate, value: own, canonical: best.canonical ?? canonicalOf(best.kind, own) } : { ...candidate, value: hidden.text },
      );
    }
  }
}

/** Without any of these marks nothing in the text is the outcome of a transform. */
function mayHoldOutcome(text: string): boolean {
  return text.includes('_') || text.includes('[') || text.includes('********') || text.includes('sha256:');
}

function anyInOutcome(text: string, found: readonly Candidate[]): boolean {
  for (const { start, end } of found) if (mayLieInOutcome(text, start, end)) return true;
  return false;
}

/** What the text says before a run that hides something, as if it were the name of a field: `BSN: MTIzNDU2Nzgy`. */
function labelOf(text: string, units: Uint8Array, hidden: readonly Hidden[]): string {
  const [first] = hidden;
  return first && hidden.length === 1 ? (labelBefore(text, units, first.start)?.label.phrase ?? '') : '';
}

function isOfAddress(kind: string): boolean {
  return kind === 'username' || kind === 'person_name';
}

/** The candidates that do not lie within one of the ascending spans. */
function outside(found: Candidate[], spans: readonly number[]): Candidate[] {
  found.sort((a, b) => a.start - b.start);
  let i = 0;
  return found.filter(({ start, end }) => {
    while (i < spans.length && (spans[i + 1] as number) <= start) i += 2;
    return !(i < spans.length && start >= (spans[i] as number) && end <= (spans[i + 1] as number));
  });
}

/** Reports what was found in a view with the spans it has in the text. */
function liftFindings(view: View, inner: readonly Candidate[], found: Candidate[]): void {
  for (const { kind, start, end, confidence, value, canonical } of inner) {
    const own = value ?? view.text.slice(start, end);
    const from = originOf(view, start);
    found.push({
      kind,
      start: from,
      end: Math.max(from + 1, originEnd(view, end)),
      confidence,
      value: own,
      canonical: canonical ?? canonicalOf(kind, own),
    });
  }
}
