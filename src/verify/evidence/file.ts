/** Takes an evidence file apart, and finds the lines that are not as they were signed. */
import { VeiltrailError } from '../../core/errors.ts';
import { formatNote, type NoteVerifier, parseNote } from '../../log/note.ts';
import { createNoteVerifier, readVerifierKeys } from '../../log/note-key.ts';
import { attempt } from './attempt.ts';
import {
  badEvidence,
  eventsClose,
  eventsOpen,
  formatLine,
  headParts,
  matchLines,
  type MatchedLine,
  readDigestsLine,
  readPartLine,
  signedDigests,
  signedText,
  splitLines,
} from './lines.ts';
import type { EvidenceEvent } from './model.ts';
import { type EvidenceHead, headReaders, readEvent } from './parts.ts';

export interface EvidenceProblem {
  readonly code: string;
  /** A part of the file, or `leaf N`. */
  readonly where: string;
  readonly message: string;
  readonly leafIndex?: number;
}

/** An event's line; without an event where it cannot be read. */
export interface ReadEvent {
  readonly event?: EvidenceEvent;
  /** The line is not the one that was signed. */
  readonly changed: boolean;
  /** Why it cannot be read. */
  readonly unreadable?: string;
}

export interface ReadFile {
  /** Those that could be read. */
  readonly parts: Partial<EvidenceHead>;
  readonly events: readonly ReadEvent[];
  readonly problems: readonly EvidenceProblem[];
}

export function readFile(file: string | Uint8Array): ReadFile {
  return new Reading().read(file);
}

class Reading {
  readonly #problems: EvidenceProblem[] = [];
  readonly #parts: { -readonly [Part in keyof EvidenceHead]?: EvidenceHead[Part] } = {};

  read(file: string | Uint8Array): ReadFile {
    const lines = this.#try('format', () => splitLines(file));
    if (lines === undefined) return { parts: {}, events: [], problems: this.#problems };
    const ended = lines.at(-1) === '';
    if (ended) lines.pop();
    const last = lines.pop();
    const signature = ended ? last : undefined;
    const lineOfDigests = lines.pop();
    const digests = lineOfDigests?.startsWith('"digests":') ? this.#try('digests', () => readDigestsLine(lineOfDigests)) : undefined;
    const matched = this.#match(lines, digests, lineOfDigests, signature);
    return { parts: this.#parts, events: this.#read(matched), problems: this.#problems };
  }

  /** Each line beside what it should be, by the signed digests. */
  #match(
    lines: readonly (string | undefined)[],
    digests: readonly Uint8Array[] | undefined,
    lineOfDigests: string | undefined,
    signature: string | undefined,
  ): MatchedLine[] {
    const plain = lines.map((line) => ({ line, changed: false }));
    const matched = digests ? matchLines(lines, digests) : plain;
    // The keys come from the file, so its line about the log is read first.
    const log = this.#quietly(() => headReaders.log(matched[2]?.line ?? ''));
    const note = this.#try('signature', () => {
      if (signature === undefined) throw badEvidence('no newline at the end, or no signature');
      return readSignature(signature);
    });
    if (note === undefined) return matched;
    if (lineOfDigests === undefined || digests === undefined) {
      if (!this.#problems.some(({ where }) => where === 'digests')) this.#add('evidence_syntax', 'digests', 'the list of digests cannot be read');
      return plain;
    }
    if (log === undefined) return matched;
    const signed = this.#try('signature', () => verifySignature(note, log.vkeys));
    if (signed === undefined || note.text === signedText(log.origin, lineOfDigests)) return matched;
    if (note.text.endsWith(signedDigests(lineOfDigests))) {
      this.#add('evidence_changed', 'log', 'this was signed for a log of another origin');
      return matched;
    }
    this.#add('evidence_changed', 'digests', 'the list of digests is not the one that was signed');
    // They say nothing about the lines, then.
    return plain;
  }

  #read(matched: readonly MatchedLine[]): ReadEvent[] {
    headParts.forEach((part, i) => this.#readHead(part, matched[i]));
    const body = matched.slice(headParts.length);
    // Without it the last event stands there.
    const close = body.at(-1)?.line?.startsWith('{') ? undefined : body.pop();
    if (close?.line !== eventsClose || close.changed) this.#broken('events', close, 'the end of the list of events');
    return body.map(({ line, changed }, i): ReadEvent => {
      if (line === undefined) return { changed, unreadable: 'a line that is missing, or not UTF-8' };
      const { value, error } = attempt(() => readEvent(line, i === body.length - 1));
      return value ? { event: value, changed } : { changed, unreadable: (error as VeiltrailError).message };
    });
  }

  #readHead(part: (typeof headParts)[number], matched: MatchedLine | undefined): void {
    const { line } = matched ?? {};
    if (part === 'format' || part === 'events') {
      if (line !== (part === 'format' ? formatLine : eventsOpen) || matched?.changed) this.#broken(part, matched, `the line of “${part}”`);
      return;
    }
    const value = this.#quietly(() => headReaders[part](line ?? ''));
    // What was changed is not gone on with.
    if (value !== undefined && !matched?.changed) Object.assign(this.#parts, { [part]: value });
    if (matched?.changed || value === undefined) this.#broken(part, matched, `the line of “${part}” cannot be read`);
  }

  #broken(part: string, matched: MatchedLine | undefined, what: string): void {
    if (this.#problems.some(({ where }) => where === part)) return;
    if (matched?.changed) this.#add('evidence_changed', part, `the line of “${part}” is not the one that was signed`);
    else this.#add('evidence_syntax', part, `not as evidence is written: ${what}`);
  }

  #add(code: string, where: string, message: string): void {
    this.#problems.push({ code, where, message });
  }

  #try<T>(where: string, run: () => T): T | undefined {
    const { value, error } = attempt(run);
    if (error) this.#add(error.code, where, error.message);
    return value;
  }

  #quietly<T>(run: () => T): T | undefined {
    return attempt(run).value;
  }
}

type Note = ReturnType<typeof parseNote>;

function readSignature(line: string): Note {
  const note = readPartLine('signature', line, { depthMax: 1, nodesMax: 1 }, '}');
  if (typeof note !== 'string') throw badEvidence('the signature');
  const parsed = parseNote(note);
  if (formatNote(parsed) !== note) throw badEvidence('the signature');
  return parsed;
}

/** Every key of the file signed, in its order, and nobody else: a signature line that is not checked could be changed. */
function verifySignature({ text, signatures }: Note, vkeys: readonly string[]): true {
  const keys: NoteVerifier[] = readVerifierKeys(vkeys, 'the evidence', createNoteVerifier);
  const good =
    signatures.length === keys.length &&
    keys.every((key, i) => {
      const signature = signatures[i];
      return signature?.name === key.name && signature.keyId === key.keyId && key.verify(text, signature.signature);
    });
  if (!good) throw new VeiltrailError('note_signature', 'the signature of the file is not one of the keys that it names');
  return true;
}
