/**
 * Witnesses, both ways: torchwood's `litewitness` cosigns a log of ours as it grows, asked by the code that the server asks with; and our witness
 * cosigns for a client that was written with torchwood and Go's sumdb alone. What both cosigned is judged by a policy file, by torchwood's parser.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { encodeBase64 } from '../../src/core/base64.ts';
import { systemClock } from '../../src/core/clock.ts';
import { emptyRoot, parseCheckpointText, parseNote, parseWitnessPolicy } from '../../src/log/index.ts';
import { readGrowth } from '../../src/verify/growth.ts';
import { createAskWitness } from '../../src/witness/ask-witness.ts';
import { type Fork, LogWitnesses, witnessTimes } from '../../src/witness/log-witnesses.ts';
import { serveWitness } from '../../src/witness/serve-witness.ts';
import { type LogDirectory, writeLogDirectory } from './log-directory.ts';
import { type InteropCheck, runTool, type Tools } from './tools.ts';

/** A witness that runs, whoever wrote it. */
interface Witness {
  url: string;
  vkey: string;
  stop: () => Promise<void>;
}

const sizes = [1, 255, 256, 257, 1_000];
const waitMs = 20_000;

export async function* checkWitnesses(tools: Tools, folder: string): AsyncGenerator<InteropCheck> {
  const stops: (() => Promise<void>)[] = [];
  try {
    const first = writeLogDirectory(join(folder, 'log-1'), sizes.slice(0, 1));
    const vkey = readFileSync(first.vkey, 'utf8');
    const lite = await startLitewitness(tools, join(folder, 'lite'), vkey);
    stops.push(lite.stop);
    const own = await serveWitness({ dir: join(folder, 'own'), name: 'interop.example/own', host: '127.0.0.1', port: 0, logs: [vkey] });
    stops.push(() => own.close());
    const policy = `log ${vkey}\nwitness lite ${lite.vkey} ${lite.url}\nwitness own ${own.vkey} ${own.url}\ngroup both all lite own\nquorum both\n`;
    const policyFile = join(folder, 'policy');
    writeFileSync(policyFile, policy);
    for (const [i, size] of sizes.entries()) {
      const directory = writeLogDirectory(join(folder, `log-${size}`), sizes.slice(0, i + 1));
      const note = join(folder, `cosigned-${size}`);
      const asked = await askAll(policy, directory);
      yield {
        name: `litewitness and our witness cosign our log of ${size} leaves`,
        expected: 'accepted',
        passed: asked.note !== undefined,
        output: asked.said,
      };
      writeFileSync(note, asked.note ?? '');
      const judged = runTool(tools.interop, ['-policy', policyFile, '-note', note]);
      yield {
        name: `torchwood's policy accepts it: ${size} leaves`,
        expected: 'accepted',
        passed: judged.output.includes('accepted:'),
        output: judged.output,
      };
      if (i === 0) continue;
      // One witness alone is no quorum of both.
      writeFileSync(note, (asked.note ?? '').replace(/^— \S*own .*\n/m, ''));
      const alone = runTool(tools.interop, ['-policy', policyFile, '-note', note]);
      yield {
        name: `torchwood's policy refuses one witness of two: ${size} leaves`,
        expected: 'refused',
        passed: alone.output.includes('refused:'),
        output: alone.output,
      };
    }
    yield* checkOwnWitness(tools, folder, vkey, stops);
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}

/** Our witness, asked by other people's code; a second history is refused. */
async function* checkOwnWitness(tools: Tools, folder: string, vkey: string, stops: (() => Promise<void>)[]): AsyncGenerator<InteropCheck> {
  const witness = await serveWitness({ dir: join(folder, 'asked'), host: '127.0.0.1', port: 0, logs: [vkey] });
  stops.push(() => witness.close());
  const ask = (log: string, logVkey: string): Promise<string> =>
    runToolAside(tools.interop, ['-witness', witness.url, '-witness-vkey', witness.vkey, '-log', log, '-vkey', logVkey]);
  for (const size of sizes) {
    const output = await ask(join(folder, `log-${size}`, 'log'), join(folder, `log-${size}`, 'vkey'));
    yield {
      name: `our witness cosigns for a client of torchwood and sumdb: ${size} leaves`,
      expected: 'accepted',
      passed: output.includes('accepted:'),
      output,
    };
  }
  const behind = await ask(join(folder, 'log-257', 'log'), join(folder, 'log-257', 'vkey'));
  yield {
    name: 'our witness refuses a log that was rolled back',
    expected: 'refused',
    passed: behind.includes('answered 409 with "1000'),
    output: behind,
  };
}

/** Asks every witness of a policy for the newest checkpoint of a log directory, as the server does. */
async function askAll(policyText: string, { log }: LogDirectory): Promise<{ note?: string; said: string }> {
  const policy = parseWitnessPolicy(policyText);
  const checkpoint = readFileSync(join(log, 'checkpoint'), 'utf8');
  const { treeSize } = parseCheckpointText(parseNote(checkpoint).text);
  const read = (path: string): Promise<Uint8Array | undefined> =>
    Promise.resolve(existsSync(join(log, path)) ? readFileSync(join(log, path)) : undefined);
  let note: string | undefined;
  let fork: Fork | undefined;
  const ports = {
    ask: createAskWitness({ timeoutMs: waitMs }),
    growth: (before: number, after: number) => readGrowth(before, after, read),
    keep: (kept: string) => Promise.resolve(void (note = kept)),
    alarm: (seen: Fork) => Promise.resolve(void (fork = seen)),
    clock: systemClock,
    after(ms: number, run: () => void) {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    chance: () => 0,
  };
  const witnesses = new LogWitnesses(policy, ports, witnessTimes, new Set());
  witnesses.published({ treeSize, checkpoint });
  const there = await witnesses.until(treeSize, waitMs);
  const said = JSON.stringify({ fork, figures: witnesses.figures() });
  witnesses.stop();
  return there && note !== undefined ? { note, said } : { said };
}

/** torchwood's witness, with a key in an agent of its own. */
async function startLitewitness({ agent, litewitness }: Tools, dir: string, logVkey: string): Promise<Witness> {
  mkdirSync(dir, { recursive: true });
  const socket = join(dir, 'agent.sock');
  const database = join(dir, 'litewitness.db');
  const keys = spawn(agent, ['-socket', socket]);
  const fingerprint = await whenSaid(keys, /^(SHA256:\S+)$/m);
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const args = ['-name', 'interop.example/lite', '-db', database, '-ssh-agent', socket, '-key', fingerprint, '-listen', `127.0.0.1:${port}`];
  const process = spawn(litewitness, args);
  const vkey = await whenSaid(process, /vkey=(\S+)/);
  const tables = new DatabaseSync(database, { timeout: 5_000 });
  const origin = logVkey.split('+')[0] as string;
  tables.prepare('INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)').run(origin, encodeBase64(emptyRoot()));
  tables.prepare('INSERT INTO key (origin, key) VALUES (?, ?)').run(origin, logVkey);
  tables.close();
  return {
    url: `http://127.0.0.1:${port}`,
    vkey: vkey.replaceAll('"', ''),
    async stop() {
      await stopProcess(process);
      await stopProcess(keys);
    },
  };
}

function whenSaid(process: ChildProcess, pattern: RegExp): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    const hear = (data: Buffer): void => {
      said += data.toString();
      const match = pattern.exec(said);
      if (match?.[1] !== undefined) resolve(match[1]);
    };
    process.stdout?.on('data', hear);
    process.stderr?.on('data', hear);
    process.on('error', reject);
    process.on('close', () => reject(new Error(`it ended: ${said}`)));
  });
}

async function stopProcess(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return;
  const ended = new Promise((resolve) => process.on('close', resolve));
  process.kill('SIGKILL');
  await ended;
}

/** As `runTool`, while this process goes on serving. */
function runToolAside(tool: string, args: readonly string[]): Promise<string> {
  const process = spawn(tool, args, { timeout: waitMs });
  let output = '';
  process.stdout.on('data', (data: Buffer) => (output += data.toString()));
  process.stderr.on('data', (data: Buffer) => (output += data.toString()));
  return new Promise((resolve, reject) => {
    process.on('error', reject);
    process.on('close', () => resolve(output));
  });
}
