/** Time and garbage of an event by stage: the real parts, one after the other on one thread, so that nothing overlaps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../src/core/random.ts';
import { Ledger } from '../src/ledger/ledger.ts';
import { createNoteSigner } from '../src/log/note-key.ts';
import { createIdempotency } from '../src/pipeline/idempotency.ts';
import { processBatch, type BatchContext } from '../src/pipeline/process-batch.ts';
import { allocatedBytes, createStageClock } from '../src/pipeline/stage-clock.ts';
import { createTokenCache } from '../src/pipeline/token-cache.ts';
import type { PackedBatch } from '../src/pipeline/packed-batch.ts';
import { defaultPolicyYaml } from '../src/privacy/default-policy.ts';
import { createPrivacyEngine } from '../src/privacy/engine.ts';
import { parsePolicy } from '../src/privacy/policy-file.ts';
import { openFileTileStore } from '../src/storage/files/tile-store.ts';
import { openSqliteRecordStore } from '../src/storage/sqlite/record-store.ts';
import { openSqliteVaultStore } from '../src/storage/sqlite/vault-store.ts';
import { Vault } from '../src/vault/vault.ts';
import { createEvents } from './events.ts';
import { measureIndexing } from './index-cost.ts';

const origin = 'bench.example/default';
const batchEvents = 1000;

/** Prints a line a stage; runs for about `seconds`. */
export async function measureStages(seconds: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-stages-'));
  const secret = (): { version: number; key: Uint8Array } => ({ version: 1, key: systemRandom.bytes(32) });
  const vault = new Vault(openSqliteVaultStore(join(dir, 'vault.db')), { roots: [secret()], lookups: [secret()] });
  const stages = createStageClock();
  let vaultMs = 0;
  const context: BatchContext = {
    engine: createPrivacyEngine(parsePolicy(defaultPolicyYaml), { pseudonymKey: secret() }),
    policy: 'default@1',
    idempotency: createIdempotency(systemRandom.bytes(32)),
    committers: new Map(),
    tokens: createTokenCache(async (needs) => {
      const start = performance.now();
      const tokens = await vault.settle({ origin, scope: 'installation', needs });
      vaultMs += performance.now() - start;
      return tokens;
    }),
    stages,
  };
  const ledger = await Ledger.open({
    records: openSqliteRecordStore(join(dir, 'records.db')),
    tiles: openFileTileStore(join(dir, 'logs')),
    bucketKeys: vault,
    signers: async () => [createNoteSigner(origin, systemRandom.bytes(32))],
  });
  try {
    await ledger.createLog('default', origin);
    const next = createEvents(42);
    let events = 0;
    let ledgerMs = 0;
    const run = async (forMs: number): Promise<void> => {
      for (const start = performance.now(); performance.now() - start < forMs;) {
        const body = Buffer.from(Array.from({ length: batchEvents }, () => JSON.stringify(next())).join('\n'));
        const { batch } = await processBatch(
          {
            log: 'default',
            origin,
            principal: 'bench',
            receivedAtMs: Date.now(),
            body,
            format: 'ndjson',
            onConflict: 'refuse',
            dedupeByContent: false,
          },
          context,
        );
        ledgerMs += await timed(() => ledger.append(batch as PackedBatch));
        events += batch.count;
      }
    };
    await run(2000);
    const warm = { ...stages.totals };
    const [warmEvents, warmLedger, warmVault] = [events, ledgerMs, vaultMs];
    await run(1000 * seconds);
    const count = events - warmEvents;
    const us = { ...stages.totals };
    const garbage = createStageClock(allocatedBytes);
    context.stages = garbage;
    const vaultAfter = vaultMs;
    const ledgerAfter = ledgerMs;
    const eventsAfter = events;
    await run(1000);
    console.log('stages, one thread, CPU and waiting on the disk, µs an event; garbage, bytes an event');
    for (const stage of ['parse', 'privacy', 'commit'] as const)
      line(stage, (us[stage] - warm[stage]) / count, garbage.totals[stage] / (events - eventsAfter));
    line('vault (new values only)', ((vaultAfter - warmVault) * 1000) / count);
    line('store + publish (a tick of 1,000)', ((ledgerAfter - warmLedger) * 1000) / count);
    line('index', await measureIndexing(dir, 'default', vault));
    console.log();
  } finally {
    await ledger.close();
    await vault.close();
    rmSync(dir, { recursive: true, force: true });
  }
}

function line(what: string, us: number, bytes?: number): void {
  console.log(`${`  ${what}`.padEnd(46)} ${us.toFixed(1).padStart(6)}${bytes === undefined ? '' : ` ${bytes.toFixed(0).padStart(8)}`}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
