/** The first look at runs: what a run may be, begin or hide must never be overlooked, and lines of logs must not keep the detectors busy. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runsMay } from '../../src/privacy/detectors/run-glance.ts';
import { createPrivacyEngine } from '../../src/privacy/engine.ts';
import { defaultPolicyYaml, parsePolicy } from '../../src/privacy/policy.ts';
import { runMay } from '../../src/privacy/runs-code.ts';
import { Survey, surveyText } from '../../src/privacy/survey.ts';

function bitsOf(text: string, survey: Survey): string[] {
  surveyText(text, survey);
  const bits = runsMay(survey);
  expect(runsMay(survey)).toBe(bits);
  return Object.keys(runMay).filter((name) => (bits & runMay[name as keyof typeof runMay]) !== 0);
}

const found = [
  ['jupyter-jane-smith', 'beNames'],
  ['jupyter-jane-2esmith', 'beNames'],
  ['/customers/jane_smith/', 'beNames'],
  ['/contacts/jane.smith/', 'beNames'],
  ['CV_Jane_Smith.pdf', 'beNames'],
  ['files/JaneSmithResume.docx', 'beNames'],
  ['ghp_0123456789abcdefghijABCDEFGHIJ012345', 'beSecret'],
  ['key=x/ghp_0123456789abcdefghijABCDEFGHIJ012345', 'beSecret'],
  ['hvs.CAESIJ0123456789abcdefghijABCDEFGH', 'beSecret'],
  ['bearer abcdef0123456789abcdef', 'beSecret'],
  ['the new password Tr0ub4dor&3', 'beSecret'],
  ['--username jwhitfield', 'beSecret'],
  ['mysql -phunter2xyz', 'beSecret'],
  ['-----BEGIN PRIVATE KEY-----', 'beSecret'],
  ['https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx', 'beSecret'],
  ['https://discord.com/api/webhooks/123456789012345678/abc', 'beSecret'],
  ['bot123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc', 'beSecret'],
  ['amFuZS5kb2VAZXhhbXBsZS5jb20', 'hideText'],
  ['path/amFuZS5kb2VAZXhhbXBsZS5jb20', 'hideText'],
  ['w6nDqcOpw6nDqcOpw6nDqcOpw6nDqQ', 'hideText'],
  ['6a616e65406578616d706c652e636f6d', 'hideText'],
  ['0x6a616e65406578616d706c652e636f6d', 'hideText'],
] as const;

describe('the first look at runs', () => {
  it.each(found)('%s: %s', (text, bit) => {
    for (const whole of [text, `${text} and more of it`, `it was said that ${text} and no more`])
      for (const survey of [new Survey(), new Survey(0)]) expect(bitsOf(whole, survey)).toContain(bit);
  });

  it('passes over what a line of a web server has, in lanes', () => {
    const line =
      '83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /presentations/images/search.png HTTP/1.1" 200 171717 "http://semicomplete.com/presentations/" "Mozilla/5.0 (Macintosh) AppleWebKit/537.36 (KHTML, like Gecko)"';
    expect(bitsOf(line, new Survey(0))).toEqual([]);
    expect(bitsOf('no run at all', new Survey(0))).toEqual([]);
    expect(bitsOf(line, new Survey())).toEqual(Object.keys(runMay));
  });

  it('lets detectors find the same in lanes and unit by unit', () => {
    const policy = parsePolicy(defaultPolicyYaml);
    const pseudonymKey = { version: 1, key: new Uint8Array(32) };
    const inLanes = createPrivacyEngine(policy, { pseudonymKey });
    // Somebody else's code may scan, so it gets no lanes.
    const byUnits = createPrivacyEngine(policy, { pseudonymKey, recognizers: [() => []] });
    const whole = fc.constantFrom(...found.map(([text]) => text));
    const part = fc.tuple(whole, fc.nat(40), fc.nat(40)).map(([text, from, size]) => text.slice(from, from + size));
    const words = fc.constantFrom(
      ...'jane|smith|Jane|Smith|maria|garcia|JaneSmith|report|invoice|2e|5f|pdf|docx|password|Bearer|com|home|users'.split('|'),
    );
    const marks = fc.constantFrom(...Array.from('/-_.+ =:~"é0x'));
    const texts = fc.array(fc.oneof(whole, part, words, words, marks, marks), { minLength: 3, maxLength: 16 }).map((parts) => parts.join(''));
    let count = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const all = inLanes.scanText(text);
        count += all.length;
        expect(all).toEqual(byUnits.scanText(text));
      }),
      { numRuns: 2000 },
    );
    expect(count).toBeGreaterThan(500);
  });
});
