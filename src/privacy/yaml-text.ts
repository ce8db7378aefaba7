/** Our own files are YAML 1.2, one document each. What the parser would pass over in silence is an error here, in words that say what is right. */
import { type Document, type LineCounter, parseDocument } from 'yaml';

export interface YamlError {
  /** In UTF-16 units. */
  offset: number;
  message: string;
}

export interface YamlText {
  contents: Document.Parsed['contents'];
  errors: YamlError[];
}

/**
 * Parses one document. Never throws.
 * @param lines learns where lines begin
 * @param options.uniqueKeys the parser looks for names that are there twice, in quadratic time: for whoever does not do so himself
 */
export function readYaml(text: string, lines: LineCounter, { uniqueKeys = true } = {}): YamlText {
  // Not `silent`: that also hides that a second document follows, which nobody would read.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys, version: '1.2', logLevel: 'error' });
  const tooDeep = document.errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
  if (tooDeep) return { contents: null, errors: [{ offset: tooDeep.pos[0], message: 'nested too deep: no value here has more than a few levels' }] };
  const errors = document.errors.map(({ code, message, pos }) => ({
    offset: pos[0],
    message: code === 'MULTIPLE_DOCS' ? 'a second document begins here: a file is one document, without `---` between its parts' : message,
  }));
  return { contents: document.contents, errors };
}
