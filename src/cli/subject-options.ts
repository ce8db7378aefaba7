/** Naming a person on the command line: by token, by id, or by a value, which is read from standard input so that no list of processes shows it. */
import type { Command } from 'commander';
import type { SubjectRequest } from '../app/find-subject.ts';
import { VeiltrailError } from '../core/errors.ts';

export interface SubjectOptions {
  id?: string[];
  token?: string[];
  kind?: string;
  field?: string;
  forLog?: string[];
  linked?: boolean;
}

export function addSubjectOptions(command: Command): Command {
  return command
    .option('--id <id...>', 'ids as they stand in records, whole or within a text; with tokens that stand beside them')
    .option('--field <path>', 'an id counts only where it is the value of a field whose path ends so, such as actor.id')
    .option('--token <token...>', 'tokens, as records have them')
    .option('--kind <kind>', 'a value of this kind, read from standard input: email, phone, person_name …')
    .option('--for-log <name...>', "these logs only [all but the server's own]")
    .option('--no-linked', 'without tokens that stand beside an id');
}

const valueBytesMax = 4_096;

/** @throws VeiltrailError `subject_request` */
export async function subjectOf({ id, token, kind, field, forLog, linked }: SubjectOptions): Promise<SubjectRequest> {
  if (!id && !token && kind === undefined)
    throw new VeiltrailError('subject_request', 'say who: --id, --token, or --kind with the value on standard input');
  const values = kind === undefined ? undefined : [{ kind, value: await readValue() }];
  return {
    ...(id ? { ids: id } : {}),
    ...(token ? { tokens: token } : {}),
    ...(values ? { values } : {}),
    ...(field === undefined ? {} : { field }),
    ...(forLog ? { logs: forLog } : {}),
    ...(linked === false ? { linked } : {}),
  };
}

async function readValue(): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of process.stdin) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > valueBytesMax) throw new VeiltrailError('subject_request', `a value has at most ${valueBytesMax} bytes`);
  }
  const value = Buffer.concat(parts).toString('utf8').trim();
  if (value === '') throw new VeiltrailError('subject_request', 'no value came in on standard input');
  return value;
}
