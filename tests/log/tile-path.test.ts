import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTilePath, parseTilePath, type TileName } from '../../src/log/tile-path.ts';
import { refusalOf } from './refusal.ts';

const named: [string, TileName][] = [
  ['tile/0/000', { level: 0, index: 0, width: 256 }],
  ['tile/0/x001/x234/067', { level: 0, index: 1_234_067, width: 256 }],
  ['tile/0/999', { level: 0, index: 999, width: 256 }],
  ['tile/0/x001/000', { level: 0, index: 1000, width: 256 }],
  ['tile/1/000.p/1', { level: 1, index: 0, width: 1 }],
  ['tile/2/x001/255.p/255', { level: 2, index: 1255, width: 255 }],
  ['tile/63/000', { level: 63, index: 0, width: 256 }],
  ['tile/entries/x001/x234/067.p/8', { level: 'entries', index: 1_234_067, width: 8 }],
  ['tile/0/x009/x007/x199/x254/x740/991', { level: 0, index: Number.MAX_SAFE_INTEGER, width: 256 }],
];

test.each(named)('%s', (path, tile) => {
  expect(formatTilePath(tile)).toBe(path);
  expect(parseTilePath(path)).toEqual(tile);
});

test('every tile has one path, and it comes back', () => {
  const level = fc.oneof(fc.constant('entries' as const), fc.integer({ min: 0, max: 63 }));
  fc.assert(
    fc.property(level, fc.maxSafeNat(), fc.integer({ min: 1, max: 256 }), (l, index, width) => {
      const tile: TileName = { level: l, index, width };
      expect(parseTilePath(formatTilePath(tile))).toEqual(tile);
    }),
  );
});

test('whatever is taken is printed the same', () => {
  const piece = fc.constantFrom(
    'tile',
    'entries',
    '/',
    '0',
    '1',
    '9',
    '63',
    '64',
    '00',
    'x000',
    'x001',
    '067',
    '000',
    '.p/',
    '256',
    '8',
    'x',
    ' ',
    '%2e',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const path = pieces.join('');
      if (refusalOf(() => parseTilePath(path)) === 'accepted') expect(formatTilePath(parseTilePath(path))).toBe(path);
    }),
    { numRuns: 2000 },
  );
});

describe('refuses', () => {
  test.each([
    '',
    'tile',
    '/tile/0/000',
    'tile/0/000/',
    'tile/0/',
    'tile/00/000',
    'tile/01/000',
    'tile/64/000',
    'tile/100/000',
    'tile/-1/000',
    'tile/data/000',
    'tile/8/0/000',
    'tile/0/0',
    'tile/0/0000',
    'tile/0/x000',
    'tile/0/x000/000',
    'tile/0/x000/x001/000',
    'tile/0/001/000',
    'tile/0/x001/x000',
    'tile/0/X001/000',
    'tile/0/000.p',
    'tile/0/000.p/',
    'tile/0/000.p/0',
    'tile/0/000.p/00',
    'tile/0/000.p/01',
    'tile/0/000.p/256',
    'tile/0/000.p/257',
    'tile/0/000.p/1000',
    'tile/0/000.p/-1',
    'tile/0/000.p/1/',
    'tile/0/000.p/1\n',
    'tile/0/000\n',
    'tile/0/000?x',
    'tile/0/../checkpoint',
    'tile/0/٠٠٠',
    'tile/0/x009/x007/x199/x254/x740/992',
    'tile/0/x999/x999/x999/x999/x999/x999/999',
    'tile/entries/000.p/256',
    'checkpoint',
  ])('%j', (path) => {
    expect(refusalOf(() => parseTilePath(path))).toBe('tile_path');
  });

  test.each([
    { level: -1, index: 0, width: 256 },
    { level: 64, index: 0, width: 256 },
    { level: 0.5, index: 0, width: 256 },
    { level: 0, index: -1, width: 256 },
    { level: 0, index: 2 ** 53, width: 256 },
    { level: 0, index: 0, width: 0 },
    { level: 0, index: 0, width: 257 },
    { level: 0, index: 0, width: 1.5 },
  ])('a path for $level, $index, $width', (tile) => {
    expect(refusalOf(() => formatTilePath(tile))).toBe('tile_name');
  });
});
