/**
 * What a policy file may say, once: the checker of `policy-file.ts` and the JSON Schema for editors both follow this description.
 */
import { kindSpecs } from './detectors/all.ts';
import { transformNames } from './policy-model.ts';

export type Shape =
  | { readonly is: 'text'; readonly about: string; readonly test?: (value: string) => string | undefined }
  | { readonly is: 'number'; readonly about: string; readonly min: number; readonly max: number; readonly whole: boolean }
  | { readonly is: 'one-of'; readonly about: string; readonly values: readonly string[] }
  | { readonly is: 'list'; readonly about: string; readonly of: Shape; readonly orOne?: true; readonly empty?: true }
  | {
      readonly is: 'map';
      readonly about: string;
      readonly members: Readonly<Record<string, Shape>>;
      readonly required: readonly string[];
      readonly shorthand?: string;
    }
  | { readonly is: 'dictionary'; readonly about: string; readonly of: Shape; readonly names?: readonly string[] };

const patternMax = 512;

/** What is wrong with a path pattern, or undefined. */
export function checkPattern(path: string): string | undefined {
  if (path.length > patternMax) return `a pattern has at most ${patternMax} characters`;
  if (path.startsWith('/')) return 'write names divided by dots (`actor.name`), not a JSON pointer';
  if (path.startsWith('$')) return 'write names divided by dots from the top of the event (`actor.name`), without `$`';
  const parts = path.split('.');
  if (parts.some((part) => part === '')) return 'a name is missing beside a dot';
  if (parts.some((part) => part.includes('[') || part.includes(']'))) return 'write `*` for an element (`targets.*.id`), not brackets';
  if (parts.some((part) => part !== '**' && part.includes('**'))) return '`**` stands alone between dots';
  if (parts.some((part) => part !== '**' && part.split('*').length > 3)) return 'a name has at most two `*`';
  if (parts.filter((part) => part === '**').length > 4) return 'a pattern has at most four `**`';
  return undefined;
}

const kindNames = [...kindSpecs.keys()];

const options: Shape = {
  is: 'map',
  about: 'How the transform does it.',
  required: [],
  members: {
    label: { is: 'one-of', about: 'redact: write [REDACTED], or the kind: [US_SSN].', values: ['redacted', 'kind'] },
    keepLast: { is: 'number', about: 'mask: characters that stay at the end.', min: 0, max: 8, whole: true },
    ipv4: { is: 'number', about: 'generalize: bits of an IPv4 address that stay.', min: 0, max: 32, whole: true },
    ipv6: { is: 'number', about: 'generalize: bits of an IPv6 address that stay.', min: 0, max: 128, whole: true },
    date: { is: 'one-of', about: 'generalize: what stays of a date.', values: ['month', 'year'] },
    bucket: { is: 'number', about: 'generalize: width of the bucket that stands for a number.', min: 1e-9, max: 1e15, whole: false },
  },
};

const why: Shape = { is: 'text', about: 'Why the rule is there: kept with the policy.' };

/** The whole file. */
export const policyShape: Shape & { is: 'map' } = {
  is: 'map',
  about: 'What happens to which field and to which kind of personal data, before anything is stored.',
  required: ['version', 'name', 'kinds'],
  members: {
    version: { is: 'number', about: "The policy's own version: count it up with every change.", min: 1, max: 1_000_000_000, whole: true },
    name: { is: 'text', about: 'A name for people.' },
    unknown: { is: 'one-of', about: 'Fields that no rule names: detectors look through them.', values: ['scan'] },
    fields: {
      is: 'list',
      about: 'Rules by path; the first that fits settles a value.',
      empty: true,
      of: {
        is: 'map',
        about: 'One rule.',
        required: ['path'],
        members: {
          path: {
            is: 'list',
            orOne: true,
            about: 'Names divided by dots; * one name or element, ** any number of them, * within a name any letters. Case, _ and - do not matter.',
            of: { is: 'text', about: 'A path pattern.', test: checkPattern },
          },
          kind: { is: 'one-of', about: 'What the value is.', values: kindNames },
          transform: {
            is: 'one-of',
            about: 'What happens to it; without one, what happens to its kind. scan leaves it to the detectors.',
            values: [...transformNames, 'scan'],
          },
          options,
          when: { is: 'one-of', about: 'Only if the value itself looks like a person (jane.doe, not usr_8f3a).', values: ['looks-personal'] },
          unless: {
            is: 'dictionary',
            about: 'Not where a member beside the field has one of these values: {type: [Role, Group]}.',
            of: { is: 'list', orOne: true, about: 'Values; case, _ and - do not matter.', of: { is: 'text', about: 'A value.' } },
          },
          why,
        },
      },
    },
    kinds: {
      is: 'dictionary',
      about: 'What happens to what detectors find. A kind that is not named is redacted.',
      names: kindNames,
      of: {
        is: 'map',
        about: 'A transform, or a mapping with its options.',
        shorthand: 'transform',
        required: ['transform'],
        members: {
          transform: { is: 'one-of', about: 'What happens to a finding of the kind.', values: [...transformNames] },
          options,
          floor: { is: 'number', about: 'Findings with less confidence (0 … 1) are left alone.', min: 0, max: 1, whole: false },
          why,
        },
      },
    },
  },
};
