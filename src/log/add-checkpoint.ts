/**
 * The request by which a log asks a witness to cosign (C2SP tlog-witness, `POST …/add-checkpoint`), and the lines that answer it.
 *
 *     old <tree size of the checkpoint that the witness cosigned last, 0 for none>
 *     <base64 hash>             as many as the consistency proof has, 63 at most
 *
 *     <checkpoint, verbatim>
 */
import { encodeBase64 } from '../core/base64.ts';
import { decodeUtf8 } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { parseDecimal, parseHash } from './checkpoint.ts';
import { type NoteSignature, noteSignaturesMax, parseSignatureLine } from './note.ts';

export interface AddCheckpoint {
  readonly oldSize: number;
  /** 32 bytes each: how the tree of the old size grew. */
  readonly proof: readonly Uint8Array[];
  /** The signed note: nothing in it is to be believed before it is opened. */
  readonly checkpoint: string;
}

const proofLinesMax = 63;
/** Bytes of a request: the proof, and a checkpoint with a good number of signatures. */
export const addCheckpointBytesMax = 65_536;

/** The media type of the tree size in the answer 409. */
export const sizeMediaType = 'text/x.tlog.size';

/** @throws VeiltrailError `add_checkpoint_syntax`; the checkpoint is not looked into */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  if (body.length > addCheckpointBytesMax) throw badRequest('longer than allowed');
  const whole = readText(body);
  const split = whole.indexOf('\n\n');
  if (split < 0) throw badRequest('no empty line');
  const [first, ...lines] = whole.slice(0, split).split('\n');
  const oldSize = first?.startsWith('old ') ? parseDecimal(first.slice('old '.length)) : undefined;
  if (oldSize === undefined) throw badRequest('the old size');
  if (lines.length > proofLinesMax) throw badRequest(`more than ${proofLinesMax} hashes`);
  const proof = lines.map((line) => {
    const hash = parseHash(line);
    if (hash === undefined) throw badRequest('a hash');
    return hash;
  });
  return { oldSize, proof, checkpoint: whole.slice(split + 2) };
}

export function formatAddCheckpoint({ oldSize, proof, checkpoint }: AddCheckpoint): string {
  return `${[`old ${oldSize}`, ...proof.map(encodeBase64)].join('\n')}\n\n${checkpoint}`;
}

/** The signature lines of the answer 200. @throws VeiltrailError `note_syntax` */
export function parseSignatureLines(body: string): NoteSignature[] {
  const lines = body.split('\n');
  if (lines.pop() !== '' || lines.length === 0 || lines.length > noteSignaturesMax) {
    throw new VeiltrailError('note_syntax', 'not signature lines');
  }
  return lines.map(parseSignatureLine);
}

/** The tree size of the answer 409, or undefined. */
export function parseSizeAnswer(body: string): number | undefined {
  return body.endsWith('\n') ? parseDecimal(body.slice(0, -1)) : undefined;
}

function readText(body: Uint8Array): string {
  try {
    return decodeUtf8(body);
  } catch {
    throw badRequest('not UTF-8');
  }
}

function badRequest(what: string): VeiltrailError {
  return new VeiltrailError('add_checkpoint_syntax', `not an add-checkpoint request: ${what}`);
}
