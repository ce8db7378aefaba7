/**
 * Port: what a witness remembers of other people's logs: their keys, and the newest checkpoint that it cosigned of each. Every write is on
 * disk when it returns, and {@link WitnessStore.advance} is atomic: of two who saw the same state, one moves it.
 */
export interface WitnessedLog {
  origin: string;
  /** Verifier keys of the log: one, or two while it changes its key. */
  vkeys: readonly string[];
  /** 0 before the first checkpoint. */
  treeSize: number;
  /** 32 bytes. */
  root: Uint8Array;
  /** As it was cosigned, with the log's signatures that were verified; undefined before the first. */
  checkpoint: string | undefined;
  /** Of the newest cosignature, in seconds since 1970; 0 before the first. */
  timeSeconds: number;
}

/** A step of a log, from the state it was verified against. */
export interface Advance {
  origin: string;
  from: { treeSize: number; root: Uint8Array };
  to: { treeSize: number; root: Uint8Array; checkpoint: string; timeSeconds: number };
}

export interface WitnessStore {
  /** Sorted by origin. */
  logs(): WitnessedLog[];
  log(origin: string): WitnessedLog | undefined;
  /** Adds a log, or another key to one that is there; nothing happens to a key that is there. */
  addLog(origin: string, vkey: string): void;
  /** Takes a key away; the log and what was seen of it stay. @returns whether there was such a key */
  removeKey(origin: string, vkey: string): boolean;
  /** False, and nothing changed, when the log is not in the state `from` any more. */
  advance(step: Advance): boolean;
  close(): void;
}
