import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/core/canonical-json.ts';
import type { JsonValue } from '../../src/core/json.ts';

test('agrees with the reference implementation of RFC 8785', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'binary' }), (value) => {
      if (JSON.stringify(value).includes('\\ud')) return; // lone surrogates: refused here
      expect(canonicalJson(value as JsonValue)).toBe(canonicalize(value));
    }),
  );
});

test('the example of RFC 8785, section 3.2.2', () => {
  const value = { numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 1e-27], string: '€$\u000f\nA\'B"\\\\"/', literals: [null, true, false] };
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, '\ud800', undefined, { a: Number.NaN }, { '\udfff': 1 }])(
  'refuses what JSON cannot say: %#',
  (value) => {
    expect(() => canonicalJson(value as JsonValue)).toThrow(expect.objectContaining({ code: 'not_canonical' }));
  },
);
