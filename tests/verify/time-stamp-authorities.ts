/** Time-stamp authorities of many makes, by openssl: keys, digests, chains; for tests. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBase64 } from '../../src/core/base64.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { type EvidenceAnchor, formatKeptAnchor } from '../../src/verify/evidence/index.ts';

export type KeyKind = 'rsa' | 'p256' | 'p384' | 'p521';

interface Issued {
  name: string;
  /** The name in it [name]. */
  subject?: string;
  key: KeyKind;
  /** Whose key is its, too. */
  keyOf?: string;
  /** Who signs it; absent: itself. */
  by?: string;
  /** Extensions, as openssl writes them. */
  extensions: readonly string[];
  /** [30]; below 0: over before it began. */
  days?: number;
}

export interface TimeStampAuthorities {
  issue(certificate: Issued): void;
  pem(name: string): string;
  /** Where a certificate and its key are, for openssl's options. */
  path(name: string): string;
  /** DER of the token that an authority makes of a message. */
  stamp(signer: string, message: Uint8Array, options?: { digest?: string; ess?: 'sha1' | 'sha256'; with?: readonly string[] }): Uint8Array;
  /** A token signed anew over the same time, by whatever `openssl cms` is told. */
  resign(token: Uint8Array, signer: string, ...options: readonly string[]): Uint8Array;
  /** The same over any content. */
  sign(content: Uint8Array, signer: string, ...options: readonly string[]): Uint8Array;
  /** Whether `openssl ts -verify` accepts it. */
  accepts(token: Uint8Array, message: Uint8Array, root: string, options?: { with?: readonly string[] }): boolean;
  close(): void;
}

export const authorityExtensions = ['basicConstraints = critical,CA:TRUE', 'keyUsage = critical,keyCertSign', 'subjectKeyIdentifier = hash'];
export const stampExtensions = ['extendedKeyUsage = critical,timeStamping', 'keyUsage = critical,digitalSignature', 'subjectKeyIdentifier = hash'];

const keyOptions: Record<KeyKind, readonly string[]> = {
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  p256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  p521: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
};

/** Names of people and firms are no names of files. */
function fileOf(name: string): string {
  return name.replaceAll(/[^\w-]/g, '_');
}

export function createTimeStampAuthorities(): TimeStampAuthorities {
  const dir = mkdtempSync(join(tmpdir(), 'veiltrail-tsas-'));
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] });
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(dir, name), content);
    return name;
  };
  const pems = (names: readonly string[]): string => names.map((name) => readFileSync(join(dir, `${fileOf(name)}.pem`), 'utf8')).join('');
  const signed = (content: string, signer: string, options: readonly string[]): Uint8Array => {
    const form = ['-outform', 'DER', '-binary', '-nodetach', '-nosmimecap', '-econtent_type', '1.2.840.113549.1.9.16.1.4'];
    const key = ['-signer', `${fileOf(signer)}.pem`, '-inkey', `${fileOf(signer)}.key`];
    openssl('cms', '-sign', ...form, ...key, ...options, '-in', content, '-out', 'signed');
    return Uint8Array.from(readFileSync(join(dir, 'signed')));
  };
  file('serial', '01\n');
  return {
    issue({ name: called, subject = called, key, keyOf, by: issuer, extensions, days = 30 }) {
      const [name, by] = [fileOf(called), issuer === undefined ? undefined : fileOf(issuer)];
      if (keyOf === undefined) openssl('genpkey', ...keyOptions[key], '-out', `${name}.key`);
      else copyFileSync(join(dir, `${fileOf(keyOf)}.key`), join(dir, `${name}.key`));
      openssl('req', '-new', '-key', `${name}.key`, '-subj', `/O=Tests/CN=${subject.replaceAll('/', '\\/')}`, '-out', `${name}.csr`);
      const signer = by === undefined ? ['-signkey', `${name}.key`] : ['-CA', `${by}.pem`, '-CAkey', `${by}.key`];
      const ext = file(`${name}.ext`, `${extensions.join('\n')}\n`);
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        ...signer,
        '-set_serial',
        '0x7f01',
        '-days',
        String(days),
        '-extfile',
        ext,
        '-out',
        `${name}.pem`,
      );
    },
    pem: (name) => pems([name]),
    path: (name) => join(dir, `${fileOf(name)}.pem`),
    stamp(signer, message, { digest = 'sha256', ess = 'sha256', with: others = [] } = {}) {
      const config = [
        '[tsa]',
        `serial = ${join(dir, 'serial')}`,
        `signer_digest = ${digest}`,
        'default_policy = 1.2.3.4.1',
        'digests = sha256,sha384,sha512',
        'accuracy = secs:1,millisecs:500,microsecs:100',
        `ess_cert_id_alg = ${ess}`,
      ];
      file('ts.cnf', `${config.join('\n')}\n`);
      openssl('ts', '-query', '-data', file('message', message), `-${digest}`, '-cert', '-out', 'query');
      const chain = others.length > 0 ? ['-chain', file('chain.pem', pems(others))] : [];
      const key = ['-signer', `${fileOf(signer)}.pem`, '-inkey', `${fileOf(signer)}.key`];
      openssl('ts', '-reply', '-config', 'ts.cnf', '-section', 'tsa', '-queryfile', 'query', ...key, ...chain, '-token_out', '-out', 'token');
      return Uint8Array.from(readFileSync(join(dir, 'token')));
    },
    resign(token, signer, ...options) {
      openssl('cms', '-verify', '-noverify', '-inform', 'DER', '-in', file('token', token), '-out', 'info');
      return signed('info', signer, options);
    },
    sign: (content, signer, ...options) => signed(file('content', content), signer, options),
    accepts(token, message, root, { with: others = [] } = {}) {
      const untrusted = others.length > 0 ? ['-untrusted', file('untrusted.pem', pems(others))] : [];
      const what = ['-data', file('message', message), '-in', file('token', token), '-token_in', '-CAfile', `${fileOf(root)}.pem`];
      try {
        openssl('ts', '-verify', ...what, ...untrusted);
        return true;
      } catch {
        return false;
      }
    },
    close: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** A checkpoint and its time stamp, as `veiltrail anchor` files them and evidence brings them. */
export function stampedAnchor(tsas: TimeStampAuthorities, signer: string, checkpoint: string): EvidenceAnchor {
  const proof = { token: encodeBase64(tsas.stamp(signer, utf8(checkpoint))) };
  return formatKeptAnchor(
    JSON.stringify({ format: 'veiltrail.anchor/v1', kind: 'rfc3161', target: 'tsa', checkpoint, madeAt: '2026-11-22T12:00:00.000Z', proof }),
  );
}
