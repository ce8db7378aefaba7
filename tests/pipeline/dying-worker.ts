/** A pipeline worker as it is, except that one kind of event ends its thread: what a fault in a library does. */
import { workerData } from 'node:worker_threads';
import { serveBatches } from '../../src/pipeline/worker.ts';
import { createContext } from './context.ts';

if ((workerData as { runs?: string } | null)?.runs === 'dying') {
  const context = createContext();
  const { engine } = context;
  serveBatches({
    ...context,
    engine: {
      ...engine,
      plan(event) {
        if (event['action'] === 'kill.worker') process.exit(9);
        return engine.plan(event);
      },
    },
  });
}
