/** Looking through one text with all detectors. */
import { detectors } from './detectors/all.ts';
import type { ScanContext } from './detectors/detector.ts';
import { type Candidate, mergeCandidates } from './finding.ts';
import { NameIndex } from './names.ts';
import { Survey, surveyText } from './survey.ts';
import { pseudonymSpans } from './transforms.ts';


export class Scanner {
  readonly #surveys: Survey[] = [];
  readonly #floors: ReadonlyMap<string, number>;

  constructor(floors: ReadonlyMap<string, number>) {
    this.#floors = floors;
  }

  /** Everything personal in `text`, before merging. `field` is the normalised name of the field, or ''. */
  scan(text: string, field: string): Candidate[] {
    const found: Candidate[] = [];
    this.#scanLevel(text, field, found, 0);
    return found.length === 0 ? found : this.settle(text, found);
  }

  /** Everything personal in a text that stands alone: the people found in it are looked for in the rest of it. */
  scanAll(text: string): Candidate[] {
    const found = this.scan(text, '');
    const people = new NameIndex();
    for (const { kind, start, end, value } of found) {
      if (kind === 'email' || kind === 'person_name' || kind === 'username') people.meet(kind, value ?? text.slice(start, end));
    }
    return people.isEmpty ? found : this.settle(text, [...this.findNames(text, people), ...found]);
  }

  /** What `names` knows in `text`, unmerged. */
  findNames(text: string, names: NameIndex): Candidate[] {
    const found: Candidate[] = [];
    names.find(text, found);
    return found;
  }

  /** Drops what the policy finds too unsure and what lies within tokens and hashes, then merges. */
  settle(text: string, found: Candidate[]): Candidate[] {
    const spans = pseudonymSpans(text);
    return mergeCandidates(found.filter((one) => one.confidence >= (this.#floors.get(one.kind) ?? 0.5) && !isCovered(one, spans)));
  }

  #scanLevel(text: string, field: string, found: Candidate[], level: number): void {
    const survey = (this.#surveys[level] ??= new Survey());
    surveyText(text, survey);
    const context: ScanContext = { text, survey, field, found };
    for (const detector of detectors) if ((survey.flags & detector.gate) !== 0) detector.detect(context);
  }
}

function isCovered({ start, end }: Candidate, spans: readonly number[]): boolean {
  for (let i = 0; i < spans.length; i += 2) if (start >= (spans[i] as number) && end <= (spans[i + 1] as number)) return true;
  return false;
}

