import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toHex } from '../../src/core/bytes.ts';
import { createNoteVerifier } from '../../src/log/note-key.ts';
import { openNote, signNote } from '../../src/log/note.ts';
import { createKeyFile, readKeyFile, replaceKeyFile } from '../../src/vault/key-file.ts';
import { formatSecret, openKeyring, secretPurposes } from '../../src/vault/keyring.ts';

let dir: string;
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'keyring-')), 'keys');
});
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

const code = (code: string) => expect.objectContaining({ name: 'VeiltrailError', code }) as Error;
const create = () => openKeyring(dir, { create: true });
const open = () => openKeyring(dir, { create: false });

describe('a keyring', () => {
  it('is made once, private, and read again as it was', () => {
    const made = create();
    const again = create();
    const read = open();
    for (const purpose of secretPurposes) {
      expect(made.secret(purpose).key).toHaveLength(32);
      expect(again.secret(purpose)).toEqual(made.secret(purpose));
      expect(read.secret(purpose)).toEqual(made.secret(purpose));
    }
    expect(new Set(secretPurposes.map((purpose) => toHex(made.secret(purpose).key))).size).toBe(secretPurposes.length);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
  });

  it('is not made unless asked', () => {
    expect(open).toThrow(code('keyring_missing'));
    expect(existsSync(dir)).toBe(false);
    create();
    rmSync(dir, { recursive: true });
    writeFileSync(dir, 'a file');
    expect(open).toThrow(code('keyring_missing'));
    expect(create).toThrow(code('key_exists'));
  });

  it('whose making was cut short anywhere is completed with the secrets it has', () => {
    create();
    const files = ['keyring', ...secretPurposes.map((purpose) => `${purpose}.v1.secret`).toReversed()];
    // The files were written in the opposite order: without the first n of this list is the state after a crash.
    for (let n = 1; n <= files.length; n++) {
      const kept = files.slice(n).map((name) => [name, readFileSync(join(dir, name), 'utf8')]);
      for (const name of files.slice(0, n)) rmSync(join(dir, name), { force: true });
      writeFileSync(join(dir, '.tmp-0011'), 'half a', { mode: 0o600 });
      expect(open).toThrow(code('keyring_missing'));
      create();
      for (const [name, text] of kept) expect(readFileSync(join(dir, name as string), 'utf8')).toBe(text);
      expect(readdirSync(dir).toSorted()).toEqual(files.toSorted());
    }
  });

  it('gains the secret of a purpose that is new, and never replaces one that is lost', () => {
    create();
    writeFileSync(join(dir, 'keyring'), 'veiltrail keyring 1\nroot\nlookup\npseudonym\nindex\nidempotency\n', { mode: 0o600 });
    rmSync(join(dir, 'seal.v1.secret'));
    expect(open).toThrow(code('keyring_missing'));
    create();
    const kept = open().secret('seal');
    expect(create().secret('seal')).toEqual(kept);
    rmSync(join(dir, 'seal.v1.secret'));
    expect(create).toThrow(code('keyring_incomplete'));
    expect(open).toThrow(code('keyring_incomplete'));
  });

  it('knows every version of a secret, the newest first', () => {
    create();
    for (const version of [10, 2]) {
      writeFileSync(join(dir, `lookup.v${version}.secret`), formatSecret('lookup', { version, key: new Uint8Array(32).fill(version) }), {
        mode: 0o600,
      });
    }
    const keyring = open();
    expect(keyring.secret('lookup').version).toBe(10);
    expect(keyring.secrets('lookup').map(({ version }) => version)).toEqual([10, 2, 1]);
  });

  it('refuses what others may read or change', () => {
    create();
    for (const mode of [0o640, 0o604, 0o660]) {
      chmodSync(join(dir, 'root.v1.secret'), mode);
      expect(open).toThrow(code('key_file_open'));
      expect(open).toThrow(/root\.v1\.secret.*chmod 600/);
    }
    chmodSync(join(dir, 'root.v1.secret'), 0o400);
    chmodSync(dir, 0o755);
    open();
    chmodSync(dir, 0o777);
    expect(open).toThrow(code('keyring_open'));
  });

  it('refuses damaged files and never says what is in them', () => {
    const keyring = create();
    const file = join(dir, 'lookup.v1.secret');
    const good = readFileSync(file, 'utf8');
    const secret = good.trim().split('+').at(-1) as string;
    const damaged = [
      '',
      good.slice(0, -1),
      `${good}\n`,
      good.replace('lookup', 'pseudonym'),
      good.replace('lookup', 'nothing'),
      good.replace('+1+', '+2+'),
      good.replace(/\+([0-9a-f])([0-9a-f]{7})\+/, (_, a: string, rest: string) => `+${a === '0' ? '1' : '0'}${rest}+`),
      good.replace('=\n', '!\n'),
      good.replace(/.=\n$/, (end) => `${end[0] === 'A' ? 'B' : 'A'}=\n`),
      good.replace(/.=\n$/, '9=\n'), // bits behind the last byte
    ];
    for (const text of damaged) {
      writeFileSync(file, text);
      expect(open).toThrow(code('key_file_syntax'));
      expect(open).toThrow(/^(?!.*VEILTRAIL\+)/);
    }
    rmSync(file);
    mkdirSync(file);
    expect(open).toThrow(code('key_file_syntax'));
    rmSync(file, { recursive: true });
    writeFileSync(file, 'x'.repeat(70_000), { mode: 0o600 });
    expect(open).toThrow(code('key_file_syntax'));
    rmSync(file);
    symlinkSync('/nowhere/at/all', file);
    expect(open).toThrow(code('key_file_missing'));
    rmSync(file);
    symlinkSync('lookup.v1.secret', file);
    expect(open).toThrow(code('key_file_unreadable'));
    expect(inspect(keyring, { depth: 9, showHidden: true })).not.toContain(secret);
    expect(JSON.stringify(keyring)).toBe('"[keyring]"');
  });

  it('refuses a marker of another format', () => {
    create();
    for (const text of ['veiltrail keyring 2\nroot\n', 'veiltrail keyring 1\nroot']) {
      writeFileSync(join(dir, 'keyring'), text);
      expect(open).toThrow(code('keyring_syntax'));
    }
  });
});

