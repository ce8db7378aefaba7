/** How fast and how much one principal may look up: a bucket against haste, a stop against sweeps, and neither forgotten by a restart too soon. */
import { describe, expect, it } from 'vitest';
import { LookUpLimits } from '../../src/app/look-up-limits.ts';
import { vaultRulesOf } from '../../src/privacy/vault-rules.ts';

const hourMs = 3_600_000;
const startMs = Date.parse('2026-03-01T00:00:00Z');

function limitsFor(reveal: object = {}): {
  limits: LookUpLimits;
  pass: (ms: number) => void;
  restart: () => LookUpLimits;
  disk: { text: string | undefined; writes: number };
} {
  const time = { ms: startMs };
  const disk: { text: string | undefined; writes: number } = { text: undefined, writes: 0 };
  const open = (): LookUpLimits =>
    new LookUpLimits({
      rules: vaultRulesOf({ vault: { reveal: { perMinute: 6, burst: 3, perHour: 10, perDay: 25, ...reveal } } }),
      clock: { now: () => time.ms },
      digest: (text) => `d:${text.length}:${text.slice(-4)}`,
      read: () => disk.text,
      write: (text) => {
        disk.text = text;
        disk.writes++;
      },
    });
  return { limits: open(), pass: (ms) => (time.ms += ms), restart: open, disk };
}

const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `tok_${1000 + from + i}`);
const code = (of: string): unknown => expect.objectContaining({ code: of });

describe('the bucket', () => {
  it('lets a burst through, and then as many as the rate allows', () => {
    const { limits, pass } = limitsFor();
    for (let i = 0; i < 3; i++) limits.enter('k', 'reveal');
    expect(() => limits.enter('k', 'reveal')).toThrow(expect.objectContaining({ code: 'look_up_rate', detail: { retryAfterSeconds: 10 } }));
    pass(9_999);
    expect(() => limits.enter('k', 'reveal')).toThrow(code('look_up_rate'));
    pass(1);
    limits.enter('k', 'reveal');
    pass(hourMs);
    for (let i = 0; i < 3; i++) limits.enter('k', 'reveal');
    expect(() => limits.enter('k', 'reveal')).toThrow(code('look_up_rate'));
  });

  it('is each principal’s own, and each use’s', () => {
    const { limits } = limitsFor();
    for (let i = 0; i < 3; i++) limits.enter('k', 'reveal');
    limits.enter('other', 'reveal');
    limits.enter('k', 'search');
  });

  it('is not refilled by a clock that goes back', () => {
    const { limits, pass } = limitsFor();
    for (let i = 0; i < 3; i++) limits.enter('k', 'reveal');
    pass(-hourMs);
    expect(() => limits.enter('k', 'reveal')).toThrow(code('look_up_rate'));
  });
});

describe('a sweep', () => {
  it('is stopped at the first one too many in an hour; the same ones again are none', () => {
    const { limits } = limitsFor();
    expect(limits.count('k', 'reveal', names(0, 10))).toBeUndefined();
    expect(limits.count('k', 'reveal', names(0, 10))).toBeUndefined();
    expect(limits.count('k', 'reveal', names(10, 11))).toMatchObject({ principal: 'k', use: 'reveal', count: 11, window: 'hour' });
    expect(() => limits.enter('k', 'reveal')).toThrow(
      expect.objectContaining({ code: 'look_up_stopped', detail: { until: '2026-03-02T00:00:00.000Z' } }),
    );
    limits.enter('k', 'search');
    limits.enter('other', 'reveal');
  });

  it('is noticed when it is slow: over a day, an hour at a time', () => {
    const { limits, pass } = limitsFor();
    let stop;
    let asked = 0;
    for (let hour = 0; hour < 23 && !stop; hour++) {
      stop = limits.count('k', 'reveal', names(asked, asked + 2));
      asked += 2;
      pass(hourMs);
    }
    expect(stop).toMatchObject({ window: 'day', count: 26 });
  });

  it('is none when what was asked is older than a day', () => {
    const { limits, pass } = limitsFor();
    for (let day = 0; day < 20; day++) {
      expect(limits.count('k', 'reveal', names(day * 9, day * 9 + 9))).toBeUndefined();
      pass(24 * hourMs);
    }
  });

  it('stays stopped over a restart, and its time runs out', () => {
    const { limits, restart, pass } = limitsFor();
    limits.count('k', 'reveal', names(0, 11));
    const again = restart();
    expect(() => again.enter('k', 'reveal')).toThrow(code('look_up_stopped'));
    expect(again.stops()).toHaveLength(1);
    pass(24 * hourMs - 1);
    expect(() => again.enter('k', 'reveal')).toThrow(code('look_up_stopped'));
    pass(1);
    again.enter('k', 'reveal');
    expect(again.stops()).toEqual([]);
    expect(again.count('k', 'reveal', names(0, 1))).toBeUndefined();
  });

  it('is counted over a restart', () => {
    const { limits, restart } = limitsFor();
    limits.count('k', 'reveal', names(0, 10));
    expect(restart().count('k', 'reveal', names(10, 11))).toMatchObject({ count: 11 });
  });

  it('is lifted by whoever may, durably', () => {
    const { limits, restart } = limitsFor();
    limits.count('k', 'reveal', names(0, 11));
    expect(limits.lift('nobody')).toEqual([]);
    expect(limits.lift('k')).toHaveLength(1);
    limits.enter('k', 'reveal');
    expect(restart().stops()).toEqual([]);
  });
});

describe('what is written down', () => {
  it('is there before anything is answered, and holds digests only', () => {
    const { limits, disk } = limitsFor();
    limits.count('k', 'reveal', ['a very long and telling value']);
    expect(disk.writes).toBe(1);
    expect(disk.text).not.toContain('telling');
    expect(limits.isRecent('k', 'reveal', 'a very long and telling value')).toBe(true);
    expect(limits.isRecent('k', 'search', 'a very long and telling value')).toBe(false);
  });

  it.each([
    '',
    '{',
    '[]',
    '{"version":2,"accounts":[]}',
    '{"version":1,"accounts":[{"name":"reveal k"}]}',
    '{"version":1,"accounts":[{"name":"x","seen":[["a"]]}]}',
  ])('is refused when it is damaged: %s', (text) => {
    const { restart, disk } = limitsFor();
    disk.text = text;
    expect(restart).toThrow(code('config_damaged'));
  });
});
