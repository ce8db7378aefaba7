/**
 * A witness (C2SP tlog-witness): cosigns a log's checkpoint when, and only when, it grew from the one that it cosigned before. Whoever then
 * believes a cosigned checkpoint knows that nobody was shown another history under this witness's eyes.
 *
 * The order is that of the specification: the request's form (400), the log (404), its signature (403), old size ≤ size (400), old size =
 * what was cosigned last (409), then the tree (422). The new state is on disk before the cosignature leaves, and it is moved by an atomic
 * compare-and-swap on size *and* root: what two requests saw at once, one of them moves, and the other is told 409.
 */
import { equalBytes } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { VeiltrailError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { parseAddCheckpoint } from '../log/add-checkpoint.ts';
import { type Checkpoint, parseCheckpointText, parseDecimal } from '../log/checkpoint.ts';
import type { Cosigner } from '../log/cosignature.ts';
import { createNoteVerifier } from '../log/note-key.ts';
import { formatNote, formatSignatureLine, type NoteVerifier, openNote, parseNote, type UnverifiedNote, type VerifiedNote } from '../log/note.ts';
import { verifyConsistency } from '../log/tree.ts';
import { utf8 } from '../core/bytes.ts';
import type { WitnessedLog, WitnessStore } from '../storage/witness-store.ts';
import type { RateLimit } from './rate-limit.ts';

/** What a request is answered. */
export type WitnessAnswer =
  | { status: 200; cosignatures: string }
  /** The tree size that was cosigned last. */
  | { status: 409; treeSize: number }
  | { status: 400 | 403 | 404 | 422; reason: string }
  | { status: 429; retryAfterSeconds: number };

export interface WitnessParts {
  cosigner: Cosigner;
  store: WitnessStore;
  clock: Clock;
  /** Of checkpoints that are cosigned, for each log. */
  rate: RateLimit;
}

export class Witness {
  readonly #parts: WitnessParts;
  /** By verifier key: making one costs more than all the rest of a request. */
  readonly #verifiers = new Map<string, NoteVerifier>();

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.cosigner.name;
  }

  get vkey(): string {
    return this.#parts.cosigner.vkey;
  }

  /**
   * Answers the body of `POST …/add-checkpoint`. Never throws for what a stranger sent.
   * @throws VeiltrailError those of storage: nothing was cosigned then, or nobody may be told
   */
  addCheckpoint(body: Uint8Array): WitnessAnswer {
    let request;
    let note: UnverifiedNote;
    let origin: string;
    try {
      request = parseAddCheckpoint(body);
      note = parseNote(request.checkpoint);
      origin = readOrigin(note.text);
    } catch (error) {
      return refuse(400, error);
    }
    const log = this.#parts.store.log(origin);
    if (!log || log.vkeys.length === 0) return { status: 404, reason: 'this witness does not know the log' };
    let signed: VerifiedNote;
    try {
      signed = openNote(
        request.checkpoint,
        log.vkeys.map((vkey) => this.#verifier(vkey)),
      );
    } catch (error) {
      return refuse(403, error);
    }
    if (isEmptyTreeWithOtherRoot(signed.text)) return { status: 422, reason: 'the empty tree has another root' };
    let checkpoint: Checkpoint;
    try {
      checkpoint = parseCheckpointText(signed.text);
    } catch (error) {
      return refuse(400, error);
    }
    if (request.oldSize > checkpoint.treeSize) return { status: 400, reason: 'the old size is above the size of the checkpoint' };
    if (request.oldSize !== log.treeSize) return { status: 409, treeSize: log.treeSize };
    const inconsistency = findInconsistency(log, checkpoint, request.proof);
    if (inconsistency !== undefined) return { status: 422, reason: inconsistency };
    return this.#cosign(log, checkpoint, signed);
  }

  /** The newest checkpoint that was cosigned of the log whose origin has this hash; undefined for a log that is not known, or before the first. */
  checkpointOf(origin: string): string | undefined {
    return this.#parts.store.log(origin)?.checkpoint;
  }

  logs(): WitnessedLog[] {
    return this.#parts.store.logs();
  }

  #verifier(vkey: string): NoteVerifier {
    const known = this.#verifiers.get(vkey) ?? createNoteVerifier(vkey);
    this.#verifiers.set(vkey, known);
    return known;
  }

  #cosign(log: WitnessedLog, checkpoint: Checkpoint, signed: VerifiedNote): WitnessAnswer {
    const { cosigner, store, clock, rate } = this.#parts;
    const waitMs = rate.take(log.origin);
    if (waitMs > 0) return { status: 429, retryAfterSeconds: Math.ceil(waitMs / 1_000) };
    // A clock that was set back must not make what is said later look older.
    const timeSeconds = Math.max(log.timeSeconds, Math.floor(clock.now() / 1_000));
    const cosignature = cosigner.cosign(signed.text, timeSeconds);
    const to = {
      treeSize: checkpoint.treeSize,
      root: checkpoint.root,
      checkpoint: formatNote({ text: signed.text, signatures: [...signed.signatures, cosignature] }),
      timeSeconds,
    };
    // A crash behind this line: the log asks again, is told 409 and the size, and has the same checkpoint cosigned once more.
    const moved = store.advance({ origin: log.origin, from: { treeSize: log.treeSize, root: log.root }, to });
    if (!moved) return { status: 409, treeSize: store.log(log.origin)?.treeSize ?? 0 };
    return { status: 200, cosignatures: formatSignatureLine(cosignature) };
  }
}

/** The first line of the text, of which nothing else is looked at before the log is known. */
function readOrigin(text: string): string {
  const origin = text.slice(0, text.indexOf('\n'));
  if (origin === '' || utf8(origin).length > limits.originBytesMax) throw new VeiltrailError('checkpoint_syntax', 'not a checkpoint: the origin');
  return origin;
}

/** Signed by the log, and yet not even the form of a checkpoint says so: the specification wants 422 for it, not 400. */
function isEmptyTreeWithOtherRoot(text: string): boolean {
  const [, size, root] = text.split('\n');
  if (parseDecimal(size ?? '') !== 0 || root === undefined) return false;
  try {
    parseCheckpointText(text);
    return false;
  } catch {
    return /^[A-Za-z0-9+/]{43}=$/.test(root);
  }
}

function findInconsistency(log: WitnessedLog, { treeSize, root }: Checkpoint, proof: readonly Uint8Array[]): string | undefined {
  if (log.treeSize === 0) {
    if (proof.length > 0) return 'a proof from the empty tree is empty';
    return undefined;
  }
  if (log.treeSize === treeSize && !equalBytes(log.root, root)) return 'another root of the same size was cosigned';
  try {
    verifyConsistency(log.treeSize, treeSize, log.root, root, proof);
    return undefined;
  } catch {
    return 'the proof does not lead from what was cosigned to this checkpoint';
  }
}

function refuse(status: 400 | 403, error: unknown): WitnessAnswer {
  if (!(error instanceof VeiltrailError)) throw error;
  return { status, reason: error.message };
}
