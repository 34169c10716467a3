import { describe, expect, it } from '@jest/globals';
import {
  bearingOf,
  changedNames,
  nextRevision,
  postureOf,
  sameAgents,
  type Device,
  type PostureBody,
  type Register,
} from './posture.js';

const ENROLLED: Device = { state: 'enrolled', groups: ['finance'], tags: [] };
const AT = '2026-11-21T08:00:00.000Z';

function register(overrides: Partial<Register> = {}): Register {
  return {
    source: 's',
    agentId: 'a',
    state: 'matched',
    device: 'd1',
    previousDevice: null,
    by: 'serial',
    trust: 'reported',
    presence: 'present',
    attributes: { 'sentinelOne:infected': false },
    observedAt: AT,
    ...overrides,
  };
}

const quarantined = (problem: 'duplicate-device-serial' | 'duplicate-agent-serial', agentId = 'q'): Register => {
  const { by: _b, trust: _t, ...rest } = register({ agentId, state: 'quarantined', device: null });
  return { ...rest, candidates: ['d1', 'd2'], problem };
};

describe('the posture of a device', () => {
  it('has what its agent reports, and from which agent, when', () => {
    const seen = { reportedAt: '2026-11-21T07:59:00Z', lastSeenAt: '2026-11-21T07:58:00.123456Z' };
    expect(postureOf('d1', ENROLLED, [register(seen)])).toEqual({
      device: { state: 'enrolled', groups: ['finance'], tags: [] },
      agents: [{ source: 's', agentId: 'a', by: 'serial', trust: 'reported', observedAt: AT, ...seen }],
      attributes: { 'sentinelOne:infected': { value: false, agent: 0 } },
      problems: [],
    });
  });

  it('has the inventory’s fields, groups and tags in order', () => {
    const device: Device = { ...ENROLLED, groups: ['z', 'a'], tags: ['y', 'b'], owner: 'o@x', network: 'n', os: 'mac' };
    expect(postureOf('d1', device, []).device).toEqual({
      state: 'enrolled',
      owner: 'o@x',
      groups: ['a', 'z'],
      tags: ['b', 'y'],
      network: 'n',
      os: 'mac',
    });
  });

  it('does not depend on the order in which its agents became known', () => {
    const registers = [
      register({ agentId: 'b', attributes: { x: 1 } }),
      register({ source: 'r', attributes: { y: 2 } }),
      register({ attributes: { x: 1, z: [] } }),
    ];
    const posture = postureOf('d1', ENROLLED, registers);
    expect(posture.agents.map(({ source, agentId }) => source + agentId)).toEqual(['ra', 'sa', 'sb']);
    expect(JSON.stringify(postureOf('d1', ENROLLED, registers.toReversed()))).toBe(JSON.stringify(posture));
  });

  it('merges what several agents say, and leaves out what they disagree on', () => {
    const posture = postureOf('d1', ENROLLED, [
      register({ attributes: { both: true, only: 'a', list: ['x'], differs: 1, lists: ['x'], 'a/b': 0 } }),
      register({ source: 't', attributes: { both: true, list: ['x'], differs: 2, lists: ['x', 'y'], 'a/b': false } }),
    ]);
    expect(posture.attributes).toEqual({
      both: { value: true, agent: 0 },
      only: { value: 'a', agent: 0 },
      list: { value: ['x'], agent: 0 },
    });
    expect(posture.problems).toEqual(['conflict']);
  });

  it('has the worse value of each attribute, whichever agent of the machine reports it', () => {
    const first = {
      'sentinelOne:infected': true,
      'sentinelOne:agentVersion': '24.1',
      'sentinelOne:networkStatus': 'connected',
    };
    const second = {
      'sentinelOne:infected': false,
      'sentinelOne:agentVersion': '23.4',
      'sentinelOne:networkStatus': 'isolated',
    };
    const posture = postureOf('d1', ENROLLED, [
      register({ agentId: 'a', attributes: first }),
      register({ agentId: 'b', attributes: second }),
    ]);
    expect(posture.attributes).toEqual({
      'sentinelOne:infected': { value: true, agent: 0 },
      'sentinelOne:agentVersion': { value: '23.4', agent: 1 },
      // Nobody knows this one, so no condition on it holds: that is the worst.
      'sentinelOne:networkStatus': { value: 'isolated', agent: 1 },
    });
    expect(posture.problems).toEqual([]);
  });

  it('has what agents agree on from the one that confirmed it last', () => {
    const posture = postureOf('d1', ENROLLED, [
      register({ agentId: 'a', observedAt: '2026-11-21T09:00:00.000Z', lastSeenAt: '2026-11-01T00:00:00.000000Z' }),
      register({ agentId: 'b', observedAt: '2026-11-21T08:00:00.000Z', lastSeenAt: '2026-11-21T07:59:00.000000Z' }),
      register({ agentId: 'c', observedAt: '2026-11-20T08:00:00.000Z' }),
    ]);
    expect(posture.attributes).toEqual({ 'sentinelOne:infected': { value: false, agent: 1 } });
  });

  it('leaves out what two of three agents agree on', () => {
    const values = [1, 2, 1].map((value, index) => register({ agentId: `${index}`, attributes: { x: value } }));
    expect(postureOf('d1', ENROLLED, values)).toMatchObject({ attributes: {}, problems: ['conflict'] });
  });

  it.each(['constructor', 'toString', 'hasOwnProperty'])('takes an attribute named %s like any other', (name) => {
    const posture = postureOf('d1', ENROLLED, [register({ attributes: { [name]: 'value' } })]);
    expect(posture).toMatchObject({ attributes: { [name]: { value: 'value', agent: 0 } }, problems: [] });
    expect(changedNames(postureOf('d1', ENROLLED, [register({ attributes: {} })]), posture)).toEqual([name]);
    expect(changedNames(posture, posture)).toEqual([]);
  });
});

