import { describe, expect, it } from '@jest/globals';
import { microsecondsOf } from './microseconds.js';
import { goneObservation, observationOf, reductionsOf } from './observation.js';

const NOON = '2026-11-21T12:00:00.000Z';

describe('an observation', () => {
  it('is the agent as read, with the time at which the answer arrived, without what could not be read', () => {
    const registeredAt = '2026-01-01T00:00:00.000000Z';
    const agent = { agentId: '1', presence: 'present', hardware: {}, attributes: {}, registeredAt } as const;
    expect(observationOf('s', { ...agent, unreadable: ['tags'] }, NOON)).toEqual({
      source: 's',
      ...agent,
      observedAt: NOON,
    });
  });

  it('of an agent that is gone keeps its last contact, to the microsecond, and whether it was clean', () => {
    const lastSeenAt = microsecondsOf('2026-11-21T11:59:00.123456Z');
    expect(goneObservation('s', '1', { lastSeenAt, isClean: false }, Date.parse(NOON))).toEqual({
      source: 's',
      agentId: '1',
      presence: 'gone',
      goneReason: 'not-in-sweep',
      hardware: {},
      attributes: {},
      clean: false,
      lastSeenAt: '2026-11-21T11:59:00.123456Z',
      observedAt: NOON,
    });
  });

  it('that no event can hold loses its attributes first, its hardware only if it must, and never that it is there', () => {
    const observation = {
      source: 's',
      agentId: '1',
      presence: 'present' as const,
      hardware: { serialNumber: 'SN' },
      attributes: { 'sentinelOne:infected': false },
      observedAt: NOON,
    };
    expect(reductionsOf(observation)).toEqual([
      { ...observation, attributes: {} },
      { ...observation, attributes: {}, hardware: {} },
    ]);
  });
});
