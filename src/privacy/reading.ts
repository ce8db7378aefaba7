/**
 * All that is personal in a value, before it is decided what happens to it. One reading at a time: its lists and leaves are used again for the
 * next one, so that reading an event makes next to no garbage, and nothing of an event is kept once it is planned.
 */
import type { NameFacts, PathNode } from './fields.ts';
import type { Unmet } from './field-watch.ts';
import type { Candidate } from './finding.ts';
import { NameIndex } from './names.ts';
import type { Frame, JsonText } from './plan.ts';
import type { FieldRule, KeyRule } from './policy-model.ts';
import type { SettlingRule } from './rules.ts';

/** A string, number or boolean: settled as a whole by `rule`, or with what was `found` in it. */
export interface Leaf {
  readonly frame: Frame;
  readonly key: string | number;
  readonly value: string | number | boolean;
  readonly node: PathNode;
  readonly rule: FieldRule | undefined;
  /** What the rule takes the value for. */
  readonly kind: string;
  found: readonly Candidate[];
  /** Does it hold anything encoded? */
  readonly layered: boolean;
  /** What its words begin with at the most (names.ts), and whether it may hold tokens or hashes. */
  readonly starts: number;
  readonly mayHold: boolean;
}

/** A leaf at home in its reading. */
type Slot = { -readonly [Part in keyof Leaf]: Leaf[Part] | undefined };

/** A member's name in which something was found. */
export interface PersonalName {
  readonly frame: Frame;
  readonly key: string;
  found: readonly Candidate[];
  /** Settles the name as a whole. */
  readonly rule: KeyRule | undefined;
}

export const nothing: readonly Candidate[] = [];
/** Leaves that are kept for the next event. */
const pooledMax = 1024;

export class Reading {
  readonly people = new NameIndex();
  /** Containers still to be read. */
  readonly open: Frame[] = [];
  readonly names: PersonalName[] = [];
  readonly dropped: { frame: Frame; key: string | number; rule: SettlingRule }[] = [];
  /** Strings that hold JSON, outer ones first. */
  readonly documents: JsonText[] = [];
  /** Fields that the watch does not know yet. */
  readonly unmet: Unmet[] = [];
  readonly #slots: Slot[] = [];
  #leafCount = 0;
  /** Names of members that are not part of a known shape: people are looked for in them. */
  readonly #freeFrames: (Frame | undefined)[] = [];
  readonly #freeKeys: string[] = [];
  readonly #freeFacts: (NameFacts | undefined)[] = [];
  #freeCount = 0;

  get leafCount(): number {
    return this.#leafCount;
  }

  leaf(i: number): Leaf {
    return this.#slots[i] as Leaf;
  }

  addLeaf(
    frame: Frame,
    key: string | number,
    value: string | number | boolean,
    node: PathNode,
    rule: FieldRule | undefined,
    kind: string,
    found: readonly Candidate[],
    layered: boolean,
    starts: number,
    mayHold: boolean,
  ): void {
    const slot = this.#slots[this.#leafCount];
    if (slot) {
      slot.frame = frame;
      slot.key = key;
      slot.value = value;
      slot.node = node;
      slot.rule = rule;
      slot.kind = kind;
      slot.found = found;
      slot.layered = layered;
      slot.starts = starts;
      slot.mayHold = mayHold;
    } else this.#slots.push({ frame, key, value, node, rule, kind, found, layered, starts, mayHold });
    this.#leafCount++;
  }

  get freeNameCount(): number {
    return this.#freeCount;
  }

  freeFrame(i: number): Frame {
    return this.#freeFrames[i] as Frame;
  }

  freeKey(i: number): string {
    return this.#freeKeys[i] as string;
  }

  freeFacts(i: number): NameFacts {
    return this.#freeFacts[i] as NameFacts;
  }

  addFreeName(frame: Frame, key: string, facts: NameFacts): void {
    this.#freeFrames[this.#freeCount] = frame;
    this.#freeFacts[this.#freeCount] = facts;
    this.#freeKeys[this.#freeCount++] = key;
  }

  /** Lets go of everything that was read. */
  clear(): void {
    for (let i = 0; i < this.#leafCount; i++) {
      const slot = this.#slots[i] as Slot;
      slot.frame = undefined;
      slot.key = undefined;
      slot.value = undefined;
      slot.found = undefined;
    }
    for (let i = 0; i < this.#freeCount; i++) {
      this.#freeFrames[i] = undefined;
      this.#freeFacts[i] = undefined;
      this.#freeKeys[i] = '';
    }
    if (this.#slots.length > pooledMax) this.#slots.length = pooledMax;
    if (this.#freeFrames.length > pooledMax) this.#freeFrames.length = this.#freeKeys.length = this.#freeFacts.length = pooledMax;
    this.#leafCount = 0;
    this.#freeCount = 0;
    // Even to set a length of 0 anew is work.
    if (this.open.length > 0) this.open.length = 0;
    if (this.names.length > 0) this.names.length = 0;
    if (this.dropped.length > 0) this.dropped.length = 0;
    if (this.documents.length > 0) this.documents.length = 0;
    if (this.unmet.length > 0) this.unmet.length = 0;
    if (!this.people.isEmpty) this.people.clear();
  }
}
