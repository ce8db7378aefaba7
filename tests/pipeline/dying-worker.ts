/** A pipeline worker as it is, except that one kind of event ends its thread: what a fault in a library does. */
import type { Policy } from '../../src/privacy/policy-model.ts';
import { workerData } from 'node:worker_threads';
import { serveBatches } from '../../src/pipeline/worker.ts';
import { createContext } from './context.ts';

const settings = workerData as { runs?: string; policy: Policy } | null;
if (settings?.runs === 'dying') {
  const context = createContext(settings.policy);
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
