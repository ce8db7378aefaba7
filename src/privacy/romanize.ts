/**
 * Words of other scripts in Latin letters, roughly as their readers write their own names in English: what the lexicon lacks in a script it often has in
 * Latin. The scripts of India share one order of letters (ISCII), block by block; Georgian, Armenian and Ethiopic go letter by letter.
 */

/** Offsets 0x05 … 0x14 and 0x3e … 0x4c of a block: vowels by themselves and behind a consonant. */
const vowels = 'a a i I u U ri li e e e ai o o o au'.split(' ');
const signs = 'a i I u U ri ri e e e ai o o o au'.split(' ');
/** Offsets 0x15 … 0x39: consonants. */
const consonants = 'k kh g gh n ch chh j jh n t th d dh n t th d dh n n p ph b bh m y r r l l l v sh sh s h'.split(' ');
const virama = 0x4d;
const indicFirst = 0x0900;
const indicLast = 0x0d7f;
const tamil = 0x0b80;

/** In capitals what may be spelled otherwise: the `a` that no sign stands for, the long `i` and `u`. */
function ofIndia(word: string): string {
  let out = '';
  /** Is the last consonant without a vowel yet? Then it has an `a`, which the end of a word swallows. */
  let open = false;
  const isTamil = (word.charCodeAt(0) & ~0x7f) === tamil;
  for (let i = 0; i < word.length; i++) {
    const unit = word.charCodeAt(i);
    if (unit < indicFirst || unit > indicLast) continue;
    const at = unit & 0x7f;
    if (at >= 0x15 && at <= 0x39) {
      if (open) out += 'A';
      const letter = consonants[at - 0x15] as string;
      // Two of the same are one; Tamil begins words with the `s` that it has no letter for.
      out += out.endsWith(letter) && !open ? '' : isTamil && letter === 'ch' && i === 0 ? 's' : letter;
      open = true;
    } else if (at >= 0x3e && at <= 0x4c) {
      out += signs[at - 0x3e] as string;
      open = false;
    } else if (at === virama) open = false;
    else if (at >= 0x05 && at <= 0x14) {
      out += (open ? 'A' : '') + (vowels[at - 0x05] as string);
      open = false;
    } else if (at === 0x01 || at === 0x02 || at === 0x70) {
      out += open ? 'an' : 'n';
      open = false;
    } else if (at === 0x7a || at === 0x7b) out += (open ? 'a' : '') + 'n';
    else if (at === 0x7c) out += (open ? 'a' : '') + 'r';
    else if (at === 0x7d || at === 0x7e) out += (open ? 'a' : '') + 'l';
    if (at >= 0x7a && at <= 0x7e) open = false;
  }
  return out;
}

function letters(from: number, text: string): ReadonlyMap<number, string> {
  return new Map(text.split(' ').map((latin, i) => [from + i, latin === '.' ? '' : latin] as const));
}

const georgian = letters(0x10d0, 'a b g d e v z t i k l m n o p zh r s t u p k gh q sh ch ts dz ts ch kh j h');
const armenian = letters(0x561, 'a b g d e z e y t zh i l kh ts k h dz gh ch m y n sh o ch p j r s v t r ts v p k o f ev');

function byLetter(word: string, table: ReadonlyMap<number, string>): string {
  let out = '';
  for (let i = 0; i < word.length; i++) {
    // `ու` is one vowel.
    if (word.charCodeAt(i) === 0x578 && word.charCodeAt(i + 1) === 0x582) {
      out += 'u';
      i++;
    } else out += table.get(word.charCodeAt(i)) ?? '';
  }
  return out;
}

/** Rows of eight from U+1200 on: a consonant with seven vowels. */
const ethiopic = 'h l h m s r s sh q q q . b b t ch h . n gn . k . k . w . z zh y d . j g . g t ch p ts ts f p'.split(' ');
const ethiopicVowels = ['e', 'u', 'i', 'a', 'e', '', 'o', 'wa'];

function ofEthiopia(word: string): string {
  let out = '';
  for (let i = 0; i < word.length; i++) {
    const unit = word.charCodeAt(i);
    if (unit < 0x1200 || unit > 0x1357) continue;
    const row = ethiopic[(unit - 0x1200) >> 3] as string;
    const vowel = unit & 7;
    // The rows of the glottal stop and of the voiced throat: vowels alone, `a` where the others have `e`.
    const alone = row === '.';
    out += alone ? (vowel === 0 ? 'a' : (ethiopicVowels[vowel] as string)) : row + (ethiopicVowels[vowel] as string);
  }
  return out;
}

/** The word, in lower case, in Latin letters: its likeliest spellings, none for other scripts. */
export function romanized(word: string): string[] {
  const unit = word.charCodeAt(0);
  if (unit >= 0x561 && unit <= 0x587) return [byLetter(word, armenian)];
  if (unit >= 0x10d0 && unit <= 0x10f0) return [byLetter(word, georgian)];
  if (unit >= 0x1200 && unit <= 0x1357) return [ofEthiopia(word)];
  if (unit < indicFirst || unit > indicLast) return [];
  const spelled = ofIndia(word);
  const plain = spelled.toLowerCase();
  // The last `i` is a `y`, a `b` of Bengali a `v`, `av` at the end `ao`; `t` is `th` in the south.
  const other = plain.replace(/i$/, 'y').replace(/av$/, 'ao').replaceAll('b', 'v');
  const south = plain.replace(/t(?!h)/g, 'th');
  // `rahaman` is Rahman, `haraprit` Harpreet.
  const spoken = spelled
    .replace(/(?<=[aeiouAIU][^aeiouAIU]{1,2})A(?=[^aeiouAIU]+[aeiouAIU])/g, '')
    .replaceAll('I', 'ee')
    .replaceAll('U', 'oo')
    .toLowerCase();
  const short = spelled.replace(/(?<=[aeiouAIU][^aeiouAIU]{1,2})A(?=[^aeiouAIU]+[aeiouAIU])/g, '').toLowerCase();
  return Array.from(new Set([plain, other, south, `${plain}a`, spoken, short]));
}
