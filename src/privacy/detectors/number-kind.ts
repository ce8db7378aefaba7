/**
 * What a kind of number is made of: the shapes it is written in, the check it satisfies, the words that announce it. Numbers that people
 * are given by states, banks and hospitals are all found by one detector (identifiers.ts) from tables of these.
 *
 * A skeleton is a number's shape: `9` a digit, `A` a letter, separators as they are written.
 */
import { compact, type KindSpec } from './detector.ts';

/** How rarely something that merely has the shape passes the check: never tried, one in ten, one in a hundred, one in ten thousand. */
export type Proof = 'none' | 'weak' | 'strong' | 'certain';

export interface NumberKind {
  readonly spec: KindSpec;
  /** Of the whole compact form: capitals and digits without separators. */
  readonly shape: RegExp;
  readonly check: ((compact: string) => boolean) | undefined;
  readonly proof: Proof;
  /** Skeletons of this kind and of few other things. */
  readonly distinct: readonly string[];
  /** Skeletons usual for the kind, and for other numbers. */
  readonly grouped: readonly string[];
  /** Lengths of compact forms in letters and digits that no single skeleton describes. */
  readonly lengths: readonly number[];
  readonly labels: string;
}

interface NumberDefinition {
  kind: string;
  /** For the page of kinds: what it is, and what has to hold. */
  what: string;
  example: string;
  shape: RegExp;
  check?: (compact: string) => boolean;
  proof?: Proof;
  distinct?: string;
  grouped?: string;
  lengths?: readonly number[];
  /** See {@link LabelSet.add}. */
  labels: string;
  family?: KindSpec['family'];
}

export function numberKind({ kind, what, example, shape, check, proof, distinct, grouped, lengths, labels, family }: NumberDefinition): NumberKind {
  return {
    spec: { kind, family: family ?? 'government', example, check: what, floor: 0.5, canonical: compact },
    shape,
    check,
    proof: proof ?? (check ? 'weak' : 'none'),
    distinct: distinct?.split('|') ?? [],
    grouped: grouped?.split('|') ?? [],
    lengths: lengths ?? [],
    labels,
  };
}
