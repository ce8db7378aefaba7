/**
 * A real S3 service with Object Lock for tests: Ceph's RADOS gateway, in memory, on ports of its own. Used where it is there; installed where the tests
 * run as root on Debian; else there is none, and the tests say so.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsClient } from 'aws4fetch';

export interface ObjectStore {
  endpoint: string;
  /** Keys of two users: whoever writes, and one with every right over the buckets that the service has to give. */
  writer: { accessKeyId: string; secretAccessKey: string };
  administrator: { accessKeyId: string; secretAccessKey: string };
  request(as: 'writer' | 'administrator', method: string, path: string, headers?: Record<string, string>, body?: string): Promise<Response>;
  close(): Promise<void>;
}

const programs = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph', 'ceph-authtool', 'monmaptool'];

/** Whether there is one to start, after a try to install it. */
export function hasObjectStore(): boolean {
  const isThere = (): boolean => programs.every((name) => ['/usr/bin', '/usr/sbin', '/usr/local/bin'].some((dir) => existsSync(join(dir, name))));
  if (isThere()) return true;
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return false;
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const install = (): void =>
      void execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'], {
        env,
        stdio: 'ignore',
        timeout: 300_000,
      });
    try {
      install();
    } catch {
      execFileSync('apt-get', ['update'], { env, stdio: 'ignore', timeout: 120_000 });
      install();
    }
  } catch {
    return false;
  }
  return isThere();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function startObjectStore(): Promise<ObjectStore> {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-s3-'));
  const [port, monitorPort] = [await freePort(), await freePort()];
  const cluster = randomUUID();
  for (const name of ['mon', 'osd', 'run']) mkdirSync(join(dir, name));
  writeFileSync(
    join(dir, 'ceph.conf'),
    [
      '[global]',
      `fsid = ${cluster}`,
      `mon host = [v1:127.0.0.1:${monitorPort}/0]`,
      'mon initial members = a',
      ...['cluster', 'service', 'client'].map((side) => `auth ${side} required = cephx`),
      'osd pool default size = 1',
      'osd pool default min size = 1',
      'osd pool default pg num = 1',
      'osd pool default pgp num = 1',
      'osd crush chooseleaf type = 0',
      'mon allow pool size one = true',
      'mon data avail crit = 0',
      'osd objectstore = memstore',
      'memstore device bytes = 1073741824',
      `run dir = ${dir}/run`,
      'log file = /dev/null',
      `admin socket = ${dir}/run/$name.asok`,
      `pid file = ${dir}/run/$name.pid`,
      `keyring = ${dir}/keyring`,
      `mon data = ${dir}/mon`,
      `osd data = ${dir}/osd`,
      'ms bind ipv6 = false',
      'public addr = 127.0.0.1',
      'cluster addr = 127.0.0.1',
      '[client.rgw.a]',
      `rgw frontends = beast endpoint=127.0.0.1:${port}`,
      '',
    ].join('\n'),
  );
  const env = { ...process.env, CEPH_CONF: join(dir, 'ceph.conf') };
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { env, stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000 }).toString();
  const servers: ChildProcess[] = [];
  // In the foreground, so that they end with the tests.
  const serve = (program: string, ...args: string[]): void => void servers.push(spawn(program, ['-f', ...args], { env, stdio: 'ignore' }));
  const close = async (): Promise<void> => {
    for (const server of servers.toReversed()) server.kill('SIGKILL');
    for (const server of servers)
      if (server.exitCode === null && server.signalCode === null) await new Promise((resolve) => server.on('close', resolve));
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    const keyring = join(dir, 'keyring');
    run('ceph-authtool', '--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *');
    const everything = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *'];
    for (const name of ['client.admin', 'osd.0', 'client.rgw.a']) run('ceph-authtool', keyring, '--gen-key', '-n', name, ...everything);
    run('monmaptool', '--create', '--fsid', cluster, '--addv', 'a', `[v1:127.0.0.1:${monitorPort}]`, join(dir, 'monmap'));
    run('ceph-mon', '-i', 'a', '--mkfs', '--monmap', join(dir, 'monmap'), '--keyring', keyring);
    serve('ceph-mon', '-i', 'a', '--public-addr', `127.0.0.1:${monitorPort}`);
    const disk = randomUUID();
    await until(() => run('ceph', '--connect-timeout', '5', 'osd', 'new', disk, '0'));
    run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', disk, '--keyring', keyring);
    serve('ceph-osd', '-i', '0');
    serve('radosgw', '-n', 'client.rgw.a');
    const endpoint = `http://127.0.0.1:${port}`;
    await until(async () => void (await fetch(endpoint)));
    const user = (name: string): ObjectStore['writer'] => {
      const keys = { accessKeyId: `${name.toUpperCase()}KEY`, secretAccessKey: randomUUID() };
      run(
        'radosgw-admin',
        'user',
        'create',
        `--uid=${name}`,
        `--display-name=${name}`,
        `--access-key=${keys.accessKeyId}`,
        `--secret-key=${keys.secretAccessKey}`,
        ...(name === 'administrator' ? ['--system'] : []),
      );
      return keys;
    };
    const users = { writer: user('writer'), administrator: user('administrator') };
    return {
      endpoint,
      ...users,
      request(as, method, path, headers = {}, body) {
        const client = new AwsClient({ ...users[as], service: 's3', region: 'us-east-1', retries: 0 });
        return client.fetch(`${endpoint}/${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Tries until it works; a minute at the most. */
async function until(work: () => unknown): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await work();
      return;
    } catch (error) {
      if (tries === 120) throw error;
      await sleep(500);
    }
  }
}
