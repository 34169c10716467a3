import { expect, it } from '@jest/globals';
import { createNoopMeter, metrics, type BatchObservableCallback, type Observable } from '@opentelemetry/api';
import { observeGateway } from './gateway-metrics.js';

it('a gateway tells of its sessions, its trust and the engine’s silence until it is closed', () => {
  const names = new Map<Observable, string>();
  const callbacks = new Set<BatchObservableCallback>();
  const gauge = (name: string) => {
    const observable: Observable = { addCallback: () => undefined, removeCallback: () => undefined };
    names.set(observable, name);
    return observable;
  };
  const meter = Object.assign(createNoopMeter(), {
    createObservableGauge: gauge,
    addBatchObservableCallback: (callback: BatchObservableCallback) => void callbacks.add(callback),
    removeBatchObservableCallback: (callback: BatchObservableCallback) => void callbacks.delete(callback),
  });
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
  const told = () => {
    const values: Record<string, unknown> = {};
    const observe = (observable: Observable, value: number, labels: object = {}) => {
      values[names.get(observable) ?? ''] = { value, ...labels };
    };
    for (const callback of callbacks) void callback({ observe });
    return values;
  };

  let now = 1_000;
  let health: { sessions: number; trusted: boolean; engineHeardAt: number | undefined } = {
    sessions: 0,
    trusted: false,
    engineHeardAt: undefined,
  };
  const end = observeGateway(
    'edge',
    () => health,
    () => now,
  );
  now = 3_000;
  expect(told()).toEqual({
    'stance.gateway.sessions': { value: 0, gateway: 'edge' },
    'stance.gateway.trusted': { value: 0, gateway: 'edge' },
    'stance.gateway.engine.silence': { value: 2, gateway: 'edge' },
  });
  health = { sessions: 3, trusted: true, engineHeardAt: 2_500 };
  expect(told()).toEqual({
    'stance.gateway.sessions': { value: 3, gateway: 'edge' },
    'stance.gateway.trusted': { value: 1, gateway: 'edge' },
    'stance.gateway.engine.silence': { value: 0.5, gateway: 'edge' },
  });
  end();
  expect(told()).toEqual({});
  metrics.disable();
});
