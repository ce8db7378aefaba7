/** A server and its witnesses, all of them real: cosigned checkpoints and receipts, missing quorums, histories that forked. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { VerifyOptions, VerifyReport } from '../../src/app/verify-log.ts';
import { builtInRules } from '../../src/alerts/built-in-rules.ts';
import { VeiltrailError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { createAskWitnessCheckpoint } from '../../src/witness/ask-witness.ts';
import {
  createCosigner,
  createTrust,
  formatSignatureLine,
  openWitnessed,
  parseNote,
  parseProof,
  parseWitnessPolicy,
  type QuorumState,
  signCheckpoint,
} from '../../src/log/index.ts';
import { openWitnessDirectory } from '../../src/witness/witness-directory.ts';
import { acknowledgeStoredFork } from '../../src/server/acknowledge-fork.ts';
import { type OpenTrail, openTrail, type TrailOptions } from '../../src/server/compose.ts';
import { verifyPublishedLog, verifyStoredLog } from '../../src/server/verify.ts';
import { createMetrics } from '../../src/server/metrics.ts';
import { RequestCounts } from '../../src/server/request-counts.ts';
import { readConfig } from '../../src/server/config.ts';
import { readForks, readWitnessPolicy, writeForks } from '../../src/server/witness-files.ts';
import { Witnessing } from '../../src/server/witnessing.ts';
import { type RunningWitness, serveWitness } from '../../src/witness/serve-witness.ts';
import { openKeyring } from '../../src/vault/keyring.ts';
import { openSqliteWitnessStore } from '../../src/storage/sqlite/witness-store.ts';
import { untilFree } from '../setup/port.ts';

const origin = 'witnessed.example';
const times = { everyMs: 20, backOffMs: 20, confirmMs: 20, waitMs: 20_000 };

let folder: string;
let trail: OpenTrail;
let witnesses: RunningWitness[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'veiltrail-witnessing-'));
  witnesses = [];
});

afterEach(async () => {
  await trail?.close();
  for (const witness of witnesses) await witness.close();
  rmSync(folder, { recursive: true, force: true });
});

function dataDir(): string {
  return join(folder, 'data');
}

/** A witness that knows the log `default`, on a directory of its own. */
async function startWitness(name: string, port = 0): Promise<RunningWitness> {
  await untilFree(port);
  const witness = await serveWitness({ dir: join(folder, name), name: `${name}.example`, host: '127.0.0.1', port, logs: [vkey()] });
  witnesses.push(witness);
  return witness;
}

async function stopWitness(witness: RunningWitness): Promise<void> {
  witnesses = witnesses.filter((one) => one !== witness);
  await witness.close();
}

function vkey(): string {
  return readFileSync(join(dataDir(), 'keys', 'default.vkey'), 'utf8').trim();
}

/** A policy about the log `default` alone, by which so many of these witnesses must have cosigned. */
function writePolicy(of: readonly RunningWitness[], k: number | 'all'): string {
  const file = join(folder, 'policy');
  const lines = of.map(({ vkey: key, url }, i) => `witness w${i} ${key} ${url}`);
  writeFileSync(file, `log ${vkey()}\n${lines.join('\n')}\ngroup g ${k} ${of.map((_, i) => `w${i}`).join(' ')}\nquorum g\n`);
  return file;
}

async function open(options: Partial<TrailOptions> = {}): Promise<void> {
  trail = await openTrail({ dataDir: dataDir(), origin, workers: 1, witnessTimes: times, ...options });
  await trail.createLog('default');
}

/** Makes the log's key before the first start, so that witnesses can be told of it. */
function make(): void {
  mkdirSync(dataDir(), { mode: 0o700 });
  openKeyring(join(dataDir(), 'keys'), { create: true }).createSigner('default', `${origin}/default`);
}

function append(count = 1): ReturnType<OpenTrail['append']> {
  const body = Array.from({ length: count }, (_, i) => JSON.stringify({ message: `event ${i}` })).join('\n');
  return trail.append({ log: 'default', principal: 'test', body: Buffer.from(body), format: 'ndjson' });
}

