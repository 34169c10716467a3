import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  createNoopMeter,
  metrics,
  type Attributes,
  type ObservableCallback,
  type ObservableGauge,
} from '@opentelemetry/api';
import { observeSource } from './metrics.js';
import type { SourceReport } from './source-health.js';

const START = Date.parse('2026-11-21T12:00:00Z');
const REPORT: SourceReport = {
  source: 'one',
  kind: 'sentinelone',
  url: 'https://console',
  state: 'starting',
  agents: 0,
  changed: 0,
  freshnessStep: 3_600,
};

/** What is told when metrics are collected, by metric and state. */
let gauges: { readonly name: string; readonly callback: ObservableCallback }[];
beforeEach(() => {
  metrics.disable();
  gauges = [];
  const gauge = (name: string): ObservableGauge => ({
    addCallback: (callback) => void gauges.push({ name, callback }),
    removeCallback: (callback) => void (gauges = gauges.filter((one) => one.callback !== callback)),
  });
  const meter = Object.assign(createNoopMeter(), { createObservableGauge: gauge });
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
});

function told(): Record<string, number> {
  const values: Record<string, number> = {};
  for (const { name, callback } of gauges) {
    const observe = (value: number, { state }: Attributes = {}) => {
      values[typeof state === 'string' ? `${name} ${state}` : name] = value;
    };
    void callback({ observe });
  }
  return values;
}

describe('a source', () => {
  it('that was never read ages from the start', () => {
    let now = START;
    observeSource('one', { report: () => REPORT, agents: () => 0, sweepIntervalMs: 900_000, now: () => now });
    now = START + 30_000;
    expect(told()).toMatchObject({
      'stance.source.state starting': 1,
      'stance.source.state ok': 0,
      'stance.source.poll.age': 30,
      'stance.source.sweep.age': 30,
      'stance.source.sweep.interval': 900,
    });
  });

  it('ages from its last reading and its last complete sweep', () => {
    const report: SourceReport = {
      ...REPORT,
      state: 'paused',
      lastSuccessAt: '2026-11-21T11:59:50Z',
      sweep: { startedAt: '2026-11-21T11:40:00Z', completedAt: '2026-11-21T11:50:00Z', pages: 1, interval: 900 },
    };
    observeSource('one', { report: () => report, agents: () => 7, sweepIntervalMs: 900_000, now: () => START });
    expect(told()).toMatchObject({
      'stance.source.state paused': 1,
      'stance.source.state starting': 0,
      'stance.source.poll.age': 10,
      'stance.source.sweep.age': 600,
      'stance.source.agents': 7,
    });
  });

  it('whose clock runs ahead is read now, not in the future', () => {
    const report: SourceReport = { ...REPORT, lastSuccessAt: '2026-11-21T12:00:10Z' };
    observeSource('one', { report: () => report, agents: () => 0, sweepIntervalMs: 1_000, now: () => START });
    expect(told()).toMatchObject({ 'stance.source.poll.age': 0 });
  });

  it('is told of no more once that is ended', () => {
    const end = observeSource('one', {
      report: () => REPORT,
      agents: () => 0,
      sweepIntervalMs: 1_000,
      now: () => START,
    });
    end();
    expect(told()).toEqual({});
  });
});
