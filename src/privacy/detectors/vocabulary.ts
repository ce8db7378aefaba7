/** All labels of all kinds in one set, and the look for the one that stands before a value, or near it. */
import { isCapital, isDigit, isLetter, isSmall } from '../survey.ts';
import { type Label, LabelSet } from './labels.ts';
import { britishNumbers } from './numbers-british-isles.ts';
import { northAmericanNumbers } from './numbers-north-america.ts';
import { northernEasternNumbers } from './numbers-northern-eastern-europe.ts';
import { personalNumbers } from './numbers-personal.ts';
import { westernNumbers } from './numbers-western-europe.ts';
import { worldNumbers } from './numbers-world.ts';
import type { NumberKind } from './number-kind.ts';

/** How the value behind a label is read. */
export type Reads = 'number' | 'date' | 'age' | 'money' | 'words' | 'address' | 'postcode' | 'coordinate' | 'code' | 'wallet' | 'filler';

/** What a label announces. */
export interface Announced {
  readonly reads: Reads;
  readonly kind: string;
  readonly number?: NumberKind;
}

export const numberKinds: readonly NumberKind[] = [
  ...northAmericanNumbers,
  ...britishNumbers,
  ...westernNumbers,
  ...northernEasternNumbers,
  ...worldNumbers,
  ...personalNumbers,
];

const labels = new LabelSet<Announced>();
for (const number of numberKinds) {
  const announced = { reads: 'number', kind: number.spec.kind, number } as const;
  labels.add(number.labels, announced);
  // `driver's license number` must not be taken for `license number`.
  labels.add(number.labels.replace(/(:?)\s*(?=,|$)/g, ' number$1'), announced);
}

/** Adds the labels of a kind that is no number. */
export function announce(reads: Reads, kind: string, phrases: string): void {
  labels.add(phrases, { reads, kind });
}

announce(
  'filler',
  '',
  'number, numbers, no, nr, num, nbr, numero, nummer, numer, value, is, was, are, be, equals, to, of, the, a, an, ist, lautet, est, es, e, jest, sono, and, on file, on record, verified, provided, entered, given, updated, changed, following, his, her, their, my, your, for, de, der, du, da, do, di, del, code, field, digits, us, uk, eu, card',
);

announce(
  'wallet',
  'ethereum_address',
  'wallet, wallet address, eth, ethereum, ether, erc, metamask, eth address, sender address, recipient address, contract owner',
);

export interface Announcement {
  readonly label: Label<Announced>;
  /** Where the label begins and ends. */
  readonly start: number;
  readonly end: number;
  /** Is there a colon, an equals sign or the like between label and value? */
  readonly marked: boolean;
}

const marksMax = 8;
const blanksMax = 24;
const fillersMax = 4;
const bracketMax = 20;

/** Units that may stand between a label and its value. 2: they mark the word before them as a label. */
const between = new Uint8Array(128);
for (const mark of ' \t\n\r"\'([-*`\\.,;') between[mark.charCodeAt(0)] = 1;
for (const mark of ':=#>|') between[mark.charCodeAt(0)] = 2;

/** By unit: may it stand between a label and its value? */
export const mayFollowLabel = new Uint8Array(129).fill(1, 128);
for (let unit = 0; unit < 128; unit++) mayFollowLabel[unit] = between[unit] === 0 && unit !== 41 && unit !== 93 ? 0 : 1;

/** May the unit stand between a label and its value? Anything beyond ASCII may. */
export function mayStandBetween(unit: number): boolean {
  return unit >= 128 || between[unit] !== 0;
}

/** All labels, in lower case letters only. */
export function labelPhrases(): string[] {
  return labels.phrases;
}

