/** Names of people and of their accounts. */
import { has } from '../survey.ts';
import { type Detector, type KindSpec, lowerTrimmed } from './detector.ts';

/** `Doe,  Jane` → `doe, jane`: case and spacing do not matter, order does. */
function canonicalName(value: string): string {
  return value.normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();
}

const personName: KindSpec = {
  kind: 'person_name',
  family: 'person',
  example: 'Jane Doe',
  check: 'the field says so; or it is a name known from a field of the same event; or a cue stands beside two or three capitalised words',
  floor: 0.5,
  canonical: canonicalName,
};

const username: KindSpec = {
  kind: 'username',
  family: 'person',
  example: 'jdoe',
  check: 'the field says so; or it is known from a field of the same event; or it is the user of an ARN or of a home directory',
  floor: 0.5,
  canonical: lowerTrimmed,
};

export const personDetector: Detector = { kinds: [personName, username], gate: has.capitalPair | has.nonAscii, detect: () => {} };
