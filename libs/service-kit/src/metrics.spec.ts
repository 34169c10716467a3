import { beforeEach, describe, expect, it } from '@jest/globals';
import { metrics } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { observeGauge, tallyOf } from './metrics.js';
import { PrometheusReader } from './telemetry-readers.js';

const definition = (name: string) => ({ meter: 'spec', name, unit: '{thing}', description: 'Things' });

let prometheus: PrometheusReader;
beforeEach(() => {
  metrics.disable();
  prometheus = new PrometheusReader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [prometheus] }));
});

/** The values of a metric, by its labels. */
async function valuesOf(name: string): Promise<Record<string, number>> {
  const { resourceMetrics } = await prometheus.collect();
  const found = resourceMetrics.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .find((one) => one.descriptor.name === name);
  return Object.fromEntries(
    (found?.dataPoints ?? []).map(({ attributes, value }) => [JSON.stringify(attributes), Number(value)]),
  );
}

describe('a gauge', () => {
  it('is told anew whenever metrics are collected, and no more once it was ended', async () => {
    let sessions = 1;
    const end = observeGauge(definition('spec.sessions'), (tell) => tell(sessions, { gateway: 'edge' }));
    expect(await valuesOf('spec.sessions')).toEqual({ '{"gateway":"edge"}': 1 });
    sessions = 2;
    expect(await valuesOf('spec.sessions')).toEqual({ '{"gateway":"edge"}': 2 });
    end();
    expect(await valuesOf('spec.sessions')).toEqual({});
  });

  it('may be told by several of one process, each for itself', async () => {
    const ends = ['a', 'b'].map((source) => observeGauge(definition('spec.agents'), (tell) => tell(1, { source })));
    expect(await valuesOf('spec.agents')).toEqual({ '{"source":"a"}': 1, '{"source":"b"}': 1 });
    ends[0]?.();
    expect(await valuesOf('spec.agents')).toEqual({ '{"source":"b"}': 1 });
  });
});

describe('a tally', () => {
  it('counts by its labels', async () => {
    const tally = tallyOf(definition('spec.requests'), ['source', 'outcome']);
    tally.add(['a', 'ok']);
    tally.add(['a', 'ok'], 2);
    tally.add(['b', 'failed']);
    expect(await valuesOf('spec.requests')).toEqual({
      '{"source":"a","outcome":"ok"}': 3,
      '{"source":"b","outcome":"failed"}': 1,
    });
  });

  it('goes on where it was when what counts is composed anew', async () => {
    tallyOf(definition('spec.again'), ['outcome']).add(['ok']);
    tallyOf(definition('spec.again'), ['outcome']).add(['ok']);
    expect(await valuesOf('spec.again')).toEqual({ '{"outcome":"ok"}': 2 });
  });
});
