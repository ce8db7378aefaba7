/**
 * Verifies an evidence file, offline. Two things are proved, each by itself:
 *
 * - the file is as it was exported: the log's key signed the digests of its lines, so a changed character is found and the line named;
 * - what it says is in the log: values and salts give each event's entry, and the entries of all leaves together give the root of the checkpoint.
 *
 * So whoever changes an event is found by both, and an exporter who lies is found by the second. What cannot be proved is said, too.
 */
import { equalBytes, toHex, utf8 } from '../../core/bytes.ts';
import type { VeiltrailError } from '../../core/errors.ts';
import { sha256 } from '../../core/sha256.ts';
import { type CheckpointTrust, openCheckpoint, type VerifiedCheckpoint } from '../../log/checkpoint.ts';
import { cosignatureTime } from '../../log/cosignature.ts';
import { createTrust } from '../../log/trust.ts';
import { judgeQuorum, type WitnessPolicy } from '../../log/witness-policy.ts';
import { readPem } from '../time-stamp/certificate.ts';
import { attempt } from './attempt.ts';
import { checkAnchors, type CheckedAnchor } from './anchors.ts';
import { type CheckedEvent, checkEvents } from './events.ts';
import { type EvidenceProblem, readFile } from './file.ts';
import type { KnownTree, LowerTimeBound, TimeBound } from './kept-anchor.ts';
import type { EvidenceExport, EvidenceLog, EvidencePolicy } from './model.ts';

export interface EvidenceOptions {
  /** Verifier keys of the log, known from elsewhere: one of them must have signed. Without them the file's own are taken. */
  vkeys?: readonly string[];
  /** Verifier keys of witnesses, known from elsewhere. Without them the file's own are taken. */
  witnesses?: readonly string[];
  /** Whose quorum must have cosigned; its witnesses stand in for `witnesses`. */
  witnessPolicy?: WitnessPolicy;
  /** For whom it must have been exported. */
  audience?: string;
  /** A checkpoint kept from earlier, or got elsewhere: the log must have grown from it. */
  checkpoint?: string;
  /** PEM: certificates of time-stamp authorities, or of who vouches for them, that are trusted. */
  timeStampRoots?: readonly string[];
}

export interface EvidenceSigner {
  readonly vkey: string;
  /** SHA-256 of the verifier key as written, 64 hex digits: to be compared. */
  readonly fingerprint: string;
  /** It was known from elsewhere. */
  readonly pinned: boolean;
}

export interface EvidenceReport {
  readonly ok: boolean;
  readonly problems: readonly EvidenceProblem[];
  readonly firstBadLeaf: number | null;
  /** As far as they could be read. */
  readonly export?: EvidenceExport;
  readonly log?: EvidenceLog;
  readonly policy?: EvidencePolicy;
  readonly signers: readonly EvidenceSigner[];
  readonly checkpoint?: VerifiedCheckpoint;
  /** Witnesses that cosigned, and when (seconds since 1970). */
  readonly witnesses: readonly { readonly name: string; readonly timeSeconds: number; readonly pinned: boolean }[];
  readonly anchors: readonly CheckedAnchor[];
  /** When leaves were there, by somebody else's word; the smallest trees first. */
  readonly bounds: readonly TimeBound[];
  /** When leaves were not there yet, by somebody else's word; the first leaves first. */
  readonly lowerBounds: readonly LowerTimeBound[];
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
  readonly events: readonly CheckedEvent[];
  /** Sentences. */
  readonly proved: readonly string[];
  readonly notProved: readonly string[];
}

/**
 * @param file its text, or its bytes
 * @throws VeiltrailError `vkey_syntax`, `vkey_type`, `ed25519_public_key`, `time_stamp_untrusted`, `time_stamp_syntax` for keys and certificates in `options`; whatever is wrong with the file is in the report
 */
export function verifyEvidence(file: string | Uint8Array, options: EvidenceOptions = {}): EvidenceReport {
  if (options.vkeys) createTrust(options.vkeys, { origin: '', ...(options.witnesses ? { witnesses: options.witnesses } : {}) });
  for (const pem of options.timeStampRoots ?? []) readPem(pem);
  return new Verification(file, options).report();
}

class Verification {
  readonly #options: EvidenceOptions;
  readonly #problems: EvidenceProblem[] = [];
  readonly #proved: string[] = [];
  readonly #notProved: string[] = [];
  readonly #file: ReturnType<typeof readFile>;
  /** Keys of witnesses that are known from elsewhere. */
  readonly #witnessKeys: readonly string[] | undefined;
  #trusted: CheckpointTrust | undefined;