describe('log keys', () => {
  it('sign under the origin, and the public half lies beside', () => {
    const keyring = create();
    expect(keyring.signer('default')).toBeUndefined();
    const signer = keyring.createSigner('default', 'example.org/default');
    expect(keyring.createSigner('default', 'example.org/default').vkey).toBe(signer.vkey);
    expect(keyring.createSigner('_system', 'example.org/_system').vkey).not.toBe(signer.vkey);
    expect(keyring.logs()).toEqual(['_system', 'default']);
    expect(open().signer('default')?.vkey).toBe(signer.vkey);
    expect(readFileSync(join(dir, 'default.vkey'), 'utf8')).toBe(`${signer.vkey}\n`);
    expect(readFileSync(join(dir, 'default.signing-key'), 'utf8')).toMatch(/^PRIVATE\+KEY\+example\.org\/default\+/);
    const note = signNote('hello\n', [signer]);
    expect(openNote(note, [createNoteVerifier(signer.vkey)]).text).toBe('hello\n');
  });

  it('survive a crash between their two files', () => {
    const signer = create().createSigner('default', 'example.org/default');
    rmSync(join(dir, 'default.vkey'));
    expect(open().createSigner('default', 'example.org/default').vkey).toBe(signer.vkey);
    expect(readFileSync(join(dir, 'default.vkey'), 'utf8')).toBe(`${signer.vkey}\n`);
  });

  it('refuse another origin, damage, a foreign public half and names that are no logs', () => {
    const keyring = create();
    keyring.createSigner('default', 'example.org/default');
    expect(() => keyring.createSigner('default', 'example.org/other')).toThrow(code('key_origin'));
    expect(() => keyring.createSigner('../x', 'example.org/x')).toThrow(code('log_name'));
    expect(() => keyring.signer('x'.repeat(65))).toThrow(code('log_name'));
    const vkey = readFileSync(join(dir, 'default.vkey'), 'utf8');
    writeFileSync(join(dir, 'default.vkey'), 'example.org/default+00000000+AA==\n');
    expect(() => keyring.createSigner('default', 'example.org/default')).toThrow(code('key_file_syntax'));
    writeFileSync(join(dir, 'default.vkey'), vkey);
    const key = readFileSync(join(dir, 'default.signing-key'), 'utf8');
    writeFileSync(join(dir, 'default.signing-key'), key.trim());
    expect(keyring.signer('default')?.vkey).toBe(vkey.trim());
    writeFileSync(join(dir, 'default.signing-key'), key.replace('default', 'defau1t'));
    expect(() => keyring.signer('default')).toThrow(code('key_file_syntax'));
  });
});

describe('a key file', () => {
  it('is never overwritten by creating it, and replaced whole', () => {
    mkdirSync(dir);
    createKeyFile(dir, 'a', 'one');
    expect(() => createKeyFile(dir, 'a', 'two')).toThrow(code('key_exists'));
    expect(readKeyFile(dir, 'a')).toBe('one');
    replaceKeyFile(dir, 'a', 'two');
    expect(readKeyFile(dir, 'a')).toBe('two');
    expect(readdirSync(dir)).toEqual(['a']);
  });

  it('that cannot be written says why, by code', () => {
    expect(() => createKeyFile(join(dir, 'none'), 'a', 'one')).toThrow(code('storage_failed'));
    writeFileSync(join(dir, '..', 'file'), '');
    expect(() => openKeyring(join(dir, '..', 'file', 'keys'), { create: true })).toThrow(code('storage_failed'));
    if (existsSync('/sys/kernel')) expect(() => createKeyFile('/sys/kernel', 'a', 'one')).toThrow(code('storage_readonly'));
  });
});
