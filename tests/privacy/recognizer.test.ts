/** A recogniser of one's own beside the built-in detectors, with a real one. */
import nlp from 'compromise';
import { describe, expect, test } from 'vitest';
import { createPrivacyEngine, defaultPolicyYaml, parsePolicy, type Recognizer } from '../../src/privacy/index.ts';

const pseudonymKey = { version: 1, key: new Uint8Array(32) };
const policy = parsePolicy(defaultPolicyYaml);

/** People and organisations by compromise. */
const compromise: Recognizer = (text) => {
  const document = nlp(text) as unknown as Record<
    'people' | 'organizations',
    () => { json(options: object): { offset: { start: number; length: number } }[] }
  >;
  const of = (kind: string, view: 'people' | 'organizations'): ReturnType<Recognizer> =>
    document[view]()
      .json({ offset: true })
      .map(({ offset: { start, length } }) => ({ kind, start, end: start + length, confidence: 0.6 }));
  return [...of('person_name', 'people'), ...of('organization', 'organizations')];
};

describe('a recogniser', () => {
  const text = 'payroll of General Electric went to jane@example.net';

  test('adds to what is found', () => {
    const plain = createPrivacyEngine(policy, { pseudonymKey });
    const engine = createPrivacyEngine(policy, { pseudonymKey, recognizers: [compromise] });
    expect(plain.scanText(text).map(({ kind }) => kind)).toEqual(['email']);
    expect(engine.scanText(text).map(({ kind, start, end }) => [kind, text.slice(start, end)])).toEqual([
      ['organization', 'General Electric'],
      ['email', 'jane@example.net'],
    ]);
  });

  test('may look through texts of its own with another engine', () => {
    const inner = createPrivacyEngine(policy, { pseudonymKey });
    const other = `${'another text, 4111 1111 1111 1111, ::1 = '.repeat(9)}bob@example.net`;
    const own: Recognizer = () => (expect(inner.scanText(other).length).toBeGreaterThan(1), []);
    const texts = [text, 'user jane from 8.8.4.4 wrote %6aohn.roe%40example.com, (Jane Doe), am9obi5kb2VAZXhhbXBsZS5uZXQ= 536-22-1845'];
    for (const one of texts) expect(createPrivacyEngine(policy, { pseudonymKey, recognizers: [own] }).scanText(one)).toEqual(inner.scanText(one));
  });

  test('is asked about encoded texts and takes part in plans', () => {
    const engine = createPrivacyEngine(policy, { pseudonymKey, recognizers: [compromise] });
    const { event } = engine.apply(engine.plan({ note: 'payroll of General%20Electric' }), () => 'tok_');
    expect(JSON.stringify(event)).not.toContain('Electric');
  });

  test('has to be as sure as the policy asks', () => {
    const sure = parsePolicy(defaultPolicyYaml.replace('  person_name: tokenize', '  person_name: {transform: tokenize, floor: 0.7}'));
    const unsure: Recognizer = (all) => [{ kind: 'person_name', start: 0, end: all.length, confidence: 0.6 }];
    expect(createPrivacyEngine(sure, { pseudonymKey, recognizers: [unsure] }).scanText('xyzzy')).toEqual([]);
    expect(createPrivacyEngine(policy, { pseudonymKey, recognizers: [unsure] }).scanText('xyzzy')).toHaveLength(1);
  });

  test.each([
    [-1, 2],
    [0, 99],
    [2, 2],
    [0, 1.5],
    [Number.NaN, 2],
  ])('may not report the span %s…%s of five units: the event is not processed', (start, end) => {
    const engine = createPrivacyEngine(policy, { pseudonymKey, recognizers: [() => [{ kind: 'x', start, end, confidence: 1 }]] });
    expect(() => engine.plan({ note: 'xyzzy' })).toThrow(RangeError);
  });
});
