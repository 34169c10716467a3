import { describe, expect, it } from '@jest/globals';
import { AgentObserved, createEvent, decodeEvent, subjectOf } from '@stance/contracts';
import {
  goneObservation,
  isNews,
  knownAgentOf,
  observationOf,
  type KnownAgent,
  type Observation,
} from './observation.js';

const HOUR = 3_600_000;

/** An agent read at 12:00, in contact a minute before. */
function known(overrides: Partial<KnownAgent> = {}): KnownAgent {
  return {
    agentId: '1',
    presence: 'present',
    digest: 'same',
    reportedAt: '2026-11-21T10:00:00.000000Z',
    lastSeenAt: '2026-11-21T11:59:00.000000Z',
    observedAt: '2026-11-21T12:00:00.000Z',
    ...overrides,
  };
}

const at = (time: string) => `2026-11-21T${time}.000Z`;
const seen = (time: string) => `2026-11-21T${time}.000000Z`;

describe('an observation is news', () => {
  it.each<[string, Partial<KnownAgent>, KnownAgent | undefined]>([
    ['of an agent that nobody knew', {}, undefined],
    ['when anything about it differs', { observedAt: at('12:00:10'), digest: 'other' }, known()],
    ['when it differs though the record says it is as old', { observedAt: at('12:00:10'), digest: 'x' }, known()],
    ['when its times moved by the step', { observedAt: at('13:00:00'), lastSeenAt: seen('12:59:00') }, known()],
    [
      'at once when it returns from silence, however short a time ago that was observed',
      { observedAt: at('12:00:10'), lastSeenAt: seen('12:00:05') },
      known({ lastSeenAt: '2026-11-18T09:00:00.000000Z' }),
    ],
    [
      'when it is back after it was gone',
      { observedAt: at('12:00:10') },
      known({ presence: 'gone', digest: 'gone', reportedAt: undefined }),
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
      { observedAt: at('12:00:10'), reportedAt: '2026-11-21T09:59:59.999999Z', digest: 'other' },
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
    reportedAt: seen('10:00:00'),
    lastSeenAt: seen('11:00:00'),
    observedAt: at('12:00:00'),
  };
  const digest = (overrides: Partial<Observation> = {}) => knownAgentOf({ ...observation, ...overrides }).digest;

  it.each<[string, Partial<Observation>]>([
    ['presence', { presence: 'gone' }],
    ['hardware', { hardware: { serialNumber: 'other' } }],
    ['user', { user: 'sam' }],
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
    expect(digest({ reportedAt: seen('11:00:00'), lastSeenAt: seen('11:30:00'), observedAt: at('13:00:00') })).toBe(
      digest(),
    );
  });
});

describe('an observation', () => {
  it('is the agent as read, with the time at which the answer arrived, without what could not be read', () => {
    const agent = { agentId: '1', presence: 'present', hardware: {}, attributes: {}, unreadable: ['tags'] } as const;
    expect(observationOf('s', agent, Date.parse(at('12:00:00')))).toEqual({
      source: 's',
      agentId: '1',
      presence: 'present',
      hardware: {},
      attributes: {},
      observedAt: at('12:00:00'),
    });
  });

  it('of an agent that is gone keeps its last contact and nothing else', () => {
    expect(goneObservation('s', known(), Date.parse(at('14:00:00')))).toEqual({
      source: 's',
      agentId: '1',
      presence: 'gone',
      goneReason: 'not-in-sweep',
      hardware: {},
      attributes: {},
      lastSeenAt: seen('11:59:00'),
      observedAt: at('14:00:00'),
    });
  });
});
