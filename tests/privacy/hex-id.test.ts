import { describe, expect, it } from 'vitest';
import { createSeeded } from '../../bench/events.ts';
import { detectors } from '../../src/privacy/detectors/all.ts';
import type { Candidate } from '../../src/privacy/finding.ts';
import { isHexId } from '../../src/privacy/hex-id.ts';
import { Survey, surveyText } from '../../src/privacy/survey.ts';
import { engineOf } from './engine-for-test.ts';

const fields = ['', 'id', 'requestid', 'mac', 'ip', 'version', 'value', 'serial', 'hardwareaddress', 'bssid'];

describe('identifiers of hexadecimal digits', () => {
  it('are known, and no detector has any business with them, however unsure', () => {
    const random = createSeeded(11);
    const below = (n: number): number => Math.floor(random() * n);
    // More digits than chance brings, which is what detectors start from.
    const hex = (size: number, letters: number): string =>
      Array.from({ length: size }, () => (random() < letters ? 'abcdef'.charAt(below(6)) : String(below(10)))).join('');
    const sizes = [[24], [32], [40], [64], [16], [13], [8, 4, 4, 4, 12], [8, 2, 3], [12, 12], [4, 4, 4], [6, 6], [4, 4, 4, 4]];
    const survey = new Survey(0);
    const found: Candidate[] = [];
    let count = 0;
    for (let i = 0; i < 40_000; i++) {
      const groups = i % 3 === 0 ? Array.from({ length: 1 + below(5) }, () => 1 + below(20)) : (sizes[below(sizes.length)] as number[]);
      const letters = [0.1, 0.3, 0.5][below(3)] as number;
      const text = groups.map((size) => hex(size, letters)).join('-');
      if (!isHexId(text)) continue;
      count++;
      surveyText(text, survey);
      const field = fields[below(fields.length)] as string;
      for (const detector of detectors) detector.detect({ text, survey, field, found });
      expect(found, text).toEqual([]);
    }
    expect(count).toBeGreaterThan(10_000);
  });

  it.each([
    '4fca53f0e1b2',
    '00-1b-2c-3d-4e-5f',
    'a30f-84df-6a8f',
    'a30f84-df6a8f',
    '4111111111111111',
    '536-22-1845-4fca5',
    '4fca53-123-45-6789',
    'aba-123456789-4f5',
    '4f-de89370400440532013000',
    '4fca53f0e1b2c3d4G',
    '4FCA53F0E1B2C3D4',
    '6a616e652e646f65406578616d706c652e636f6d',
    `4f${'0a'.repeat(32)}`,
    '4fca53f0 e1b2c3d4',
    '4fca53f0é1b2c3d4',
    '4-f-a-5-3-f0e1b2c3d4',
  ])('are not: %s', (text) => {
    expect(isHexId(text)).toBe(false);
  });

  it('hide nothing, and are announced by the names of fields', () => {
    const engine = engineOf();
    expect(engine.scanObject({ ref: '6a616e652e646f65406578616d706c652e636f6d' })).toMatchObject([{ kind: 'email' }]);
    expect(isHexId('7b4fca53f0e1b2c3d4')).toBe(true);
    expect(engine.scanObject({ ref: '7b4fca53f0e1b2c3d4' })).toEqual([]);
    expect(engine.scanObject({ passportNumber: '7b4fca53f0e1b2c3d4' })).not.toEqual([]);
  });
});
