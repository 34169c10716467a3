import { describe, expect, it } from '@jest/globals';
import type { Agent } from '@stance/sentinelone';
import { inCommon, recordsById, repeatedIds } from './doubled-records.js';

const TIMES = ['2026-01-01T00:00:00.000000Z', '2026-02-01T00:00:00.000000Z'] as const;

const agent = (overrides: Partial<Agent> = {}): Agent => ({
  agentId: '1',
  presence: 'present',
  hardware: { serialNumber: 'SN', macAddresses: ['3c:22:fb:00:11:22'] },
  user: 'kim',
  attributes: { 'sentinelOne:infected': false, 'sentinelOne:tags': ['a', 'b'] },
  reportedAt: TIMES[0],
  lastSeenAt: TIMES[0],
  registeredAt: TIMES[0],
  unreadable: [],
  ...overrides,
});

describe('what two records of one id both say', () => {
  it('is all of it where they are the same', () => {
    expect(inCommon(agent(), agent())).toEqual(agent());
  });

  it.each<[string, Partial<Agent>, Partial<Agent>]>([
    [
      'leaves out the values that differ, and those that one of them lacks',
      {
        attributes: { 'sentinelOne:infected': true, 'sentinelOne:tags': ['a', 'b'] },
        hardware: { serialNumber: 'SN', uuid: 'u', macAddresses: ['3c:22:fb:00:11:99'] },
      },
      { attributes: { 'sentinelOne:tags': ['a', 'b'] }, hardware: { serialNumber: 'SN' } },
    ],
    [
      'has the later times',
      { reportedAt: TIMES[1], lastSeenAt: TIMES[1] },
      { reportedAt: TIMES[1], lastSeenAt: TIMES[1] },
    ],
    ['is gone only where both are', { presence: 'gone', goneReason: 'uninstalled' }, {}],
    ['names what cannot be read in either', { unreadable: ['uuid'] }, { unreadable: ['uuid'] }],
  ])('%s', (_, other, expected) => {
    expect(inCommon(agent(), agent(other))).toEqual(agent(expected));
    expect(inCommon(agent(other), agent())).toEqual(agent(expected));
  });

  it('has neither user nor registration where they differ', () => {
    const both = inCommon(agent(), agent({ user: 'sam', registeredAt: TIMES[1] }));
    expect(both).not.toHaveProperty('user');
    expect(both).not.toHaveProperty('registeredAt');
  });

  it('is that both are gone', () => {
    const gone = agent({ presence: 'gone', goneReason: 'uninstalled' });
    expect(inCommon(gone, gone)).toEqual(gone);
  });
});

it('records are found by the id, in their order, each once', () => {
  const [one, two, again] = [agent(), agent({ agentId: '2' }), agent({ user: 'sam' })];
  expect([...recordsById([one, two, again, agent()])]).toEqual([
    ['1', [one, again]],
    ['2', [two]],
  ]);
});

it('ids that are there more than once are found, whatever else stands among the records', () => {
  const records = [{ id: '1' }, null, 'text', { id: '2' }, { name: 'no id' }, { id: '1' }, { id: '3' }, { id: '1' }];
  const repeated = repeatedIds(records);
  expect(['1', '2', '3'].filter((id) => repeated.has(id))).toEqual(['1']);
});
