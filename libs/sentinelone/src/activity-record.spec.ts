import { describe, expect, it } from '@jest/globals';
import { readActivity } from './activity-record.js';

const AGENT = '1086513476221472121';

describe('an activity', () => {
  it.each<[string, object, object]>([
    [
      'of an agent',
      { id: '9', activityType: 51, agentId: AGENT, createdAt: '2025-03-04T03:33:21.123456Z' },
      { activityId: '9', activityType: 51, agentId: AGENT, createdAt: '2025-03-04T03:33:21.123456Z' },
    ],
    ['of nobody', { id: '9', activityType: 27, agentId: null }, { activityId: '9', activityType: 27 }],
    ['whose type came as text', { id: '9', activityType: '51' }, { activityId: '9', activityType: 51 }],
    ['of a type nobody knows', { id: '9', activityType: 99_999 }, { activityId: '9', activityType: 99_999 }],
  ])('%s', (_, record, activity) => {
    expect(readActivity(record)).toEqual({ ok: true, activity });
  });

  it.each<[unknown, string]>([
    ['activity', 'not-an-object'],
    [{ activityType: 51 }, 'no-id'],
    [{ id: '9' }, 'no-type'],
    [{ id: '9', activityType: 'uninstalled' }, 'no-type'],
    [{ id: '9', activityType: 5.1 }, 'no-type'],
    // Taken for an activity of nobody, an uninstallation would be lost in silence.
    [{ id: '9', activityType: 51, agentId: { id: AGENT } }, 'unusable-id'],
  ])('%j is a problem, never an exception', (record, code) => {
    expect(readActivity(record)).toMatchObject({ ok: false, problem: { code } });
  });
});
