/** From findings and labels to figures: what survives, what is found, what is found in vain. */
import type { Found } from './contestants.ts';
import type { Label, LabelledText, Span } from './data.ts';
import { groupOfLabel, neutralLabels } from './labels.ts';

export interface Score {
  /** How many are labelled. */
  readonly labels: number;
  /** Share of the labelled letters and digits that survive. */
  readonly leak: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly f2: number;
  /** The same where only the very span counts. */
  readonly exact: { readonly precision: number; readonly recall: number; readonly f2: number };
}

/** What is counted on the way to a {@link Score}. */
class Tally {
  labels = 0;
  hit = 0;
  hitExactly = 0;
  characters = 0;
  leaked = 0;
  right = 0;
  rightExactly = 0;
  wrong = 0;

  score(): Score {
    const recall = this.hit / (this.labels || 1);
    const precision = this.right / (this.right + this.wrong || 1);
    const exactRecall = this.hitExactly / (this.labels || 1);
    const exactPrecision = this.rightExactly / (this.right + this.wrong || 1);
    return {
      labels: this.labels,
      leak: this.leaked / (this.characters || 1),
      precision,
      recall,
      f1: weighted(precision, recall, 1),
      f2: weighted(precision, recall, 2),
      exact: { precision: exactPrecision, recall: exactRecall, f2: weighted(exactPrecision, exactRecall, 2) },
    };
  }
}

/** The F score that holds recall `beta` times as important as precision. */
function weighted(precision: number, recall: number, beta: number): number {
  const square = beta * beta;
  return ((1 + square) * precision * recall) / (square * precision + recall || 1);
}

export interface DataScore {
  /** All personal labels as one: whether something personal was found, not as what. */
  readonly binary: Score;
  /** By group, where a finding must be of the label's group. */
  readonly byGroup: ReadonlyMap<string, Score>;
  /** Texts without a personal label; and those of them in which nothing was found. */
  readonly empty: number;
  readonly emptyClean: number;
}

/** @param counts which groups count as personal; findings and labels of others are left out */
export function scoreTexts(texts: readonly LabelledText[], found: readonly (readonly Found[])[], counts: (group: string) => boolean): DataScore {
  const binary = new Tally();
  const byGroup = new Map<string, Tally>();
  const tallyOf = (group: string): Tally => {
    const tally = byGroup.get(group) ?? new Tally();
    byGroup.set(group, tally);
    return tally;
  };
  let empty = 0;
  let emptyClean = 0;
  texts.forEach((text, i) => {
    const findings = (found[i] ?? []).filter(([kind]) => counts(groupOfLabel(kind)));
    const personal = text.labels.filter(({ type }) => !neutralLabels.has(type) && counts(groupOfLabel(type)));
    const unlabelled = [...text.ignored, ...text.labels.filter((label) => !personal.includes(label))];
    if (text.labels.length === 0 && text.ignored.length === 0) {
      empty++;
      if (findings.length === 0) emptyClean++;
    }
    for (const label of personal) tallyLabel(label, text.text, findings, [binary, tallyOf(groupOfLabel(label.type))]);
    for (const one of findings) {
      const group = tallyOf(groupOfLabel(one[0]));
      tallyFinding(one, personal, unlabelled, binary);
      // Within its kind, a person's name that is a company's is wrong; what was left unlabelled stays out of account.
      const own = personal.filter(({ type }) => groupOfLabel(type) === groupOfLabel(one[0]));
      tallyFinding(one, own, text.ignored, group);
    }
  });
  const scores = [...byGroup].map(([group, tally]) => [group, tally.score()] as const).filter(([, { labels }]) => labels > 0);
  return { binary: binary.score(), byGroup: new Map(scores.toSorted(([a], [b]) => (a < b ? -1 : 1))), empty, emptyClean };
}

function tallyLabel(label: Label, text: string, found: readonly Found[], [binary, group]: readonly [Tally, Tally]): void {
  let characters = 0;
  let leaked = 0;
  for (let i = label.start; i < label.end; i++) {
    if (!/[\p{L}\p{N}]/u.test(text[i] as string)) continue;
    characters++;
    if (!found.some(([, start, end, removed]) => removed && start <= i && i < end)) leaked++;
  }
  const own = found.filter(([kind]) => groupOfLabel(kind) === groupOfLabel(label.type));
  for (const [tally, findings] of [
    [binary, found],
    [group, own],
  ] as const) {
    tally.labels++;
    tally.characters += characters;
    tally.leaked += leaked;
    if (findings.some((one) => overlaps(label, span(one)))) tally.hit++;
    if (findings.some(([, start, end]) => start === label.start && end === label.end)) tally.hitExactly++;
  }
}

function tallyFinding(one: Found, labels: readonly Span[], free: readonly Span[], tally: Tally): void {
  const own = span(one);
  if (labels.some((label) => overlaps(label, own))) {
    tally.right++;
    if (labels.some(({ start, end }) => start === own.start && end === own.end)) tally.rightExactly++;
  } else if (!free.some((label) => overlaps(label, own))) tally.wrong++;
}

function span([, start, end]: Found): Span {
  return { start, end };
}

function overlaps(a: Span, b: Span): boolean {
  return a.start < b.end && b.start < a.end;
}
