/** Words of a stranger, for people's eyes. */

/** Controls, formats, what has no meaning (yet); separators, spaces of other widths; what is ignored, fillers and variation selectors among it; blank signs. */
const unseen = /(?![ \n\t])[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\u{1D159}]/gu;

/**
 * Characters that show nothing, look like a plain space, change the order in which others are read or move a terminal's cursor, as `\u{code}`.
 * (Plain spaces, newlines and tabs stay.) What is visible already stays as it is.
 */
export function visible(text: string): string {
  return text.replaceAll(unseen, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
}

/** On one line: newlines and tabs are marked as well, so that nobody's words look like a line of ours. */
export function visibleLine(text: string): string {
  return visible(text).replaceAll(/[\n\t]/g, (character) => (character === '\n' ? '\\u{a}' : '\\u{9}'));
}

/** In quotes, on one line: two texts that differ in a character that {@link visible} marks, or a backslash, are two. */
export function quoted(text: string): string {
  return visible(JSON.stringify(text));
}

/** The text of a JSON value, with the characters that {@link visible} marks as `\uXXXX`: the same value, which a terminal or a reader shows as it is. */
export function visibleJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(unseen, escaped);
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join('');
}
