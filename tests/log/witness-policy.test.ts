/** Policy files (C2SP tlog-policy): read strictly, and judged as an independent reading of their rules judges them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCosigner } from '../../src/log/cosignature.ts';
import { createNoteSigner, createTrust, signCheckpoint, signNote } from '../../src/log/index.ts';
import { formatNote, parseNote } from '../../src/log/note.ts';
import { judgeQuorum, openWitnessed, parseWitnessPolicy, trustOf } from '../../src/log/witness-policy.ts';
import { refusalOf } from './refusal.ts';

const cosigners = Array.from({ length: 6 }, (_, i) => createCosigner(`w${i}.example`, new Uint8Array(32).fill(i + 1)));
const log = createNoteSigner('example.com/log', new Uint8Array(32).fill(77));
const checkpoint = signCheckpoint({ origin: log.name, treeSize: 1, root: new Uint8Array(32).fill(3), extensions: [] }, [log]);
const [w0, w1, w2, w3, w4, w5] = cosigners.map(({ vkey }) => vkey) as [string, string, string, string, string, string];

/** The specification's example, with keys. */
const example = `log ${log.vkey} https://log.example/
# three of X

witness X1 ${w0}
witness\tX2 ${w1}   https://x2.example/submit
  witness X3 ${w2}
group X-witnesses 2 X1 X2 X3

witness Y1 ${w3}
witness Y2 ${w4}
witness Y3 ${w5}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

function cosignedBy(which: readonly number[]): string {
  const { text, signatures } = parseNote(checkpoint);
  return formatNote({ text, signatures: [...signatures, ...which.map((i) => (cosigners[i] as (typeof cosigners)[0]).cosign(text, 1_000 + i))] });
}

function isMet(policy: string, which: readonly number[]): boolean {
  const parsed = parseWitnessPolicy(policy);
  return openWitnessed(cosignedBy(which), createTrust([log.vkey]), parsed).quorum.met;
}

test('the specification’s example', () => {
  const policy = parseWitnessPolicy(example);
  expect(policy.logs).toEqual([{ vkey: log.vkey, origin: log.name, url: 'https://log.example/' }]);
  expect(policy.witnesses.map(({ name, url }) => [name, url])).toEqual([
    ['X1', undefined],
    ['X2', 'https://x2.example/submit'],
    ['X3', undefined],
    ['Y1', undefined],
    ['Y2', undefined],
    ['Y3', undefined],
  ]);
  expect(isMet(example, [0, 2, 5])).toBe(true);
  expect(isMet(example, [0, 5])).toBe(false);
  expect(isMet(example, [0, 1, 2])).toBe(false);
  expect(isMet(example, [0, 1, 2, 3, 4, 5])).toBe(true);
});

test('a quorum of none, and of one witness', () => {
  expect(isMet('quorum none\n', [])).toBe(true);
  expect(isMet(`witness a ${w0}\nquorum a\n`, [])).toBe(false);
  expect(isMet(`witness a ${w0}\nquorum a\n`, [1])).toBe(false);
  expect(isMet(`witness a ${w0}\nquorum a\n`, [0])).toBe(true);
  expect(parseWitnessPolicy('quorum none\n')).toMatchObject({ logs: [], witnesses: [], quorum: undefined, quorumName: 'none' });
});

test('tells who cosigned, and when', () => {
  const { quorum } = openWitnessed(cosignedBy([5, 1]), createTrust([log.vkey]), parseWitnessPolicy(example));
  expect(quorum).toEqual({
    met: false,
    cosigned: [
      { name: 'X2', timeSeconds: 1_001 },
      { name: 'Y3', timeSeconds: 1_005 },
    ],
  });
});

test('a wrong cosignature of a witness of the policy refuses the checkpoint; that of another does not', () => {
  const { text, signatures } = parseNote(checkpoint);
  const wrong = { ...(cosigners[0] as (typeof cosigners)[0]).cosign(text, 1), signature: new Uint8Array(72) };
  const note = formatNote({ text, signatures: [...signatures, wrong] });
  const open = (policy: string): string => refusalOf(() => openWitnessed(note, createTrust([log.vkey]), parseWitnessPolicy(policy)));
  expect(open(`witness a ${w0}\nquorum a\n`)).toBe('note_signature');
  expect(open(`witness a ${w1}\nquorum a\n`)).toBe('accepted');
});

test('names are octets, and may be anything that is no white space', () => {
  expect(isMet(`witness none2 ${w0}\nwitness # ${w1}\nwitness \u212a\u00a0\u2003 ${w2}\ngroup K all # \u212a\u00a0\u2003\nquorum K\n`, [1, 2])).toBe(
    true,
  );
  // A byte that is no UTF-8 is a name like any other.
  const bytes = Buffer.concat([Buffer.from('witness '), Buffer.of(0xff), Buffer.from(` ${w0}\nquorum `), Buffer.of(0xff, 0x0a)]);
  expect(parseWitnessPolicy(bytes).quorumName).toBe('\u00ff');
});

