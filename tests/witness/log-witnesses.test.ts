/** The side that asks, in virtual time: rounds, back-off, catching up, slow witnesses, and what is an alarm and what is none. */
import { beforeEach, describe, expect, test } from 'vitest';
import { createCosigner } from '../../src/log/cosignature.ts';
import { formatSignatureLine, parseNote, parseWitnessPolicy } from '../../src/log/index.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import type { WitnessReply } from '../../src/witness/ask-witness.ts';
import { createAskWitness } from '../../src/witness/ask-witness.ts';
import { type Fork, LogWitnesses, witnessTimes } from '../../src/witness/log-witnesses.ts';
import { checkpointAt, proofBetween, rootAt } from './sample-tree.ts';

const cosigners = ['a', 'b', 'c'].map((name, i) => createCosigner(`${name}.example`, new Uint8Array(32).fill(i + 1)));

/** Time that passes when a test says so. */
class Time {
  nowMs = 1_000_000;
  readonly #timers = new Set<{ atMs: number; run: () => void }>();

  readonly clock = { now: () => this.nowMs };
  readonly after = (ms: number, run: () => void): (() => void) => {
    const timer = { atMs: this.nowMs + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  async pass(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    await settled();
    for (;;) {
      const next = [...this.#timers].filter(({ atMs }) => atMs <= end).toSorted((x, y) => x.atMs - y.atMs)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
      await settled();
    }
    this.nowMs = end;
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

interface Asked {
  who: string;
  oldSize: number;
  proofLines: number;
  size: number;
  atMs: number;
}

type Answer = (asked: Asked, body: string) => WitnessReply | Promise<WitnessReply>;

let time: Time;
let asked: Asked[];
let answers: Record<string, Answer>;
let kept: string[];
let forks: Fork[];
let growthFails: boolean;

beforeEach(() => {
  time = new Time();
  asked = [];
  kept = [];
  forks = [];
  growthFails = false;
  answers = { a: honest('a'), b: honest('b'), c: honest('c') };
});

/** A witness as it should be. */
function honest(who: string, seen = { size: 0 }): Answer {
  const cosigner = cosigners['abc'.indexOf(who)] as (typeof cosigners)[0];
  return ({ oldSize, size }, body) => {
    if (oldSize !== seen.size) return { status: 409, type: 'text/x.tlog.size', body: `${seen.size}\n` };
    seen.size = size;
    const { text } = parseNote(body.slice(body.indexOf('\n\n') + 2));
    return { status: 200, type: 'text/plain', body: formatSignatureLine(cosigner.cosign(text, Math.floor(time.nowMs / 1_000))) };
  };
}

function status(code: number, body = '', retryAfterMs?: number): Answer {
  return () => ({ status: code, type: 'text/plain', body, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}

function start(quorum: string, times = {}): LogWitnesses {
  const rule = quorum === 'none' ? 'quorum none' : `group g ${quorum} a b c\nquorum g`;
  const policy = parseWitnessPolicy(`${cosigners.map(({ vkey }, i) => `witness ${'abc'[i]} ${vkey} http://${'abc'[i]}/`).join('\n')}\n${rule}\n`);
  const ports = {
    async ask(url: string, body: string): Promise<WitnessReply> {
      const who = new URL(url).hostname;
      const [head, note] = [body.slice(0, body.indexOf('\n\n')), body.slice(body.indexOf('\n\n') + 2)];
      const one = {
        who,
        oldSize: Number(head.split('\n')[0]?.slice(4)),
        proofLines: head.split('\n').length - 1,
        size: Number(note.split('\n')[1]),
        atMs: time.nowMs,
      };
      asked.push(one);
      return (answers[who] as Answer)(one, body);
    },
    async growth(before: number, after: number) {
      if (growthFails) throw new VeiltrailError('tile_missing', 'gone');
      return { rootBefore: rootAt(before), rootAfter: rootAt(after), proof: proofBetween(before, after) };
    },
    keep: async (note: string) => void kept.push(note),
    alarm: async (fork: Fork) => void forks.push(fork),
    clock: time.clock,
    after: time.after,
    chance: () => 1,
  };
  return new LogWitnesses(policy, ports, { ...witnessTimes, ...times }, new Set());
}

function publish(witnesses: LogWitnesses, treeSize: number): void {
  witnesses.published({ treeSize, checkpoint: checkpointAt(treeSize) });
}

describe('rounds', () => {
  test('begin at once, then once a second however often it is published, each about the newest', async () => {
    const witnesses = start('all');
    for (let size = 1; size <= 100; size++) {
      publish(witnesses, size);
      await time.pass(30);
    }
    await time.pass(2_000);
    const rounds = [...new Set(asked.map(({ atMs }) => atMs))];
    expect(rounds.length).toBeLessThanOrEqual(5);
    for (const [i, at] of rounds.slice(1).entries()) expect(at - (rounds[i] as number)).toBeGreaterThanOrEqual(1_000);
    expect(witnesses.witnessedSize).toBe(100);
    expect(witnesses.behindSinceMs).toBeUndefined();
  });

  test('a proof from where each witness is', async () => {
    const witnesses = start('all');
    publish(witnesses, 5);
    await time.pass(0);
    publish(witnesses, 300);
    await time.pass(1_000);
    expect(asked.filter(({ size }) => size === 300).map(({ oldSize, proofLines }) => [oldSize, proofLines])).toEqual(
      Array.from({ length: 3 }, () => [5, proofBetween(5, 300).length]),
    );
  });

  test('end when the quorum is there; who is slower joins later, and nobody waits', async () => {
    let late: (() => void) | undefined;
    const slow = honest('c');
    answers['c'] = (one, body) => new Promise((resolve) => (late = () => resolve(slow(one, body) as WitnessReply)));
    const witnesses = start('2');
    publish(witnesses, 5);
    await time.pass(0);
    expect(witnesses.witnessedSize).toBe(5);
    publish(witnesses, 9);
    await time.pass(1_000);
    expect(witnesses.witnessedSize).toBe(9);
    expect(asked.filter(({ who }) => who === 'c')).toHaveLength(1);
    late?.();
    await time.pass(1_000);
    late?.();
    await time.pass(0);
    // Its line for 5 is nobody's business any more; that for 9 stands with the others.
    expect(parseNote(kept.at(-1) as string).signatures.map(({ name }) => name)).toHaveLength(4);
    expect(witnesses.figures().map(({ treeSize }) => treeSize)).toEqual([9, 9, 9]);
  });

  test('lines of rounds before count while the log is at rest', async () => {
    answers['b'] = status(500);
    const witnesses = start('2');
    answers['c'] = status(500);
    publish(witnesses, 5);
    await time.pass(0);
    expect(witnesses.witnessedSize).toBe(0);
    answers['b'] = honest('b');
    await time.pass(5_000);
    expect(witnesses.witnessedSize).toBe(5);
    expect(asked.filter(({ who }) => who === 'a')).toHaveLength(1);
  });

  test('a log at rest is cosigned again after a while, with the time of then', async () => {
    const witnesses = start('all', { refreshMs: 60_000 });
    publish(witnesses, 5);
    await time.pass(0);
    expect(asked).toHaveLength(3);
    await time.pass(50_000);
    expect(asked).toHaveLength(3);
    await time.pass(11_000);
    expect(asked).toHaveLength(6);
    expect(asked.at(-1)).toMatchObject({ oldSize: 5, proofLines: 0, size: 5 });
    expect(kept.at(-1)).not.toBe(kept[0]);
    expect(parseNote(kept.at(-1) as string).signatures).toHaveLength(4);
  });
});

describe('a witness that fails', () => {
  test.each([
    ['witness_log_unknown', status(404)],
    ['witness_refused_key', status(403)],
    ['witness_busy', status(429)],
    ['witness_answer', status(500)],
    ['note_syntax', status(200, 'hello')],
    ['note_syntax', status(200, 'hello\n')],
    ['witness_answer', status(200, formatSignatureLine((cosigners[1] as (typeof cosigners)[0]).cosign(parseNote(checkpointAt(5)).text, 1)))],
    ['witness_answer', status(200, formatSignatureLine((cosigners[0] as (typeof cosigners)[0]).cosign(parseNote(checkpointAt(6)).text, 1)))],
    ['witness_answer', status(409, 'hello\n')],
    ['witness_answer', status(409, '0\n')],
    ['witness_answer', status(422)],
    ['witness_unreachable', () => Promise.reject(new VeiltrailError('witness_unreachable', 'away'))],
  ])('is told of as %s (%#), and is no alarm', async (code, answer) => {
    answers['a'] = answer;
    const witnesses = start('2');
    publish(witnesses, 5);
    await time.pass(0);
    expect(witnesses.figures()[0]).toMatchObject({ failures: 1, cosignatures: 0, error: code });
    expect(witnesses.witnessedSize).toBe(5);
    expect(forks).toEqual([]);
  });

  test('is asked again after waits that double, up to a bound', async () => {
    answers['a'] = status(500);
    const witnesses = start('all', { backOffMsMax: 8_000 });
    publish(witnesses, 5);
    await time.pass(60_000);
    const times = asked.filter(({ who }) => who === 'a').map(({ atMs }) => atMs);
    const waits = times.slice(1).map((at, i) => at - (times[i] as number));
    expect(waits.slice(0, 5)).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
    answers['a'] = honest('a');
    await time.pass(8_000);
    expect(witnesses.witnessedSize).toBe(5);
    expect(witnesses.figures()[0]).toMatchObject({ error: undefined, cosignatures: 1 });
  });

  test('is given the time that it asks for', async () => {
    answers['a'] = status(429, '', 30_000);
    publish(start('all'), 5);
    await time.pass(29_000);
    expect(asked.filter(({ who }) => who === 'a')).toHaveLength(1);
    await time.pass(2_000);
    expect(asked.filter(({ who }) => who === 'a')).toHaveLength(2);
  });

  test('tiles that do not prove what was signed are our fault: nothing is sent, and no alarm', async () => {
    const witnesses = start('all');
    publish(witnesses, 5);
    await time.pass(0);
    growthFails = true;
    publish(witnesses, 9);
    await time.pass(1_000);
    expect(asked.filter(({ size }) => size === 9)).toEqual([]);
    expect(witnesses.figures().map(({ error }) => error)).toEqual(['tile_missing', 'tile_missing', 'tile_missing']);
    expect(witnesses.behindSinceMs).toBeDefined();
  });
});

describe('a witness that is ahead', () => {
  test('of the round, because somebody else showed it what was published since: no alarm', async () => {
    const witnesses = start('2');
    answers['a'] = ({ size }) => {
      // While the request is under way the log grows, and somebody shows it that.
      if (size === 5) publish(witnesses, 9);
      return { status: 409, type: 'text/x.tlog.size', body: '9\n' };
    };
    publish(witnesses, 5);
    await time.pass(0);
    answers['a'] = honest('a', { size: 9 });
    await time.pass(2_000);
    expect(forks).toEqual([]);
    expect(witnesses.figures()[0]).toMatchObject({ failures: 0, treeSize: 9 });
  });

  test('of what we know, for a moment: it is asked once more', async () => {
    const witnesses = start('2');
    answers['a'] = honest('a', { size: 9 });
    publish(witnesses, 5);
    await time.pass(500);
    publish(witnesses, 9);
    await time.pass(3_000);
    expect(forks).toEqual([]);
    expect(witnesses.witnessedSize).toBe(9);
    expect(witnesses.figures()[0]).toMatchObject({ treeSize: 9 });
  });

  test('of all that was ever published: alarm, and nobody is asked any more', async () => {
    const witnesses = start('2');
    answers['a'] = honest('a', { size: 400 });
    publish(witnesses, 5);
    const waits = witnesses.until(6, 60_000);
    await time.pass(2_000);
    expect(forks).toMatchObject([{ witness: 'a', kind: 'ahead', witnessSize: 400, checkpoint: expect.stringContaining('\n5\n') as string }]);
    expect(await waits).toBe(false);
    const count = asked.length;
    publish(witnesses, 9);
    await time.pass(60_000);
    expect(asked).toHaveLength(count);
    expect(await witnesses.until(9, 60_000)).toBe(false);
  });
});

test('a witness that refuses what our tiles prove: alarm', async () => {
  const witnesses = start('2');
  publish(witnesses, 5);
  await time.pass(0);
  answers['a'] = status(422);
  publish(witnesses, 9);
  await time.pass(1_000);
  expect(forks).toMatchObject([{ witness: 'a', kind: 'refused', witnessSize: 5 }]);
});

test('where the policy asks for nobody, nothing is missing while they are away, nor when they are there', async () => {
  const away = status(500);
  for (const who of ['a', 'b', 'c']) answers[who] = away;
  const witnesses = start('none');
  publish(witnesses, 5);
  await time.pass(600_000);
  expect(witnesses.behindSinceMs).toBeUndefined();
  expect(witnesses.figures()[0]?.failures).toBeGreaterThan(1);
  let answer: (() => void) | undefined;
  const back = honest('a');
  answers['a'] = (one, body) => new Promise((resolve) => (answer = () => resolve(back(one, body) as WitnessReply)));
  await time.pass(300_000);
  // It cosigns what it was asked for, and more was published since.
  publish(witnesses, 9);
  answer?.();
  await time.pass(0);
  expect(witnesses.witnessedSize).toBe(5);
  expect(witnesses.behindSinceMs).toBeUndefined();
});

describe('who waits for a quorum', () => {
  test('is told when it is there, or when time is up', async () => {
    answers['a'] = status(500);
    const witnesses = start('all');
    publish(witnesses, 5);
    const [soon, late] = [witnesses.until(5, 500), witnesses.until(5, 60_000)];
    await time.pass(1_000);
    expect(await soon).toBe(false);
    answers['a'] = honest('a');
    await time.pass(5_000);
    expect(await late).toBe(true);
    expect(await witnesses.until(5, 1)).toBe(true);
  });
});

test('a start judges what was cosigned before by the policy of now', async () => {
  const { text } = parseNote(checkpointAt(5));
  const lines = cosigners.slice(0, 2).map((one) => formatSignatureLine(one.cosign(text, 1)));
  const two = { treeSize: 5, checkpoint: checkpointAt(5) + lines.join('') };
  const judged = (quorum: string): number => {
    const witnesses = start(quorum);
    witnesses.published({ treeSize: 7, checkpoint: checkpointAt(7) }, two);
    return witnesses.witnessedSize;
  };
  expect([judged('2'), judged('all')]).toEqual([5, 0]);
  // What is no cosignature counts for nothing.
  const forged = {
    treeSize: 5,
    checkpoint: checkpointAt(5) + formatSignatureLine({ ...(cosigners[0] as (typeof cosigners)[0]).cosign(text, 1), signature: new Uint8Array(72) }),
  };
  const witnesses = start('1');
  witnesses.published({ treeSize: 7, checkpoint: checkpointAt(7) }, forged);
  expect(witnesses.witnessedSize).toBe(0);
  await time.pass(0);
  expect(witnesses.witnessedSize).toBe(7);
});

describe('a request over HTTP', () => {
  const respond = (body: string, init: ResponseInit): typeof fetch => (() => Promise.resolve(new Response(body, init))) as typeof fetch;

  test('gives status, media type, body and the wait that is asked for', async () => {
    const ask = createAskWitness({
      timeoutMs: 1_000,
      fetch: respond('7\n', { status: 409, headers: { 'content-type': 'text/x.tlog.size; charset=x', 'retry-after': '3' } }),
    });
    expect(await ask('http://w/prefix/', 'x')).toEqual({ status: 409, type: 'text/x.tlog.size', body: '7\n', retryAfterMs: 3_000 });
  });

  test('is out of reach when it fails, and when it is answered too much', async () => {
    const failing = createAskWitness({ timeoutMs: 1_000, fetch: () => Promise.reject(new Error('refused')) });
    await expect(failing('http://w', 'x')).rejects.toMatchObject({ code: 'witness_unreachable' });
    const endless = createAskWitness({ timeoutMs: 1_000, fetch: respond('x'.repeat(70_000), { status: 200 }) });
    await expect(endless('http://w', 'x')).rejects.toMatchObject({ code: 'witness_unreachable' });
  });
});
