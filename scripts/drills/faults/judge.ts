/**
 * What everybody was promised, held against what is there: first the bytes as a fault or a kill left them, then the next start, then `verify`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VeiltrailError } from '../../../src/core/errors.ts';
import { parseProof } from '../../../src/log/proof.ts';
import { createTrust } from '../../../src/log/trust.ts';
import { openTrail, type OpenTrail } from '../../../src/server/compose.ts';
import { verifyStoredLog } from '../../../src/server/verify.ts';
import { verifyReceipt } from '../../../src/verify/receipt.ts';
import { checkCarried, checkDelivered, startCarried } from './carry.ts';
import type { Acknowledged } from './faulted-server.ts';
import { openSigned, RawLog } from './raw-log.ts';
import { isFact, type Scenario } from './scenarios.ts';
import type { Seed } from './run.ts';

const bucketLeaves = 65_536;

export interface Left {
  dataDir: string;
  seed: Seed;
  scenario: Scenario;
  acknowledged: Acknowledged;
  /** Whether a full bucket is waited for until it is compacted [true]. */
  waits?: boolean;
}

interface Access {
  keys: { id: string; role: string; revokedAt?: string }[];
}

/** @throws Error what is violated */
export async function judge(left: Left): Promise<void> {
  await new Judge(left).judge();
}

class Judge {
  readonly dataDir: string;
  readonly acknowledged: Acknowledged;
  readonly #seed: Seed;
  readonly #scenario: Scenario;
  readonly #waits: boolean;

  constructor({ dataDir, seed, scenario, acknowledged, waits = true }: Left) {
    this.dataDir = dataDir;
    this.acknowledged = acknowledged;
    this.#seed = seed;
    this.#scenario = scenario;
    this.#waits = waits;
  }

  async judge(): Promise<void> {
    const left = this.#checkRaw(this.#seed.logs);
    if (this.#scenario === 'carry') checkDelivered(this.dataDir);
    await this.#verify();
    await this.#recover();
    this.#checkRaw(left);
    await this.#verify();
  }

  /** Bytes, whoever wrote them: nothing that was published is gone, and all that was acknowledged is in the signed tree. */
  #checkRaw(before: ReadonlyMap<string, RawLog>): Map<string, RawLog> {
    const now = new Map<string, RawLog>();
    for (const [log, published] of before) {
      const raw = new RawLog(this.dataDir, log);
      raw.checkGrownFrom(published);
      now.set(log, raw);
    }
    const raw = now.get('default') as RawLog;
    for (const [treeSize, text] of this.acknowledged.checkpoints) {
      const told = openSigned(text, raw.vkey);
      if (told.treeSize !== treeSize || !raw.rootAt(treeSize).equals(told.root))
        throw new Error(`the answer's tree of ${treeSize} is not that of the log`);
    }
    return now;
  }

  /** The next start: everything is there, once, and it goes on. */
  async #recover(): Promise<void> {
    let fatal: Error | undefined;
    const trail = await openTrail({ dataDir: this.dataDir, workers: 1, onFatal: (error) => (fatal = error) });
    try {
      if (this.#scenario === 'carry') await startCarried(trail, this.dataDir);
      await this.#checkEvents(trail);
      await this.#checkFacts(trail);
      await this.#sendAllAgain(trail);
      await this.#checkEvents(trail);
      if (this.#scenario === 'carry') await checkCarried(trail, this.dataDir, this.acknowledged);
      if (this.#waits) await this.#untilCompacted();
    } finally {
      await trail.close();
    }
    if (fatal) throw fatal;
    if (existsSync(join(this.dataDir, 'removal.json'))) throw new Error('a removal is left unfinished');
  }

  async #checkEvents(trail: OpenTrail): Promise<void> {
    const trust = createTrust([trail.vkeyOf('default')]);
    for (const [id, leafIndex] of this.acknowledged.leaves) {
      const receipt = (await trail.proveEvent('default', leafIndex)) as string;
      const { extra } = parseProof(receipt);
      if (verifyReceipt(receipt, extra as Uint8Array, trust).leafIndex !== leafIndex) throw new Error(`the receipt of ${id} is of another leaf`);
      const found = await trail.readEvent('default', leafIndex).catch((error: VeiltrailError) => error);
      const isRemoved = found instanceof Error && found.code === 'record_removed' && this.acknowledged.erasing.has(id);
      if (this.acknowledged.erased.has(id) && !isRemoved) throw new Error(`${id} was erased, and is there`);
      if (isRemoved) continue;
      const is = found instanceof Error ? found.code : found?.record['id'];
      if (is !== id) throw new Error(`leaf ${leafIndex} was ${id} and is ${JSON.stringify(is)}`);
    }
  }

  async #checkFacts(trail: OpenTrail): Promise<void> {
    const { keys } = this.#access();
    const isRevoked = (key: string): boolean => keys.find(({ id }) => id === key)?.revokedAt !== undefined;
    for (const fact of this.acknowledged.facts)
      if (!(await isFact(fact, trail, isRevoked))) throw new Error(`${fact}: was acknowledged, and is not so`);
  }

  async #sendAllAgain(trail: OpenTrail): Promise<void> {
    const events = this.acknowledged.toSendAgain();
    if (events.length === 0) return;
    const body = Buffer.from(events.map((event) => JSON.stringify(event)).join('\n'));
    const { receipts, treeSize, checkpoint } = await trail.append({ log: 'default', principal: this.#writer(), body, format: 'ndjson' });
    this.acknowledged.take({ receipts: receipts as { id: string; leafIndex: number }[], treeSize, checkpoint });
    if (new Set(this.acknowledged.leaves.values()).size !== this.acknowledged.leaves.size) throw new Error('two events have one leaf');
    const expected = this.#seed.size + this.acknowledged.sent.size;
    if (this.#scenario === 'append' && treeSize !== expected) throw new Error(`sent again, the log has ${treeSize} leaves instead of ${expected}`);
  }

  /** Ids are told apart by sender, so whoever sends again is the same one. */
  #writer(): string {
    return this.#access().keys.find(({ role }) => role === 'writer')?.id ?? '';
  }

  #access(): Access {
    return JSON.parse(readFileSync(join(this.dataDir, 'access.json'), 'utf8')) as Access;
  }

  /** A full bucket, whatever happened while it was compacted. */
  async #untilCompacted(): Promise<void> {
    // Not by its files: partial tiles are removed meanwhile.
    if (Math.max(this.#seed.size, ...this.acknowledged.checkpoints.keys()) < bucketLeaves) return;
    // In a thread of the lowest priority: on a busy machine it waits for everybody.
    const untilMs = performance.now() + 180_000;
    while (!isCompacted(this.dataDir)) {
      if (performance.now() > untilMs) throw new Error('a full bucket is not compacted');
      await sleep(50);
    }
  }

  async #verify(): Promise<void> {
    const report = await verifyStoredLog(this.dataDir, { log: 'default', others: true, ...(this.#seed.resume ? { resume: this.#seed.resume } : {}) });
    if (!report.ok) throw new Error(`verify: ${report.problems.map(({ code, where, message }) => `${code} ${where} ${message}`).join('; ')}`);
  }
}

/**
 * Whether the first bucket has a segment: of whatever generation, since an erasure may have written the next one meanwhile, and of whatever class, since
 * the rules of retention may have been changed before.
 */
export function isCompacted(dataDir: string): boolean {
  const dir = join(dataDir, 'segments/default');
  if (!existsSync(dir)) return false;
  return readdirSync(dir).some((retentionClass) => readdirSync(join(dir, retentionClass)).some((name) => /^00000000\.[0-9]+$/.test(name)));
}
