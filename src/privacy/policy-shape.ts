/**
 * What a policy file may say, once: the checker of `policy-file.ts` and the JSON Schema for editors both follow this description.
 */
import { kindSpecs } from './detectors/all.ts';
import { canonicalNames, checkNames, transformNames, unknownModes } from './policy-model.ts';
import { scopeNames, secondPersonNames } from './vault-rules.ts';

export type Shape =
  | { readonly is: 'text'; readonly about: string; readonly test?: (value: string) => string | undefined }
  | { readonly is: 'number'; readonly about: string; readonly min: number; readonly max: number; readonly whole: boolean }
  | { readonly is: 'one-of'; readonly about: string; readonly values: readonly string[] }
  | { readonly is: 'yes-no'; readonly about: string }
  /** A kind of ours, or one that the policy itself makes under `custom`. */
  | { readonly is: 'kind'; readonly about: string }
  | { readonly is: 'list'; readonly about: string; readonly of: Shape; readonly orOne?: true; readonly empty?: true }
  | {
      readonly is: 'map';
      readonly about: string;
      readonly members: Readonly<Record<string, Shape>>;
      readonly required: readonly string[];
      readonly shorthand?: string;
    }
  | { readonly is: 'dictionary'; readonly about: string; readonly of: Shape; readonly names?: 'kinds' };

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

/** Such texts are shown on terminals, and put on record. */
function checkOneLine(text: string): string | undefined {
  return /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text) ? 'write it in one line, without control characters' : undefined;
}

function checkPlainPath(path: string, example: string): string | undefined {
  return /^[^.*\s]+(?:\.[^.*\s]+){0,9}$/.test(path) ? undefined : `write names divided by dots, without \`*\`: \`${example}\``;
}

/** Names of kinds that come with veiltrail. */
export const kindNames: readonly string[] = [...kindSpecs.keys()];
/** What a kind of one's own may be called. */
export const customKindPattern = /^[a-z][a-z0-9_]{1,39}$/;

const whole = (about: string, min: number, max: number): Shape => ({ is: 'number', about, min, max, whole: true });
const oneOf = (about: string, values: readonly string[]): Shape => ({ is: 'one-of', about, values });
const texts = (about: string, what: string, test?: (value: string) => string | undefined): Shape => ({
  is: 'list',
  orOne: true,
  about,
  of: { is: 'text', about: what, ...(test ? { test } : {}) },
});

const options: Shape = {
  is: 'map',
  about: 'How the transform does it.',
  required: [],
  members: {
    label: oneOf('redact: write [REDACTED], or the kind: [US_SSN].', ['redacted', 'kind']),
    shape: oneOf('tokenize: tok_…; shaped like the kind: tok_…@token.invalid for an address, KIND:tok_… for others; or readable: user-tok_…-token.', [
      'plain',
      'kind',
      'readable',
    ]),
    keys: oneOf(
      'hash: while the keyring has several versions of the pseudonym key, hash under the oldest (equal values go on correlating), the newest, or both.',
      ['oldest', 'newest', 'both'],
    ),
    force: { is: 'yes-no', about: 'sha256: even where all values of the kind could be tried out.' },
    keepLast: whole('mask: characters that stay at the end.', 0, 8),
    ipv4: whole('generalize: bits of an IPv4 address that stay.', 0, 32),
    ipv6: whole('generalize: bits of an IPv6 address that stay.', 0, 128),
    date: oneOf('generalize: what stays of a date.', ['month', 'year']),
    bucket: { is: 'number', about: 'generalize: width of the bucket that stands for a number.', min: 1e-9, max: 1e15, whole: false },
    parts: whole('generalize: parts of a place that stay, counted from its end: Berlin, Germany → Germany.', 1, 5),
    keepFirst: whole('generalize: characters of a postcode that stay.', 0, 8),
    maxDays: whole('shift: by at most this many days, either way.', 1, 3650),
    subject: {
      is: 'text',
      about: 'shift: where the person is named whose dates keep their distances: patient.id.',
      test: (path) => checkPlainPath(path, 'patient.id'),
    },
  },
};

