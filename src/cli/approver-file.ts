/** The file of an approver's own key, for the commands that sign with it. */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { ApproverKey } from '../access/approver-key.ts';
import { VeiltrailError } from '../core/errors.ts';
import type { RequestInfo } from '../app/requests.ts';
import { type Approval, type Decision, statementBytes } from '../verify/approval.ts';
import { type ApproverCard, enrolmentBytes } from '../verify/enrolment.ts';
import { checkRequest } from '../verify/request.ts';

/** @throws VeiltrailError `key_file_open` when others may read it, `approver_key_syntax`, `passphrase` */
export async function openApproverFile(file: string, passphraseFile: string | undefined): Promise<ApproverKey> {
  const { openApproverKey } = await import('../access/approver-key.ts');
  const { readKeyFile } = await import('../vault/key-file.ts');
  const path = resolve(file);
  return openApproverKey(readKeyFile(dirname(path), basename(path)), passphraseFile === undefined ? undefined : readPassphrase(passphraseFile));
}

/** Makes the file (0600), which must not be there yet. @returns what is handed to whoever enrols it */
export async function createApproverFile(file: string, passphraseFile: string | undefined): Promise<ApproverCard> {
  const { createApproverKey } = await import('../access/approver-key.ts');
  const { createKeyFile } = await import('../vault/key-file.ts');
  const { systemRandom } = await import('../core/random.ts');
  const { text, key } = createApproverKey(systemRandom, passphraseFile === undefined ? undefined : readPassphrase(passphraseFile));
  const path = resolve(file);
  createKeyFile(dirname(path), basename(path), text);
  return cardOf(key);
}

/** The approver's card: the public key, and the proof that they have the private one. */
export function cardOf(key: ApproverKey): ApproverCard {
  const { id, kind, publicKey } = key;
  const time = new Date().toISOString();
  return { id, kind, publicKey, time, signature: key.sign(enrolmentBytes({ id, time })) };
}

/**
 * Signs a decision, after working out for itself that id and digest are those of what is shown: whoever sent it may lie.
 * @throws VeiltrailError `request_damaged`
 */
export function signDecision(key: ApproverKey, info: RequestInfo, decision: Decision): Approval {
  checkRequest(info);
  const statement = { request: info.id, digest: info.digest, decision, approver: key.id, time: new Date().toISOString() };
  return { ...statement, kind: key.kind, publicKey: key.publicKey, signature: key.sign(statementBytes(statement)) };
}

/** The first line of a file; `-` is standard input. */
function readPassphrase(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8').split(/\r?\n/, 1)[0] as string;
  } catch {
    throw new VeiltrailError('input_unreadable', `${file}: cannot be read`);
  }
}
