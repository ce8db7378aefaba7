/** Addresses that were made harmless, as reports of attacks write them: `10[.]1[.]2[.]3`, `jane[at]example[dot]com`, `jane(@)example(.)com`. */
import { has } from './survey.ts';

/** A mark that stands for another. */
export interface Defanged {
  readonly text: string;
  readonly end: number;
}

const mark = /[[({](?:(?<dot>\.|dot|punkt|punto|point)|(?<at>@|at|ät)|(?<colon>:))[\])}]/iy;

/** The mark in brackets that begins at `at`. */
export function defangedMark(text: string, at: number): Defanged | undefined {
  mark.lastIndex = at;
  const groups = mark.exec(text)?.groups;
  if (!groups) return undefined;
  return { text: groups['dot'] === undefined ? (groups['at'] === undefined ? ':' : '@') : '.', end: mark.lastIndex };
}

/** Where a bracket may open such a mark, in any order. */
export function defangedPlaces(text: string, flags: number, places: number[]): void {
  if ((flags & has.bracket) === 0) return;
  for (const bracket of '[({') {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) {
      // `.`, `@`, `:`, `dot`, `at`, `punto`, `point`: most brackets are out by what stands in them.
      const next = text.charCodeAt(at + 1) | 32;
      if ((next === 46 || next === 96 || next === 58 || next === 100 || next === 97 || next === 112) && defangedMark(text, at) !== undefined)
        places.push(at);
    }
  }
}