  constructor(file: string | Uint8Array, options: EvidenceOptions) {
    this.#options = options;
    this.#witnessKeys = options.witnessPolicy?.witnesses.map(({ vkey }) => vkey) ?? options.witnesses;
    this.#file = readFile(file);
    for (const problem of this.#file.problems) this.#problems.push(problem);
  }

  report(): EvidenceReport {
    const { parts } = this.#file;
    const asExported = this.#problems.length === 0 && this.#file.events.every(({ changed, unreadable }) => !changed && unreadable === undefined);
    const signers = this.#signers(parts.log);
    if (asExported) this.#proved.push('No character of this file was changed since the log’s key signed it.');
    this.#audience(parts.export);
    this.#policy(parts.policy);
    const checkpoint = this.#checkpoint(parts.checkpoint, parts.log);
    const witnesses = this.#witnesses(checkpoint);
    const { anchors, earlier } = this.#anchors(checkpoint);
    this.#kept(checkpoint, earlier);
    const events = checkEvents({ ...this.#file, checkpoint });
    for (const problem of events.problems) this.#problems.push(problem);
    this.#say(events.events, checkpoint, parts.export);
    const bad = this.#problems.flatMap(({ leafIndex }) => leafIndex ?? []);
    return {
      ok: this.#problems.length === 0,
      problems: this.#problems,
      firstBadLeaf: bad.length === 0 ? null : bad.reduce((least, leaf) => Math.min(least, leaf)),
      ...(parts.export && { export: parts.export }),
      ...(parts.log && { log: parts.log }),
      ...(parts.policy && { policy: parts.policy }),
      signers,
      ...(checkpoint && { checkpoint }),
      witnesses,
      anchors,
      bounds: anchors.flatMap(({ bound }) => bound ?? []).toSorted((a, b) => a.treeSize - b.treeSize),
      lowerBounds: anchors.flatMap(({ since }) => since ?? []).toSorted((a, b) => a.leafIndex - b.leafIndex),
      ranges: parts.ranges ?? [],
      events: events.events,
      proved: this.#proved,
      notProved: this.#notProved,
    };
  }

  #signers(log: EvidenceLog | undefined): EvidenceSigner[] {
    const pinned = this.#options.vkeys ?? [];
    const signers = (log?.vkeys ?? []).map((vkey) => ({ vkey, fingerprint: toHex(sha256(utf8(vkey))), pinned: pinned.includes(vkey) }));
    if (log && this.#options.vkeys && !signers.some((signer) => signer.pinned))
      this.#problem('evidence_signer', 'log', 'this was signed by another key than the one that is expected');
    if (!this.#options.vkeys)
      this.#notProved.push(
        'Whose key signed: anybody can make a key. Compare its fingerprint with one that the log’s owner gave you by another way.',
      );
    return signers;
  }

  #audience(made: EvidenceExport | undefined): void {
    const { audience } = this.#options;
    if (audience !== undefined && made && made.audience !== audience)
      this.#problem('evidence_audience', 'export', 'this was exported for somebody else');
  }

  #policy(policy: EvidencePolicy | undefined): void {
    if (policy?.text === undefined) return;
    if (toHex(sha256(utf8(policy.text))) !== policy.digest) this.#problem('evidence_policy', 'policy', 'the text of the policy has another digest');
  }

  #checkpoint(note: string | undefined, log: EvidenceLog | undefined): VerifiedCheckpoint | undefined {
    if (note === undefined || log === undefined) return undefined;
    const { value: checkpoint, error } = attempt(() => openCheckpoint(note, this.#trust(log)));
    if (checkpoint) this.#proved.push(`The log’s key signed a tree of ${checkpoint.treeSize} leaves, and its root.`);
    else this.#problem((error as VeiltrailError).code, 'checkpoint', (error as VeiltrailError).message);
    return checkpoint;
  }

  /** Made once: a key takes longer to read than a signature to verify. */
  #trust(log: EvidenceLog): CheckpointTrust {
    const witnesses = this.#witnessKeys ?? log.witnesses;
    this.#trusted ??= createTrust(this.#options.vkeys ?? log.vkeys, { origin: log.origin, witnesses });
    return this.#trusted;
  }

  #witnesses(checkpoint: VerifiedCheckpoint | undefined): EvidenceReport['witnesses'][number][] {
    const log = this.#file.parts.log;
    if (!checkpoint || !log) return [];
    const keys = this.#trust(log).witnesses ?? [];
    const cosigned = checkpoint.signatures
      .filter(({ name, keyId }) => keys.some((key) => key.name === name && key.keyId === keyId))
      .map((signature) => ({ name: signature.name, timeSeconds: cosignatureTime(signature), pinned: this.#witnessKeys !== undefined }));
    this.#quorum(checkpoint);
    if (cosigned.length === 0) {
      this.#notProved.push('That others were shown the same log: no witness cosigned, so its administrator could keep a second one.');
      return [];
    }
    this.#proved.push(`${count(cosigned.length, 'witness', 'witnesses')} saw this log grow, and cosigned.`);
    if (this.#witnessKeys === undefined) this.#notProved.push('Who the witnesses are: their keys come with this file, so compare them as well.');
    return cosigned;
  }

  #quorum({ signatures }: VerifiedCheckpoint): void {
    const { witnessPolicy } = this.#options;
    if (witnessPolicy === undefined) return;
    const { met, cosigned } = judgeQuorum(witnessPolicy, signatures);
    const { quorumName } = witnessPolicy;
    if (met) this.#proved.push(`The checkpoint has the quorum ${quorumName} of the witnesses that you demand.`);
    else this.#problem('quorum_missing', 'checkpoint', quorumMissing(quorumName, cosigned));
  }

  #anchors(checkpoint: VerifiedCheckpoint | undefined): { anchors: CheckedAnchor[]; earlier: KnownTree[] } {
    const { anchors = [], log } = this.#file.parts;
    if (!checkpoint || !log) return { anchors: anchors.map(({ kind }) => ({ kind, status: 'unknown', detail: 'not checked' })), earlier: [] };
    const found = checkAnchors(anchors, checkpoint, this.#trust(log), this.#options.timeStampRoots ?? []);
    for (const { kind, status, detail, open } of found.checked) {
      if (status === 'wrong') this.#problem('evidence_anchor', 'anchors', `an anchor of kind ${kind}: ${detail}`);
      else if (status === 'proved') this.#proved.push(detail);
      else this.#notProved.push(kind === 'anchor' || kind === 'quote' ? detail : `What an anchor of kind ${kind} says: ${detail}`);
      if (open !== undefined) this.#notProved.push(open);
    }
    return { anchors: found.checked, earlier: found.earlier };
  }

  /** A checkpoint from elsewhere: this log must be the same one, grown. */
  #kept(checkpoint: VerifiedCheckpoint | undefined, earlier: readonly KnownTree[]): void {
    const { log } = this.#file.parts;
    const { checkpoint: text } = this.#options;
    if (text === undefined || !checkpoint || !log) return;
    const { value: kept, error } = attempt(() => openCheckpoint(text, this.#trust(log)));
    if (!kept)
      return this.#problem((error as VeiltrailError).code, 'checkpoint', `the checkpoint that you keep: ${(error as VeiltrailError).message}`);
    const known = [...earlier, checkpoint].find(({ treeSize }) => treeSize === kept.treeSize);
    if (!known) {
      this.#notProved.push(`That the log grew from the checkpoint of size ${kept.treeSize} that you keep: this file does not bring the proof.`);
    } else if (equalBytes(known.root, kept.root)) {
      this.#proved.push(`The log is the one of the checkpoint of size ${kept.treeSize} that you keep.`);
    } else {
      this.#problem('history_forked', 'checkpoint', `the checkpoint of size ${kept.treeSize} that you keep has another root: history was rewritten`);
    }
  }

  #say(events: readonly CheckedEvent[], checkpoint: VerifiedCheckpoint | undefined, made: EvidenceExport | undefined): void {
    const proven = events.filter(({ status }) => status === 'proven');
    const shown = proven.filter(({ fields }) => fields !== undefined).length;
    if (proven.length > 0 && checkpoint) {
      this.#proved.push(`${count(shown, 'event')} shown here ${shown === 1 ? 'is' : 'are'} in that log, at the place given, with the values given.`);
      const ranges = this.#file.parts.ranges ?? [];
      const hidden = proven.length - shown;
      const [first] = ranges;
      const which = first && ranges.length === 1 ? describeRange(first) : `${ranges.length} ranges of leaves`;
      this.#proved.push(
        `Of ${which} none is left out: ${shown} shown, ${hidden} hidden.${hidden === 0 ? '' : ' What the hidden ones say is not known from this file.'}`,
      );
    }
    const unproven = events.filter(({ status }) => status === 'unproven').length;
    if (unproven > 0) this.#notProved.push(`That ${count(unproven, 'leaf', 'leaves')} of this file ${unproven === 1 ? 'is' : 'are'} in the log.`);
    if (made && (made.selection.query ?? '') !== '') this.#notProved.push('That no hidden event matches the query: that is the exporter’s word.');
    if (events.some(({ fields }) => fields?.some((field) => !('value' in field))))
      this.#notProved.push('What the fields say that are kept back: their digests are proved, their values are not known.');
    this.#notProved.push(
      'That what the events say is true: the log proves what was recorded and that it was not changed, not that the sender was right.',
    );
  }

  #problem(code: string, where: string, message: string): void {
    // The same part may be wrong for the same reason twice: that it was changed says it all.
    if (this.#problems.some((problem) => problem.where === where && problem.code === 'evidence_changed')) return;
    this.#problems.push({ code, where, message });
  }
}

function quorumMissing(quorumName: string, cosigned: readonly { readonly name: string }[]): string {
  const only = cosigned.length > 0 ? `, only ${cosigned.map(({ name }) => name).join(', ')}` : '';
  return `the checkpoint has not the quorum ${quorumName} of witnesses${only}`;
}

function describeRange({ start, end }: { start: number; end: number }): string {
  return `leaves ${start} to ${end - 1}`;
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}
