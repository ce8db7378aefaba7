/**
 * Trust policies (C2SP tlog-policy): which logs and witnesses somebody believes, and which of the witnesses must have cosigned a checkpoint.
 *
 *     log <vkey> [<url>]
 *     witness <name> <vkey> [<url>]
 *     group <name> all|any|<k> <name>…
 *     quorum <name>|none
 *
 * A file of octets: items are divided by spaces and tabs only, names are compared byte by byte, a line that begins with `#` is a comment. Every
 * line ends in a newline, the last one too: a file that was cut must not pass for a weaker policy. Names stand for what lines before them
 * define; each may be a member of one group at most, so that a witness counts in one way only, and the rules form a tree.
 */
import { utf8, decodeUtf8, equalBytes } from '../core/bytes.ts';
import { VeiltrailError } from '../core/errors.ts';
import { type CheckpointTrust, openCheckpoint, type VerifiedCheckpoint } from './checkpoint.ts';
import { cosignatureTime, createCosignatureVerifier } from './cosignature.ts';
import { createNoteVerifier, parseVerifierKey, type SignatureType, signatureTypes } from './note-key.ts';
import type { NoteSignature, NoteVerifier } from './note.ts';

export interface PolicyLog {
  readonly vkey: string;
  /** The log's origin. */
  readonly origin: string;
  readonly url?: string;
}

export interface PolicyWitness {
  /** In the policy; the name that it signs under is the verifier's. */
  readonly name: string;
  readonly vkey: string;
  /** The submission prefix, where the policy names it. */
  readonly url?: string;
  readonly verifier: NoteVerifier;
}

/** A witness, or so many of some members. */
export type PolicyRule =
  | { readonly witness: PolicyWitness }
  | { readonly name: string; readonly threshold: number; readonly members: readonly PolicyRule[] };

export interface WitnessPolicy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  /** Undefined for `quorum none`. */
  readonly quorum: PolicyRule | undefined;
  /** As the policy names it. */
  readonly quorumName: string;
}

/** What of a policy a checkpoint satisfies. */
export interface QuorumState {
  readonly met: boolean;
  /** Witnesses of the policy that cosigned, by their names in it, with the second in which they did. */
  readonly cosigned: readonly { readonly name: string; readonly timeSeconds: number }[];
}

const policyBytesMax = 1_048_576;
/** Logs, witnesses and groups, each. The specification asks for 32. */
const definitionsMax = 256;

/**
 * @throws VeiltrailError `witness_policy` with the number of the line, for anything that the specification does not allow; a key of a type that
 * is not spoken here (ML-DSA) is refused too, because its cosignatures could not be verified
 */
export function parseWitnessPolicy(policy: string | Uint8Array): WitnessPolicy {
  const bytes = typeof policy === 'string' ? utf8(policy) : policy;
  if (bytes.length > policyBytesMax) throw badPolicy(0, 'longer than allowed');
  const reader = new PolicyReader();
  const lines = octets(bytes).split('\n');
  if (lines.pop() !== '') throw badPolicy(lines.length + 1, 'the last line does not end in a newline: the file may be cut');
  lines.forEach((line, at) => reader.read(line, at + 1));
  return reader.finish(lines.length);
}

/** Whom a policy makes a verifier of one log believe. @throws VeiltrailError `trust_origin` where it names logs and none of that origin */
export function trustOf(policy: WitnessPolicy, origin: string, vkeys: readonly string[] = []): CheckpointTrust {
  const listed = policy.logs.filter((log) => log.origin === origin).map(({ vkey }) => vkey);
  const log = vkeys.length > 0 ? vkeys : listed;
  if (log.length === 0) throw new VeiltrailError('trust_origin', 'the policy names no key of this log');
  return { origin, log: log.map(createNoteVerifier), witnesses: policy.witnesses.map(({ verifier }) => verifier) };
}

/** Judges signatures that were verified (`openCheckpoint`). */
export function judgeQuorum(policy: WitnessPolicy, signatures: readonly NoteSignature[]): QuorumState {
  const signed = new Map<PolicyWitness, NoteSignature>();
  for (const witness of policy.witnesses) {
    const { name, keyId } = witness.verifier;
    const signature = signatures.find((one) => one.name === name && one.keyId === keyId);
    if (signature) signed.set(witness, signature);
  }
  const cosigned = [...signed].map(([{ name }, signature]) => ({ name, timeSeconds: cosignatureTime(signature) }));
  return { met: policy.quorum === undefined || isMet(policy.quorum, signed), cosigned };
}

/**
 * Opens a checkpoint of a log and judges its cosignatures; a missing quorum is no error here.
 * @throws VeiltrailError what `openCheckpoint` throws, `note_signature` for a wrong cosignature of a witness of the policy among it
 */
export function openWitnessed(
  note: string | Uint8Array,
  trust: CheckpointTrust,
  policy: WitnessPolicy,
): { checkpoint: VerifiedCheckpoint; quorum: QuorumState } {
  const checkpoint = openCheckpoint(note, { ...trust, witnesses: policy.witnesses.map(({ verifier }) => verifier) });
  return { checkpoint, quorum: judgeQuorum(policy, checkpoint.signatures) };
}

function isMet(rule: PolicyRule, signed: ReadonlyMap<PolicyWitness, NoteSignature>): boolean {
  if ('witness' in rule) return signed.has(rule.witness);
  let met = 0;
  for (const member of rule.members) if (isMet(member, signed)) met++;
  return met >= rule.threshold;
}

