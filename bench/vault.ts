/**
 * What the vault costs: µs of wall time and of CPU for each value that is settled, 1,000 a call, new and known, into a vault that grows.
 *
 *     node bench/vault.ts [values in all, default 200000]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../src/core/random.ts';
import { openSqliteVaultStore } from '../src/storage/sqlite/vault-store.ts';
import { Vault } from '../src/vault/vault.ts';

const perCall = 1_000;
const total = Number(process.argv[2] ?? 200_000);
const dir = mkdtempSync(join(tmpdir(), 'vault-bench-'));
const secret = { version: 1, key: systemRandom.bytes(32) };
const open = () => new Vault(openSqliteVaultStore(join(dir, 'vault.db')), { roots: [secret], lookups: [secret] });

function needs(from: number) {
  return Array.from({ length: perCall }, (_, i) => {
    const value = `person.number.${from + i}@example.org`;
    return { kind: 'email', canonical: value, value };
  });
}

async function measure(what: string, vault: Vault, firsts: readonly number[]): Promise<void> {
  const calls = firsts.map(needs);
  const longest: number[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (const one of calls) {
    const before = performance.now();
    await vault.settle({ origin: 'localhost/veiltrail/bench', scope: 'installation', needs: one });
    longest.push(performance.now() - before);
  }
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const values = firsts.length * perCall;
  const each = (us: number): string => (us / values).toFixed(2).padStart(6);
  const worst = Math.max(...longest)
    .toFixed(0)
    .padStart(4);
  console.log(`${what.padEnd(44)} ${each(ms * 1000)} µs wall ${each(user + system)} µs CPU a value; longest call ${worst} ms`);
}

const range = (from: number, to: number): number[] => Array.from({ length: (to - from) / perCall }, (_, i) => from + i * perCall);
try {
  let vault = open();
  await measure('new, first 20,000', vault, range(0, 20_000));
  await measure('known, just settled', vault, range(0, 20_000));
  await measure(`new, up to ${total}`, vault, range(20_000, total));
  await measure('known, the newest 20,000', vault, range(total - 20_000, total));
  await measure('known, the oldest 20,000', vault, range(0, 20_000));
  await vault.close();
  vault = open();
  await measure('known after a restart, the oldest 20,000', vault, range(0, 20_000));
  await measure('the same again', vault, range(0, 20_000));
  await vault.close();
} finally {
  rmSync(dir, { recursive: true });
}
