/**
 * `/metrics`: the text format of Prometheus, version 0.0.4, by prom-client. Everything is counted as plain numbers where it happens and becomes
 * metrics when somebody asks, so that it costs the paths that are counted next to nothing.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { AnchorFigures } from '../anchor/anchoring.ts';
import type { Trail } from '../app/trail.ts';
import { type Facts, type Metric, metrics } from './metric-table.ts';
import type { RequestCounts } from './request-counts.ts';
import type { SelfVerifyFigures } from './self-verify.ts';

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface MetricsParts {
  trail: Pick<Trail, 'figures'>;
  requests: RequestCounts;
  /** Bytes of bodies and requests under way. */
  heldBytes: () => number;
  /** Where checkpoints are anchored, if they are. */
  anchors?: () => Promise<AnchorFigures[]>;
  /** What the server found of what it stores, where it verifies that. */
  verification?: () => SelfVerifyFigures | undefined;
}

export function createMetrics({ trail, requests, heldBytes, anchors, verification }: MetricsParts): Metrics {
  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    async text() {
      const facts: Facts = {
        figures: await trail.figures(),
        requests,
        heldBytes: heldBytes(),
        anchors: (await anchors?.()) ?? [],
        verification: verification?.(),
      };
      // Made anew each time: what is gone since the last time is not told again.
      const registry = new Registry();
      for (const metric of metrics) fill(metric, facts, registry);
      return registry.metrics();
    },
  };
}

function fill({ name, help, type, labels = [], samples }: Metric, facts: Facts, registry: Registry): void {
  const options = { name, help, labelNames: labels, registers: [registry] };
  const made = type === 'counter' ? new Counter(options) : new Gauge(options);
  for (const [value, of = {}] of samples(facts)) if (value !== undefined) made.inc(of, value);
}
