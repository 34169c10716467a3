import { metrics, type BatchObservableResult } from '@opentelemetry/api';
import type { GatewayHealth } from './gateway-options.js';

type Observed = Pick<GatewayHealth, 'sessions' | 'trusted' | 'engineHeardAt'>;

/**
 * Shows how a gateway is doing whenever metrics are collected, until the function that is returned is called. `now`:
 * milliseconds since 1970.
 */
export function observeGateway(gateway: string, health: () => Observed, now: () => number): () => void {
  const meter = metrics.getMeter('@stance/gateway-sdk');
  const sessions = meter.createObservableGauge('stance.gateway.sessions', {
    description: 'Open sessions, those of other replicas included',
    unit: '{session}',
  });
  const trusted = meter.createObservableGauge('stance.gateway.trusted', {
    description: '1 while the decisions are trusted, 0 while everything is denied',
    unit: '1',
  });
  const silence = meter.createObservableGauge('stance.gateway.engine.silence', {
    description: 'Since the policy engine was heard last, or since the start if it never was',
    unit: 's',
  });
  const startedAt = now();
  const observe = (result: BatchObservableResult): void => {
    const state = health();
    result.observe(sessions, state.sessions, { gateway });
    result.observe(trusted, state.trusted ? 1 : 0, { gateway });
    result.observe(silence, Math.max(0, now() - (state.engineHeardAt ?? startedAt)) / 1_000, { gateway });
  };
  const all = [sessions, trusted, silence];
  meter.addBatchObservableCallback(observe, all);
  return () => meter.removeBatchObservableCallback(observe, all);
}