test('whom it makes a verifier believe', () => {
  const policy = parseWitnessPolicy(example);
  expect(trustOf(policy, log.name)).toMatchObject({ origin: log.name, log: [{ name: log.name }] });
  expect(trustOf(policy, log.name).witnesses).toHaveLength(6);
  expect(refusalOf(() => trustOf(policy, 'example.com/other'))).toBe('trust_origin');
  expect(trustOf(parseWitnessPolicy('quorum none\n'), log.name, [log.vkey]).log).toHaveLength(1);
});

describe('refuses', () => {
  const sameKey = createCosigner('other.example', new Uint8Array(32).fill(1)).vkey;
  test.each([
    ['an empty file', ''],
    ['no quorum', `witness a ${w0}\n`],
    ['two quorums', 'quorum none\nquorum none\n'],
    ['no newline at the end', `witness a ${w0}\nquorum a`],
    ['a carriage return', `witness a ${w0}\r\nquorum a\r\n`],
    ['a control character in a comment', '# \u0007\nquorum none\n'],
    ['a delete character', '# \u007f\nquorum none\n'],
    ['an unknown word', 'logs x\nquorum none\n'],
    ['words in capitals', 'Quorum none\n'],
    ['a comment behind an item', `witness a ${w0}\nquorum a # this one\n`],
    ['a log without a key', 'log\nquorum none\n'],
    ['a log with too much', `log ${log.vkey} https://a b\nquorum none\n`],
    ['a log’s key that is a witness’s', `log ${w0}\nquorum none\n`],
    ['a witness’s key that is a log’s', `witness a ${log.vkey}\nquorum a\n`],
    ['a key that is none', `witness a w0.example+00000000+AAAA\nquorum a\n`],
    ['a witness without a key', 'witness a\nquorum a\n'],
    ['a witness with too much', `witness a ${w0} https://a b\nquorum a\n`],
    ['the same log twice', `log ${log.vkey}\nlog ${log.vkey}\nquorum none\n`],
    ['the same witness under two names', `witness a ${w0}\nwitness b ${w0}\ngroup g all a b\nquorum g\n`],
    ['the same public key under two key names', `witness a ${w0}\nwitness b ${sameKey}\ngroup g all a b\nquorum g\n`],
    ['a name twice', `witness a ${w0}\nwitness a ${w1}\nquorum a\n`],
    ['a group called like a witness', `witness a ${w0}\ngroup a any a\nquorum a\n`],
    ['a witness called none', `witness none ${w0}\nquorum none\n`],
    ['a group without members', `witness a ${w0}\ngroup g any\nquorum a\n`],
    ['a group of none', `group g any none\nquorum g\n`],
    ['a threshold of 0', `witness a ${w0}\ngroup g 0 a\nquorum g\n`],
    ['a threshold above the members', `witness a ${w0}\ngroup g 2 a\nquorum g\n`],
    ['a threshold with a leading zero', `witness a ${w0}\ngroup g 01 a\nquorum g\n`],
    ['a threshold that is no number', `witness a ${w0}\ngroup g some a\nquorum g\n`],
    ['a member that is defined later', `group g any a\nwitness a ${w0}\nquorum g\n`],
    ['a member twice in one group', `witness a ${w0}\ngroup g all a a\nquorum g\n`],
    ['a member of two groups', `witness a ${w0}\ngroup g all a\ngroup h all a\nquorum g\n`],
    ['a quorum of something that is not there', 'quorum g\n'],
    ['a quorum that is defined later', `quorum a\nwitness a ${w0}\n`],
    ['a quorum of two', `witness a ${w0}\nquorum a none\n`],
    ['a file that is too long', `${'#'.repeat(1_048_577)}\n`],
    ['too many logs', `${manyLogs()}quorum none\n`],
    ['too many groups', `${manyGroups()}quorum none\n`],
  ])('%s', (_, policy) => {
    expect(refusalOf(() => parseWitnessPolicy(policy))).toBe('witness_policy');
  });

  test('with the number of the line', () => {
    expect(() => parseWitnessPolicy(`witness a ${w0}\n\nquorum b\n`)).toThrow('line 3: the quorum is nothing');
  });
});

