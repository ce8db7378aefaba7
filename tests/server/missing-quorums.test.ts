/** A quorum that is missing is told once, however often the server starts meanwhile, and so is that it is over. */
import { beforeEach, expect, test } from 'vitest';
import type { JsonObject } from '../../src/core/json.ts';
import { type MissingQuorum, MissingQuorums } from '../../src/server/missing-quorums.ts';

let nowMs: number;
let behind: MissingQuorum[];
let kept: MissingQuorum[];
let told: JsonObject[];
let isFailing: boolean;
let forked: string[];

beforeEach(() => {
  nowMs = 1_800_000_000_000;
  [behind, kept, told, forked] = [[], [], [], []];
  isFailing = false;
});

/** A start: all that is left of before is what was kept, and a log that is behind is so since now. */
function start(): MissingQuorums {
  behind = behind.map((one) => ({ ...one, sinceMs: nowMs }));
  const parts = {
    behind: () => behind.filter(({ log }) => !forked.includes(log)),
    isForked: (log: string) => forked.includes(log),
    async isTold(event: JsonObject) {
      if (isFailing) return false;
      told.push(event);
      return true;
    },
    keep: (missing: readonly MissingQuorum[]) => void (kept = structuredClone([...missing])),
    clock: { now: () => nowMs },
    lateMs: 300_000,
  };
  return new MissingQuorums(parts, kept);
}
const outcomes = (): unknown[] => told.map(({ outcome }) => outcome);

test('is told after five minutes, once, under one id, over starts', async () => {
  behind = [{ log: 'default', sinceMs: nowMs, witnessedSize: 5 }];
  const since = new Date(nowMs).toISOString();
  // A server that never lives for five minutes.
  for (let i = 0; i < 5; i++) {
    const server = start();
    nowMs += 60_000;
    await server.tell();
    expect(told).toEqual([]);
  }
  nowMs += 1;
  isFailing = true;
  await start().tell();
  isFailing = false;
  const before = kept;
  await start().tell();
  expect(told).toMatchObject([{ id: `witness.quorum:default:${since}`, time: since, outcome: 'failure', metadata: { since, witnessedSize: 5 } }]);
  for (let i = 0; i < 3; i++) {
    nowMs += 3_600_000;
    await start().tell();
  }
  expect(told).toHaveLength(1);
  // A crash between the event and the mark: the same event, which a log takes for a repetition.
  kept = before;
  await start().tell();
  expect(told[1]).toEqual(told[0]);
});

test('is over where a larger size has its quorum, over starts, whatever is behind since', async () => {
  behind = [{ log: 'default', sinceMs: nowMs, witnessedSize: 5 }];
  const server = start();
  nowMs += 300_001;
  await server.tell();
  expect(outcomes()).toEqual(['failure']);
  behind = [{ log: 'default', sinceMs: nowMs, witnessedSize: 9 }];
  isFailing = true;
  await start().tell();
  isFailing = false;
  await start().tell();
  expect(outcomes()).toEqual(['failure', 'success']);
  expect(kept).toEqual([]);
  await start().tell();
  expect(told).toHaveLength(2);
});

test('is none in a log that is busy and a moment behind each time', async () => {
  const server = start();
  for (let size = 0; size < 40; size++) {
    behind = [{ log: 'default', sinceMs: nowMs - 1_000, witnessedSize: size }];
    await server.tell();
    nowMs += 30_000;
  }
  expect([told, kept]).toEqual([[], []]);
});

test('says nothing of a log that forked, neither that it is missing nor that it is over', async () => {
  behind = [{ log: 'default', sinceMs: nowMs, witnessedSize: 5 }];
  const server = start();
  nowMs += 300_001;
  await server.tell();
  forked = ['default'];
  nowMs += 300_001;
  await server.tell();
  expect(outcomes()).toEqual(['failure']);
  forked = [];
  behind = [];
  await server.tell();
  expect(outcomes()).toEqual(['failure', 'success']);
});
