/** When locks in a bucket are looked at: seldom enough for a log that grows, and soon enough whatever the settings were before. */
import { expect, test } from 'vitest';
import type { Lock } from '../../src/anchor/bucket.ts';
import { type BucketLocks, formatLocks, isRenewalDue, parseLocks, renewLocks, type SeenRules } from '../../src/anchor/bucket-locks.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** A service in memory, a log in it that gets a checkpoint an hour, and a target that is asked as often. */
class Place {
  nowMs = Date.parse('2026-01-01T00:00:00Z');
  readonly clock = { now: (): number => this.nowMs };
  readonly objects: { name: string; key: string; untilMs: number }[] = [];
  seen: BucketLocks | undefined;
  readonly counts = { looks: 0, heads: 0, extended: 0, lapsed: 0 };
  rules: SeenRules = { endpoint: 'https://s3.example', bucket: 'one', prefix: 'p', mode: 'COMPLIANCE', retainDays: 30 };

  async hours(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const key = `p/default/checkpoint/${String(this.objects.length + 1).padStart(16, '0')}`;
      this.objects.push({ name: this.rules.bucket, key, untilMs: this.nowMs + this.rules.retainDays * dayMs });
      await this.anchor();
      this.nowMs += hourMs;
    }
  }

  async anchor(): Promise<void> {
    const seen = this.seen && parseLocks(formatLocks(this.seen));
    if (!isRenewalDue(seen, this.rules, this.clock)) return;
    this.counts.looks++;
    this.seen = await renewLocks(this.#bucket(this.rules.bucket), 'default', this.rules, this.clock);
    this.counts.extended += (this.seen as unknown as { extended: number }).extended;
    this.counts.lapsed += (this.seen as unknown as { lapsed: number }).lapsed;
  }

  /** Objects that nothing keeps from being deleted. */
  get open(): number {
    return this.objects.filter(({ untilMs }) => untilMs <= this.nowMs).length;
  }

  #bucket(name: string): Parameters<typeof renewLocks>[0] {
    const here = new Map(this.objects.filter((one) => one.name === name).map((one) => [one.key, one]));
    const { counts } = this;
    return {
      async *versions() {
        for (const key of here.keys()) yield { key, versionId: '1', lastModified: '2026-01-01T00:00:00Z', size: 1, isDeleteMarker: false } as never;
      },
      async head(key: string) {
        counts.heads++;
        return { mode: 'COMPLIANCE', retainUntil: new Date(here.get(key)?.untilMs ?? 0).toISOString() } as never;
      },
      async extend(key: string, _versionId: string, lock: Pick<Lock, 'retainUntil'>) {
        (here.get(key) as { untilMs: number }).untilMs = lock.retainUntil.getTime();
      },
    } as Parameters<typeof renewLocks>[0];
  }
}

test('a log that grows every hour is looked at four times in retainDays at most, and no lock ends', async () => {
  const place = new Place();
  await place.hours(24 * 60);
  expect(place.counts.looks).toBeLessThanOrEqual(9);
  expect(place.counts.heads).toBeLessThanOrEqual(9 * 1_440);
  expect(place.counts).toMatchObject({ lapsed: 0 });
  expect([place.open, Math.min(...place.objects.map(({ untilMs }) => untilMs)) - place.nowMs > 14 * dayMs]).toEqual([0, true]);
});

test('after retainDays was lowered, objects of since are renewed in time', async () => {
  const place = new Place();
  place.rules = { ...place.rules, retainDays: 3_650 };
  await place.hours(24);
  place.rules = { ...place.rules, retainDays: 30 };
  await place.hours(24 * 60);
  expect([place.open, place.counts.lapsed]).toEqual([0, 0]);
  expect(Date.parse(place.seen?.lockedUntil ?? '')).toBeGreaterThan(place.nowMs);
});

test('another bucket, raised days, and a clock that was put back have everything looked at', async () => {
  const place = new Place();
  await place.hours(2);
  const looks = async (change: () => void): Promise<number> => {
    const before = place.counts.looks;
    change();
    await place.anchor();
    return place.counts.looks - before;
  };
  expect(await looks(() => undefined)).toBe(0);
  expect(await looks(() => (place.rules = { ...place.rules, retainDays: 300 }))).toBe(1);
  expect(place.objects.every(({ untilMs }) => untilMs > place.nowMs + 299 * dayMs)).toBe(true);
  expect(await looks(() => (place.nowMs -= 5 * hourMs))).toBe(1);
  await place.hours(1);
  for (const member of ['endpoint', 'prefix', 'bucket'] as const)
    expect(await looks(() => (place.rules = { ...place.rules, [member]: `another-${member}` })), member).toBe(1);
  // As versions before wrote it: nothing says where that was seen.
  expect(parseLocks('{"format":"veiltrail.bucket-locks/v1","objects":1,"lockedUntil":"2036-01-01T00:00:00Z","seenAt":"2026-01-01T00:00:00Z"}')).toBe(
    undefined,
  );
});
