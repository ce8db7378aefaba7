/**
 * The query language.
 *
 * ```
 * query  = any                                   an empty query is true of every record
 * any    = all *( "OR" all )                     a record for which one of them is true
 * all    = 1*( [ "AND" ] not )                   all of them: what stands side by side
 * not    = [ "-" | "NOT" ] one
 * one    = "(" any ")" | [ path ":" ] text
 * text   = word | quoted                         a word ends at white space, a parenthesis or a quote
 * quoted = DQUOTE *( character | "\" character ) DQUOTE
 * ```
 * `text` alone is true of a record that has a string or a number in which the text stands, no word cut in two, and whose words include every
 * word of the text (see words.ts). `path:text` is true of a record with a value equal to the text under that path; the path may leave out its first steps
 * (`id:` finds `actor.id`), and positions in arrays are not written. Nothing depends on upper and lower case. Errors name an offset in
 * UTF-16 units and never repeat the query.
 */
import { VeiltrailError } from '../core/errors.ts';
import { withoutPositions } from './record-values.ts';
import { fold, wordsOf } from './words.ts';

export type Query =
  | { readonly type: 'all'; readonly of: readonly Query[] }
  | { readonly type: 'any'; readonly of: readonly Query[] }
  | { readonly type: 'not'; readonly of: Query }
  | TextQuery
  | ValueQuery;

/** The text stands in one string, whose words include these. */
export interface TextQuery {
  readonly type: 'text';
  readonly text: string;
  readonly words: readonly string[];
}

/** A value is equal to the text, under a path that ends with these steps. */
export interface ValueQuery {
  readonly type: 'value';
  /** Folded, with dots. */
  readonly path: string;
  /** Behind the last dot of the path. */
  readonly name: string;
  readonly text: string;
  /** The text as it was written; absent where nobody wrote it. */
  readonly written?: string;
}

export const queryLimits = {
  /** UTF-16 units. */
  lengthMax: 4096,
  depthMax: 16,
  /** Texts and values. */
  leavesMax: 64,
  /** Words, all texts together. */
  wordsMax: 256,
} as const;

/**
 * Parses a query.
 * @throws VeiltrailError `query_syntax`, with `detail.offset`; `query_too_complex` for one beyond {@link queryLimits}
 */
export function parseQuery(text: string): Query {
  if (text.length > queryLimits.lengthMax) {
    throw new VeiltrailError('query_too_complex', `a query has at most ${queryLimits.lengthMax} characters`, { max: queryLimits.lengthMax });
  }
  return new Parser(text).parse();
}

/** The query for a text that is one word by itself, such as a token. */
export function wordQuery(word: string): TextQuery {
  const text = fold(word);
  return { type: 'text', text, words: [...wordsOf(text)] };
}

type Token =
  | { readonly type: '(' | ')' | '-' | 'OR' | 'AND' | 'NOT' | 'end'; readonly at: number }
  | { readonly type: 'leaf'; readonly at: number; readonly leaf: TextQuery | ValueQuery };

