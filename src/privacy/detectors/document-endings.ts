/** The endings of documents, and a first look at them. */

/** Endings of documents of somebody's, not of a program's sources or pages. */
const endings =
  'pdf doc docx odt rtf pages xls xlsx ods ppt pptx odp txt jpg jpeg png heic tif tiff mp3 mp4 m4a wav mov eml msg pst vcf ics zip p12 pfx csv'.split(
    ' ',
  );
/** Each as a number. */
export const documents = new Set(endings.map((ending) => Array.from(ending).reduce((sum, letter) => sum * 64 + (letter.charCodeAt(0) & 63), 0)));
/** By the first letter of an ending: which may be its second one, as bits. Most endings in logs are out with these two. */
export const seconds = new Int32Array(32);
for (const ending of endings)
  seconds[ending.charCodeAt(0) & 31] = (seconds[ending.charCodeAt(0) & 31] as number) | (1 << (ending.charCodeAt(1) & 31));
