/**
 * Identifiers of lower-case hexadecimal digits, with dashes or without: of requests, traces and commits, UUIDs. They come in every event, and never again.
 * No detector finds anything in one (tests/privacy/hex-id.test.ts), unless its field's name announces something; whether it hides a text is asked here.
 */
import { hiddenTexts } from './runs.ts';
import { made } from './survey.ts';

/** Twelve digits are a hardware address, and shorter ones are looked through soon enough. */
const shortest = 13;
const longest = 64;
/** Six groups of two are a hardware address. */
const groupsMax = 5;
/** More digits in a row, with nothing else in their group, may be a number of somebody's. */
const numberMax = 4;

const dash = 45;
/** By unit: 1 a digit, 2 a letter, 4 a dash. */
const parts = new Uint8Array(128);
for (const unit of '0123456789') parts[unit.charCodeAt(0)] = 1;
for (const unit of 'abcdef') parts[unit.charCodeAt(0)] = 2;
parts[dash] = 4;

const units = new Uint8Array(longest + 1);

/** Is it such an identifier, and does it hide nothing? */
export function isHexId(text: string): boolean {
  const { length } = text;
  if (length < shortest || length > longest) return false;
  let all = 0;
  let group = 0;
  let groups = 1;
  let from = 0;
  let wasNumber = false;
  for (let at = 0; at <= length; at++) {
    const unit = at < length ? text.charCodeAt(at) : dash;
    const part = unit < 128 ? (parts[unit] as number) : 0;
    if (part === 0) return false;
    units[at] = unit;
    if (part !== 4) {
      group |= part;
      continue;
    }
    // `aba`, `dea`: words that announce a number are not looked for.
    if (group !== 3 && group !== 1) return false;
    const isNumber = group === 1;
    if (isNumber && (wasNumber || at - from > numberMax)) return false;
    if (mayBeginIban(from, at)) return false;
    wasNumber = isNumber;
    all |= group;
    if (at === length) break;
    if (++groups > groupsMax) return false;
    group = 0;
    from = at + 1;
  }
  units[length] = 0;
  if (all !== 3 || length + 1 - groups < shortest) return false;
  return hiddenTexts(units, 0, length, made.ofDigits | made.ofLowerHex | (groups > 1 ? made.ofDashes : 0)).length === 0;
}

/** Two letters and two digits. */
function mayBeginIban(from: number, to: number): boolean {
  return (
    to - from >= 4 &&
    parts[units[from] as number] === 2 &&
    parts[units[from + 1] as number] === 2 &&
    parts[units[from + 2] as number] === 1 &&
    parts[units[from + 3] as number] === 1
  );
}
