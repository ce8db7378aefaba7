/** What was missed, or found in vain, with some text around it. */
import { createContestant, type Found } from './contestants.ts';
import { type DataFiles, type LabelledText, readLabelled, type Span } from './data.ts';
import { groupOfLabel, neutralLabels } from './labels.ts';

const shownMax = 200;

/** @param show a label or its group: what was missed; `false` or `false:KIND`: what was found in vain */
export function showTexts(files: DataFiles, show: string): void {
  const { find } = createContestant('veiltrail', '');
  const [what, kind] = show.split(':');
  let shown = 0;
  for (const path of files.labelled) {
    for (const text of readLabelled(path)) {
      const found = find(text.text);
      const spans = what === 'false' ? inVain(text, found, kind) : missed(text, found, show);
      for (const [label, span] of spans) if (shown++ < shownMax) console.log(`${label}: ${around(text.text, span)}`);
    }
  }
  console.log(`${shown} in all`);
}

function missed({ labels }: LabelledText, found: readonly Found[], show: string): (readonly [string, Span])[] {
  return labels
    .filter(({ type }) => type === show || groupOfLabel(type) === show)
    .filter((label) => !found.some(([, start, end]) => start < label.end && label.start < end))
    .map((label) => [label.type, label] as const);
}

function inVain({ labels, ignored }: LabelledText, found: readonly Found[], kind: string | undefined): (readonly [string, Span])[] {
  const free = [...ignored, ...labels.filter(({ type }) => kind === undefined || !neutralLabels.has(type))];
  return found
    .filter(([own]) => kind === undefined || own === kind)
    .filter(([, start, end]) => !free.some((label) => start < label.end && label.start < end))
    .map(([own, start, end]) => [own, { start, end }] as const);
}

function around(text: string, { start, end }: Span): string {
  return `${text.slice(Math.max(0, start - 40), start)}[[${text.slice(start, end)}]]${text.slice(end, end + 30)}`.replaceAll('\n', '⏎');
}
