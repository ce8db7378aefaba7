/** Whole names are found without making their forms; what is found must be the same either way. */
import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../src/privacy/finding.ts';
import { NameIndex } from '../../src/privacy/names.ts';

type Met = readonly [kind: string, value: string];

function find(text: string, met: readonly Met[]): Candidate[] {
  const names = new NameIndex();
  for (const [kind, value] of met) names.meet(kind, value);
  const found: Candidate[] = [];
  names.find(text, found);
  return found.toSorted((a, b) => a.start - b.start);
}

/** With somebody else met first the whole name is no case of its own. */
const nobody: Met = ['username', 'zzqx'];

describe('a name as it was met', () => {
  const jane: Met = ['person_name', 'Jane Doe'];

  it('is found with the value it stands for', () => {
    expect(find('by Jane Doe, twice: Jane Doe', [jane])).toEqual([
      { kind: 'person_name', start: 3, end: 11, confidence: 0.8, value: 'Jane Doe', canonical: 'jane doe' },
      { kind: 'person_name', start: 20, end: 28, confidence: 0.8, value: 'Jane Doe', canonical: 'jane doe' },
    ]);
  });

  it('gives way to a longer form of somebody else', () => {
    const [one] = find('Jane Doe Miller called', [jane, ['email', 'jane.doe.miller@example.com']]);
    expect(one).toMatchObject({ start: 0, end: 15 });
  });

  it('ends where its word does', () => {
    expect(find('Jane Doerr', [jane]).map(({ end }) => end)).toEqual([4]);
  });

  it('may be met twice', () => {
    const text = 'Jane Doe gave Doe, Jane her jdoe';
    expect(find(text, [jane, jane, ['email', 'jdoe@example.com'], jane])).toEqual(find(text, [jane, ['email', 'jdoe@example.com']]));
  });

  it('is found as its forms are, in any text and company', () => {
    let seed = 20;
    const random = (below: number): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % below;
    const pick = (from: readonly string[]): string => from[random(from.length)] as string;
    const people = [
      'Jane Doe',
      'Jane Doe Miller',
      'Will Smith',
      'Jane12 Doe3',
      'jane doe',
      'Jane  Doe',
      'Doe Jane',
      'Jane-Ann Doe',
      'Ann Ann',
      'José Doe',
      'Zoë Łukasz',
      'Çelik Ünal',
      'Ann İnan',
      'Ann Иван',
    ];
    const others: Met[] = [
      ['email', 'jane.doe@example.com'],
      ['email', 'jane.doe.miller7@example.com'],
      ['username', 'will-smith'],
      ['username', 'jane doe miller jr'],
      ['person_name', 'Jane Doe Miller'],
    ];
    const words = [...people, 'JANE DOE', 'doe.jane', 'jdoe', 'ZOË ŁUKASZ', 'Miller', 'x', 'used', '7'];
    const joints = [' ', ' ', ', ', '.', '-', '_', "'", '/', '\n'];
    let count = 0;
    for (let i = 0; i < 4000; i++) {
      const met: Met[] = [['person_name', pick(people)], ...others.filter(() => random(3) === 0)];
      const text = Array.from({ length: 1 + random(6) }, () => pick(words) + pick(joints)).join('');
      const found = find(text, met);
      count += found.length;
      expect(found, JSON.stringify([text, met])).toEqual(find(text, [nobody, ...met]));
    }
    expect(count).toBeGreaterThan(4000);
  });
});
