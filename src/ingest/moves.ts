/** Where members went when an event was given our shape, so that what the parser noted about a value is said of the place where it is now. */
import type { IngestNote } from './incoming.ts';

export interface Move {
  from: string;
  to: string;
}

/** A name as one step of an RFC 6901 pointer. */
export function pointerStep(name: string): string {
  return name.includes('~') || name.includes('/') ? `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` : `/${name}`;
}

/** The notes with their pointers carried along; `otherwise` is the prefix of what no move names. The most exact move wins. */
export function moveNotes(notes: readonly IngestNote[], moves: readonly Move[], otherwise: string): IngestNote[] {
  return notes.map((note) => {
    let best: Move | undefined;
    for (const move of moves) {
      const covers = note.pointer === move.from || note.pointer.startsWith(`${move.from}/`);
      if (covers && move.from.length >= (best?.from.length ?? 0)) best = move;
    }
    return { ...note, pointer: best ? best.to + note.pointer.slice(best.from.length) : otherwise + note.pointer };
  });
}
