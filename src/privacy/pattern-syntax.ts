/**
 * Reading the regular expressions of a policy: the part of JavaScript's syntax whose cost can be counted (see {@link file://./pattern.ts}).
 * What is left out is named in words, with what to write instead: references back, looking around by more than one character, repeats
 * without a limit of more than one character at a time, and repeats of what may be empty.
 */
import { VeiltrailError } from '../core/errors.ts';

export type Part =
  /** One character out of a set; `source` is the set in JavaScript's syntax with the flag `u`. */
  | { readonly is: 'set'; readonly source: string; readonly literal: string | undefined }
  /** What takes no character: an anchor, a boundary, a look at one character. */
  | { readonly is: 'mark'; readonly source: string }
  | { readonly is: 'sequence'; readonly of: readonly Part[] }
  | { readonly is: 'choice'; readonly of: readonly Part[] }
  | { readonly is: 'repeat'; readonly of: Part; readonly min: number; readonly max: number; readonly lazy: boolean; readonly open: boolean };

/** What `+` and `*` stand for; a value that goes on in characters of the same set is taken whole (see `Pattern.tail`). */
export const openRepeatMax = 256;
const patternUnitsMax = 1_000;
const depthMax = 20;
const groups: Readonly<Record<string, string>> = { '=': 'a lookahead', '!': 'a lookahead', '<=': 'a lookbehind', '<!': 'a lookbehind' };

/** @throws VeiltrailError `pattern_refused`; the message says what is wrong and what to write */
export function parsePattern(text: string): Part {
  if (text.length > patternUnitsMax) throw refused(`a pattern has at most ${patternUnitsMax} characters`);
  const parser = new Parser(text);
  const part = parser.choice(0);
  if (!parser.atEnd) throw refused('a ")" has no "(" before it; write \\) for the character');
  if (isNullable(part)) throw refused('it also matches nothing at all, and so would match everywhere');
  return part;
}

export function refused(why: string): VeiltrailError {
  return new VeiltrailError('pattern_refused', why);
}

export function isNullable(part: Part): boolean {
  switch (part.is) {
    case 'set':
      return false;
    case 'mark':
      return true;
    case 'sequence':
      return part.of.every(isNullable);
    case 'choice':
      return part.of.some(isNullable);
    default:
      return part.min === 0;
  }
}

/** JavaScript's source of a part, for the flag `u`; open repeats have their limit. */
export function sourceOf(part: Part): string {
  switch (part.is) {
    case 'set':
    case 'mark':
      return part.source;
    case 'sequence':
      return part.of.map((one) => (one.is === 'choice' ? `(?:${sourceOf(one)})` : sourceOf(one))).join('');
    case 'choice':
      return part.of.map(sourceOf).join('|');
    default: {
      const body = part.of.is === 'set' ? part.of.source : `(?:${sourceOf(part.of)})`;
      return `${body}{${part.min},${part.max}}${part.lazy ? '?' : ''}`;
    }
  }
}

