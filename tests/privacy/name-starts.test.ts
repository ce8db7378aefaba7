/** A text is left out of the search for an event's own names only if none of its words begins as a form of theirs does. */
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import type { Candidate } from '../../src/privacy/finding.ts';
import { isHexId } from '../../src/privacy/hex-id.ts';
import { hexStarts, NameIndex, digitStarts, wordStarts } from '../../src/privacy/names.ts';
import { isTimeStamp } from '../../src/privacy/time-stamp.ts';
import { cleaned, engineOf } from './engine-for-test.ts';

function indexOf(kind: string, value: string): NameIndex {
  const names = new NameIndex();
  names.meet(kind, value);
  return names;
}

function randomFrom(seed: number): <T>(list: readonly T[]) => T {
  let state = seed;
  return (list) => list[(state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % list.length] as never;
}

describe('what words begin with', () => {
  it('is told of each word, in either case', () => {
    expect(wordStarts('jane-Doe')).toBe(wordStarts('DOE, Jane'));
    expect(wordStarts('jane doe') & wordStarts('ane oe')).toBe(0);
    expect(wordStarts('4th') & wordStarts('th')).toBe(0);
    expect(wordStarts('ünal') & wordStarts('nal')).toBe(0);
    expect(wordStarts(' .,:/')).toBe(0);
  });

  it('leaves out no text in which something would be found', () => {
    const pick = randomFrom(7);
    const parts = 'jane Doe Ümit 王小明 4711 ada O’Neil jdoe 佐藤 Élise x İnan Кузнецов J.D. 2nd'.split(' ');
    const joints = [' ', '.', '_', ', ', '', '-', '/'];
    let found = 0;
    let left = 0;
    for (let i = 0; i < 20_000; i++) {
      const name = pick(parts) + pick(joints) + pick(parts);
      const kind = pick(['person_name', 'username', 'email']);
      const text = [pick(parts), pick(joints), pick([...parts, name, name.toLowerCase()]), pick(joints), pick(parts)].join('');
      const names = indexOf(kind, kind === 'email' ? `${name}@example.com` : name);
      const all: Candidate[] = [];
      names.find(text, all);
      if (all.length > 0) found++;
      if ((wordStarts(text) & names.starts) !== 0) continue;
      left++;
      expect(all, `${name} in ${text}`).toEqual([]);
    }
    expect(found).toBeGreaterThan(1000);
    expect(left).toBeGreaterThan(1000);
  });

  it('is as much of time stamps and identifiers as is said of all of them', () => {
    for (const time of ['2026-03-01T10:10:42.123Z', '1999-12-31 23:59:59', '2026-03-01T10:10:42.1+01:00']) {
      expect(isTimeStamp(time)).toBe(true);
      expect(wordStarts(time) & ~digitStarts).toBe(0);
    }
    for (const id of ['0b1c2d3e4f5a6b7c', '8eadbeef-0000-4a1b-8c2d-fedcba987654', 'f0e1d2c3b4a5968778695a4b3c2d1e0f']) {
      expect(isHexId(id)).toBe(true);
      expect(wordStarts(id) & ~hexStarts).toBe(0);
    }
  });

  it('is forgotten with the names', () => {
    const names = indexOf('person_name', '王小明');
    names.clear();
    expect(names.starts).toBe(0);
    const found: Candidate[] = [];
    for (let i = 0; i < 600; i++) {
      names.meet('username', `zq${i % 7}-x${i}`);
      names.find(`by zq${i % 7}-x${i}, zq${(i + 1) % 7}-x${i - 1}`, found);
      names.clear();
      names.find(`by zq${i % 7}-x${i}`, found);
    }
    expect(found.map(({ value }) => value)).toEqual(Array.from({ length: 600 }, (_, i) => `zq${i % 7}-x${i}`));
  });
});

describe('an event that tells a name', () => {
  it('has it found in texts that were clean before, in identifiers, and in the names of members', () => {
    const engine = engineOf();
    const event = (name: string): JsonObject => ({ region: 'quimb zorv', 'Quimb eu': 1, trace: 'fab1a900-00000000', person: { name } });
    for (let i = 0; i < 3; i++) {
      const shown = (name: string): string => JSON.stringify(cleaned(engine, event(name)).event);
      expect(shown('Ulla Oyelaran')).toContain('{"region":"quimb zorv","Quimb eu":1,"trace":"fab1a900-00000000"');
      expect(shown('Zorv Quimb')).not.toMatch(/quimb/i);
      expect(shown('fab1a900 00000000')).not.toContain('fab1a900');
    }
  });
});
