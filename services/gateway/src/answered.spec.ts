import { beforeAll, expect, jest, test } from '@jest/globals';
import { createNoopMeter, metrics, type ObservableCallback, type ObservableResult } from '@opentelemetry/api';
import type { Verdict } from '@stance/gateway-sdk';
import type { Admission } from './access/access.js';
import { countAnswer } from './answered.js';

const callbacks: ObservableCallback[] = [];

/** Telemetry starts after all modules are loaded, as it does in a service. */
beforeAll(() => {
  const meter = createNoopMeter();
  jest.spyOn(meter, 'createObservableCounter').mockImplementation((name) => ({
    addCallback: (callback) => void (name === 'stance.gateway.authorizations' && callbacks.push(callback)),
    removeCallback: () => undefined,
  }));
  metrics.setGlobalMeterProvider({ getMeter: () => meter });
});

const NOBODY: Admission = { outcome: 'unproved', asker: {}, reasons: [] };

function admitted(verdict: Pick<Verdict, 'effect' | 'enforced'>): Admission {
  return {
    outcome: 'admitted',
    asker: { deviceId: 'laptop-1', resource: 'wiki', proof: 'address' },
    verdict: { allowed: true, reasons: [], revisions: { posture: 1, policy: 1 }, ...verdict },
    grantId: 's1',
  };
}

async function collected(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const result: ObservableResult = {
    observe: (value, attributes) => void (counts[String(attributes?.['outcome'])] = value),
  };
  for (const callback of callbacks) await callback(result);
  return counts;
}

test('answers are counted by outcome, for whoever collects metrics once telemetry has started', async () => {
  countAnswer(admitted({ effect: 'allow', enforced: true }));
  countAnswer(admitted({ effect: 'warn', enforced: true }));
  countAnswer(admitted({ effect: 'deny', enforced: true }));
  countAnswer(admitted({ effect: 'deny', enforced: false }));
  countAnswer(NOBODY);
  expect(await collected()).toEqual({ allowed: 2, 'break-glass': 1, 'let-through': 1, unproved: 1 });
  countAnswer({ ...NOBODY, outcome: 'denied' });
  countAnswer(NOBODY);
  expect(await collected()).toEqual({ allowed: 2, 'break-glass': 1, 'let-through': 1, unproved: 2, denied: 1 });
  expect(callbacks).toHaveLength(1);
});
