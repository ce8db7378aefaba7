/**
 * Independent tools must accept a log made here, and refuse a damaged one: tessera's fsck, torchwood's verifier of receipts, and Go's own sumdb
 * packages. Witnesses must work both ways (witnesses.ts). They are built from published Go modules, the versions and sums in go.mod and go.sum beside this file. Without Go, or where the
 * modules cannot be had, it says so and checks nothing.
 *
 * node scripts/interop/run.ts        exit 0: all as it should be, or skipped; 1: not
 */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type LogDirectory, writeLogDirectory } from './log-directory.ts';
import { buildTools, type InteropCheck, runTool, type Tools } from './tools.ts';
import { checkWitnesses } from './witnesses.ts';

/** Sizes of logs, each with the checkpoints published on the way there. */
const logs: number[][] = [
  [1],
  [2],
  [255],
  [256],
  [1, 255, 256, 257],
  [257, 1000],
  [1000, 65_535, 65_536, 65_537],
  [60_000, 120_000, 180_000, 200_000],
];

/** What is done to the log of 1,000 leaves, and which tool must notice. */
const damages: { name: string; damage: (log: LogDirectory) => void; tools: ('fsck' | 'interop')[] }[] = [
  { name: 'a bit of a full tile flipped', damage: ({ log }) => flipBit(join(log, 'tile/0/001'), 4000), tools: ['fsck', 'interop'] },
  { name: 'a bit of a partial tile flipped', damage: ({ log }) => flipBit(join(log, 'tile/0/003.p/232'), 100), tools: ['fsck', 'interop'] },
  { name: 'a bit of a tile of level 1 flipped', damage: ({ log }) => flipBit(join(log, 'tile/1/000.p/3'), 0), tools: ['fsck', 'interop'] },
  { name: 'a bit of an entry flipped', damage: ({ log }) => flipBit(join(log, 'tile/entries/002'), 1000), tools: ['fsck', 'interop'] },
  { name: 'an entry bundle cut', damage: ({ log }) => cut(join(log, 'tile/entries/003.p/232')), tools: ['fsck', 'interop'] },
  { name: 'a tile deleted', damage: ({ log }) => rmSync(join(log, 'tile/0/000')), tools: ['fsck', 'interop'] },
  { name: 'a bit of the root flipped', damage: ({ log }) => flipBit(join(log, 'checkpoint'), 30), tools: ['fsck', 'interop'] },
  { name: 'another key', damage: ({ vkey }) => flipBit(vkey, 40), tools: ['fsck', 'interop'] },
  {
    name: 'a receipt of another place',
    damage: ({ proofs }) => cpSync(join(proofs, '26.tlog-proof'), join(proofs, '52.tlog-proof')),
    tools: ['interop'],
  },
  { name: 'a hash of a receipt changed', damage: ({ proofs }) => replace(join(proofs, '26.tlog-proof'), 40, 'AAAA'), tools: ['interop'] },
  { name: 'a hash of a consistency proof changed', damage: ({ proofs }) => replace(join(proofs, '27.consistency'), 50, 'AAAA'), tools: ['interop'] },
  { name: 'a cosignature changed', damage: ({ proofs }) => replace(join(proofs, 'checkpoint.cosigned'), -20, 'AAAA'), tools: ['interop'] },
];

/** Runs every check; each writes a log into a folder of its own, and takes it away again. */
export function* checkInterop(tools: Tools, folder: string): Generator<InteropCheck> {
  for (const sizes of logs) {
    const directory = writeLogDirectory(join(folder, 'sound'), sizes);
    yield check(`fsck: ${sizes.at(-1)} leaves`, 'accepted', fsck(tools, directory));
    yield check(`torchwood and sumdb: ${sizes.at(-1)} leaves`, 'accepted', interop(tools, directory));
    rmSync(join(folder, 'sound'), { recursive: true });
  }
  for (const { name, damage, tools: noticing } of damages) {
    const directory = writeLogDirectory(join(folder, 'damaged'), [257, 1000]);
    damage(directory);
    if (noticing.includes('fsck')) yield check(`fsck: ${name}`, 'refused', fsck(tools, directory));
    if (noticing.includes('interop')) yield check(`torchwood and sumdb: ${name}`, 'refused', interop(tools, directory));
    rmSync(join(folder, 'damaged'), { recursive: true });
  }
}

interface Verdict {
  verdict: InteropCheck['expected'];
  output: string;
}

/** fsck exits 0 on a corrupt log too: only its words count. */
function fsck({ fsck: tool }: Tools, { log, vkey }: LogDirectory): Verdict {
  const { output } = runTool(tool, [`--storage_url=${pathToFileURL(log).href}/`, `--public_key=${vkey}`, '--ui=false', '-N', '4']);
  return { verdict: output.includes('Successfully fsck') ? 'accepted' : 'refused', output };
}

function interop({ interop: tool }: Tools, { log, vkey, proofs }: LogDirectory): Verdict {
  const { status, output } = runTool(tool, ['-log', log, '-vkey', vkey, '-proofs', proofs]);
  // A tool that did not run has refused nothing.
  if (status !== 0 && !output.includes('refused:')) throw new Error(`the verifier did not run: ${output}`);
  return { verdict: status === 0 && output.includes('accepted:') ? 'accepted' : 'refused', output };
}

function check(name: string, expected: InteropCheck['expected'], { verdict, output }: Verdict): InteropCheck {
  return { name: `${name}: ${expected}`, expected, passed: verdict === expected, output };
}

function flipBit(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(path, bytes);
}

function cut(path: string): void {
  writeFileSync(path, readFileSync(path).subarray(0, -1));
}

function replace(path: string, at: number, text: string): void {
  const before = readFileSync(path, 'utf8');
  const from = at < 0 ? before.length + at : at;
  writeFileSync(path, before.slice(0, from) + text + before.slice(from + text.length));
}

async function main(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'veiltrail-interop-'));
  try {
    const tools = buildTools(folder);
    if (typeof tools === 'string') {
      console.log(`skipped: ${tools}`);
      return 0;
    }
    let failed = 0;
    for (const checks of [checkInterop(tools, folder), checkWitnesses(tools, folder)]) {
      for await (const { name, passed, output } of checks) {
        console.log(`${passed ? 'ok    ' : 'FAILED'} ${name}`);
        if (!passed) console.log(output);
        if (!passed) failed++;
      }
    }
    return failed === 0 ? 0 : 1;
  } finally {
    if (existsSync(folder)) rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) process.exitCode = await main();
