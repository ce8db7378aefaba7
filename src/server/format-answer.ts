/**
 * The answer to appended events, as JSON text. Written by hand because a busy server writes thousands a second, all with the same checkpoint:
 * that is printed once. All in ASCII: a text with one character beyond it is copied twice as wide and encoded anew on its way out.
 */
import type { AppendAnswer, AppendedEvent } from '../app/append-events.ts';

/** A receipt, with the event's proof where it was asked for. */
export type AnsweredEvent = AppendedEvent & { proof?: string };

/** Returns a function that prints answers; it remembers the checkpoint of the last one. */
export function createAnswerFormat(): (answer: Omit<AppendAnswer, 'receipts'> & { receipts: readonly AnsweredEvent[] }) => string {
  let checkpoint = '';
  let checkpointJson = '""';
  return (answer) => {
    if (answer.checkpoint !== checkpoint) {
      checkpoint = answer.checkpoint;
      checkpointJson = asciiJson(checkpoint);
    }
    const receipts = answer.receipts.length === 1 ? formatReceipt(answer.receipts[0] as AnsweredEvent) : answer.receipts.map(formatReceipt).join();
    return `{"receipts":[${receipts}],"treeSize":${answer.treeSize},"checkpoint":${checkpointJson}}`;
  };
}

function formatReceipt({ id, leafIndex, duplicate, conflict, stub, proof }: AnsweredEvent): string {
  const more =
    (conflict ? ',"conflict":true' : '') +
    (stub === undefined ? '' : `,"stub":${asciiJson(stub)}`) +
    (proof === undefined ? '' : `,"proof":${asciiJson(proof)}`);
  return `{"id":${asciiJson(id)},"leafIndex":${leafIndex},"duplicate":${duplicate}${more}}`;
}

/** JSON of a text, with \u escapes for what is not ASCII. */
function asciiJson(text: string): string {
  const json = JSON.stringify(text);
  return /[^\x20-\x7e]/.test(json) ? json.replace(/[^\x20-\x7e]/g, escapeUnit) : json;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
