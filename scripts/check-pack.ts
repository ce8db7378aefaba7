/**
 * What people get from `npm install veiltrail`: packs the package, installs it in an empty folder, runs the command, imports every subpath, and
 * compiles a program against the types.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const program = `
import { openTrail, verifyStoredLog, type VerifyReport } from 'veiltrail';
import { createPrivacyEngine, defaultPolicyYaml, parsePolicy } from 'veiltrail/privacy';
import { leafHash } from 'veiltrail/log';
import { createTrust, verifyReceipt } from 'veiltrail/verify';
import { createClient } from 'veiltrail/sdk';

const engine = createPrivacyEngine(parsePolicy(defaultPolicyYaml), { pseudonymKey: { version: 1, key: new Uint8Array(32) } });
if (!engine.scanText('write to jane@example.net').some(({ kind }) => kind === 'email')) throw new Error('the engine finds nothing');
for (const one of [openTrail, leafHash, createTrust, verifyReceipt, createClient]) if (typeof one !== 'function') throw new Error('not exported');

const trail = await openTrail({ dataDir: 'data' });
await trail.createLog('default');
const { treeSize } = await trail.append({ log: 'default', principal: 'local', body: new TextEncoder().encode('{"action":"x","message":"jane@example.net"}'), format: 'json' });
await trail.close();
const report: VerifyReport = await verifyStoredLog('data', { log: 'default' });
if (treeSize !== 1 || !report.ok) throw new Error('the packed product does not work');
`;

const dir = mkdtempSync(join(tmpdir(), 'veiltrail-pack-'));
try {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', dir], { stdio: ['ignore', 'ignore', 'inherit'] });
  const tarball = readdirSync(dir).find((name) => name.endsWith('.tgz')) as string;
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  run('npm', ['install', '--silent', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`]);
  run(process.execPath, ['node_modules/veiltrail/dist/cli/main.js', '--version']);
  // Pages are built, not compiled.
  for (const file of ['evidence/page.html', 'approve/page.html', 'approve/script.js', 'approve/style.css'])
    readFileSync(join(dir, 'node_modules/veiltrail/dist', file));
  writeFileSync(join(dir, 'program.ts'), program);
  run(process.execPath, ['program.ts']);
  for (const name of ['@types', 'undici-types']) {
    if (!readdirSync(join(dir, 'node_modules')).includes(name)) symlinkSync(resolve('node_modules', name), join(dir, 'node_modules', name));
  }
  run(resolve('node_modules/.bin/tsc'), [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    'false',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
    'program.ts',
  ]);
  execFileSync(resolve('node_modules/.bin/publint'), ['--strict'], { stdio: 'inherit' });
  console.log('package: installs, runs, exports and types are in order');
} finally {
  rmSync(dir, { recursive: true, force: true });
}

function run(command: string, args: string[]): void {
  execFileSync(command, args, { cwd: dir, stdio: ['ignore', 'inherit', 'inherit'] });
}
