/**
 * How mail writes what is beyond ASCII: encoded words (`=?utf-8?B?…?=`, RFC 2047) and quoted-printable (`=40`, and `=` at the end of a line, RFC 2045).
 * Gateways and their audit trails keep headers and bodies as they came.
 */
import { isHex, isWord } from './survey.ts';

const wordMax = 1024;
const word =
  /=\?(?<charset>[\w-]{2,40})(?:\*[\w-]{1,20})?\?(?:(?<base>[bB])\?(?<bytes>[A-Za-z0-9+/]{2,900}={0,2})|[qQ]\?(?<quoted>[!->@-~]{1,900}))\?=/y;

/** An encoded word and the text that it stands for. */
export interface Encoded {
  readonly text: string;
  readonly end: number;
}

/** Is the `=` at `at` the first of an encoded word or of a quoted byte that is worth a look? Reads at most six units. */
export function mayBeMail(text: string, at: number): boolean {
  const first = text.charCodeAt(at + 1);
  if (first === 63) return true;
  // `=2B49…`: the plus of a telephone number has no word before it.
  if (!isWord(text.charCodeAt(at - 1)) && text.charCodeAt(at - 3) !== 61 && !text.startsWith('2B', at + 1)) return false;
  if (first === 13 || first === 10) return true;
  const second = text.charCodeAt(at + 2);
  // `=C3=A9`
  if (first >= 67 && first <= 70) return isUpperHex(second) && text.charCodeAt(at + 3) === 61 && isUpperHex(text.charCodeAt(at + 4));
  return marks.has(text.slice(at + 1, at + 3)) && (isWord(text.charCodeAt(at + 3)) || text.charCodeAt(at + 3) === 61);
}

/** Marks of addresses and numbers; `=20` and the like are as often a value of their own. */
const marks = new Set(['40', '2E', '2D', '2F', '2B', '2C', '3A', '3D', '3C', '3E', '5F', '27']);

function isUpperHex(unit: number): boolean {
  return isHex(unit) && unit < 97;
}

/** The encoded word that begins at `at`, with the blanks behind it if another one follows. */
export function encodedWord(text: string, at: number): Encoded | undefined {
  word.lastIndex = at;
  const match = word.exec(text.length > at + wordMax ? text.slice(0, at + wordMax) : text);
  const groups = match?.groups;
  if (!match || !groups) return undefined;
  const { charset = '', bytes, quoted } = groups;
  const decoded = bytes === undefined ? quotedBytes(quoted as string) : base64Bytes(bytes);
  let end = at + match[0].length;
  const gap = /^(?:[ \t]|\r?\n[ \t]){1,4}(?==\?)/.exec(text.slice(end, end + 8));
  if (gap) end += gap[0].length;
  const plain = decoded && textOf(charset, decoded);
  return plain === undefined ? undefined : { text: plain, end };
}

function base64Bytes(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text), (unit) => unit.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function quotedBytes(text: string): Uint8Array {
  const out: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 61 && isHex(text.charCodeAt(i + 1)) && isHex(text.charCodeAt(i + 2))) {
      out.push(Number.parseInt(text.slice(i + 1, i + 3), 16));
      i += 2;
    } else out.push(unit === 95 ? 32 : unit);
  }
  return Uint8Array.from(out);
}

function textOf(charset: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return undefined;
  }
}

const decoder = new TextDecoder();
const bytesMax = 4;

/** The quoted character, or the end of a line that is none, that begins at `at`. */
export function quotedCharacter(text: string, at: number): Encoded | undefined {
  const first = text.charCodeAt(at + 1);
  if (first === 10) return { text: '', end: at + 2 };
  if (first === 13) return text.charCodeAt(at + 2) === 10 ? { text: '', end: at + 3 } : undefined;
  const bytes: number[] = [];
  let end = at;
  while (bytes.length < bytesMax && text.charCodeAt(end) === 61 && isUpperHex(text.charCodeAt(end + 1)) && isUpperHex(text.charCodeAt(end + 2))) {
    const byte = Number.parseInt(text.slice(end + 1, end + 3), 16);
    if (bytes.length > 0 && (byte & 0xc0) !== 0x80) break;
    bytes.push(byte);
    end += 3;
    if (byte < 0x80) break;
  }
  if (bytes.length === 0 || (bytes[0] as number) < 32) return undefined;
  return { text: decoder.decode(Uint8Array.from(bytes)), end };
}