const why: Shape = { is: 'text', about: 'Why the rule is there: kept with the policy, and shown by `policy check` and `policy preview`.' };
const kind: Shape = { is: 'kind', about: 'What the value is.' };
const ruleTransform = oneOf('What happens to it; without one, what happens to its kind. scan leaves it to the detectors.', [
  ...transformNames,
  'scan',
]);
const unknown = oneOf(
  'Fields that no rule names: scan lets detectors look through them, quarantine withholds them as tokens until they are classified, redact removes their values.',
  unknownModes,
);

const fields: Shape = {
  is: 'list',
  about: 'Rules by path; the first that fits settles a value.',
  empty: true,
  of: {
    is: 'map',
    about: 'One rule.',
    required: ['path'],
    members: {
      path: texts(
        'Names divided by dots; * one name or element, ** any number of them, * within a name any letters. Case, _ and - do not matter.',
        'A path pattern.',
        checkPattern,
      ),
      kind,
      transform: ruleTransform,
      options,
      when: oneOf('Only if the value itself looks like a person (jane.doe, not usr_8f3a).', ['looks-personal']),
      unless: {
        is: 'dictionary',
        about: 'Not where a member beside the field has one of these values: {type: [Role, Group]}.',
        of: texts('Values; case, _ and - do not matter.', 'A value.'),
      },
      why,
    },
  },
};

const keys: Shape = {
  is: 'list',
  about: 'Rules for members by their own name, wherever they are; asked after `fields`.',
  empty: true,
  of: {
    is: 'map',
    about: 'One rule.',
    required: ['match'],
    members: {
      match: texts(
        'Names: * any letters; case, _ and - do not matter. Or a regular expression between slashes: /^cust-[0-9]{1,9}$/.',
        'A name or expression.',
      ),
      on: oneOf('What the rule is for: the name itself [name], or what stands under it.', ['name', 'value']),
      kind,
      transform: ruleTransform,
      options,
      why,
    },
  },
};

const kinds: Shape = {
  is: 'dictionary',
  about: 'What happens to what detectors find. A kind that is not named is redacted.',
  names: 'kinds',
  of: {
    is: 'map',
    about: 'A transform, or a mapping with its options.',
    shorthand: 'transform',
    required: ['transform'],
    members: {
      transform: oneOf('What happens to a finding of the kind.', transformNames),
      options,
      floor: { is: 'number', about: 'Findings with less confidence (0 … 1) are left alone.', min: 0, max: 1, whole: false },
      why,
    },
  },
};

const allow: Shape = {
  is: 'list',
  about: 'What stays, though a rule above would change it.',
  empty: true,
  of: {
    is: 'map',
    about: 'One rule: at least one of values, patterns, networks, domains.',
    required: [],
    members: {
      kinds: { is: 'list', orOne: true, about: 'Only findings of these kinds [any].', of: kind },
      values: texts('Values, in whatever spelling.', 'A value.'),
      patterns: texts('Regular expressions for the whole value.', 'An expression.'),
      networks: texts('Networks whose addresses stay.', 'A network: 10.0.0.0/8.'),
      domains: texts('Domains whose addresses and hosts stay, with all below them.', 'A domain: example.com.'),
      why,
    },
  },
};