test('a random policy is met by exactly the witnesses that its rules say', () => {
  // A tree of groups over some of six witnesses, in the words of the file and, beside it, as a function of who cosigned.
  interface Rule {
    name: string;
    lines: string[];
    met: (who: ReadonlySet<number>) => boolean;
  }
  const witness = (i: number): Rule => ({ name: `w${i}`, lines: [`witness w${i} ${cosigners[i]?.vkey ?? ''}`], met: (who) => who.has(i) });
  const group = (name: string, members: Rule[], k: number): Rule => ({
    name,
    lines: [
      ...members.flatMap(({ lines }) => lines),
      `group ${name} ${k === members.length ? 'all' : k} ${members.map((one) => one.name).join(' ')}`,
    ],
    met: (who) => members.filter((one) => one.met(who)).length >= k,
  });
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 12, maxLength: 12 }), fc.uniqueArray(fc.nat({ max: 5 })), (choices, who) => {
      let rules = cosigners.map((_, i) => witness(i));
      for (let n = 0; rules.length > 1; n++) {
        const size = 1 + ((choices[2 * n] ?? 0) % rules.length);
        const members = rules.slice(0, size);
        rules = [...rules.slice(size), group(`g${n}`, members, 1 + ((choices[2 * n + 1] ?? 0) % size))];
        if (n > 4) rules = [group('all-of-them', rules, rules.length)];
      }
      const [rule] = rules as [Rule];
      const policy = `${rule.lines.join('\n')}\nquorum ${rule.name}\n`;
      expect(isMet(policy, who)).toBe(rule.met(new Set(who)));
    }),
  );
});

test('no bytes make it fail otherwise than by refusing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(['witness_policy', 'accepted']).toContain(refusalOf(() => parseWitnessPolicy(bytes)));
    }),
  );
});

test('judges signatures as they were verified: a key that signed twice counts once', () => {
  const { text } = parseNote(checkpoint);
  const one = (cosigners[0] as (typeof cosigners)[0]).cosign(text, 5);
  const policy = parseWitnessPolicy(`witness a ${w0}\nwitness b ${w1}\ngroup g all a b\nquorum g\n`);
  expect(judgeQuorum(policy, [one, one]).met).toBe(false);
  expect(signNote(text, [log])).toBe(checkpoint);
});

function manyLogs(): string {
  return Array.from(
    { length: 257 },
    (_, i) =>
      `log ${
        createNoteSigner(
          `l${i}`,
          new Uint8Array(32)
            .fill(i)
            .with(0, i >> 8)
            .with(1, 5),
        ).vkey
      }\n`,
  ).join('');
}

function manyGroups(): string {
  const groups = Array.from({ length: 600 }, (_, i) => `group g${i} any ${i === 0 ? 'w' : `g${i - 1}`}\n`);
  return `witness w ${w0}\n${groups.join('')}`;
}
