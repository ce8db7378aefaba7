/** The tables with which starts-code.ts looks at digit runs, and where they come from: the labels, shapes and countries that the detectors know. */
import {
  countriesAt,
  endingsAt,
  endingSlot,
  endLettersMax,
  gapsAt,
  groupEndsAt,
  groupNodesMax,
  groupsAt,
  marksAt,
  nextsAt,
  pairsAt,
  sizesAt,
  unitBitsAt,
  unitIs,
} from '../starts-code.ts';
import { isCapital, isDigit, isIdentifier, isLetter, isSmall } from '../survey.ts';
import { GroupTree, markOf } from './group-tree.ts';
import { isJoint } from './labels.ts';
import { ibanLengths } from './iban-lengths.ts';
import { labelPhrases, mayFollowLabel, mayStandBetween, numberKinds } from './vocabulary.ts';

/** How numbers of all kinds are divided. */
export const digitGroups = new GroupTree();
for (const { distinct, grouped } of numberKinds) for (const skeleton of [...distinct, ...grouped]) digitGroups.add(skeleton);

/** The tables of number-starts.ts. */
export interface StartTables {
  readonly byPair: Uint32Array;
  readonly bySize: Uint16Array;
  readonly byBehind: Uint16Array;
  readonly byNext: Uint16Array;
}

const among =
  (marks: string) =>
  (unit: number): boolean =>
    unit < 128 && marks.includes(String.fromCharCode(unit));
const isBeyond = (unit: number): boolean => unit === 128;

const unitTests: Readonly<Record<keyof typeof unitIs, (unit: number) => boolean>> = {
  letter: isLetter,
  small: isSmall,
  capital: isCapital,
  digit: isDigit,
  identifier: isIdentifier,
  between: mayStandBetween,
  follower: (unit) => mayFollowLabel[unit] === 1,
  beyond: isBeyond,
  ofStreet: (unit) => isLetter(unit) || unit === 46 || isBeyond(unit),
  ofAge: among('yJajl'),
  phoneLead: among(' :=#"\'(.\n'),
  divider: among('-/.'),
  behindDay: (unit) => isSmall(unit) || among(', ')(unit),
  groupGap: among(' -.,'),
  dash: among('-_'),
  joint: (unit) => unit < 128 && isJoint(unit),
};

/** Writes all tables into the memory of surveys. */
export function fillStartTables(memory: Uint8Array, { byPair, bySize, byBehind, byNext }: StartTables): void {
  const words = (at: number, table: ArrayLike<number>): void => memory.set(new Uint8Array(Uint32Array.from(table).buffer), at);
  words(pairsAt, byPair);
  words(sizesAt, bySize);
  words(gapsAt, byBehind);
  words(nextsAt, byNext);
  words(
    unitBitsAt,
    Array.from({ length: 129 }, (_, unit) =>
      Object.entries(unitTests).reduce((sum, [name, test]) => (test(unit) ? sum | unitIs[name as keyof typeof unitIs] : sum), 0),
    ),
  );
  for (const phrase of labelPhrases()) {
    // `MRNs`: one is as good as many.
    for (const word of [phrase, `${phrase}s`]) {
      const slot = endingSlot(word.slice(-endLettersMax));
      memory[endingsAt + (slot >> 3)] = (memory[endingsAt + (slot >> 3)] as number) | (1 << (slot & 7));
    }
  }
  for (const country of Object.keys(ibanLengths)) memory[countriesAt + ((country.charCodeAt(0) & 31) << 5) + (country.charCodeAt(1) & 31)] = 1;
  const groups = digitGroups.inBytes(groupNodesMax);
  memory.set(groups.children, groupsAt);
  words(groupEndsAt, groups.ends);
  memory.set(markOf, marksAt);
}
