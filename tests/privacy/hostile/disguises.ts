/** How values hide: encodings, look-alike letters, marks that nobody sees. */
const cyrillic: Record<string, string> = { a: 'а', e: 'е', o: 'о', p: 'р', c: 'с', x: 'х', y: 'у', i: 'і' };

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function percentAll(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');
}

/** RFC 2045: everything but letters and digits, and a soft line break. */
function quotedPrintable(text: string): string {
  const out = Array.from(Buffer.from(text), (byte) =>
    /[A-Za-z0-9 ]/.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `=${byte.toString(16).padStart(2, '0').toUpperCase()}`,
  ).join('');
  return out;
}

export const disguises = {
  plain: (text) => text,
  percent: (text) => encodeURIComponent(text),
  'percent, every byte': percentAll,
  'percent, twice': (text) => encodeURIComponent(encodeURIComponent(text)),
  HTML: (text) => text.replace(/[^A-Za-z0-9 ]/gu, (mark) => `&#${mark.codePointAt(0)};`),
  'HTML, hexadecimal': (text) => text.replace(/[^A-Za-z0-9 ]/gu, (mark) => `&#x${(mark.codePointAt(0) as number).toString(16)};`),
  escapes: (text) => text.replace(/[^A-Za-z0-9 ]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`),
  base64,
  base64url: (text) => Buffer.from(text).toString('base64url'),
  'base64, twice': (text) => base64(base64(text)),
  'base64 of JSON': (text) => base64(JSON.stringify({ x: text })),
  hexadecimal: (text) => Buffer.from(text).toString('hex'),
  'base64 in percent': (text) => encodeURIComponent(base64(text)),
  'percent in base64': (text) => base64(encodeURIComponent(text)),
  'zero-width space': (text) => Array.from(text).join('\u200b'),
  'soft hyphen': (text) => Array.from(text).join('\u00ad'),
  'right-to-left marks': (text) => `\u202e${text}\u202c`,
  'mark in the middle': (text) => `${text.slice(0, 3)}\u200f${text.slice(3)}`,
  'full width': (text) => text.replace(/[!-~]/g, (mark) => String.fromCharCode(mark.charCodeAt(0) + 0xfee0)),
  NFD: (text) => text.normalize('NFD'),
  'no-break spaces': (text) => text.replaceAll(' ', '\u00a0'),
  'Cyrillic letters': (text) => text.replace(/[aeopcxyi]/g, (letter) => cyrillic[letter] as string),
  'mathematical letters': (text) =>
    text.replace(/[A-Za-z]/g, (letter) => String.fromCodePoint((letter < 'a' ? 0x1d400 - 65 : 0x1d41a - 97) + letter.charCodeAt(0))),
  'Arabic digits': (text) => text.replace(/\d/g, (digit) => String.fromCharCode(0x0660 + Number(digit))),
  'quoted-printable': quotedPrintable,
  'MIME word, base64': (text) => `=?utf-8?B?${base64(text)}?=`,
  'MIME word, quoted': (text) => `=?UTF-8?Q?${quotedPrintable(text).replaceAll(' ', '_')}?=`,
  'upper case': (text) => text.toUpperCase(),
  'lower case': (text) => text.toLowerCase(),
} as const satisfies Record<string, (text: string) => string>;

/** For addresses only: what people write so that machines shall not read it. */
export const defanged = {
  brackets: (text) => text.replace('@', '[@]').replaceAll('.', '[.]'),
  'bracketed words': (text) => text.replace('@', '[at]').replaceAll('.', '[dot]'),
  'only the host': (text) => text.replace(/@.*/, (host) => host.replaceAll('.', '[.]')),
  'round brackets': (text) => text.replace('@', '(at)').replaceAll('.', '(.)'),
  'round words': (text) => text.replace('@', ' (at) ').replaceAll('.', ' (dot) '),
  braces: (text) => text.replace('@', '{at}').replaceAll('.', '{dot}'),
  'last dot': (text) => text.replace(/\.(?=[^.]*$)/, '[.]'),
  'escaped dots': (text) => text.replaceAll('.', '\\.'),
  'upper case': (text) => text.replace('@', ' AT ').replace(/\.(?=[^.]*$)/, ' DOT '),
} as const satisfies Record<string, (text: string) => string>;
