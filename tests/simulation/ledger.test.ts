/**
 * Writers, restarts and faults, in an order that a seed decides. To run a seed that failed again: VEILTRAIL_SEED=… vitest run tests/simulation
 * (and VEILTRAIL_STEPS=… for longer runs).
 */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { World } from './world.ts';

const given = process.env['VEILTRAIL_SEED'];
const fixed = ['one', 'two', 'three'];
const seeds = given === undefined ? [...fixed, randomBytes(4).toString('hex')] : [given];
const steps = Number(process.env['VEILTRAIL_STEPS'] ?? 150);

test.each(seeds)('the world of seed %s', async (seed) => {
  console.log(`VEILTRAIL_SEED=${seed}`);
  const world = new World(seed);
  for (let i = 0; i < steps; i++) {
    try {
      await world.step();
    } catch (error) {
      throw new Error(`VEILTRAIL_SEED=${seed}, step ${i}`, { cause: error });
    }
  }
  await world.finish();
  console.log(`VEILTRAIL_SEED=${seed}`, JSON.stringify(world.tally));
  // A world in which nothing goes wrong shows nothing.
  if (fixed.includes(seed)) expect(Object.values(world.tally).every((count) => count > 0)).toBe(true);
});
