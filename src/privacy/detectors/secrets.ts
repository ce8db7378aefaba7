/** Secrets. */
import { has } from '../survey.ts';
import type { Detector, KindSpec } from './detector.ts';

function secretKind(kind: string, example: string, check: string): KindSpec {
  return { kind, family: 'secret', example, check, floor: 0.5, canonical: (value) => value.trim() };
}

const kinds = [secretKind('secret', 'password=…', 'the field or a keyword says so, and the value is no plain word')];

export const secretDetector: Detector = { kinds, gate: has.run, detect: () => {} };
