/** A time-stamp authority for tests: `openssl ts` behind HTTP, with a root certificate of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TimeStampAuthority {
  url: string;
  /** PEM of its root. */
  trusted: string;
  /** What it answers to a request, in DER. */
  reply(request: Uint8Array): Buffer;
  /** The same time, signed by one whom the root vouches for, but not for time stamps alone. */
  resign(token: Uint8Array): Buffer;
  openssl(...args: string[]): Buffer;
  /** Puts bytes where {@link openssl} finds them by this name. */
  file(name: string, bytes: Uint8Array): string;
  close(): Promise<void>;
}

export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export async function startTimeStampAuthority(): Promise<TimeStampAuthority> {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-tsa-'));
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  writeFileSync(
    join(dir, 'ts.cnf'),
    `[tsa]\nserial = ${dir}/serial\nsigner_cert = ${dir}/tsa.pem\nsigner_key = ${dir}/tsa.key\nsigner_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\nordering = yes\ness_cert_id_chain = no\n`,
  );
  writeFileSync(join(dir, 'serial'), '01\n');
  writeFileSync(join(dir, 'tsa.ext'), 'extendedKeyUsage = critical,timeStamping\nkeyUsage = critical,digitalSignature\n');
  writeFileSync(join(dir, 'wrong.ext'), 'extendedKeyUsage = critical,timeStamping,clientAuth\nkeyUsage = critical,digitalSignature\n');
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'root.key', '-out', 'root.pem', '-subj', '/CN=Test root', '-days', '30');
  for (const [name, newKey] of [
    ['tsa', ['-newkey', 'rsa:2048']],
    ['wrong', ['-newkey', 'rsa:2048']],
  ] as const) {
    openssl('req', ...newKey, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=Test time stamps ${name}`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${name}.csr`,
      '-CA',
      'root.pem',
      '-CAkey',
      'root.key',
      '-set_serial',
      '7',
      '-days',
      '30',
      '-extfile',
      `${name}.ext`,
      '-out',
      `${name}.pem`,
    );
  }
  const file = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(dir, name), bytes);
    return name;
  };
  let count = 0;
  const reply = (request: Uint8Array): Buffer => {
    const name = `query-${count++}`;
    openssl('ts', '-reply', '-config', 'ts.cnf', '-section', 'tsa', '-queryfile', file(name, request), '-out', `${name}.tsr`);
    return readFileSync(join(dir, `${name}.tsr`));
  };
  const resign = (token: Uint8Array): Buffer => {
    openssl('cms', '-verify', '-noverify', '-inform', 'DER', '-in', file('token', token), '-out', 'info');
    const form = ['-outform', 'DER', '-binary', '-nodetach', '-nosmimecap', '-econtent_type', '1.2.840.113549.1.9.16.1.4'];
    openssl('cms', '-sign', '-cades', ...form, '-signer', 'wrong.pem', '-inkey', 'wrong.key', '-in', 'info', '-out', 'resigned');
    return readFileSync(join(dir, 'resigned'));
  };
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/timestamp-reply' }).end(reply(Buffer.concat(pieces))));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    trusted: readFileSync(join(dir, 'root.pem'), 'utf8'),
    reply,
    resign,
    openssl,
    file,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          rmSync(dir, { recursive: true, force: true });
          resolve();
        });
      }),
  };
}