/** The label that ends before `at`, with nothing between but marks, brackets and words such as `number is`. */
export function labelBefore(text: string, units: Uint8Array, at: number): Announcement | undefined {
  let end = at;
  let marked = false;
  for (let fillers = 0; fillers <= fillersMax; fillers++) {
    let marks = 0;
    let blanks = 0;
    for (; end > 0; end--) {
      const unit = units[end - 1] as number;
      const mark = unit < 128 ? (between[unit] as number) : isDashOrBlank(text.charCodeAt(end - 1)) ? 1 : 0;
      if (mark === 0 || (unit === 32 ? ++blanks > blanksMax : ++marks > marksMax)) break;
      // A comma or semicolon that no blank follows divides.
      if ((unit === 44 || unit === 59) && units[end] !== 32) return undefined;
      if (mark === 2) marked = true;
    }
    if (end === 0) return undefined;
    const unit = units[end - 1] as number;
    if (unit === 41 || unit === 93) {
      let open = end - 2;
      const stop = Math.max(0, end - bracketMax);
      while (open >= stop && units[open] !== (unit === 41 ? 40 : 91)) open--;
      if (open < stop) return undefined;
      end = open;
      continue;
    }
    if (!isLetter(unit) && unit < 128) return undefined;
    // A capital may be a word of its own (`numberA`), an `s` the end of many.
    if (isSmall(unit) && unit !== 115 && end > 1 && !labels.mayEndWith(units[end - 2] as number, unit)) return undefined;
    // `MRNs`: one is as good as many.
    const label = labels.endingAt(text, end) ?? ((unit | 32) === 115 && end > 3 ? labels.endingAt(text, end - 1) : undefined);
    if (!label) return undefined;
    const { start } = labels;
    if (label.values[0]?.reads !== 'filler') return counts(label, text, start, marked) ? { label, start, end, marked } : undefined;
    end = start;
  }
  return undefined;
}

/** The label that is all of the name before the slash that ends before `at`: `/bsn/111222333`. */
export function labelInPath(text: string, units: Uint8Array, at: number): Label<Announced> | undefined {
  const end = at - 1;
  const last = units[end - 1] as number;
  if (end < 2 || !isLetter(last) || !labels.mayEndWith(units[end - 2] as number, last)) return undefined;
  const label = labels.endingAt(text, end);
  return label !== undefined && units[labels.start - 1] === 47 ? label : undefined;
}

function isDashOrBlank(unit: number): boolean {
  return unit === 0xa0 || unit === 0x2013 || unit === 0x2014;
}

function counts({ marked, capitals }: Label<Announced>, text: string, start: number, isMarked: boolean): boolean {
  return isMarked || (!marked && (!capitals || isCapital(text.charCodeAt(start + 1))));
}

/** The label that a field's normalised name is. */
export function labelOfField(field: string): Label<Announced> | undefined {
  if (field === '') return undefined;
  let label = fieldLabels.get(field);
  if (label === undefined) {
    if (fieldLabels.size >= fieldsMax) fieldLabels.clear();
    label = labels.ofField(field) ?? null;
    fieldLabels.set(field, label);
  }
  return label ?? undefined;
}

const fieldsMax = 4096;
const fieldLabels = new Map<string, Label<Announced> | null>();

const reachBefore = 48;
const reachBehind = 24;

/** The labels near [start, end): in the same line and sentence, a little before or behind. */
export function labelsNear(text: string, start: number, end: number): Label<Announced>[] {
  const out: Label<Announced>[] = [];
  const stop = Math.max(0, start - reachBefore);
  for (let at = start; at > stop; at--) {
    const unit = text.charCodeAt(at - 1);
    if (unit === 10 || (unit === 46 && text.charCodeAt(at) === 32 && at < start - 1)) break;
    if (isLetter(unit) && !isLetter(text.charCodeAt(at))) take(text, at, out);
  }
  const limit = Math.min(text.length, end + reachBehind);
  for (let at = end + 1; at <= limit; at++) {
    const unit = text.charCodeAt(at - 1);
    if (unit === 10 || (unit === 46 && text.charCodeAt(at) === 32)) break;
    if (isLetter(unit) && !isLetter(text.charCodeAt(at))) take(text, at, out);
  }
  return out;
}

function take(text: string, at: number, out: Label<Announced>[]): void {
  const label = labels.endingAt(text, at);
  if (label && label.values[0]?.reads !== 'filler' && counts(label, text, labels.start, false)) out.push(label);
}

/** Is the unit part of a number or word? */
export function isPlace(unit: number): boolean {
  return isDigit(unit) || isLetter(unit);
}
