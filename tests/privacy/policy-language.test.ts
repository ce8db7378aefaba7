/** What the policy language does to events: keys, custom kinds, allow-lists, logs, unknown fields, and each transform. */
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { VeiltrailError } from '../../src/core/errors.ts';
import type { JsonObject, JsonValue } from '../../src/core/json.ts';
import { createPrivacyEngine, type PrivacyEngine } from '../../src/privacy/engine.ts';
import { checkPolicy, parsePolicy, policyOfLog } from '../../src/privacy/policy.ts';
import { withheldText } from '../../src/privacy/unknown-fields.ts';
import { createDictionary } from '../../src/privacy/word-digests.ts';
import { cleaned, engineOf, foundIn, pseudonymKey, tokenOf } from './engine-for-test.ts';
import { growthOf } from '../setup/cpu-time.ts';

const head = 'version: 1\nname: x\n';

function problems(yaml: string): string {
  try {
    parsePolicy(head + yaml, 'my.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(VeiltrailError);
    expect((error as VeiltrailError).code).toBe('policy_invalid');
    return (error as Error).message;
  }
  return 'accepted';
}

const warnings = (yaml: string): string[] => checkPolicy(head + yaml, 'my.yaml').warnings.map(({ message }) => message);
const after = (yaml: string, event: JsonValue): JsonObject => cleaned(engineOf(head + yaml), event).event;
const token = (kind: string, canonical: string): string => tokenOf({ kind, canonical, value: canonical });

describe('keys', () => {
  test('names by glob, whatever their case and joints; values stay where they are', () => {
    const yaml = 'keys: [{match: "cust-*", kind: username, transform: tokenize}]\nkinds: {}\n';
    expect(after(yaml, { m: { 'cust-9': { a: 1 }, CUST_x: 2, custard: 3, other: 4 } })).toEqual({
      m: { [token('username', 'cust-9')]: { a: 1 }, [token('username', 'cust_x')]: 2, [token('username', 'custard')]: 3, other: 4 },
    });
  });

  test('names by expression, and twice is as once', () => {
    const engine = engineOf(`${head}keys: [{match: "/^k[0-9]{1,3}$/", transform: hash}]\nkinds: {}\n`);
    const once = cleaned(engine, { k12: 1, k1234: 2, xk1: 3 }).event;
    expect(Object.keys(once).filter((name) => name.startsWith('hash_v7_'))).toHaveLength(1);
    expect(once).toMatchObject({ k1234: 2, xk1: 3 });
    expect(cleaned(engine, once)).toEqual({ event: once, applied: [] });
  });

  test('drop removes the member, keep and scan say what they say', () => {
    const yaml = `keys:
  - {match: secret_note, transform: drop}
  - {match: "*@keep.example", transform: keep}
  - {match: "*.example", transform: scan}
kinds: {email: redact}
`;
    expect(after(yaml, { secretNote: { a: 'b' }, 'a@keep.example': 1, 'c@d.example': 2 })).toEqual({ 'a@keep.example': 1, '[REDACTED]': 2 });
  });

  test('values under a name, however deep, arrays and JSON numbers too; fields by path come first', () => {
    const yaml = `fields: [{path: a.private_code.open, transform: keep}]
keys: [{match: private*, on: value, transform: redact}]
kinds: {}
`;
    expect(after(yaml, { a: { private_code: { open: 'x', shut: ['y', 5, { z: 'z' }], yes: true, none: null } }, 'b.private': 'w', c: 'v' })).toEqual({
      a: { private_code: { open: 'x', shut: ['[REDACTED]', '[REDACTED]', { z: '[REDACTED]' }], yes: '[REDACTED]', none: null } },
      'b.private': '[REDACTED]',
      c: 'v',
    });
  });

  test('wrong ones are told', () => {
    expect(problems('keys: [{match: "*"}]\nkinds: {}\n')).toContain('my.yaml:3:16: this expression is refused: it fits every name');
    expect(problems('keys: [{match: "/(a+)+/"}]\nkinds: {}\n')).toContain('a group needs one');
    expect(problems('keys: [{match: "/a/g"}]\nkinds: {}\n')).toContain('only i may stand behind');
    expect(problems('keys: [{match: "a*b*c*d"}]\nkinds: {}\n')).toContain('at most two *');
  });
});

describe('custom kinds', () => {
  test('patterns, keywords and checks add up', () => {
    const yaml = `custom:
  - {kind: badge, pattern: 'BDG-\\d{6}'}
  - {kind: staff_no, pattern: '\\b\\d{6}\\b', keywords: [staff no, personnel]}
  - {kind: member_no, pattern: '\\b\\d{11}\\b', check: luhn}
  - {kind: ticket, pattern: '\\bT\\d{4}\\b', check: luhn, keywords: [ticket]}
kinds: {}
`;
    const engine = engineOf(head + yaml);
    expect(foundIn(engine, 'BDG-123456')).toEqual(['badge:BDG-123456']);
    expect(foundIn(engine, 'staff no 123456')).toEqual(['staff_no:123456']);
    expect(foundIn(engine, '123456 is a staff no')).toEqual(['staff_no:123456']);
    expect(foundIn(engine, 'it costs 123456')).toEqual([]);
    expect(foundIn(engine, 'nonstaff no 123456')).toEqual([]);
    expect(foundIn(engine, 'no. 79927398713 and 79927398714')).toEqual(['member_no:79927398713']);
    // A failed check beside a keyword is a typo, and as personal.
    expect(foundIn(engine, 'ticket T1234')).toEqual(['ticket:T1234']);
    expect(foundIn(engine, 'T1234')).toEqual([]);
    expect(cleaned(engine, { personnelId: 123456, other: 123456, text: 'personnel%20123456' }).event).toEqual({
      personnelId: '[REDACTED]',
      other: 123456,
      text: 'personnel%20[REDACTED]',
    });
  });

  test.each([
    ['luhn', '79927398713', '79927398714'],
    ['mod97', 'RF18539007547034', 'RF18539007547035'],
    ['mod11-2', '079X', '0790'],
    ['verhoeff', '2363', '2364'],
  ])('check %s', (check, good, bad) => {
    const engine = engineOf(`${head}custom: [{kind: own, pattern: '\\b[0-9A-Z]{4,22}\\b', check: ${check}}]\nkinds: {}\n`);
    expect(foundIn(engine, `x ${good} y`).filter((one) => one.startsWith('own'))).toEqual([`own:${good}`]);
    expect(foundIn(engine, `x ${bad} y`).filter((one) => one.startsWith('own'))).toEqual([]);
  });

  test('win against what detectors make of the same characters', () => {
    const engine = engineOf(`${head}custom: [{kind: own, pattern: '\\b\\d{3}-\\d{2}-\\d{4}\\b'}]\nkinds: {own: hash}\n`);
    expect(foundIn(engine, 'ssn 536-22-1845')).toEqual(['own:536-22-1845']);
    // A kind that stays shields nothing: `allow` is for that.
    const kept = engineOf(`${head}custom: [{kind: own, pattern: '\\b\\d{3}-\\d{2}-\\d{4}\\b'}]\nkinds: {own: keep}\n`);
    expect(foundIn(kept, 'ssn 536-22-1845')).toEqual(['us_ssn:536-22-1845']);
  });

  test('equal values correlate by the canonical form that was asked for, in fields and texts', () => {
    const kind = (canonical: string): string =>
      `fields: [{path: id, kind: own}]\ncustom: [{kind: own, pattern: '[A-Z]{2}[- ]?\\d{4}', ignoreCase: true, canonical: ${canonical}}]\nkinds: {own: tokenize}\n`;
    const event = { id: 'ab-1234', text: 'AB 1234' };
    expect(after(kind('compact'), event)).toEqual({ id: token('own', 'AB1234'), text: token('own', 'AB1234') });
    expect(after(kind('digits'), event)).toEqual({ id: token('own', '1234'), text: token('own', '1234') });
    expect(after(kind('exact'), event)).toEqual({ id: token('own', 'ab-1234'), text: token('own', 'AB 1234') });
    expect(after(kind('lower'), { id: 'AB-1234', text: 'ab-1234' })).toEqual({ id: token('own', 'ab-1234'), text: token('own', 'ab-1234') });
  });

  test('a dictionary finds its phrases by their digests, and holds none of them', () => {
    const { dictionary, refused } = createDictionary(['Project Bluebird', 'Café', '---', 'a b c d e f'], new Uint8Array(16).fill(3));
    expect(refused).toEqual(['---', 'a b c d e f']);
    expect(dictionary.words).toBe(2);
    const yaml = `custom: [{kind: code_name, dictionary: ${JSON.stringify(dictionary)}}]\nkinds: {code_name: {transform: redact, options: {label: kind}}}\n`;
    expect(yaml.toLowerCase()).not.toMatch(/bluebird|caf/);
    expect(after(yaml, { t: 'the PROJECT-bluebird and CAFE\u0301, project / bluebird, project blue bird' })).toEqual({
      t: 'the [CODE_NAME] and [CODE_NAME], [CODE_NAME], project blue bird',
    });
    expect(after(yaml, { t: 'project    bluebird' })).toEqual({ t: 'project    bluebird' });
  });

  test('wrong ones are told, with place and what would be right', () => {
    expect(problems("custom: [{kind: own, pattern: '(a+)+'}]\nkinds: {}\n")).toContain(
      'my.yaml:3:31: this expression is refused: only a single character',
    );
    expect(problems('custom: [{kind: email, pattern: x}]\nkinds: {}\n')).toContain('veiltrail has a kind of that name');
    expect(problems('custom: [{kind: Own, pattern: x}]\nkinds: {}\n')).toContain('lower-case letters');
    expect(problems('custom: [{kind: own}]\nkinds: {}\n')).toContain('a kind needs `pattern`, or `dictionary`');
    expect(problems('custom: [{kind: own, pattern: x}, {kind: own, pattern: y}]\nkinds: {}\n')).toContain('custom has the kind "own" already');
    expect(problems("custom: [{kind: own, pattern: 'x\\d', example: y}]\nkinds: {}\n")).toContain('the example is not found');
    expect(problems("custom: [{kind: own, pattern: '\\d{4}', check: luhn, keywords: [no], example: '1234'}]\nkinds: {}\n")).toContain(
      'the check fails',
    );
    expect(problems("custom: [{kind: own, pattern: '\\d{4}', check: luhn, keywords: [no], example: '1230'}]\nkinds: {}\n")).toBe('accepted');
    expect(problems('custom: [{kind: own, dictionary: {salt: c2hvcnQ, words: 1, hashes: [AAAAAAAAAAAAAAAA]}}]\nkinds: {}\n')).toContain(
      'at least 16',
    );
    expect(problems('custom: [{kind: own, dictionary: {salt: "!", words: 1, hashes: [AAAAAAAAAAAAAAAA]}}]\nkinds: {}\n')).toContain('at least 16');
    expect(problems('custom: [{kind: own, dictionary: {salt: x, words: 1, hashes: [short]}}]\nkinds: {}\n')).toContain('not a digest of a word');
    expect(problems('kinds: {owm: redact}\ncustom: [{kind: own, pattern: xy}]\n')).toContain('did you mean "own"?');
    expect(problems('custom: [{kind: own, pattern: x, ignoreCase: maybe}]\nkinds: {}\n')).toContain('must be true or false');
  });
});

describe('allow', () => {
  const base = 'fields: [{path: who, kind: email}]\nkinds: {email: redact, ip_address: {transform: redact}}\n';

  test('values in any spelling, in fields and texts', () => {
    const yaml = `${base}allow: [{values: [Help@Example.com, 2001:db9::1]}]\n`;
    expect(after(yaml, { who: 'help@example.COM', t: 'help@example.com, a@example.com, 2001:DB9:0::1' })).toEqual({
      who: 'help@example.COM',
      t: 'help@example.com, [REDACTED], 2001:DB9:0::1',
    });
  });

  test('networks, domains with all below them, patterns for the whole value', () => {
    const yaml = `${base}allow:
  - {networks: [203.0.112.0/20, "2a02:c7c::/32"]}
  - {domains: [corp.example, .de.example]}
  - {patterns: ['svc-[a-z]{1,9}@[a-z.]{1,20}']}
`;
    expect(after(yaml, { t: '203.0.113.77 203.0.128.1 2a02:c7c::1 2a02:c7d::1' })).toEqual({ t: '203.0.113.77 [REDACTED] 2a02:c7c::1 [REDACTED]' });
    expect(after(yaml, { t: 'a@corp.example b@x.CORP.example c@acorp.example d@de.example' })).toEqual({
      t: 'a@corp.example b@x.CORP.example [REDACTED] d@de.example',
    });
    expect(after(yaml, { t: 'svc-x@example.com asvc-x@example.com' })).toEqual({ t: 'svc-x@example.com [REDACTED]' });
  });

  test('only of the kinds that are named; what may stay is no finding', () => {
    const engine = engineOf(`${head}${base}allow: [{kinds: ip_address, values: [a@example.com]}, {values: [b@example.com]}]\n`);
    expect(foundIn(engine, 'a@example.com b@example.com')).toEqual(['email:a@example.com']);
    expect(engine.scanObject({ t: 'b@example.com' })).toEqual([]);
    expect(engine.scanObject({ t: 'a@example.com' })).toHaveLength(1);
    expect(engine.scanObject('b@example.com')).toEqual([]);
  });

  test('wrong ones are told', () => {
    expect(problems(`${base}allow: [{why: x}]\n`)).toContain('a rule that allows needs');
    expect(problems(`${base}allow: [{networks: 10.0.0.0}]\n`)).toContain('"10.0.0.0" is not a network');
    expect(problems(`${base}allow: [{domains: [localhost]}]\n`)).toContain('"localhost" is not a domain');
    expect(problems(`${base}allow: [{patterns: ['(a*)*']}]\n`)).toContain('this expression is refused');
    expect(problems(`${base}allow: [{values: [${Array.from({ length: 10_001 }, (_, i) => `v${i}`).join()}]}]\n`)).toContain('at most 10000 values');
  });
});

describe('paths', () => {
  test('from the top of an event fit it as it was sent, and as it is stored: what is no member of ours is below metadata', () => {
    const yaml = `fields: [{path: patient.名前, transform: mask}, {path: pay.*.net, transform: generalize, options: {bucket: 100}}]\nkinds: {}\nunknown: quarantine\n`;
    const sent = { patient: { 名前: 'abcdefghijkl' }, pay: [{ net: 1234 }] };
    const out = { patient: { 名前: '********ijkl' }, pay: [{ net: '1200..1300' }] };
    expect(after(yaml, sent)).toEqual(out);
    expect(after(yaml, { metadata: sent })).toEqual({ metadata: out });
    // Nowhere else.
    expect((after(yaml, { other: { patient: sent.patient } })['other'] as JsonObject)['patient']).not.toEqual(out.patient);
  });
});

describe('logs', () => {
  test('have rules of their own: asked first, in the place of, beside', () => {
    const policy = parsePolicy(`${head}unknown: scan
fields: [{path: note, transform: keep}]
kinds: {email: redact, phone: redact}
logs:
  payroll:
    unknown: redact
    fields: [{path: note, transform: mask}]
    keys: [{match: ref-*, on: value}]
    kinds: {email: hash}
    allow: [{values: [a@example.com]}]
`);
    const own = policyOfLog(policy, 'payroll');
    expect(own.unknown).toBe('redact');
    expect(own.fields.map(({ transform }) => transform)).toEqual(['mask', 'keep']);
    expect(own.kinds).toEqual({ email: { transform: 'hash' }, phone: { transform: 'redact' } });
    expect([own.keys.length, own.allow.length]).toEqual([1, 1]);
    for (const log of ['other', 'constructor']) expect(policyOfLog(policy, log)).toBe(policy);
  });

  test('wrong ones are told', () => {
    expect(problems('kinds: {}\nlogs: {"a b": {}}\n')).toContain('not the name of a log');
    expect(problems('kinds: {}\nlogs: {_system: {}}\n')).toContain('no rule hides');
    expect(problems('kinds: {}\nlogs: {a: {version: 2}}\n')).toContain('unknown name "version"');
    expect(problems('kinds: {}\nlogs: {a: {kinds: {us_ssn: sha256}}}\n')).toContain('my.yaml:4:28:');
  });
});

describe('unknown fields', () => {
  const event = {
    action: 'read',
    actor: { type: 'user', id: 'u-1' },
    message: 'hi a@example.com',
    metadata: { known: 'x', no: 'y', n: 4, t: true, z: null, list: [{ q: 'r' }] },
  };

  test('are withheld in quarantine, each with its path and what it was, as JSON', () => {
    const engine = engineOf(`${head}unknown: quarantine\nfields: [{path: "**.known", transform: scan}]\nkinds: {email: redact}\n`);
    const plan = engine.plan(structuredClone(event) as JsonObject);
    expect(
      plan.unknown
        .map(({ path, type, need }) => [path, type, need?.kind, need?.value])
        .toSorted((a, b) => ((a[0] as string) < (b[0] as string) ? -1 : 1)),
    ).toEqual([
      ['metadata.list.*.q', 'string', 'quarantine', '"r"'],
      ['metadata.n', 'number', 'quarantine', '4'],
      ['metadata.no', 'string', 'quarantine', '"y"'],
      ['metadata.t', 'boolean', 'quarantine', 'true'],
    ]);
    for (const { need } of plan.unknown) expect(plan.tokens).toContain(need);
    const once = engine.apply(plan, tokenOf).event;
    expect(once).toEqual({
      ...event,
      message: 'hi [REDACTED]',
      metadata: {
        known: 'x',
        no: token('quarantine', withheldText({ log: '', path: 'metadata.no', json: '"y"' })),
        n: token('quarantine', withheldText({ log: '', path: 'metadata.n', json: '4' })),
        t: token('quarantine', withheldText({ log: '', path: 'metadata.t', json: 'true' })),
        z: null,
        list: [{ q: token('quarantine', withheldText({ log: '', path: 'metadata.list.*.q', json: '"r"' })) }],
      },
    });
    expect(cleaned(engine, once).event).toEqual(once);
  });

  test('are redacted in redact mode; what a registry has settled is known', () => {
    const policy = parsePolicy(`${head}unknown: redact\nkinds: {email: redact}\n`);
    const engine = createPrivacyEngine(policy, { pseudonymKey, fieldRules: [{ path: ['metadata.no', 'metadata.t'], transform: 'scan' }] });
    const { event: out, applied } = cleaned(engine, event);
    expect(out['metadata']).toEqual({ known: '[REDACTED]', no: 'y', n: '[REDACTED]', t: true, z: null, list: [{ q: '[REDACTED]' }] });
    expect(applied).toContainEqual({ pointer: '/metadata/n', kind: 'unknown', transform: 'redact' });
    expect(engine.plan({ a: 'b' }).unknown).toEqual([{ path: 'a', type: 'string' }]);
  });

  test('are left to the detectors by default, and nothing is reported', () => {
    const plan = engineOf(`${head}kinds: {email: redact}\n`).plan(structuredClone(event) as JsonObject);
    expect(plan.unknown).toEqual([]);
  });
});

describe('transforms', () => {
  test('a token in the shape of its kind, and as it is a second time', () => {
    const yaml = `${head}custom: [{kind: own, pattern: 'X\\d{3}'}]\nkinds: {email: &e1 {transform: tokenize, options: {shape: kind}}}\n`.replace(
      '&e1 ',
      '',
    );
    const engine = engineOf(
      yaml.replace('kinds: {', 'kinds: {phone: {transform: tokenize, options: {shape: kind}}, own: {transform: tokenize, options: {shape: kind}}, '),
    );
    const once = cleaned(engine, { email: 'a@example.com', t: 'a@example.com, call +1 415 555 0132, X123' }).event;
    const address = `${token('email', 'a@example.com')}@token.invalid`;
    expect(once).toEqual({ email: address, t: `${address}, call phone:${token('phone', '+14155550132')}, custom:${token('own', 'x123')}` });
    expect(cleaned(engine, once)).toEqual({ event: once, applied: [] });
  });

  test('sha256 is that of everybody else', () => {
    const hex = createHash('sha256').update('jane@example.com').digest('hex');
    const yaml = 'fields: [{path: "**.id", transform: sha256}]\nkinds: {email: sha256}\n';
    const engine = engineOf(head + yaml);
    const once = cleaned(engine, { t: 'mail Jane@Example.com', id: 'abc' }).event;
    expect(once['t']).toBe(`mail sha256:${hex}`);
    expect(cleaned(engine, once).event).toEqual(once);
  });

  test('sha256 is refused where all values can be tried, unless it is forced, and always warned about', () => {
    for (const kind of ['ip_address', 'us_ssn', 'phone', 'credit_card', 'iban', 'date_of_birth', 'mac_address', 'own'])
      expect(problems(`custom: [{kind: own, pattern: xy}]\nkinds: {${kind}: sha256}\n`), kind).toContain('few enough values to try them all');
    expect(problems('fields: [{path: a, kind: us_ssn, transform: sha256}]\nkinds: {}\n')).toContain('my.yaml:3:45:');
    expect(warnings('kinds: {us_ssn: {transform: sha256, options: {force: true}}}\n')[0]).toContain('is no protection');
    expect(warnings('kinds: {email: sha256}\n')[0]).toContain('my.yaml:3:16: a plain SHA-256');
    expect(warnings('fields: [{path: a, transform: sha256}]\nkinds: {}\n')).toHaveLength(1);
  });

  test('hash goes on under the oldest key, until the policy or the keyring says otherwise', () => {
    const keys = [
      { version: 2, key: new Uint8Array(32).fill(2) },
      { version: 1, key: new Uint8Array(32).fill(1) },
    ];
    const hashed = (options: string, versions = keys): string => {
      const engine = createPrivacyEngine(parsePolicy(`${head}kinds: {email: {transform: hash${options}}}\n`), { pseudonymKey: versions });
      const { event, applied } = cleaned(engine, { t: 'a@example.com' });
      expect(applied[0]?.keyVersion).toBe(
        options.includes('newest') || options.includes('both') || versions.length === 1 ? (versions[0]?.version ?? 0) : 1,
      );
      expect(cleaned(engine, event)).toEqual({ event, applied: [] });
      return event['t'] as string;
    };
    const own = (version: number): string => {
      const mac = createHmac('sha256', new Uint8Array(32).fill(version)).update('\0\0\0\x05email\0\0\0\x0da@example.com').digest();
      return `hash_v${version}_${mac.subarray(0, 20).toString('base64url')}`;
    };
    expect(hashed('')).toBe(own(1));
    expect(hashed('', keys.slice(0, 1))).toBe(own(2));
    expect(hashed(', options: {keys: newest}')).toBe(own(2));
    expect(hashed(', options: {keys: both}')).toBe(`${own(1)}+${own(2)}`);
    expect(hashed(', options: {keys: both}', keys.slice(0, 1))).toBe(own(2));
  });

  describe('shift', () => {
    const yaml = 'fields: [{path: "d.**", kind: date_of_birth, transform: shift, options: {maxDays: 30}}]\nkinds: {}\n';
    const shifted = (d: JsonValue, actor: JsonObject = { id: 'Jane' }): JsonValue => after(yaml, { actor, d })['d'] as JsonValue;
    const days = (text: JsonValue): number => Date.parse(text as string) / 86_400_000;

    test('keeps what lies between the dates of one person, and differs from person to person', () => {
      const [a, b] = shifted(['2024-02-27', '2024-03-02']) as [string, string];
      expect(days(b) - days(a)).toBe(4);
      expect(Math.abs(days(a) - days('2024-02-27'))).toBeGreaterThan(0);
      expect(shifted('2024-02-27', { id: ' jane ' })).toBe(a);
      const people = new Set(Array.from({ length: 40 }, (_, i) => shifted('2024-02-27', { id: `p${i}` })));
      expect(people.size).toBeGreaterThan(15);
      for (const one of people) {
        expect(Math.abs(days(one) - days('2024-02-27'))).toBeLessThanOrEqual(30);
        expect(one).not.toBe('2024-02-27');
      }
    });

    test('writes each date as it was written', () => {
      const by = days(shifted('2024-06-15')) - days('2024-06-15');
      const moved = new Date(Date.UTC(2024, 5, 15 + by)).toISOString();
      const [year, month, day] = moved.slice(0, 10).split('-') as [string, string, string];
      expect(shifted('2024-06-15T10:11:12.5+02:00')).toBe(`${moved.slice(0, 10)}T10:11:12.5+02:00`);
      expect(shifted('2024/06/15')).toBe(`${year}/${month}/${day}`);
      expect(shifted('20240615')).toBe(`${year}${month}${day}`);
      expect(shifted('15.06.2024')).toBe(`${day}.${month}.${year}`);
      expect(shifted('15/06/2024')).toBe(`${day}/${month}/${year}`);
      expect(shifted('6/15/2024')).toBe(`${month}/${day}/${year}`);
      expect(shifted(1_718_446_272)).toBe(String(1_718_446_272 + by * 86_400));
      expect(shifted(1_718_446_272_000)).toBe(String(1_718_446_272_000 + by * 86_400_000));
    });

    test('redacts what is no date, and where nobody is named', () => {
      for (const none of ['soon', '2024-13-01', '2024-02-30', '0001-01-01', 'x2024-01-01']) {
        const out = shifted(none);
        if (none !== '0001-01-01') expect(out, none).toBe('[REDACTED]');
      }
      expect(shifted('2024-02-27', {})).toBe('[REDACTED]');
      expect(shifted('2024-02-27', { id: 7 })).toBe(shifted('2024-02-27', { email: '7' }));
    });

    test('finds that person where the event was stored, too', () => {
      const other = yaml.replace('maxDays: 30', 'maxDays: 30, subject: patient.id');
      const sent = { patient: { id: 'p1' }, d: '2024-02-27' };
      expect((after(other, { metadata: sent })['metadata'] as JsonObject)['d']).toBe(after(other, sent)['d']);
    });

    test('goes by another person if the rule names one', () => {
      const other = yaml.replace('maxDays: 30', 'maxDays: 30, subject: patient.id');
      const of = (patient: string, actor: string): JsonValue =>
        after(other, { actor: { id: actor }, patient: { id: patient }, d: '2024-02-27' })['d'] as JsonValue;
      expect(of('p1', 'a')).toBe(of('p1', 'b'));
      expect(after(other, { actor: { id: 'a' }, patient: [1], d: '2024-02-27' })['d']).toBe('[REDACTED]');
    });
  });

  test.each([
    ['date: month', '1980-03-05', '1980-03'],
    ['date: year', '1980-03-05T10:00', '1980'],
    ['date: year', '05.03.1980', '1980'],
    ['date: month', 'March 5, 1980', '1980'],
    ['date: month', '5 March 1980', '1980'],
    ['date: month', '1980/3/5', '1980-03'],
    ['bucket: 1000', '71234', '71000..72000'],
    ['bucket: 0.1', '0.37', '0.3..0.4'],
    ['bucket: 10', '-3.5', '-10..0'],
    ['parts: 1', '3 Elm Street, 10117 Berlin, Germany', '*, Germany'],
    ['parts: 2', 'Kreuzberg, Berlin, Germany', '*, Berlin, Germany'],
    ['parts: 1', 'Elm Street', '[REDACTED]'],
    ['parts: 1', 'Germany, 10117', '[REDACTED]'],
    ['parts: 1', '52.52, 13.405', '52..53, 13..14'],
    ['keepFirst: 3', '94103-1234', '941******'],
    ['keepFirst: 2', 'sw1a 2aa', 'SW*****'],
    ['keepFirst: 3', 'not a postcode at all', '[REDACTED]'],
    ['date: year', 'nonsense', '[REDACTED]'],
  ])('generalize %s: %s → %s, and again the same', (option, value, expected) => {
    const engine: PrivacyEngine = engineOf(`${head}fields: [{path: v, transform: generalize, options: {${option}}}]\nkinds: {}\n`);
    const once = cleaned(engine, { v: value }).event;
    expect(once).toEqual({ v: expected });
    expect(cleaned(engine, once).event).toEqual(once);
  });

  test('an address that stays keeps the name that it is made of; elsewhere the name goes', () => {
    expect(after('kinds: {email: keep}\n', { t: 'mail jane.doe@example.com, says jane.doe' })).toEqual({
      t: 'mail jane.doe@example.com, says [REDACTED]',
    });
    expect(after('kinds: {email: keep}\n', { email: 'jane@example.com', t: 'jane@example.com 536-22-1845' })).toEqual({
      email: 'jane@example.com',
      t: 'jane@example.com [REDACTED]',
    });
    expect(after('kinds: {}\nallow: [{domains: [example.com]}]\n', { t: 'mail jane.doe@example.com, says jane.doe' })).toEqual({
      t: 'mail jane.doe@example.com, says [REDACTED]',
    });
  });

  test('a rule without a kind is for yes and no, too', () => {
    expect(
      after('fields: [{path: "flags.**", transform: redact}, {path: keep.x, transform: keep}, {path: ssn, kind: us_ssn}]\nkinds: {}\n', {
        flags: { a: true },
        keep: { x: false },
        ssn: true,
      }),
    ).toEqual({
      flags: { a: '[REDACTED]' },
      keep: { x: false },
      ssn: true,
    });
  });

  test('why is kept, and told to whoever asks', () => {
    const policy = parsePolicy(`${head}fields:
  - {path: a, transform: redact, why: because of a}
  - {path: d, transform: drop, why: because of d}
keys: [{match: "cust*", transform: hash, why: because of keys}]
kinds: {email: {transform: redact, why: because of email}}
`);
    const event = { a: 'x', b: 'y@example.com', d: 1, cust1: 2 };
    const engine = createPrivacyEngine(policy, { pseudonymKey, explain: true });
    expect(new Set(cleaned(engine, event).applied.map(({ why }) => why))).toEqual(
      new Set(['because of a', 'because of d', 'because of email', 'because of keys']),
    );
    expect(cleaned(createPrivacyEngine(policy, { pseudonymKey }), event).applied.some((one) => 'why' in one)).toBe(false);
  });
});

test('all of it together costs linear time', () => {
  const { dictionary } = createDictionary(['a b c d e', 'blue bird'], new Uint8Array(16).fill(3));
  const engine = engineOf(`${head}unknown: quarantine
fields: [{path: t, transform: scan}]
keys: [{match: "/^k[a-z]{1,9}$/", on: value}, {match: "x*y", kind: username, transform: hash}]
kinds: {}
custom:
  - {kind: own, pattern: ['\\d+-\\d+', '[a-z]+ x'], keywords: [near, by]}
  - {kind: words, dictionary: ${JSON.stringify(dictionary)}}
allow: [{patterns: ['.*@example\\.org'], domains: [example.net], values: [a@b.co]}]
`);
  const texts = (units: number): string[] =>
    ['1-', 'a b c d ', 'blue ', 'a@b.co ', 'near 1-1 ', '@example.org '].map((unit) => unit.repeat(units / unit.length));
  const prepare = (units: number): (() => void) => {
    const all = texts(units);
    return () => {
      for (const t of all) cleaned(engine, { t, ['x'.repeat(units)]: t, list: [t] });
    };
  };
  expect(growthOf([10_000, 20_000, 40_000, 80_000], prepare, { exponentMax: 1.2 })).toBeLessThanOrEqual(1.2);
});

describe('warnings', () => {
  test.each([
    ['kinds: {us_ssn: keep}\n', 'my.yaml:3:17: us_ssn will be stored as it was sent'],
    ['kinds: {email: {transform: redact, options: {keepLast: 2}}}\n', 'keepLast is for mask, and does nothing to redact'],
    ['kinds: {email: shift}\n', 'shift moves dates'],
    ['fields: [{path: a.b}, {path: [c, A.B]}]\nkinds: {}\n', '"A.B" is never reached'],
    [
      'custom: [{kind: own, check: luhn, dictionary: {salt: AAAAAAAAAAAAAAAAAAAAAA, words: 1, hashes: [AAAAAAAAAAAAAAAA]}}]\nkinds: {}\n',
      'a check is for patterns',
    ],
  ])('%s', (yaml, message) => expect(warnings(yaml).join('\n')).toContain(message));

  test('the default policy has none, and a condition reaches further', () => {
    expect(warnings('fields: [{path: a, when: looks-personal}, {path: a}]\nkinds: {email: redact}\n')).toEqual([]);
  });
});