class Parser {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#characters = Array.from(text);
  }

  get atEnd(): boolean {
    return this.#at >= this.#characters.length;
  }

  get #next(): string {
    return this.#characters[this.#at] ?? '';
  }

  #take(text: string): boolean {
    for (let i = 0; i < text.length; i++) if (this.#characters[this.#at + i] !== text[i]) return false;
    this.#at += text.length;
    return true;
  }

  choice(depth: number): Part {
    if (depth > depthMax) throw refused(`groups nest at most ${depthMax} deep`);
    const of = [this.#sequence(depth)];
    while (this.#take('|')) of.push(this.#sequence(depth));
    if (of.length > 1 && of.filter(isNullable).length > 1) throw refused('more than one alternative of a "|" may be empty: leave only one that may');
    return of.length === 1 ? (of[0] as Part) : { is: 'choice', of };
  }

  #sequence(depth: number): Part {
    const of: Part[] = [];
    while (!this.atEnd && this.#next !== '|' && this.#next !== ')') of.push(this.#repeated(this.#atom(depth)));
    return of.length === 1 ? (of[0] as Part) : { is: 'sequence', of };
  }

  #repeated(of: Part): Part {
    const times = this.#times();
    if (!times) return of;
    const lazy = this.#take('?');
    if (this.#times()) throw refused('a repeat is repeated: put the first in a group, with limits');
    if (of.is === 'mark' || isNullable(of)) throw refused('something is repeated that may be empty, so it could be repeated in endless ways');
    const { min, max } = times;
    if (max !== undefined) return { is: 'repeat', of, min, max, lazy, open: false };
    if (of.is !== 'set') {
      throw refused(
        'only a single character or class is repeated without a limit; a group needs one, such as {0,8} in the place of *, {1,8} in the place of +',
      );
    }
    if (min > openRepeatMax) throw refused(`a repeat is at most ${openRepeatMax} times`);
    return { is: 'repeat', of, min, max: openRepeatMax, lazy, open: true };
  }

  /** `*`, `+`, `?`, `{n}`, `{n,}`, `{n,m}`; no `max` where there is no limit. */
  #times(): { min: number; max: number | undefined } | undefined {
    if (this.#take('*')) return { min: 0, max: undefined };
    if (this.#take('+')) return { min: 1, max: undefined };
    if (this.#take('?')) return { min: 0, max: 1 };
    if (this.#next !== '{') return undefined;
    const match = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.#characters.slice(this.#at, this.#at + 16).join(''));
    if (!match) throw refused('"{" begins a repeat such as {2,5}; write \\{ for the character');
    this.#at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? undefined : Number(match[3]);
    if (max !== undefined && (max < min || max === 0)) throw refused(`${match[0]} repeats less than once, or less than its own least`);
    return { min, max };
  }

  #atom(depth: number): Part {
    const unit = this.#next;
    this.#at++;
    switch (unit) {
      case '(':
        return this.#group(depth);
      case '[':
        return this.#set();
      case '.':
        return { is: 'set', source: '.', literal: undefined };
      case '^':
      case '$':
        return { is: 'mark', source: unit };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
      case '{':
        throw refused(`there is nothing before "${unit}" to repeat; write \\${unit} for the character`);
      case ']':
      case '}':
        return literal(unit);
      default:
        return literal(unit);
    }
  }

  #group(depth: number): Part {
    if (!this.#take('?')) return this.#closed(this.choice(depth + 1));
    if (this.#take(':')) return this.#closed(this.choice(depth + 1));
    for (const [sign, name] of Object.entries(groups)) {
      if (!this.#take(sign)) continue;
      const body = this.#closed(this.choice(depth + 1));
      if (body.is !== 'set') throw refused(`${name} looks at one character or class only, such as (?${sign}[A-Z])`);
      return { is: 'mark', source: `(?${sign}${body.source})` };
    }
    if (this.#next === '<') throw refused('groups have no names here: write (?: … )');
    throw refused('"(?" begins a group such as (?: … )');
  }

  #closed(part: Part): Part {
    if (!this.#take(')')) throw refused('a "(" is not closed; write \\( for the character');
    return part;
  }

  #escape(): Part {
    const unit = this.#next;
    this.#at++;
    if (unit === '') throw refused('it ends with a "\\"');
    if ('dDwWsS'.includes(unit)) return { is: 'set', source: `\\${unit}`, literal: undefined };
    if (unit === 'b' || unit === 'B') return { is: 'mark', source: `\\${unit}` };
    if ('nrtfv'.includes(unit)) return { is: 'set', source: `\\${unit}`, literal: undefined };
    if (/[1-9k]/.test(unit))
      throw refused(`\\${unit} looks back at what was matched before, which can cost more than linear time: it is not allowed`);
    if ('pPxu0'.includes(unit)) return { is: 'set', source: this.#codeEscape(unit), literal: undefined };
    if (/[A-Za-z0-9]/.test(unit)) throw refused(`\\${unit} means nothing here`);
    return literal(unit);
  }

  /** `\p{L}`, `\x41`, `\u0041`, `\u{1F600}`, `\0` */
  #codeEscape(unit: string): string {
    const rest = this.#characters.slice(this.#at, this.#at + 48).join('');
    const match = (
      unit === 'x'
        ? /^[0-9a-fA-F]{2}/
        : unit === 'u'
          ? /^(?:[0-9a-fA-F]{4}|\{[0-9a-fA-F]{1,6}\})/
          : unit === '0'
            ? /^(?!\d)/
            : /^\{[A-Za-z_=]{1,40}\}/
    ).exec(rest);
    if (!match) throw refused(`\\${unit} is not followed by what it needs, such as \\p{L}, \\x41, \\u0041`);
    this.#at += match[0].length;
    const source = `\\${unit}${match[0]}`;
    checkSet(source);
    return source;
  }

  /** A class in brackets, its escapes brought into the form that the flag `u` wants. */
  #set(): Part {
    let source = '[';
    if (this.#take('^')) source += '^';
    for (let first = true; ; first = false) {
      const unit = this.#next;
      this.#at++;
      if (unit === '') throw refused('a "[" is not closed; write \\[ for the character');
      if (unit === ']') {
        if (first) throw refused('a class "[]" is empty');
        break;
      }
      if (unit === '[') source += '\\[';
      else if (unit !== '\\') source += unit;
      else {
        const escaped = this.#next;
        this.#at++;
        if ('pPxu0'.includes(escaped) && escaped !== '') source += this.#codeEscape(escaped);
        else if (/[dDwWsSnrtfv]/.test(escaped)) source += `\\${escaped}`;
        else if (/[A-Za-z0-9]/.test(escaped) || escaped === '') throw refused(`\\${escaped} means nothing in a class`);
        else source += /[\^$\\.*+?()[\]{}|/-]/.test(escaped) ? `\\${escaped}` : escaped;
      }
    }
    source += ']';
    checkSet(source);
    return { is: 'set', source, literal: undefined };
  }
}

function literal(character: string): Part {
  return { is: 'set', source: /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character, literal: character };
}

/** What our reading lets through and JavaScript does not: a range in the wrong order, a property that does not exist. */
function checkSet(source: string): void {
  try {
    if (new RegExp(source, 'u').source !== '') return;
  } catch {
    // said below, in words that fit
  }
  throw refused(`${source} is not a class of characters`);
}
