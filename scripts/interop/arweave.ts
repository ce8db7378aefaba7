/**
 * Tries the Arweave anchor against a gateway of its own (npm arlocal, installed into the system's folder for temporary files: it compiles SQLite, which
 * takes minutes):
 *
 *     node scripts/interop/arweave.ts [DIR with arlocal installed]
 *
 * Ends with 0 when a checkpoint was posted, read back, verified in its block, and a changed one refused.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import library from 'arweave';
import type { Anchor } from '../../src/anchor/anchor.ts';
import { createArweaveTarget } from '../../src/anchor/arweave-anchor.ts';

const dir = process.argv[2] ?? join(tmpdir(), 'veiltrail-arlocal');
const port = 19_840;
const url = `http://127.0.0.1:${port}/`;

if (!existsSync(join(dir, 'node_modules/arlocal'))) {
  mkdirSync(dir, { recursive: true });
  // Its own pin of avsc does not install on a Node of today.
  const manifest = { name: 'veiltrail-arlocal', private: true, dependencies: { arlocal: '1.1.66' }, overrides: { avsc: '^5.7.7' } };
  writeFileSync(join(dir, 'package.json'), JSON.stringify(manifest));
  execFileSync('npm', ['install', '--no-audit', '--no-fund'], { cwd: dir, stdio: 'inherit' });
}

const gateway = spawn(process.execPath, [join(dir, 'node_modules/arlocal/bin/index.js'), String(port)], { cwd: dir, stdio: 'ignore' });
try {
  for (let tries = 0; ; tries++) {
    try {
      await fetch(`${url}info`);
      break;
    } catch (error) {
      if (tries === 60) throw error;
      await sleep(500);
    }
  }
  const api = library.init({ host: '127.0.0.1', port, protocol: 'http' });
  const wallet = await api.wallets.generate();
  await fetch(`${url}mint/${await api.wallets.jwkToAddress(wallet)}/1000000000000`);
  const target = createArweaveTarget({ name: 'arweave', everyMs: 1, gateway: url, wallet: JSON.stringify(wallet) });
  const checkpoint = 'example.com/log\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— example.com/log AAAA\n';
  const anchored = { log: 'log', origin: 'example.com/log', treeSize: 42, checkpoint };
  const anchor: Anchor = { ...anchored, kind: 'arweave', target: 'arweave', madeAt: new Date().toISOString(), proof: await target.put(anchored) };
  await fetch(`${url}mine`);
  const good = await target.check(anchor);
  const bent = await target.check({ ...anchor, checkpoint: checkpoint.replace('42', '43') });
  console.log(good, bent);
  // The block of before is known since before the block that has it.
  const isBracketed = good.notBefore !== undefined && good.provedAt !== undefined && good.notBefore <= good.provedAt;
  if (!good.ok || !isBracketed || bent.ok) process.exitCode = 1;
} finally {
  gateway.kill();
}
