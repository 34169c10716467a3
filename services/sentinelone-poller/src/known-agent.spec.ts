import { describe, expect, it } from '@jest/globals';
import { AgentObserved, createEvent, decodeEvent, subjectOf } from '@stance/contracts';
import { isNews, knownAgentOf, MAX_AHEAD_MS, type KnownAgent } from './known-agent.js';
import { microsecondsOf } from './microseconds.js';
import type { Observation } from './observation.js';

const HOUR = 3_600_000;

const at = (time: string) => Date.parse(`2026-11-21T${time}.000Z`);
const seen = (time: string) => microsecondsOf(`2026-11-21T${time}.000000Z`);

/** An agent read at 12:00, in contact a minute before. */
function known(overrides: Partial<KnownAgent> = {}): KnownAgent {
  return {
    isPresent: true,
    digest: 'same',
    reportedAt: seen('10:00:00'),
    lastSeenAt: seen('11:59:00'),
    observedAt: at('12:00:00'),
    ...overrides,
  };
}

describe('an observation is news', () => {
  it.each<[string, Partial<KnownAgent>, KnownAgent | undefined]>([
    ['of an agent that nobody knew', {}, undefined],
    ['when anything about it differs', { observedAt: at('12:00:10'), digest: 'other' }, known()],
    ['when it differs though the record says it is as old', { observedAt: at('12:00:10'), digest: 'x' }, known()],
    ['when its times moved by the step', { observedAt: at('13:00:00'), lastSeenAt: seen('12:59:00') }, known()],
    [
      'at once when it returns from silence, however short a time ago that was observed',
      { observedAt: at('12:00:10'), lastSeenAt: seen('12:00:05') },
      known({ lastSeenAt: seen('12:00:05') - 3 * 24 * HOUR * 1_000 }),
    ],
    [
      'when it is back after it was gone',
      { observedAt: at('12:00:10') },
      known({ isPresent: false, digest: 'gone', reportedAt: undefined }),
    ],
    [
      'when a console without contact times shows it again after the step',
      { observedAt: at('13:00:00'), lastSeenAt: undefined },
      known({ lastSeenAt: undefined }),
    ],
  ])('%s', (_, observation, before) => {
    expect(isNews(known(observation), before, HOUR)).toBe(true);
  });
});

describe('an observation is no news', () => {
  it.each<[string, Partial<KnownAgent>, Partial<KnownAgent>]>([
    ['when it is the same row again', { observedAt: at('12:00:10') }, {}],
    ['when its times moved by less than the step', { observedAt: at('12:59:59'), lastSeenAt: seen('12:58:59') }, {}],
    ['when it was only read again, without contact since', { observedAt: at('23:00:00') }, {}],
    ['when its answer arrived before the known one', { observedAt: at('11:59:59'), digest: 'other' }, {}],
    [
      'when the console changed the record earlier than the known one, whenever it was read',
      { observedAt: at('12:00:10'), reportedAt: seen('09:59:59'), digest: 'other' },
      {},
    ],
    [
      'when it is older by a microsecond',
      { observedAt: at('12:00:10'), reportedAt: seen('10:00:00') - 1, digest: 'other' },
      {},
    ],
  ])('%s', (_, observation, before) => {
    expect(isNews(known(observation), known(before), HOUR)).toBe(false);
  });
});

describe('what counts as a change', () => {
  const observation: Observation = {
    source: 's',
    agentId: '1',
    presence: 'present',
    hardware: { serialNumber: 'SN' },
    user: 'kim',
    attributes: { 'sentinelOne:infected': false },
    reportedAt: '2026-11-21T10:00:00.000000Z',
    lastSeenAt: '2026-11-21T11:00:00.000000Z',
    observedAt: '2026-11-21T12:00:00.000Z',
  };
  const digest = (overrides: Partial<Observation> = {}) => knownAgentOf({ ...observation, ...overrides }).digest;

  it.each<[string, Partial<Observation>]>([
    ['presence', { presence: 'gone' }],
    ['hardware', { hardware: { serialNumber: 'other' } }],
    ['user', { user: 'sam' }],
    ['registration', { registeredAt: '2026-01-01T00:00:00.000000Z' }],
    ['attributes', { attributes: { 'sentinelOne:infected': true } }],
  ])('%s does', (_, overrides) => {
    expect(digest(overrides)).not.toBe(digest());
  });

  it('the order of fields does not: it differs after a restart, when the observation was read back from the stream', () => {
    const hardware = { hostname: 'LT-1', uuid: 'u', serialNumber: 'SN', macAddresses: ['00:50:56:00:30:01'] };
    const data = { ...observation, hardware };
    const event = createEvent(AgentObserved, {
      id: '1',
      producer: 'sentinelone-poller',
      time: new Date(),
      data,
      cause: {},
    });
    const read = decodeEvent(AgentObserved, Buffer.from(JSON.stringify(event)), subjectOf(AgentObserved, data));
    expect(Object.keys(read.data.hardware)).not.toEqual(Object.keys(hardware));
    expect(digest(read.data)).toBe(digest({ hardware }));
  });

  it('times do not', () => {
    const later = '2026-11-21T13:00:00.000000Z';
    expect(digest({ reportedAt: later, lastSeenAt: later, observedAt: later })).toBe(digest());
  });

  it('is remembered in few bytes, with the times to the microsecond', () => {
    const { digest: remembered, ...rest } = knownAgentOf({ ...observation, reportedAt: '2026-11-21T10:00:00.123456Z' });
    expect(remembered).toHaveLength(20);
    expect(rest).toEqual({
      isPresent: true,
      reportedAt: seen('10:00:00') + 123_456,
      lastSeenAt: seen('11:00:00'),
      observedAt: at('12:00:00'),
    });
  });

  it('a time far ahead of the reading orders nothing: it would hold back all that is reported until then', () => {
    const ahead = (ms: number) => new Date(at('12:00:00') + ms).toISOString();
    const timesOf = (time: string) => knownAgentOf({ ...observation, reportedAt: time, lastSeenAt: time });
    expect(timesOf(ahead(MAX_AHEAD_MS))).toMatchObject({ reportedAt: seen('12:10:00'), lastSeenAt: seen('12:10:00') });
    expect(timesOf(ahead(MAX_AHEAD_MS + 1))).toMatchObject({ reportedAt: undefined, lastSeenAt: undefined });
  });
});
