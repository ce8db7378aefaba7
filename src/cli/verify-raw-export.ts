/** `verify` of a raw export: a line at a time, however long the file is. */
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { VeiltrailError } from '../core/errors.ts';
import { createTrust } from '../log/trust.ts';
import { rawExportFormat, rawExportLineMax, RawExportVerifier } from '../verify/raw-export.ts';
import { colors } from './colors.ts';
import { exitCodes } from './exit.ts';
import { print, printJson } from './output.ts';
import { counted } from './protection.ts';

/** Whether a file says of itself that it is one. */
export function isRawExport(path: string): boolean {
  const start = Buffer.alloc(128);
  const file = openSync(path, 'r');
  try {
    return start.subarray(0, readSync(file, start)).toString('latin1').startsWith(`{"format":"${rawExportFormat}"`);
  } finally {
    closeSync(file);
  }
}

/**
 * Lines end with LF and nothing else: texts in them may hold U+2028, at which `readline` would end one, too.
 * @throws VeiltrailError `raw_export_syntax` as soon as a line is too long, so that none without an end is held
 */
async function* linesOf(path: string): AsyncGenerator<string> {
  let begun: string[] = [];
  let length = 0;
  for await (const piece of createReadStream(path, 'utf8') as AsyncIterable<string>) {
    const parts = piece.split('\n');
    for (const part of parts.slice(0, -1)) {
      yield begun.join('') + part;
      begun = [];
      length = 0;
    }
    const rest = parts.at(-1) as string;
    begun.push(rest);
    length += rest.length;
    if (length > rawExportLineMax) throw new VeiltrailError('raw_export_syntax', 'not a raw export: a line is too long');
  }
  const rest = begun.join('');
  if (rest !== '') yield rest;
}

/** Says what it proves, and sets the exit code. @throws VeiltrailError `vkey_syntax` */
export async function reportRawExport(path: string, vkey: string, json: boolean): Promise<void> {
  const verifier = new RawExportVerifier(createTrust([vkey]));
  try {
    for await (const line of linesOf(path)) verifier.add(line);
    const { origin, treeSize, events, removed, redacted, values, head } = verifier.end();
    const isAll = redacted === 0;
    const notProved = [
      'that no event was left out',
      'what the file says of purpose, audience and query',
      ...(isAll
        ? []
        : [`that ${counted(redacted, 'value')} ${redacted === 1 ? 'was' : 'were'} redacted, and not just kept back by whoever made the file`]),
      ...(removed === 0 ? [] : [`that ${counted(removed, 'record')} ${removed === 1 ? 'was' : 'were'} gone, and not just left out`]),
    ];
    if (json) return printJson({ ok: true, origin, treeSize, events, removed, redacted, values, notProved, head });
    const how = isAll ? 'as the log has them' : 'as the log has them, but for what the file says was redacted';
    print(`${colors.green('✓')} ${counted(events, 'event')} of ${origin} (size ${treeSize}) ${how}, signed by the log`);
    print(`  ${counted(values, 'value')}, each the one that the token in its place commits to`);
    for (const what of notProved) print(colors.dim(`  not proved: ${what}`));
  } catch (error) {
    if (!(error instanceof VeiltrailError)) throw error;
    process.exitCode = exitCodes.wrong;
    if (json) printJson({ ok: false, problems: [{ code: error.code, where: path, message: error.message }] });
    else print(`${colors.red('✗')} ${path}: ${error.message} ${colors.dim(`(${error.code})`)}`);
  }
}
