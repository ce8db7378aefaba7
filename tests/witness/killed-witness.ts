/** A witness that is killed where its argument says: before the new state is committed, or between the commit and the answer. */
import { systemClock } from '../../src/core/clock.ts';
import { createRateLimit } from '../../src/witness/rate-limit.ts';
import { openWitnessDirectory } from '../../src/witness/witness-directory.ts';
import { Witness } from '../../src/witness/witness.ts';

const [dir, when, body] = process.argv.slice(2) as [string, 'before' | 'after', string];
const { cosigner, store } = openWitnessDirectory(dir);
const advance = store.advance.bind(store);
store.advance = (step) => {
  if (when === 'before') process.kill(process.pid, 'SIGKILL');
  const moved = advance(step);
  process.kill(process.pid, 'SIGKILL');
  return moved;
};
const rate = createRateLimit({ burst: 1, perSecond: 1, clock: systemClock });
process.stdout.write(JSON.stringify(new Witness({ cosigner, store, clock: systemClock, rate }).addCheckpoint(Buffer.from(body, 'base64'))));
