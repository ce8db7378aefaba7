/** The independent tools: built, and run. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

export interface Tools {
  fsck: string;
  interop: string;
  /** torchwood's witness, and an ssh-agent for it. */
  litewitness: string;
  agent: string;
}

export interface InteropCheck {
  name: string;
  /** What the tool should have said. */
  expected: 'accepted' | 'refused';
  passed: boolean;
  output: string;
}

const module = import.meta.dirname;
const timeoutMs = 60_000;

/** Builds the tools into a folder; a string says why they cannot be had here. */
export function buildTools(folder: string): Tools | string {
  const version = spawnSync('go', ['version'], { encoding: 'utf8' });
  if (version.error || version.status !== 0) return 'Go is not installed';
  const packages = ['.', './agent', 'filippo.io/torchwood/cmd/litewitness', 'github.com/transparency-dev/tessera/cmd/fsck'];
  const built = spawnSync('go', ['build', '-mod=readonly', '-buildvcs=false', '-o', `${folder}/`, ...packages], {
    cwd: module,
    encoding: 'utf8',
    timeout: 9 * 60_000,
  });
  if (built.status === 0)
    return Object.fromEntries(['fsck', 'interop', 'litewitness', 'agent'].map((name) => [name, join(folder, name)])) as unknown as Tools;
  // Code of ours that does not compile is a failure, not a reason to skip.
  if (/^(?:\.\/|agent\/)?[a-z]+\.go:/m.test(built.stderr)) throw new Error(`scripts/interop does not compile:\n${built.stderr}`);
  return `the Go modules could not be built: ${lastLine(built.stderr) || String(built.error)}`;
}

/** Runs a tool to its end. */
export function runTool(tool: string, args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { encoding: 'utf8', timeout: timeoutMs });
  if (error) throw error;
  return { status, output: stdout + stderr };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