const custom: Shape = {
  is: 'list',
  about: 'Kinds of your own.',
  empty: true,
  of: {
    is: 'map',
    about: 'One kind: with patterns, or a dictionary, or both.',
    required: ['kind'],
    members: {
      kind: { is: 'text', about: 'Its name: lower case, digits and _.', test: checkCustomKind },
      pattern: texts('Regular expressions; what they can cost is counted when the policy is loaded.', 'An expression.'),
      ignoreCase: { is: 'yes-no', about: 'Do the expressions match in any case?' },
      keywords: texts(
        'Words of which one should stand near a match, or be in the name of the field: without one a match counts for little.',
        'A word.',
      ),
      check: oneOf('What else has to hold. A value that fails counts only beside a keyword.', checkNames),
      canonical: oneOf(
        'The form under which values are equal: lower case [lower], only digits, letters and digits in capitals, as written.',
        canonicalNames,
      ),
      example: { is: 'text', about: 'A made-up value that must be found: tried when the policy is loaded.' },
      dictionary: {
        is: 'map',
        about: 'Words that only digests are kept of: `veiltrail policy words FILE` makes this.',
        required: ['salt', 'words', 'hashes'],
        members: {
          salt: { is: 'text', about: 'base64url of 16 bytes or more.' },
          words: whole('Words of the longest phrase.', 1, 5),
          hashes: { is: 'list', about: 'A digest for each phrase.', of: { is: 'text', about: '16 characters of base64url.', test: checkWordHash } },
        },
      },
      why,
    },
  },
};

function checkCustomKind(name: string): string | undefined {
  if (!customKindPattern.test(name)) return 'a kind is 2 to 40 lower-case letters, digits and _, and begins with a letter';
  return kindSpecs.has(name) || ['field', 'unknown', 'quarantine'].includes(name) ? 'veiltrail has a kind of that name: take another' : undefined;
}

function checkWordHash(hash: string): string | undefined {
  return /^[A-Za-z0-9_-]{16}$/.test(hash) ? undefined : 'not a digest of a word: `veiltrail policy words FILE` makes them';
}

const rates = (what: string): Record<string, Shape> => ({
  perMinute: whole(`${what} of one principal a minute, on the long run.`, 1, 10_000),
  burst: whole(`${what} of one principal at once.`, 1, 10_000),
  perHour: whole('Different ones of one principal within an hour; one more is a sweep, which is stopped and reported.', 1, 100_000),
  perDay: whole('Different ones of one principal within a day; one more is a sweep.', 1, 100_000),
});

const vault: Shape = {
  is: 'map',
  about: 'Tokens: where equal values have equal ones, and who may find out what they stand for.',
  required: [],
  members: {
    scope: oneOf('Where the same value has the same token: everywhere [installation], in one log, or in one tenant.', scopeNames),
    tenant: {
      is: 'text',
      about: 'Where an event names its tenant, for scope: tenant: tenant.id.',
      test: (path) => checkPlainPath(path, 'tenant.id'),
    },
    stopHours: whole('Whoever sweeps is refused for so long, or until an approver or an admin says otherwise [24].', 1, 8_760),
    reveal: {
      is: 'map',
      about: 'Revealing what tokens stand for.',
      required: [],
      members: {
        secondPerson: oneOf('Does a reveal take a second person? Several tokens at once always do [never].', secondPersonNames),
        kinds: { is: 'list', orOne: true, about: 'With secondPerson: kinds, the kinds that take one.', of: kind },
        ...rates('Reveals'),
      },
    },
    search: {
      is: 'map',
      about: 'Searching by real values.',
      required: [],
      members: { purpose: oneOf('Must a search by a real value say what it is for [optional]?', ['needed', 'optional']), ...rates('Searches') },
    },
  },
};

/** The whole file. */
export const policyShape: Shape & { is: 'map' } = {
  is: 'map',
  about: 'What happens to which field and to which kind of personal data, before anything is stored.',
  required: ['version', 'name', 'kinds'],
  members: {
    version: whole("The policy's own version: count it up with every change.", 1, 1_000_000_000),
    name: { is: 'text', about: 'A name for people.', test: checkOneLine },
    owner: { is: 'text', about: 'Who answers for it.', test: checkOneLine },
    approver: { is: 'text', about: 'Who agreed to this version.', test: checkOneLine },
    unknown,
    fields,
    keys,
    kinds,
    custom,
    allow,
    vault,
    logs: {
      is: 'dictionary',
      about: 'What single logs have of their own, by name of the log. Their fields and keys are asked first, their kinds replace, their allow adds.',
      of: { is: 'map', about: 'Rules of one log.', required: [], members: { unknown, fields, keys, kinds, allow } },
    },
  },
};
