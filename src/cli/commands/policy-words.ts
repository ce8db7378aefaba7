/** `policy words`: a dictionary for a kind of one's own, ready to be pasted into a policy. */
import { decodeUtf8 } from '../../core/bytes.ts';
import { VeiltrailError } from '../../core/errors.ts';
import { systemRandom } from '../../core/random.ts';
import { customKindPattern } from '../../privacy/policy-shape.ts';
import { createDictionary, phraseWordsMax, saltBytesMin } from '../../privacy/word-digests.ts';
import { inputNames, openInput, readLines } from '../input.ts';
import { print, say } from '../output.ts';

const phrasesMax = 20_000;

export async function runPolicyWords(files: readonly string[], { kind }: { kind: string }): Promise<void> {
  if (!customKindPattern.test(kind)) throw new VeiltrailError('kind_invalid', 'a kind is 2 to 40 lower-case letters, digits and _');
  const phrases: string[] = [];
  for (const name of inputNames(files)) {
    for await (const { bytes } of readLines(openInput(name))) {
      const phrase = decodeUtf8(bytes).trim();
      if (phrase !== '') phrases.push(phrase);
      if (phrases.length > phrasesMax) throw new VeiltrailError('too_many_words', `a dictionary has at most ${phrasesMax} phrases`);
    }
  }
  const { dictionary, refused } = createDictionary(phrases, systemRandom.bytes(saltBytesMin));
  if (dictionary.hashes.length === 0) throw new VeiltrailError('no_words', 'there is no word in the input');
  print('custom:');
  print(`  - kind: ${kind}`);
  print(`    dictionary:`);
  print(`      salt: ${dictionary.salt}`);
  print(`      words: ${dictionary.words}`);
  print(`      hashes:`);
  for (const hash of dictionary.hashes) print(`        - ${hash}`);
  say(`${dictionary.hashes.length} phrases, of at most ${dictionary.words} words`);
  if (refused.length > 0) say(`${refused.length} left out: they have no word, more than ${phraseWordsMax}, or a very long one`);
}
