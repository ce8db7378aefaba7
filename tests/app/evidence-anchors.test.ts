/** Which anchors go into evidence. */
import { expect, test } from 'vitest';
import { type LogAnchor, pickAnchors } from '../../src/app/evidence-anchors.ts';

const anchor = (target: string, treeSize: number, quotedAt?: number): LogAnchor => ({
  target,
  text: `${target} ${treeSize}`,
  checkpoint: '',
  treeSize,
  ...(quotedAt === undefined ? {} : { quote: { text: '', leafIndex: quotedAt, checkpoint: '', treeSize: quotedAt + 1 } }),
});
const picked = (all: readonly LogAnchor[], first: number, end: number, treeSize = 100): [string[], string[]] => {
  const { kept, quotes } = pickAnchors(all, treeSize, { first, end });
  return [kept.map(({ text }) => text), quotes.map(({ text }) => text)];
};

test('of each target the newest, the first that has all leaves shown, and the last quoted before them', () => {
  const tsa = [anchor('tsa', 40, 41), anchor('tsa', 10, 10), anchor('tsa', 90, 92), anchor('tsa', 20, 25), anchor('tsa', 120, 121)];
  const usb = [anchor('usb', 15), anchor('usb', 30)];
  expect(picked([...tsa, ...usb], 26, 40)).toEqual([['tsa 40', 'tsa 90', 'usb 30'], ['tsa 20']]);
  expect(picked(tsa, 25, 41), 'the leaf of a quote came after what it quotes').toEqual([['tsa 90'], ['tsa 20']]);
  expect(picked(tsa, 0, 1)).toEqual([['tsa 10', 'tsa 90'], []]);
  expect(picked(tsa, 95, 100), 'of none has all leaves, the newest all the same').toEqual([['tsa 90'], ['tsa 90']]);
  expect(picked(tsa, 95, 100, 91), 'a quote that is not in the tree of the file is none').toEqual([['tsa 90'], ['tsa 40']]);
  expect(picked([], 0, 1)).toEqual([[], []]);
});
