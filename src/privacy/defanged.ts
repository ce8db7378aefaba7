/** Addresses that were made harmless, as reports of attacks write them: `10[.]1[.]2[.]3`, `jane[at]example[dot]com`, `jane(@)example(.)com`. */
import { has } from './survey.ts';

/** A mark that stands for another. */
export interface Defanged {
  readonly text: string;
  readonly end: number;
}

const mark =
  /[[({<](?: ?(?:(?<dot>\.|dot|punkt|punto|ponto|point|prik|kropka|точка|点|點)|(?<at>@|at|ät|æt|arroba|chez|chiocciola|malpa|małpa|zavináč|kukac|miukumauku|snabel-?a|alfakrøll|apestaartje|собака|собачка|エット|アット|골뱅이)|(?<colon>:)) ?)[\])}>]/iuy;

/** By unit, in lower case: may what stands for another mark begin with it? */
const mayOpen = new Uint8Array(128);
for (const first of '.@:dapckzms') mayOpen[first.charCodeAt(0) | 32] = 1;

/** The mark in brackets that begins at `at`. */
export function defangedMark(text: string, at: number): Defanged | undefined {
  mark.lastIndex = at;
  const groups = mark.exec(text)?.groups;
  if (!groups) return undefined;
  return { text: groups['dot'] === undefined ? (groups['at'] === undefined ? ':' : '@') : '.', end: mark.lastIndex };
}

/** Where a bracket may open such a mark, in any order. */
export function defangedPlaces(text: string, flags: number, places: number[]): void {
  // The survey knows no brackets before letters beyond ASCII.
  if ((flags & (has.bracket | has.nonAscii)) === 0) return;
  for (const bracket of '[({<') {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      // `.`, `@`, `:`, `dot`, `at`, `punto`, `point`: most brackets are out by what stands in them.
      const first = text.charCodeAt(at + 1);
      const next = (first === 32 ? text.charCodeAt(at + 2) : first) | 32;
      if ((next > 127 || (next < 128 && mayOpen[next] === 1)) && defangedMark(text, at) !== undefined) places.push(at);
    }
  }
}