describe('agents that are not certain to be the device’s', () => {
  it.each([
    ['one', [quarantined('duplicate-agent-serial')]],
    ['one without a problem of serials', [{ ...quarantined('duplicate-agent-serial'), problem: 'several-agents' }]],
    ['several', [quarantined('duplicate-agent-serial', 'p'), quarantined('duplicate-device-serial', 'q')]],
    ['one that is gone', [{ ...quarantined('duplicate-agent-serial'), presence: 'gone' }]],
    ['one for no device', [register({ device: null, state: 'unmatched' })]],
  ] satisfies [string, Register[]][])('count by their bearing alone as by their registers: %s', (_, registers) => {
    for (const device of [ENROLLED, { ...ENROLLED, state: 'retired' }, undefined] satisfies (Device | undefined)[]) {
      const own = register();
      expect(postureOf('d1', device, [own], registers.map(bearingOf))).toEqual(
        postureOf('d1', device, [own, ...registers]),
      );
      expect(postureOf('d1', device, [], registers.map(bearingOf))).toEqual(postureOf('d1', device, registers));
    }
  });
});

describe('what counts not', () => {
  it.each([
    ['an agent that is gone', [register({ presence: 'gone' })], ['no-agent']],
    ['an agent of another device', [register({ device: 'd2' })], ['no-agent']],
    ['nothing at all', [], ['no-agent']],
    [
      'an agent that may belong to several devices',
      [quarantined('duplicate-device-serial')],
      ['quarantined', 'duplicate-serial'],
    ],
    [
      'two agents of which one is the device’s',
      [quarantined('duplicate-agent-serial'), quarantined('duplicate-agent-serial', 'r')],
      ['quarantined', 'duplicate-serial'],
    ],
  ])('%s adds no attribute', (_, registers: Register[], problems) => {
    expect(postureOf('d1', ENROLLED, registers)).toMatchObject({ agents: [], attributes: {}, problems });
  });

  it('an uncertain agent beside a certain one is told', () => {
    const posture = postureOf('d1', ENROLLED, [register(), quarantined('duplicate-agent-serial')]);
    expect(posture.agents).toHaveLength(1);
    expect(posture.problems).toEqual(['quarantined', 'duplicate-serial']);
  });

  it('an uncertain agent that is gone is not', () => {
    const gone: Register = { ...quarantined('duplicate-agent-serial'), presence: 'gone' };
    expect(postureOf('d1', ENROLLED, [register(), gone]).problems).toEqual([]);
  });

  it('a retired device keeps nothing of what it was', () => {
    const registers = [register(), quarantined('duplicate-agent-serial')];
    expect(postureOf('d1', { ...ENROLLED, state: 'retired' }, registers)).toMatchObject({
      device: { state: 'retired' },
      agents: [],
      attributes: {},
      problems: [],
    });
  });

  it('a device that is not in the inventory has no attributes, whatever agent names it', () => {
    expect(postureOf('d1', undefined, [register()])).toEqual({
      device: { state: 'unknown', groups: [], tags: [] },
      agents: [],
      attributes: {},
      problems: ['not-enrolled'],
    });
  });
});

describe('the names of what changed', () => {
  const before = postureOf('d1', ENROLLED, [
    register({ attributes: { kept: 1, other: 'a', gone: true, list: ['x'] } }),
  ]);
  const now = (device: Partial<Device>, attributes: Register['attributes'], agentId = 'a'): PostureBody =>
    postureOf('d1', { ...ENROLLED, ...device }, [register({ agentId, attributes })]);
  const same = { kept: 1, other: 'a', gone: true, list: ['x'] };

  it.each([
    ['nothing', now({}, same), []],
    [
      'another value, another list, one gone and one new, in order',
      now({}, { kept: 1, other: 'b', list: ['x', 'y'], added: 0 }),
      ['added', 'gone', 'list', 'other'],
    ],
    ['a value of another type', now({}, { ...same, kept: '1' }), ['kept']],
    ['owner and groups', now({ owner: 'o@x', groups: ['it'] }, same), ['device:groups', 'device:owner']],
    ['groups in another order', now({ groups: ['finance'] }, same), []],
    ['the agent alone', now({}, same, 'b'), []],
    ['retirement', now({ state: 'retired' }, same), ['device:state', 'gone', 'kept', 'list', 'other']],
    ['problems', postureOf('d1', ENROLLED, []), ['gone', 'kept', 'list', 'other', 'problems']],
  ])('%s', (_, posture, names) => {
    expect(changedNames(before, posture)).toEqual(names);
  });

  it('are all of them for a first posture', () => {
    expect(changedNames(undefined, now({}, { a: 1 }))).toEqual([
      'a',
      'device:groups',
      'device:state',
      'device:tags',
      'problems',
    ]);
  });

  it('leave to the agents’ times what is only fresher', () => {
    const fresher = postureOf('d1', ENROLLED, [register({ observedAt: '2026-11-21T09:00:00Z', attributes: same })]);
    expect([changedNames(before, fresher), sameAgents(before, fresher), sameAgents(before, before)]).toEqual([
      [],
      false,
      true,
    ]);
  });
});

describe('the next revision', () => {
  it.each([
    ['of a known device is one more', 41, 1_700_000_000_000, 42],
    ['of a new device is the time in microseconds', undefined, 1_700_000_000_000.5, 1_700_000_000_000_500],
    ['never waits for the clock', 1_700_000_000_000_000, 5, 1_700_000_000_000_001],
  ])('%s', (_, stored, now, next) => {
    expect(nextRevision(stored, now)).toBe(next);
  });
});
