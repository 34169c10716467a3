import { describe, expect, it } from '@jest/globals';
import { AgentObserved, createEvent, decodeEvent, subjectOf } from '@stance/contracts';
import {
  confirm,
  isLaterWord,
  isNews,
  isSameWord,
  knownAgentOf,
  MAX_AHEAD_MS,
  type KnownAgent,
} from './known-agent.js';
import { microsecondsOf } from './microseconds.js';
import type { Observation } from './observation.js';

const HOUR = 3_600_000;

const at = (time: string) => Date.parse(`2026-11-21T${time}.000Z`);
const seen = (time: string) => microsecondsOf(`2026-11-21T${time}.000000Z`);

/** An agent read at 12:00, in contact a minute before. */
function known(overrides: Partial<KnownAgent> = {}): KnownAgent {
  return {
    isPresent: true,
    isClean: true,
    digest: 'same',
    reportedAt: seen('10:00:00'),
    lastSeenAt: seen('11:59:00'),
    observedAt: at('12:00:00'),
    answeredAt: 5_000,
    ...overrides,
  };
}

describe('an observation is news', () => {
  it.each<[string, Partial<KnownAgent>, KnownAgent | undefined]>([
    ['of an agent that nobody knew', {}, undefined],
    ['when anything about it differs', { observedAt: at('12:00:10'), digest: 'other' }, known()],
    ['when it differs though the record says it is older', { reportedAt: seen('09:00:00'), digest: 'other' }, known()],
    ['when it differs though our own clock was put back', { observedAt: at('11:00:00'), digest: 'other' }, known()],
    [
      'when its times were put back by the step',
      { observedAt: at('12:00:10'), lastSeenAt: seen('11:00:00') },
      known({ lastSeenAt: seen('12:00:00') }),
    ],
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
  ])('%s', (_, observation, before) => {
    expect(isNews(known(observation), known(before), HOUR)).toBe(false);
  });
});

describe('an answer', () => {
  const later = { reportedAt: seen('10:00:00') + 1 };
  const earlier = { reportedAt: seen('10:00:00') - 1 };

  it.each<[string, Partial<KnownAgent>, number, boolean]>([
    ['asked for after the known one was received, is', {}, 5_000, true],
    ['asked for after it, is, though the console has put its clock back', earlier, 5_001, true],
    ['asked for after it, is, though our own clock was put back', { observedAt: at('11:00:00') }, 5_001, true],
    ['asked for before it, may have been overtaken', {}, 4_999, false],
    ['asked for before it, may have been overtaken however late it was received', { answeredAt: 9_000 }, 4_999, false],
    ['asked for before it, is, when the record changed later by a microsecond', later, 4_999, true],
    ['asked for before it, is not, when the record changed earlier', earlier, 4_999, false],
    ['asked for before it, is not, when the record does not say', { reportedAt: undefined }, 4_999, false],
  ])('%s a later word', (_, observation, askedAt, isLater) => {
    expect(isLaterWord(known(observation), askedAt, known())).toBe(isLater);
  });

  it('is a later word than none', () => {
    expect(isLaterWord(known(), 0, undefined)).toBe(true);
  });

  it.each<[string, Partial<KnownAgent>, boolean]>([
    ['what it says, stored without our hearing of it', { answeredAt: 9_000 }, true],
    ['not what another answer says', { observedAt: at('12:00:01') }, false],
    ['not something else that another poller read at the same moment', { digest: 'other' }, false],
  ])('finds in what is read back %s', (_, stored, isSame) => {
    expect(isSameWord(known(), known(stored))).toBe(isSame);
  });

  it('that confirms what is known orders those to come', () => {
    const before = known();
    confirm(before, known({ answeredAt: 6_000 }));
    expect(isLaterWord(known(), 5_500, before)).toBe(false);
    confirm(before, known({ answeredAt: 5_800 }));
    expect(before.answeredAt).toBe(6_000);
  });

  it('that confirms what is known, changed and changed back, leaves what was so in between behind', () => {
    const before = known();
    confirm(before, known({ answeredAt: 6_000, reportedAt: seen('10:00:02') }));
    expect(isLaterWord(known({ reportedAt: seen('10:00:01') }), 0, before)).toBe(false);
    expect(isLaterWord(known({ reportedAt: seen('10:00:03') }), 0, before)).toBe(true);
    confirm(before, known({ reportedAt: undefined }));
    expect(before.reportedAt).toBe(seen('10:00:02'));
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
  const digest = (overrides: Partial<Observation> = {}) => knownAgentOf({ ...observation, ...overrides }, 5_000).digest;

  it.each<[string, Partial<Observation>]>([
    ['presence', { presence: 'gone' }],
    ['hardware', { hardware: { serialNumber: 'other' } }],
    ['user', { user: 'sam' }],
    ['registration', { registeredAt: '2026-01-01T00:00:00.000000Z' }],
    ['the value of an attribute', { attributes: { 'sentinelOne:infected': true } }],
    ['an attribute that is no longer told', { attributes: {} }],
    ['another attribute of the same value', { attributes: { 'sentinelOne:isPendingUninstall': false } }],
    ['an attribute nobody lists', { attributes: { 'sentinelOne:infected': false, 'other:value': 1 } }],
    ['a text instead of the same word', { attributes: { 'sentinelOne:infected': 'false' } }],
  ])('%s does', (_, overrides) => {
    expect(digest(overrides)).not.toBe(digest());
  });

  it('the value of an attribute nobody lists does', () => {
    const withOther = (value: number) =>
      digest({ attributes: { 'sentinelOne:infected': false, 'other:value': value } });
    expect(withOther(1)).not.toBe(withOther(2));
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
    const reported = { ...observation, reportedAt: '2026-11-21T10:00:00.123456Z' };
    const { digest: remembered, ...rest } = knownAgentOf(reported, 5_000);
    expect(remembered).toHaveLength(20);
    expect(rest).toEqual({
      isPresent: true,
      isClean: true,
      reportedAt: seen('10:00:00') + 123_456,
      lastSeenAt: seen('11:00:00'),
      observedAt: at('12:00:00'),
      answeredAt: 5_000,
    });
  });

  it('a time far ahead of the reading orders nothing: it would hold back all that is reported until then', () => {
    const ahead = (ms: number) => new Date(at('12:00:00') + ms).toISOString();
    const timesOf = (time: string) => knownAgentOf({ ...observation, reportedAt: time, lastSeenAt: time }, 5_000);
    expect(timesOf(ahead(MAX_AHEAD_MS))).toMatchObject({ reportedAt: seen('12:10:00'), lastSeenAt: seen('12:10:00') });
    expect(timesOf(ahead(MAX_AHEAD_MS + 1))).toMatchObject({ reportedAt: undefined, lastSeenAt: undefined });
  });
});
