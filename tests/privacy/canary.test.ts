import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/core/random.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { canaryLogOf } from '../../src/privacy/policy-model.ts';
import { type Canary, type CanaryEvent, kindsWithoutCanary, plantCanaries, tracesOf } from '../../src/privacy/canary.ts';
import { encodings, positions } from '../../src/privacy/canary-places.ts';
import { kindSpecs } from '../../src/privacy/detectors/all.ts';
import { defaultPolicyYaml, parsePolicy } from '../../src/privacy/policy.ts';
import { cleaned, engineOf } from './engine-for-test.ts';

/** The canaries that are still to be seen after a policy. */
function leaks(events: Iterable<CanaryEvent>, yaml?: string): Canary[] {
  const engine = engineOf(yaml);
  const out: Canary[] = [];
  for (const { event, canaries } of events) {
    const text = JSON.stringify(cleaned(engine, event as JsonObject).event).toLowerCase();
    out.push(...canaries.filter((one) => tracesOf(one).some((trace) => text.includes(trace))));
  }
  return out;
}

function allBut(...kinds: string[]): Set<string> {
  return new Set([...kindSpecs.keys()].filter((kind) => !kinds.includes(kind)));
}

describe('canaries', () => {
  const events = [...plantCanaries(systemRandom)];

  it('are of every kind, in every position and encoding', () => {
    const places = new Set(events.flatMap(({ canaries }) => canaries.map(({ kind, position, encoding }) => `${kind} ${position} ${encoding}`)));
    const kinds = [...kindSpecs.keys()].filter((kind) => !kindsWithoutCanary.has(kind));
    expect(places.size).toBe(kinds.length * Object.keys(positions).length * Object.keys(encodings).length);
  });

  it('are all taken out by the default policy', () => {
    expect(leaks(events).map(({ kind, position, encoding, planted }) => `${kind} ${position} ${encoding} ${planted}`)).toEqual([]);
  });

  it('are seen where a policy keeps them', () => {
    const kept = leaks(events, defaultPolicyYaml.replace('fields:', 'fields:\n  - path: message\n    transform: keep'));
    // All that were planted in the message, and none elsewhere.
    expect(kept.filter(({ position }) => position === 'message')).toHaveLength(events.length);
    expect(kept.filter(({ position, unique }) => position !== 'message' && unique)).toEqual([]);
    expect(kept.filter(({ unique }) => unique).length).toBeGreaterThan(events.length / 2);
  });

  it('are new values in every run, each position its own', () => {
    const emails = (list: CanaryEvent[]): string[] =>
      list.flatMap(({ canaries }) => canaries.flatMap(({ kind, value }) => (kind === 'us_ssn' ? [value] : [])));
    const [one, other] = [emails(events), emails([...plantCanaries(systemRandom, { encodingsEach: 1, without: allBut('us_ssn') })])];
    expect(new Set(one).size).toBe(Object.keys(positions).length);
    expect(one.filter((value) => other.includes(value))).toEqual([]);
  });

  it('can be fewer', () => {
    const few = [...plantCanaries(systemRandom, { without: allBut('email', 'iban'), encodingsEach: 2 })];
    expect(few.map(({ canaries }) => canaries[0]?.kind)).toEqual(['email', 'email', 'iban', 'iban']);
  });
});

it('logs with rules of their own have canaries of their own', () => {
  const policy = parsePolicy(`${defaultPolicyYaml}\nlogs:\n  app:\n    kinds:\n      email: keep\n`);
  expect([canaryLogOf(policy, 'app'), canaryLogOf(policy, 'default')]).toEqual(['_canary-app', '_canary']);
});

it('a kind that stays takes nothing with it that has to go', () => {
  const engine = engineOf(defaultPolicyYaml.replace('kinds:', 'kinds:\n  url_credentials: keep'));
  const hidden = Buffer.from('postgres://jane:hunter22@db/app for jane@acme-corp.com').toString('base64');
  for (const text of ['postgres://jane@acme-corp.com:hunter22@db/app', hidden, `see ${hidden}.`]) {
    const { message } = cleaned(engine, { message: text }).event;
    expect(message).not.toContain('jane@acme-corp.com');
    expect(message).not.toContain(hidden);
  }
});

it('a password before a host is a secret, not an address', () => {
  const { event, applied } = cleaned(engineOf(), { url: 'postgres://app:s3cretXYZabc1234@db.internal.net/app' });
  expect(event).toEqual({ url: 'postgres://[REDACTED]@db.internal.net/app' });
  expect(applied.map(({ kind }) => kind)).toEqual(['url_credentials']);
});