function quorumOf(checkpoint: string | undefined): QuorumState & { treeSize: number } {
  const policy = parseWitnessPolicy(readFileSync(join(folder, 'policy')));
  const opened = openWitnessed(checkpoint ?? '', createTrust([vkey()]), policy);
  return { ...opened.quorum, treeSize: opened.checkpoint.treeSize };
}

async function until<T>(read: () => Promise<T> | T, isThere: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 10_000; tries++) {
    const value = await read();
    if (isThere(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`it did not come: ${JSON.stringify(await read())} ${JSON.stringify((await trail.figures()).logs)}`);
}

async function witnessed(treeSize: number): Promise<void> {
  await until(
    async () => (await trail.figures()).logs.find(({ log }) => log === 'default')?.witnesses?.witnessedSize,
    (size) => size === treeSize,
  );
}

describe('what witnesses hold', () => {
  const ask = createAskWitnessCheckpoint({ timeoutMs: 5_000 });
  const verify = (dir: string, options: Partial<VerifyOptions> = {}): Promise<VerifyReport> =>
    verifyStoredLog(dir, { log: 'default', askWitness: ask, ...options });
  const witnessStep = ({ steps }: VerifyReport): string => steps.find(({ step }) => step === 'witnesses')?.detail ?? '';

  test('is asked for by who verifies: a history that only they were shown is found by the log’s own signature', async () => {
    make();
    const witness = await startWitness('a');
    await open({ witnessPolicyFile: writePolicy([witness], 'all') });
    await append(3);
    await witnessed(3);
    await trail.close();
    const [older, forked] = [join(folder, 'older'), join(folder, 'forked')];
    for (const copy of [older, forked]) cpSync(dataDir(), copy, { recursive: true });
    await open();
    await append(5);
    await witnessed(8);

    // A log that grows while it is verified, and one at rest.
    const good = await verify(dataDir());
    expect(good.problems).toEqual([]);
    expect(witnessStep(good)).toContain('what they hold themselves is of this history: w0 8 leaves');
    const published = join(dataDir(), 'logs/default');
    const policy = parseWitnessPolicy(readFileSync(join(folder, 'policy')));
    expect(await verifyPublishedLog(published, { log: 'default', vkey: vkey(), witnessPolicy: policy, askWitness: ask })).toMatchObject({ ok: true });
    await trail.close();

    // Rolled back, and then gone on with: without asking, nothing of either is to be seen.
    expect((await verify(older, { askWitness: () => Promise.resolve(undefined) })).ok).toBe(true);
    expect((await verify(older)).problems).toMatchObject([{ code: 'rolled_back', where: witness.url, message: /witness w0 holds 8 leaves/ }]);
    rmSync(join(forked, 'witnesses.json'));
    trail = await openTrail({ dataDir: forked, origin, workers: 1 });
    await append(12);
    await trail.close();
    const found = await verify(forked, { witnessPolicy: policy });
    expect(found.problems).toContainEqual(expect.objectContaining({ code: 'history_forked', where: witness.url }));

    // Who says nothing proves nothing, and is named.
    for (const [answer, words] of [
      [() => Promise.resolve('x'), 'it shows nothing that this log signed'],
      [() => Promise.resolve(undefined), 'it shows no checkpoint of this log'],
    ] as const)
      expect((await verify(dataDir(), { askWitness: answer })).notChecked).toContain(`what witness w0 was shown: ${words}`);
    await stopWitness(witness);
    const silent = await verify(dataDir());
    expect(silent).toMatchObject({ ok: true });
    expect(silent.notChecked).toContain('what witness w0 was shown: it does not answer');
  });
});

describe('by a policy that flags', () => {
  test('checkpoint and receipts are cosigned soon after publication, and are so after a restart', async () => {
    make();
    const policy = writePolicy([await startWitness('a'), await startWitness('b')], 'all');
    await open({ witnessPolicyFile: policy });
    const { checkpoint } = await append(3);
    expect(quorumOf(checkpoint).met).toBe(false);
    await witnessed(3);
    expect(quorumOf(await trail.checkpoint('default'))).toMatchObject({ met: true, treeSize: 3, cosigned: [{ name: 'w0' }, { name: 'w1' }] });
    const before = await trail.checkpoint('default');
    expect(quorumOf(parseProof((await trail.proveEvent('default', 2)) as string).checkpoint).met).toBe(true);
    await trail.close();
    await open();
    expect(await trail.checkpoint('default')).toBe(before);
    await append(300);
    await witnessed(303);
    expect(quorumOf(await trail.checkpoint('default'))).toMatchObject({ met: true, treeSize: 303 });
  });

  test('a receipt bears the newest cosigned checkpoint that covers its leaf, and the newest of all where none does', async () => {
    make();
    const witness = await startWitness('a');
    await open({ witnessPolicyFile: writePolicy([witness], 'all') });
    await append(2);
    await witnessed(2);
    await stopWitness(witness);
    await append(2);
    const sizes = await Promise.all([1, 3].map(async (leaf) => quorumOf(parseProof((await trail.proveEvent('default', leaf)) as string).checkpoint)));
    expect(sizes).toMatchObject([
      { met: true, treeSize: 2 },
      { met: false, treeSize: 4 },
    ]);
    // The partial tiles of the cosigned size are gone once they are full: the full ones serve.
    await append(300);
    const partial = join(dataDir(), 'logs', 'default', 'tile', '0', '000.p');
    await until(
      () => existsSync(partial),
      (is) => !is,
    );
    expect(quorumOf(parseProof((await trail.proveEvent('default', 1)) as string).checkpoint)).toMatchObject({ met: true, treeSize: 2 });
  });

  test('a witness that was away is caught up, and one that starts late begins where the log is', async () => {
    make();
    const a = await startWitness('a');
    const port = Number(new URL(a.url).port);
    const b = await startWitness('b');
    await open({ witnessPolicyFile: writePolicy([a, b], 1) });
    await append(2);
    await witnessed(2);
    await stopWitness(a);
    await append(400);
    await witnessed(402);
    await startWitness('a', port);
    await until(
      async () => quorumOf(await trail.checkpoint('default')).cosigned.length,
      (count) => count === 2,
    );
    expect(openSqliteWitnessStore(join(folder, 'a', 'witness.db')).log(`${origin}/default`)?.treeSize).toBe(402);
  });

  test('nothing waits while nobody answers; the figures say so', async () => {
    make();
    const witness = await startWitness('a');
    const policy = writePolicy([witness], 'all');
    await stopWitness(witness);
    await open({ witnessPolicyFile: policy });
    await append(5);
    expect(trail.ready()).toEqual({ ready: true, reasons: [], stopped: [] });
    const { logs } = await until(
      () => trail.figures(),
      ({ logs: all }) => (all.find(({ log }) => log === 'default')?.witnesses?.witnesses[0]?.failures ?? 0) > 1,
    );
    expect(logs.find(({ log }) => log === 'default')?.witnesses).toMatchObject({
      witnessedSize: 0,
      forked: false,
      witnesses: [{ name: 'w0', treeSize: undefined, cosignatures: 0, error: 'witness_unreachable' }],
    });
    expect(logs.find(({ log }) => log === '_system')?.witnesses).toBeUndefined();
    const text = await createMetrics({ trail, requests: new RequestCounts(), heldBytes: () => 0 }).text();
    expect(text).toContain('veiltrail_log_witnessed_size{log="default"} 0');
    expect(text).toMatch(/veiltrail_log_unwitnessed_since_timestamp_seconds\{log="default"\} \d/);
    expect(text).toContain('veiltrail_log_history_forked{log="default"} 0');
    expect(text).toMatch(/veiltrail_witness_failures_total\{log="default",witness="w0"\} [1-9]/);
    expect(text).not.toContain('veiltrail_log_witnessed_size{log="_system"}');
  });

  test('a quorum that is missing for long is told of, and that it is there again', async () => {
    make();
    const witness = await startWitness('a');
    const port = Number(new URL(witness.url).port);
    const policy = writePolicy([witness], 'all');
    await stopWitness(witness);
    await open({ witnessPolicyFile: policy, witnessTimes: { ...times, lateMs: 30 } });
    await append(5);
    const told = (): Promise<(JsonObject & { metadata: JsonObject })[]> =>
      trail
        .search('_system', { q: 'action:witness.quorum' })
        .then(({ events }) => events.map(({ record }) => record as JsonObject & { metadata: JsonObject }));
    const missing = await until(told, ({ length }) => length > 0);
    expect(missing).toMatchObject([{ outcome: 'failure', severity: 4, targets: [{ type: 'log', id: 'default' }], metadata: { witnessedSize: 0 } }]);
    const { q } = builtInRules.find(({ name }) => name === 'quorum-missing') as (typeof builtInRules)[number];
    expect((await trail.search('_system', { q })).events).toHaveLength(1);
    // A start does not begin to count anew.
    await trail.close();
    expect(readWitnessPolicy(dataDir())?.missing).toMatchObject([{ log: 'default', witnessedSize: 0, told: true }]);
    expect((await verifyStoredLog(dataDir(), { log: 'default' })).problems).toEqual([]);
    await open({ witnessTimes: { ...times, lateMs: 30 } });
    await startWitness('a', port);
    const all = await until(told, (found) => found.some(({ outcome }) => outcome === 'success'));
    expect(all.map(({ outcome }) => outcome as string).toSorted()).toEqual(['failure', 'success']);
    expect(new Set(all.map(({ metadata }) => metadata['since'])).size).toBe(1);
    await trail.close();
    expect(readWitnessPolicy(dataDir())?.missing).toEqual([]);
  });

  test('the change of the policy is on record', async () => {
    make();
    await open({ witnessPolicyFile: writePolicy([await startWitness('a')], 'all') });
    const { events } = await until(
      () => trail.search('_system', {}),
      ({ events: all }) => all.length > 0,
    );
    expect(events.map(({ record }) => record['action'])).toContain('witness.policy.change');
    await trail.close();
    await open({ witnessMode: 'require' });
    const told = (await trail.search('_system', {})).events.filter(({ record }) => record['action'] === 'witness.policy.change');
    expect(told).toHaveLength(2);
  });
});

describe('what cannot be told', () => {
  const fork = { log: '_system', witness: 'w0', vkey: 'x', kind: 'ahead', witnessSize: 5, checkpoint: 'x', at: '2026-11-01T00:00:00Z' } as const;
  /** What logs were told, by an installation whose log for that is stopped at times, or fails. */
  let told: string[];
  let isFailing: boolean;
  const openAlone = (witnessPolicyFile?: string): Promise<Witnessing> => {
    const stopped = new Set<string>();
    return Witnessing.open({
      dataDir: dataDir(),
      ...(witnessPolicyFile === undefined ? {} : { witnessPolicyFile }),
      ledger: {
        logs: () => [{ log: '_system', published: { treeSize: 1, checkpoint: '' } } as never],
        cosigned: async () => undefined,
        async halt(log, halted) {
          if (halted) stopped.add(log);
          else stopped.delete(log);
        },
      },
      tiles: { read: async () => undefined } as never,
      vkeysOf: () => [],
      async tell({ action, targets }) {
        if (stopped.has('_system')) throw new VeiltrailError('history_forked', 'the log is stopped');
        if (isFailing) throw new VeiltrailError('storage_full', 'the disk is full');
        told.push(action === 'witness.policy.change' ? 'witness.policy.change' : `${action as string} ${(targets as { id: string }[])[0]?.id}`);
      },
    });
  };
  beforeEach(() => {
    make();
    told = [];
    isFailing = false;
  });

  test('because the log for that is stopped, is told when somebody has let it go on, and once', async () => {
    const policyFile = join(folder, 'policy');
    writeFileSync(policyFile, `log ${vkey()}\nquorum none\n`);
    writeForks(dataDir(), [fork, { ...fork, log: 'default' }]);
    const witnessing = await openAlone(policyFile);
    try {
      expect([told, readWitnessPolicy(dataDir())]).toEqual([[], undefined]);
      await witnessing.acknowledge('_system', 'somebody');
      // Of the other log as well, which nothing told of so far.
      expect(told.toSorted()).toEqual(['witness.fork _system', 'witness.fork default', 'witness.fork.acknowledge _system', 'witness.policy.change']);
      expect(readWitnessPolicy(dataDir())?.policy).toBe(readFileSync(policyFile, 'utf8'));
    } finally {
      await witnessing.close();
    }
    await (await openAlone()).close();
    expect(told, 'by no later start, however much later').toHaveLength(4);
  });

  test('because the disk is full while somebody decides, is told by the next start', async () => {
    writeForks(dataDir(), [fork]);
    const witnessing = await openAlone();
    isFailing = true;
    await witnessing.acknowledge('_system', 'somebody');
    await witnessing.close();
    expect(told).toEqual([]);
    expect(readForks(dataDir())).toMatchObject([{ acknowledged: { by: 'somebody' } }]);
    isFailing = false;
    await (await openAlone()).close();
    expect(told).toEqual(['witness.fork _system', 'witness.fork.acknowledge _system']);
    expect(readForks(dataDir())).toMatchObject([{ told: true, acknowledged: { told: true } }]);
  });

  test('because no server runs while somebody decides, is told by the next start', async () => {
    await open();
    await trail.close();
    writeForks(dataDir(), [{ ...fork, log: 'default' }]);
    await acknowledgeStoredFork(dataDir(), 'default');
    await open();
    const { events } = await until(
      () => trail.search('_system', {}).catch(() => ({ events: [] })), // not made yet
      (found) => found.events.length > 1,
    );
    expect(events.map(({ record }) => record['action'] as string).toSorted()).toEqual(['witness.fork', 'witness.fork.acknowledge']);
    expect(events.map(({ record }) => (record['actor'] as { type: string }).type).toSorted()).toEqual(['system', 'user']);
  });

  test.each([{ told: 1 }, { acknowledged: true }, { acknowledged: { by: 'x' } }, { acknowledged: { by: 'x', at: 'x', told: 'yes' } }])(
    'a mark that is none (%j) is damage',
    (change) => {
      writeForks(dataDir(), [{ ...fork, ...(change as object) }]);
      expect(() => readForks(dataDir())).toThrow(/forks\.json is damaged/);
    },
  );
});

test('the file of the configuration says so, too', () => {
  const file = join(folder, 'config.yaml');
  writeFileSync(file, 'witnessPolicy: w.policy\nwitnessMode: require\n');
  expect(readConfig(file)).toEqual({ witnessPolicy: 'w.policy', witnessMode: 'require' });
  writeFileSync(file, 'witnessMode: perhaps\n');
  expect(() => readConfig(file)).toThrow(/flag or require/);
});

describe('by a policy that requires', () => {
  test('who appends is answered with the quorum, and nothing is given out without it', async () => {
    make();
    const [a, b] = [await startWitness('a'), await startWitness('b')];
    await open({ witnessPolicyFile: writePolicy([a, b], 2), witnessMode: 'require', witnessTimes: { ...times, waitMs: 4_000 } });
    const answers = await Promise.all([append(2), append(1), append(3)]);
    for (const { checkpoint, treeSize, receipts } of answers) {
      expect(quorumOf(checkpoint)).toMatchObject({ met: true, treeSize });
      expect(treeSize).toBeGreaterThan(Math.max(...receipts.map(({ leafIndex }) => leafIndex)));
    }
    await stopWitness(b);
    const late = append(1);
    late.catch(() => undefined); // looked at below
    await until(
      async () => trail.readEvent('default', 6),
      (event) => event !== undefined,
    );
    expect(quorumOf(await trail.checkpoint('default'))).toMatchObject({ met: true, treeSize: 6 });
    expect(await trail.proveEvent('default', 6)).toBeUndefined();
    await expect(late).rejects.toMatchObject({ code: 'not_witnessed' });
    // It is stored: once the witness is back, the receipt can be had.
    await startWitness('b', Number(new URL(b.url).port));
    await witnessed(7);
    expect(quorumOf(parseProof((await trail.proveEvent('default', 6)) as string).checkpoint).met).toBe(true);
  });

  test('a quorum that can never be there is refused, and so is a policy that cannot be read', async () => {
    make();
    const file = writePolicy([await startWitness('a')], 'all');
    const without = readFileSync(file, 'utf8').replace(/ http:\S+/, '');
    const refusalFor = async (policy: string, witnessMode?: 'require'): Promise<unknown> => {
      writeFileSync(file, policy);
      return openTrail({ dataDir: dataDir(), witnessPolicyFile: file, ...(witnessMode ? { witnessMode } : {}) }).then(
        (opened) => opened.close(),
        (error: { code: string }) => error.code,
      );
    };
    expect(await refusalFor(without, 'require')).toBe('witness_policy');
    expect(await refusalFor(without)).toBeUndefined();
    expect(await refusalFor(`${without}x`)).toBe('witness_policy');
    expect(await refusalFor(without.replace('quorum', 'Quorum'))).toBe('witness_policy');
    expect(await refusalFor(readFileSync(file, 'utf8').replace(/(witness w0 \S+)/, '$1 ftp://a/'))).toBe('witness_policy');
  });
});

describe('a witness that holds another history', () => {
  /** A backup of the first two leaves is put back, after the witness saw more. */
  async function restoreBackup(witnessMode: 'flag' | 'require' = 'flag'): Promise<RunningWitness> {
    make();
    const witness = await startWitness('a');
    await open({ witnessPolicyFile: writePolicy([witness], 'all'), witnessMode });
    await append(2);
    await witnessed(2);
    await trail.close();
    cpSync(dataDir(), join(folder, 'backup'), { recursive: true });
    await open();
    await append(3);
    await witnessed(5);
    await trail.close();
    rmSync(dataDir(), { recursive: true });
    cpSync(join(folder, 'backup'), dataDir(), { recursive: true });
    return witness;
  }

  async function putBackupBack(witnessMode: 'flag' | 'require'): Promise<string[]> {
    await restoreBackup(witnessMode);
    const alarms: string[] = [];
    await open({ onFork: ({ log, kind, witnessSize }) => alarms.push(`${log} ${kind} ${witnessSize}`) });
    return alarms;
  }

  test('is an alarm that stops the log, over restarts, until somebody decides', async () => {
    const alarms = await putBackupBack('flag');
    // Whatever is appended meanwhile is of the second history.
    await append(1).catch(() => undefined);
    await until(
      () => alarms.length,
      (count) => count > 0,
    );
    expect(alarms).toEqual(['default ahead 5']);
    await expect(append(1)).rejects.toMatchObject({ code: 'history_forked' });
    expect(trail.ready()).toMatchObject({ ready: false, reasons: [expect.stringContaining('witness w0 holds another history')] });
    const stopped = await trail.checkpoint('default');
    // One log that is stopped stops no other.
    await trail.createLog('other');
    expect(trail.ready()).toMatchObject({ ready: true, reasons: [expect.stringContaining('log default: witness w0')], stopped: ['default'] });
    const elsewhere = {
      principal: 'test',
      log: 'other',
      body: Buffer.from('{"action":"x"}'),
      format: 'auto',
      contentType: 'application/json',
    } as const;
    expect(await trail.append(elsewhere)).toMatchObject({ treeSize: 1 });
    await expect(append(1)).rejects.toMatchObject({ code: 'history_forked' });
    await trail.close();
    alarms.length = 0;
    await open({ onFork: ({ log }) => alarms.push(log) });
    expect(alarms, 'each start says it again').toEqual(['default']);
    expect(await trail.append({ ...elsewhere, body: Buffer.from('{"action":"y"}') })).toMatchObject({ treeSize: 2 });
    await expect(append(1)).rejects.toMatchObject({ code: 'history_forked' });
    expect(await trail.checkpoint('default')).toBe(stopped);
    const told = (await trail.search('_system', {})).events.map(({ record }) => record['action']);
    expect(
      told.filter((action) => action === 'witness.fork'),
      'and it is on record once',
    ).toHaveLength(1);
    await expect(trail.acknowledgeFork('other', 'somebody')).rejects.toMatchObject({ code: 'fork_unknown' });
    expect(await trail.acknowledgeFork('default', 'somebody')).toMatchObject({ log: 'default', kind: 'ahead', acknowledged: { by: 'somebody' } });
    await append(1);
    expect(trail.ready().ready).toBe(true);
    expect(readForks(dataDir())).toHaveLength(1);
    await expect(trail.acknowledgeFork('default', 'somebody')).rejects.toMatchObject({ code: 'fork_unknown' });
    expect((await trail.search('_system', {})).events.map(({ record }) => record['action'])).toContain('witness.fork.acknowledge');
  });

  test('a second history of more leaves is refused by the witness: the same alarm', async () => {
    const witness = await restoreBackup();
    // Out of reach of its witness the restored log grows beyond what was seen.
    const port = Number(new URL(witness.url).port);
    await stopWitness(witness);
    const alarms: string[] = [];
    await open({ onFork: ({ kind, witnessSize }) => alarms.push(`${kind} ${witnessSize}`) });
    await append(9);
    // What cannot be written must not keep anybody from hearing of it.
    mkdirSync(join(dataDir(), 'forks.json'));
    await startWitness('a', port);
    await until(
      () => alarms.length,
      (count) => count > 0,
    );
    expect(alarms).toEqual(['refused 5']);
    await expect(append(1)).rejects.toMatchObject({ code: 'history_forked' });
    await until(
      () => trail.search('_system', {}),
      ({ events }) => events.some(({ record }) => record['action'] === 'witness.fork'),
    );
    rmSync(join(dataDir(), 'forks.json'), { recursive: true });
  });

  test('where a quorum is required, who waits is told', async () => {
    const alarms = await putBackupBack('require');
    await expect(append(1)).rejects.toMatchObject({ code: 'history_forked' });
    await until(
      () => alarms.length,
      (count) => count > 0,
    );
  });
});

describe('verify', () => {
  const stepOf = ({ steps }: VerifyReport): string | undefined => steps.find(({ step }) => step === 'witnesses')?.detail;

  test('says what is witnessed by whom, and from which leaf on nothing is', async () => {
    make();
    const [a, b] = [await startWitness('a'), await startWitness('b')];
    const policy = writePolicy([a, b], 'all');
    await open({ witnessPolicyFile: policy });
    await append(3);
    await witnessed(3);
    const full = await verifyStoredLog(dataDir(), { log: 'default' });
    expect(full).toMatchObject({ ok: true, unwitnessedFrom: null });
    expect(stepOf(full)).toMatch(/^3 leaves have their quorum \(g\): w0 \d{4}-\S+, w1 \S+$/);
    await stopWitness(b);
    await append(2);
    const part = await verifyStoredLog(dataDir(), { log: 'default' });
    expect(part).toMatchObject({ ok: true, treeSize: 5, unwitnessedFrom: 3 });
    expect(stepOf(part)).toMatch(/; unwitnessed from leaf 3$/);
    // By a policy that other witnesses would have to meet.
    const others = parseWitnessPolicy(`witness x ${createCosigner('x.example', new Uint8Array(32).fill(7)).vkey}\nquorum x\n`);
    const none = await verifyStoredLog(dataDir(), { log: 'default', witnessPolicy: others });
    expect(none).toMatchObject({ ok: false, unwitnessedFrom: 0, problems: [{ code: 'quorum_missing' }] });
    // By the public files alone, too.
    const published = await verifyPublishedLog(join(dataDir(), 'logs', 'default'), {
      log: 'default',
      vkey: vkey(),
      witnessPolicy: parseWitnessPolicy(readFileSync(policy)),
    });
    expect(published).toMatchObject({ ok: true, unwitnessedFrom: 3 });
    // The log `_system` is not what the policy is about.
    expect(stepOf(await verifyStoredLog(dataDir(), { log: '_system' }))).toBe('unwitnessed from leaf 0: nobody was asked');
  });

  test('finds a cosignature that was changed, a log that was cut behind what was cosigned, and one that was rewritten', async () => {
    make();
    await open({ witnessPolicyFile: writePolicy([await startWitness('a')], 'all') });
    await append(3);
    await witnessed(3);
    const old = (await trail.checkpoint('default')) as string;
    await append(2);
    await witnessed(5);
    const newest = (await trail.checkpoint('default')) as string;
    await trail.close();
    const problemsWith = async (checkpoint: string, cosigned: string): Promise<string[]> => {
      writeFileSync(join(dataDir(), 'logs', 'default', 'checkpoint'), checkpoint);
      writeFileSync(join(dataDir(), 'logs', 'default', 'checkpoint.witnessed'), cosigned);
      const { problems } = await verifyPublishedLog(join(dataDir(), 'logs', 'default'), {
        log: 'default',
        vkey: vkey(),
        witnessPolicy: parseWitnessPolicy(readFileSync(join(folder, 'policy'))),
      });
      return problems.map(({ code }) => code);
    };
    expect(await problemsWith(newest, newest)).toEqual([]);
    const [head, sign, line] = [newest.split('\n\n')[0], ...(newest.split('\n\n')[1] as string).split('\n')] as [string, string, string];
    const changed = `${line.slice(0, -10)}${line.at(-10) === 'A' ? 'B' : 'A'}${line.slice(-9)}`;
    expect(await problemsWith(`${head}\n\n${sign}\n${changed}\n`, old)).toEqual(['cosignature_wrong']);
    expect(await problemsWith(old, newest)).toContain('rolled_back');
    const signer = openKeyring(join(dataDir(), 'keys'), { create: false }).signer('default');
    const other = signCheckpoint(
      { origin: `${origin}/default`, treeSize: 3, root: new Uint8Array(32).fill(3), extensions: [] },
      signer ? [signer] : [],
    );
    const { store, cosigner } = openWitnessDirectory(join(folder, 'a'));
    store.close();
    const cosigned = other + formatSignatureLine(cosigner.cosign(parseNote(other).text, 1));
    expect(await problemsWith(`${head}\n\n${sign}\n`, cosigned)).toEqual(['history_forked']);
  });

  test('finds that a witness holds another history', async () => {
    make();
    writeForks(dataDir(), [{ log: 'default', witness: 'w0', vkey: 'x', kind: 'ahead', witnessSize: 9, checkpoint: '', at: '2026-01-01T00:00:00Z' }]);
    await open();
    await expect(append(1)).rejects.toMatchObject({ code: 'history_forked' });
    expect(trail.ready().ready).toBe(false);
    const report = await verifyStoredLog(dataDir(), { log: 'default' });
    expect(report.problems).toMatchObject([{ code: 'history_forked', where: 'forks.json' }]);
  });
});

test('cosignatures are of the text that the log signed, and verify by the policy alone', async () => {
  make();
  const witness = await startWitness('a');
  await open({ witnessPolicyFile: writePolicy([witness], 'all') });
  await append(1);
  await witnessed(1);
  const note = parseNote((await trail.witnessedCheckpoint('default')) as string);
  expect(note.signatures.map(({ name }) => name)).toEqual([`${origin}/default`, 'a.example']);
});
