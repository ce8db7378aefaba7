/** What the runs of a text may hold: settled once, whoever asks first. */
import { bytesAt, documentsAt, namesAt, runMay, runUnitIs, runUnitsAt, sixBitsAt, tokenStartsAt } from '../runs-code.ts';
import { nameShapes } from '../name-lexicon.ts';
import { firstStates, sixBits } from '../runs.ts';
import { isDigit, isLetter, isSmall, type Survey } from '../survey.ts';
import { seconds } from './document-endings.ts';
import { beginsWithTwo } from './token-prefixes.ts';

const all = runMay.beNames | runMay.beSecret | runMay.hideText;
/** The memory of lanes in which the tables are. */
let filled: Uint8Array | undefined;

/** Bits of {@link runMay}: what no run of the text holds is not among them. Without lanes any run may hold anything. */
export function runsMay(survey: Survey): number {
  if (survey.runsMay >= 0) return survey.runsMay;
  const { lane, runCount } = survey;
  if (runCount === 0) return (survey.runsMay = 0);
  if (lane === undefined || survey.units !== lane.units) return (survey.runsMay = all);
  if (lane.memory !== filled) {
    fill(lane.memory);
    filled = lane.memory;
  }
  return (survey.runsMay = lane.lookAtRuns(lane.base, runCount));
}

function fill(memory: Uint8Array): void {
  for (let unit = 0; unit < 128; unit++) {
    memory[runUnitsAt + unit] =
      (isLetter(unit) ? runUnitIs.letter : 0) |
      (isDigit(unit) ? runUnitIs.digit : 0) |
      (isSmall(unit) ? runUnitIs.small : 0) |
      ('/+-_'.includes(String.fromCharCode(unit)) ? runUnitIs.joint : 0);
    memory[sixBitsAt + unit] = Math.max(0, sixBits[unit] as number);
    for (let next = 0; next < 128; next++) {
      const slot = unit * 128 + next;
      if (beginsWithTwo[unit * 129 + next] === 1)
        memory[tokenStartsAt + (slot >> 3)] = (memory[tokenStartsAt + (slot >> 3)] as number) | (1 << (slot & 7));
    }
  }
  for (let byte = 0; byte < 256; byte++) memory[bytesAt + byte] = (firstStates[byte] as number) < 0 ? 4 : (firstStates[byte] as number);
  memory.set(new Uint8Array(Int32Array.from(seconds).buffer), documentsAt);
  memory.set(nameShapes(), namesAt);
}
