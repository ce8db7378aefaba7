/** Parts of forms (RFC 7578): `Content-Disposition: form-data; name="username"`, an empty line, and the value that the name announces. */
import type { ScanContext } from './detector.ts';

const opening = 'form-data; name="';
const part = /(?<name>[^"\r\n\\]{1,64})"(?<rest>[^\r\n]{0,256})(?:\r?\n[A-Za-z-]{1,32}: [^\r\n]{0,256}){0,8}\r?\n\r?\n(?<value>[^\r\n]{1,256})/y;

/** Says what the value [start, end) of a form's field with this name (lower case, letters only) is. */
export type JudgeField = (word: string, value: string, start: number, end: number) => void;

/** Hands each short value of the forms in a text to `judge`. What somebody uploaded as a file has a name of its own, and is looked through like any text. */
export function readForms({ text }: ScanContext, judge: JudgeField): void {
  for (let at = text.indexOf(opening); at >= 0; at = text.indexOf(opening, at + opening.length)) {
    part.lastIndex = at + opening.length;
    const { name, rest, value } = part.exec(text)?.groups ?? {};
    if (name === undefined || value === undefined || rest?.includes('filename') === true) continue;
    judge(name.toLowerCase().replace(/[^a-z]/g, ''), value, part.lastIndex - value.length, part.lastIndex);
  }
}
