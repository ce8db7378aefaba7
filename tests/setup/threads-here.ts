/**
 * For tests of what a trail does, not of the threads it is made of: those run in the thread of the test (the same functions, calls and messages), which
 * spares most of the CPU of opening one. Tests of the threads themselves, and all that start the product as a process, have real ones.
 */
import { runThreadsHere } from '../../scripts/drills/faults/one-thread.ts';

const isDone = Symbol.for('veiltrail.threadsHere');

// Files of one process have it done once.
if (!(isDone in globalThis)) {
  Object.defineProperty(globalThis, isDone, { value: true });
  runThreadsHere();
}