class Parser {
  readonly #text: string;
  #at = 0;
  #token: Token = { type: 'end', at: 0 };
  #leaves = 0;
  #words = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Query {
    this.#next();
    if (this.#token.type === 'end') return { type: 'all', of: [] };
    const query = this.#any(0);
    if (this.#token.type === ')') throw syntax('a parenthesis that nothing opened', this.#token.at);
    return query;
  }

  #any(depth: number): Query {
    const of = [this.#all(depth)];
    while (this.#token.type === 'OR') {
      this.#next();
      of.push(this.#all(depth));
    }
    return of.length === 1 ? (of[0] as Query) : { type: 'any', of };
  }

  #all(depth: number): Query {
    const of = [this.#not(depth)];
    for (;;) {
      if (this.#token.type === 'AND') this.#next();
      else if (this.#token.type === 'OR' || this.#token.type === ')' || this.#token.type === 'end') break;
      of.push(this.#not(depth));
    }
    return of.length === 1 ? (of[0] as Query) : { type: 'all', of };
  }

  #not(depth: number): Query {
    if (this.#token.type !== '-' && this.#token.type !== 'NOT') return this.#one(depth);
    this.#next();
    return { type: 'not', of: this.#one(depth) };
  }

  #one(depth: number): Query {
    const token = this.#token;
    if (token.type === 'leaf') {
      this.#next();
      return token.leaf;
    }
    if (token.type !== '(') throw syntax(token.type === 'end' ? 'something is missing at the end' : 'a word or field:value was due', token.at);
    if (depth === queryLimits.depthMax) {
      throw new VeiltrailError('query_too_complex', `parentheses nest at most ${queryLimits.depthMax} deep`, { offset: token.at });
    }
    this.#next();
    const query = this.#any(depth + 1);
    if (this.#token.type !== ')') throw syntax('a parenthesis is not closed', token.at);
    this.#next();
    return query;
  }

  #next(): void {
    this.#token = this.#read();
  }

  #read(): Token {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at++;
    const at = this.#at;
    const first = this.#text[at];
    if (first === undefined) return { type: 'end', at };
    if (first === '(' || first === ')') {
      this.#at++;
      return { type: first, at };
    }
    // A minus excludes what stands right behind it; one that stands alone is a mistake that the parser names.
    if (first === '-') {
      this.#at++;
      return { type: '-', at };
    }
    const part = this.#part(':');
    if (this.#text[this.#at] === ':') return { type: 'leaf', at, leaf: this.#value(at, part.text) };
    if (!part.quoted && (part.text === 'OR' || part.text === 'AND' || part.text === 'NOT')) return { type: part.text, at };
    return { type: 'leaf', at, leaf: this.#textLeaf(at, part) };
  }

  /** A quoted text, or characters up to white space, a parenthesis, a quote or `stop`. */
  #part(stop: string): { text: string; quoted: boolean } {
    const text = this.#text;
    const start = this.#at;
    if (text[start] === '"') return { text: this.#quoted(), quoted: true };
    while (this.#at < text.length) {
      const unit = text[this.#at] as string;
      if (unit === '"' || unit === '(' || unit === ')' || unit === stop || isSpace(text.charCodeAt(this.#at))) break;
      this.#at++;
    }
    return { text: text.slice(start, this.#at), quoted: false };
  }

  #quoted(): string {
    const start = this.#at++;
    let out = '';
    for (;;) {
      const unit = this.#text[this.#at++];
      if (unit === undefined) throw syntax('a quote is not closed', start);
      if (unit === '"') return out;
      if (unit !== '\\') out += unit;
      else if (this.#at < this.#text.length) out += this.#text[this.#at++] as string;
    }
  }

  #value(at: number, field: string): ValueQuery {
    const path = withoutPositions(fold(field));
    if (path === '') throw syntax('a colon needs the name of a field before it; quote a text that holds one', at);
    this.#at++;
    const valueAt = this.#at;
    const { text, quoted } = this.#part('');
    if (text === '' && !quoted) throw syntax('a field needs a value behind the colon', valueAt);
    if (!quoted && text.endsWith('*')) throw noPrefix(valueAt);
    this.#count(at, 0);
    return { type: 'value', path, name: path.slice(path.lastIndexOf('.') + 1), text: fold(text), written: text };
  }

  #textLeaf(at: number, { text, quoted }: { text: string; quoted: boolean }): TextQuery {
    if (!quoted && text.endsWith('*')) throw noPrefix(at);
    const folded = fold(text);
    const words = [...wordsOf(folded)];
    if (words.length === 0) throw syntax('a text needs a letter or a digit', at);
    this.#count(at, words.length);
    return { type: 'text', text: folded, words };
  }

  #count(at: number, words: number): void {
    this.#words += words;
    if (++this.#leaves > queryLimits.leavesMax || this.#words > queryLimits.wordsMax) {
      const { leavesMax, wordsMax } = queryLimits;
      throw new VeiltrailError('query_too_complex', `a query asks for at most ${leavesMax} things and ${wordsMax} words`, { offset: at });
    }
  }
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || unit === 0xa0 || unit === 0x3000;
}

function syntax(what: string, offset: number): VeiltrailError {
  return new VeiltrailError('query_syntax', `${what}, at offset ${offset}`, { offset });
}

function noPrefix(offset: number): VeiltrailError {
  return new VeiltrailError('query_syntax', `the beginning of a word cannot be searched for: leave out the star, or quote it, at offset ${offset}`, {
    offset,
  });
}
