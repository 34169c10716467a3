import { expect, test } from '@jest/globals';

import { soak } from './soak/soak.js';

test('an hour of a day with a killed poller and a replaced token leaves no gap', async () => {
  const seed = Date.now() % 1_000_000;
  const report = await soak({ seed, lengthMs: 14_400, incidents: 2, boundMs: 3_000 });
  expect({ seed, problems: report.problems }).toEqual({ seed, problems: [] });
  expect(report.changes).toBeGreaterThan(100);
}, 180_000);