class PolicyReader {
  readonly #logs: PolicyLog[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  /** Witnesses and groups by name. */
  readonly #rules = new Map<string, PolicyRule>();
  /** Names that are members of a group. */
  readonly #members = new Set<string>();
  readonly #publicKeys = { log: [] as Uint8Array[], witness: [] as Uint8Array[] };
  #quorum: { name: string; rule: PolicyRule | undefined } | undefined;

  read(line: string, number: number): void {
    // oxlint-disable-next-line no-control-regex -- control characters are what it is about
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) throw badPolicy(number, 'a control character');
    const [keyword, ...items] = line.split(/[ \t]+/).filter((item) => item !== '');
    if (keyword === undefined || keyword.startsWith('#')) return;
    if (keyword === 'log') this.#log(items, number);
    else if (keyword === 'witness') this.#witness(items, number);
    else if (keyword === 'group') this.#group(items, number);
    else if (keyword === 'quorum') this.#setQuorum(items, number);
    else throw badPolicy(number, 'begins with none of log, witness, group, quorum');
  }

  finish(lines: number): WitnessPolicy {
    if (!this.#quorum) throw badPolicy(lines, 'there is no quorum line');
    const { name, rule } = this.#quorum;
    return { logs: this.#logs, witnesses: this.#witnesses, quorum: rule, quorumName: text(name) };
  }

  #log(items: readonly string[], number: number): void {
    const [vkey, url, ...more] = items;
    if (vkey === undefined || more.length > 0) throw badPolicy(number, 'a log is: log VKEY [URL]');
    const { name } = this.#key(vkey, signatureTypes.ed25519, 'log', number);
    this.#logs.push({ vkey: text(vkey), origin: name, ...(url === undefined ? {} : { url: text(url) }) });
    if (this.#logs.length > definitionsMax) throw badPolicy(number, `more than ${definitionsMax} logs`);
  }

  #witness(items: readonly string[], number: number): void {
    const [name, vkey, url, ...more] = items;
    if (name === undefined || vkey === undefined || more.length > 0) throw badPolicy(number, 'a witness is: witness NAME VKEY [URL]');
    this.#key(vkey, signatureTypes.cosignature, 'witness', number);
    const verifier = this.#tryKey(number, () => createCosignatureVerifier(text(vkey)));
    const witness: PolicyWitness = { name: text(name), vkey: text(vkey), verifier, ...(url === undefined ? {} : { url: text(url) }) };
    this.#define(name, { witness }, number);
    this.#witnesses.push(witness);
  }

  #group(items: readonly string[], number: number): void {
    const [name, count, ...names] = items;
    if (name === undefined || count === undefined || names.length === 0) throw badPolicy(number, 'a group is: group NAME all|any|K NAME…');
    const members = names.map((member) => this.#takeMember(member, number));
    const threshold = count === 'all' ? members.length : count === 'any' ? 1 : /^[1-9]\d{0,3}$/.test(count) ? Number(count) : 0;
    if (threshold < 1 || threshold > members.length)
      throw badPolicy(number, `a group of ${members.length} takes all, any, or 1 to ${members.length}`);
    this.#define(name, { name: text(name), threshold, members }, number);
  }

  #takeMember(name: string, number: number): PolicyRule {
    const rule = this.#rules.get(name);
    if (!rule) throw badPolicy(number, 'names a member that no line before it defines');
    if (this.#members.has(name)) throw badPolicy(number, 'names a member that is one of a group already');
    this.#members.add(name);
    return rule;
  }

  #setQuorum(items: readonly string[], number: number): void {
    const [name, ...more] = items;
    if (name === undefined || more.length > 0) throw badPolicy(number, 'a quorum is: quorum NAME|none');
    if (this.#quorum) throw badPolicy(number, 'a second quorum line');
    const rule = this.#rules.get(name);
    if (!rule && name !== 'none') throw badPolicy(number, 'the quorum is nothing that a line before it defines');
    this.#quorum = { name, rule };
  }

  #define(name: string, rule: PolicyRule, number: number): void {
    if (name === 'none') throw badPolicy(number, 'the name none is taken');
    if (this.#rules.has(name)) throw badPolicy(number, 'defines a name again');
    this.#rules.set(name, rule);
    if (this.#rules.size > 2 * definitionsMax) throw badPolicy(number, `more than ${definitionsMax} witnesses and groups each`);
  }

  #key(vkey: string, type: SignatureType, of: 'log' | 'witness', number: number): { name: string } {
    const key = this.#tryKey(number, () => parseVerifierKey(text(vkey)));
    if (key.type !== type) throw badPolicy(number, of === 'log' ? 'the key is a witness’s, not a log’s' : 'the key is a log’s, not a witness’s');
    const known = this.#publicKeys[of];
    if (known.some((other) => equalBytes(other, key.publicKey))) throw badPolicy(number, `the key of a ${of} that was named before`);
    known.push(key.publicKey);
    return key;
  }

  #tryKey<T>(number: number, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw badPolicy(number, `the key: ${(error as VeiltrailError).message}`);
    }
  }
}

/** One UTF-16 unit an octet: names stay opaque, and lengths are those of the file. */
function octets(bytes: Uint8Array): string {
  let whole = '';
  for (let at = 0; at < bytes.length; at += 8_192) whole += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return whole;
}

/** Octets as a text to show; what is not UTF-8 is shown octet by octet. */
function text(item: string): string {
  try {
    return decodeUtf8(Uint8Array.from(item, (unit) => unit.charCodeAt(0)));
  } catch {
    return item;
  }
}

function badPolicy(line: number, what: string): VeiltrailError {
  return new VeiltrailError('witness_policy', line === 0 ? `not a witness policy: ${what}` : `not a witness policy: line ${line}: ${what}`, { line });
}
