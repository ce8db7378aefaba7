/** What is said at once of an address that stands alone is what all detectors find in it. */
import { describe, expect, it } from 'vitest';
import { kindSpecs } from '../../src/privacy/detectors/all.ts';
import type { Detector } from '../../src/privacy/detectors/detector.ts';
import { plainAddress } from '../../src/privacy/plain-address.ts';
import { Scanner } from '../../src/privacy/scan.ts';

const specs = [...kindSpecs.values()];
/** With a detector beside the built-in ones nothing is known by its form. */
const idle: Detector = { kinds: [], gate: 0, detect: () => {} };
const asFound = new Map(specs.map(({ kind, floor }) => [kind, floor] as const));
const unsure = new Map(specs.map(({ kind }) => [kind, 0] as const));
const fields = ['ip', 'clientip', 'sourceipaddress', 'peeripaddr', 'zip', 'membership', 'citizenship', 'version', 'location', 'phone', 'value', ''];

/** Numbers that ranges, networks and identity numbers begin or end with, and any others. */
function addressOf(i: number): string {
  const edges = [0, 1, 9, 10, 12, 51, 99, 100, 113, 127, 168, 172, 192, 198, 203, 212, 224, 255];
  let state = Math.imul(i + 1, 2654435761) >>> 0;
  const next = (below: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % below;
  return Array.from({ length: 4 }, () => (next(2) === 0 ? (edges[next(edges.length)] as number) : next(256))).join('.');
}

describe('an address that stands alone', () => {
  it.each([
    ['with the floors of all kinds', asFound],
    ['however unsure the rest may be', unsure],
  ])('is found as by all detectors, %s', (_, floors) => {
    const all = new Scanner(floors, [idle]);
    const quick = new Scanner(floors);
    let known = 0;
    for (let i = 0; i < 12_000; i++) {
      const text = addressOf(i);
      const field = fields[i % fields.length] as string;
      if (plainAddress(text, field)) known++;
      expect(quick.scan(text, field), `${field}: ${text}`).toEqual(all.scan(text, field));
      expect(quick.layered).toBe(all.layered);
    }
    expect(known).toBeGreaterThan(3000);
  });

  it('is nothing else', () => {
    for (const other of ['08.8.4.4', '8.8.4', '8.8.4.4.1', '8.8.4.256', '8.8.4.4/24', ' 8.8.4.4', '8.8.4.4 ', '10.1.2.3', '192.0.2.1', 'x', '', '8'])
      expect(plainAddress(other, 'ip'), other).toBeUndefined();
    expect(plainAddress('8.8.4.4', 'message')).toBeUndefined();
  });

  it('is left to the detectors where the policy lets addresses stay, or wants to be surer', () => {
    // By its digits it is also a Brazilian tax number; which of both is found depends on what stays.
    const both = '211.101.126.61';
    const sure = new Map([...unsure, ['ip_address', 0.95] as const]);
    for (const [floors, kept] of [
      [unsure, new Set(['ip_address'])],
      [sure, new Set<string>()],
    ] as const)
      expect(new Scanner(floors, [], kept).scan(both, 'ip')).toEqual(new Scanner(floors, [idle], kept).scan(both, 'ip'));
    expect(new Scanner(sure).scan(both, 'ip').map(({ kind }) => kind)).toEqual(['br_cpf']);
    expect(new Scanner(unsure).scan(both, 'ip').map(({ kind }) => kind)).toEqual(['ip_address']);
  });
});
