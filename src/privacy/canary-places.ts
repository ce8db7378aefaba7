/** Where and how values hide in events: the positions and encodings that canaries are planted in. */
import { encodeBase64 } from '../core/base64.ts';
import { toHex, utf8 } from '../core/bytes.ts';

/** By name: the value of a member of that name, which holds a planted text. */
export const positions = {
  /** In the event's own sentence. */
  message: (text: string) => `noted for review: ${text}; nothing else`,
  /** A whole string. */
  whole: (text: string) => text,
  /** Deep down. */
  nested: (text: string) => ({ list: [{ ok: true }, { deeper: [[text]] }] }),
  /** The name of a member. */
  key: (text: string) => ({ [text]: 1 }),
  /** JSON in a string, twice. */
  json: (text: string) => JSON.stringify({ inner: JSON.stringify({ note: text }) }),
  /** In the query of a URL. */
  url: (text: string) => `https://app.example.net/find?page=2&q=${encodeURIComponent(text)}&sort=asc`,
  /** Beside other lines. */
  lines: (text: string) => `first line\n${text}\nlast line`,
} as const;
export type Position = keyof typeof positions;

export const encodings = {
  plain: (text: string) => text,
  percent: (text: string) => Array.from(utf8(text), (byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
  html: (text: string) => text.replace(/[^A-Za-z0-9 ]/g, (mark) => `&#${mark.codePointAt(0)};`),
  escaped: (text: string) => text.replace(/[^A-Za-z0-9 ]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`),
  base64: (text: string) => encodeBase64(utf8(text)),
  hex: (text: string) => toHex(utf8(text)),
  /** Two deep. */
  percentInBase64: (text: string) => encodeBase64(utf8(encodeURIComponent(text))),
  fullWidth: (text: string) => text.replace(/[!-~]/g, (mark) => String.fromCharCode(mark.charCodeAt(0) + 0xfee0)),
  /** A character that nobody sees, between every two. */
  zeroWidth: (text: string) => Array.from(text).join('\u200b'),
} as const;
export type Encoding = keyof typeof encodings;
