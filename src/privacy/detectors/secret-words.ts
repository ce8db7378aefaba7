/** What a password behind a word for one looks like, where it stands in a sentence and the next word may as well be any other. */
import { commonWords } from '../lexicon.ts';

/** Numbers, dates, versions, sizes; paths, addresses, code; UUIDs and hashes; what transforms leave. */
const notSecret =
  /^(?:[\d.,:/+-]+[a-z]{0,3}|v\d[\w.-]*|[\w.-]*[/\\(){}[\]=<>|].*|[^@]+@[^@]+\.[a-z]+|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32,}|tok_.*|hash_v.*|\W+|[\p{Lu}_]+|(?:rfc|cve|sha|md|aes|pbkdf|argon|bcrypt|scrypt|nist|iso|error|err|code|user|id)[-_]?\d[\w-]*)$/iu;

/** Does a word have what words do not: a digit or a mark among its letters? */
export function isSpokenSecret(value: string): boolean {
  if (value.length < 6 || value.length > 64 || notSecret.test(value) || commonWords.has(value.toLowerCase())) return false;
  return /\p{L}/u.test(value) && (/\d/.test(value) || /[!#$%^&*@~?](?=.)|[#$%^&*@~]/.test(value));
}
