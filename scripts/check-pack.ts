/**
 * What people get from `npm install veiltrail`: packs the package, installs it in an empty folder, runs the command, imports every subpath, and
 * compiles a program against the types.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const program = `
import { openTrail, verifyStoredLog, type VerifyReport } from 'veiltrail';
import { createPrivacyEngine, defaultPolicyYaml, parsePolicy } from 'veiltrail/privacy';
import { leafHash } from 'veiltrail/log';
import { createTrust, RawExportVerifier, type VerifiedRawExport, verifyReceipt } from 'veiltrail/verify';
import { createClient } from 'veiltrail/sdk';

const engine = createPrivacyEngine(parsePolicy(defaultPolicyYaml), { pseudonymKey: { version: 1, key: new Uint8Array(32) } });
if (!engine.scanText('write to jane@example.net').some(({ kind }) => kind === 'email')) throw new Error('the engine finds nothing');
for (const one of [openTrail, leafHash, createTrust, verifyReceipt, createClient]) if (typeof one !== 'function') throw new Error('not exported');

const trail = await openTrail({ dataDir: 'data' });
await trail.createLog('default');
const { treeSize } = await trail.append({ log: 'default', principal: 'local', body: new TextEncoder().encode('{"action":"x","message":"jane@example.net"}'), format: 'json' });
const asked = { principal: 'local', purpose: 'a try', reference: '1' };
const { text } = await trail.lookUps.exportRaw({ ...asked, log: 'default' });
const verifier = new RawExportVerifier(createTrust([trail.vkeyOf('default')]));
let exported = '';
for await (const piece of text) exported += piece;
for (const line of exported.split('\\n').slice(0, -1)) verifier.add(line);
const raw: VerifiedRawExport = verifier.end();
if (raw.events !== 1 || raw.values !== 1 || !exported.includes('"message":"jane@example.net"')) throw new Error('the packed export does not verify');
await trail.close();
const report: VerifyReport = await verifyStoredLog('data', { log: 'default' });
if (treeSize !== 1 || !report.ok) throw new Error('the packed product does not work');
`;

// What a log was before is remembered in nobody's home.
const env = { ...process.env, VEILTRAIL_STATE: 'none' };
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
  await serveInstalled();
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

/** The installed command serves, takes an event and verifies: its threads and its child process are files of the package, too. */
async function serveInstalled(): Promise<void> {
  const main = 'node_modules/veiltrail/dist/cli/main.js';
  const server = spawn(process.execPath, [main, 'serve', '--data', 'served', '--listen', '127.0.0.1:0'], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(server, 'close');
  try {
    const url = await new Promise<string>((resolveUrl, reject) => {
      let said = '';
      const hear = (bytes: Buffer): void => {
        said += bytes.toString();
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
        if (found) resolveUrl(found);
      };
      server.stdout.on('data', hear);
      server.stderr.on('data', hear);
      server.on('close', () => reject(new Error(`the installed server ended: ${said}`)));
    });
    writeFileSync(join(dir, 'event.json'), '{"action":"x","message":"jane@example.net"}');
    const key = join(dir, 'served/keys/writer.key');
    run(process.execPath, [main, 'ingest', 'event.json', '--url', url, '--key', readFileSync(key, 'utf8').trim()]);
  } finally {
    server.kill('SIGTERM');
    await ended;
  }
  run(process.execPath, [main, 'verify', 'served']);
}

function run(command: string, args: string[]): void {
  execFileSync(command, args, { cwd: dir, env, stdio: ['ignore', 'inherit', 'inherit'] });
}
