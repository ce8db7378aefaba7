/**
 * From a word of a sentence back to the name in it: `Müllers` → `müller`, `Kowalskiego` → `kowalski`, `Кузнецову` → `кузнецов`. Endings of the
 * languages that decline names; the word that is left only counts if it is the name of somebody who is known already, so a wrong guess costs a look-up.
 */

/** Ending of the sentence → ending of the name, longest first. */
type Endings = readonly (readonly [string, readonly string[]])[];

function endings(text: string): Endings {
  return text
    .trim()
    .split(/\s+/)
    .map((pair) => pair.split('=') as [string, string])
    .map(([said, named]) => [said, named.split(',')] as const)
    .sort(([a], [b]) => b.length - a.length);
}

/** English, German, Dutch, the Nordic languages; Polish, Czech, Slovak, Croatian, Serbian, Slovenian; Finnish, Estonian, Hungarian, Lithuanian, Latvian. */
const latin = endings(`
  s=, es=, ens=e skiego=ski skiemu=ski skim=ski skiej=ska ską=ska ckiego=cki ckiemu=cki ckim=cki ckiej=cka cką=cka ého=ý ému=ý ým=ý ové=ová ovou=ová owi=, owie=, ovi=, a=,o
  em=, iem=, om=,o u=,a,o ę=a ą=a y=a i=a ie=a,o ou=a e=a,o ju=j jem=j em=ek ka=ek kiem=ek kowi=ek ca=ec sen=nen n= la= lla= lle= lta= lle= ille= nak= nek= val= vel= t=
  o=as ui=as ą=as aus=us ui=us iaus=is iui=is am=s ai=a as=a u=s
`);

/** Russian, Ukrainian, Belarusian, Bulgarian. */
const cyrillic = endings(`
  а=, у=,а ым=, им=, ом=, ем=ь,й е=,а,я ой=а ою=а ого=ий,ой,ый ому=ий,ой,ый им=ий,ый ым=ый,ой ую=ая ая=ий,ый ы=а и=а,я,ь,ий ю=ь,й,я я=ь,й ей=я ью=ь ова=ов еву=ев ової=ова ові=, еві=ь ем=
  евим=ев овим=ов ього=ій ьому=ій ським=ський ського=ський ському=ський ської=ська ську=ська і=а,я ії=ія їй=ія ию=ий ия=ий ием=ий ии=ия,ий ією=ія
`);

const greek = endings('ου=ος,ης ο=ος ε=ος η=ης α=ας,άς ς=');

/** Turkish and Finnish put an apostrophe before what they add, and need nothing; Armenian and Georgian add to the end. */
const others = endings('ի= ին= ից= ով= ს= მა= მ=ი ის=ი ს=ი ისთვის=ი ით=ი თან=');

const nameMin = 4;
/** Of a name this much is left, whatever its ending. */
const stemMin = 3;

function endingsOf(unit: number): Endings {
  if (unit < 0x250) return latin;
  if (unit < 0x400) return greek;
  return unit < 0x530 ? cyrillic : unit < 0x1100 ? others : none;
}

const none: Endings = [];

/** What the name in a word in lower case may be; the likeliest first, at most a few. */
export function nominatives(word: string): string[] {
  const out: string[] = [];
  if (word.length <= nameMin) return out;
  for (const [said, named] of endingsOf(word.charCodeAt(word.length - 1))) {
    if (!word.endsWith(said) || word.length - said.length < stemMin) continue;
    const stem = word.slice(0, -said.length);
    for (const ending of named) if (stem.length + ending.length >= nameMin && !out.includes(stem + ending)) out.push(stem + ending);
  }
  return out;
}
