import { describe, expect, test } from '@jest/globals';
import {
  AgentMatched,
  DecisionChanged,
  DeviceRecorded,
  PolicyActivated,
  PolicyPublished,
  PostureChanged,
} from '@stance/contracts';
import {
  activated,
  agent,
  decision,
  denied,
  device,
  eventOf,
  OBSERVED_AT,
  posture,
  published,
} from '../fixtures/facts.js';
import { deviceRecord, deviceSummaries, type DeviceParts } from './devices.js';
import { didYouMean, nearestIds } from './nearest.js';
import { policyRecords, revisionsInForce } from './policies.js';
import { countTables, type StatusTables } from './status.js';

describe('devices', () => {
  const none: DeviceParts = {
    device: undefined,
    posture: undefined,
    registers: [],
    links: [],
    decisions: [],
    sessions: [],
  };

  test('a summary has the agents, the problems and the effects by gateway', () => {
    const [summary] = deviceSummaries({
      devices: [eventOf(DeviceRecorded, device())],
      postures: [eventOf(PostureChanged, posture({ problems: ['conflict'] }))],
      decisions: [
        eventOf(DecisionChanged, decision()),
        eventOf(DecisionChanged, decision({ gateway: 'vpn', resources: denied })),
      ],
    });
    expect(summary).toMatchObject({
      deviceId: 'laptop-1',
      owner: 'one@example.com',
      agents: [{ agentId: '101' }],
      problems: ['conflict'],
      decisions: { office: { wiki: 'allow' }, vpn: { wiki: 'deny' } },
    });
  });

  test('a record names the agent behind each attribute', () => {
    const record = deviceRecord({
      ...none,
      device: device(),
      posture: posture(),
      decisions: [decision()],
    });
    expect(record?.attributes).toEqual([
      expect.objectContaining({
        name: 'sentinelOne:infected',
        value: true,
        source: 'office-console',
        agentId: '101',
        reportedAt: '2026-01-05T09:59:00.000Z',
      }),
    ]);
    expect(record?.decisions).toMatchObject([{ gateway: 'office', resources: { wiki: { effect: 'allow' } } }]);
  });

  test('a device that only agents know is unknown to the inventory, one that nothing knows is none', () => {
    const stray = posture({ device: { state: 'unknown', groups: [], tags: [] }, problems: ['not-enrolled'] });
    expect(deviceRecord({ ...none, posture: stray })).toMatchObject({ deviceId: 'laptop-1', state: 'unknown' });
    expect(deviceRecord(none)).toBeUndefined();
  });
});

describe('the agents of a device', () => {
  const rest = { links: [], decisions: [], sessions: [], device: device() };
  const twoAgents = posture({
    agents: ['101', '102'].map((agentId) => ({ source: 'office-console', agentId, observedAt: OBSERVED_AT })),
  });
  const reporting = (agentId: string, infected: boolean) =>
    agent({ agentId, hostname: `LT-${agentId}`, attributes: { 'sentinelOne:infected': infected } });

  test.each([
    ['current', agent()],
    ['candidate', agent({ state: 'quarantined', device: null, candidates: ['laptop-1', 'laptop-2'] })],
    ['former', agent({ presence: 'gone' })],
    ['former', agent({ presence: 'gone', state: 'unmatched', device: null, formerDevice: 'laptop-1' })],
    ['moved', agent({ device: 'laptop-2', previousDevice: 'laptop-1' })],
  ])('one is %s', (relation, register) => {
    const record = deviceRecord({ ...rest, posture: undefined, registers: [register] });
    expect(record?.agents).toMatchObject([{ agentId: '101', relation }]);
  });

  test('one that only mentions the device is none of its agents', () => {
    const register = agent({ device: 'laptop-2', hostname: 'laptop-1' });
    expect(deviceRecord({ ...rest, posture: undefined, registers: [register] })?.agents).toEqual([]);
  });

  test('those that count come first, in the order of the posture, with what their registers know', () => {
    const registers = [
      agent({ agentId: '100', state: 'quarantined', device: null, candidates: ['laptop-1'] }),
      reporting('101', true),
      reporting('102', true),
    ];
    expect(deviceRecord({ ...rest, posture: twoAgents, registers })?.agents).toMatchObject([
      { agentId: '101', relation: 'current', hostname: 'LT-101' },
      { agentId: '102', relation: 'current', hostname: 'LT-102' },
      { agentId: '100', relation: 'candidate' },
    ]);
  });

  test('a value that another agent reports stands beside the one that counts', () => {
    const registers = [reporting('101', true), reporting('102', false)];
    const worse = { 'sentinelOne:infected': { value: true, agent: 0 } };
    expect(
      deviceRecord({ ...rest, posture: { ...twoAgents, attributes: worse }, registers })?.attributes,
    ).toMatchObject([
      { name: 'sentinelOne:infected', value: true, agentId: '101', others: [{ agentId: '102', value: false }] },
    ]);
  });

  test('a value that the agents disagree about is unknown, with all of theirs', () => {
    const registers = [reporting('101', true), reporting('102', false)];
    expect(deviceRecord({ ...rest, posture: { ...twoAgents, attributes: {} }, registers })?.attributes).toMatchObject([
      {
        name: 'sentinelOne:infected',
        value: null,
        others: [
          { source: 'office-console', agentId: '101', value: true, by: 'serial', observedAt: OBSERVED_AT },
          { source: 'office-console', agentId: '102', value: false },
        ],
      },
    ]);
  });
});

describe('nearest ids', () => {
  const ids = ['laptop-1', 'laptop-2', 'server-9', 'phone'];
  test.each([
    ['laptop1', ['laptop-1', 'laptop-2']],
    ['LAPTOP-2', ['laptop-2', 'laptop-1']],
    ['serv', ['server-9']],
    ['printer', []],
  ])('%s is close to %j', (wanted, close) => {
    expect(nearestIds(wanted, ids)).toEqual(close);
  });

  test('reads as a question', () => {
    expect(didYouMean('laptop', ids)).toBe('. Did you mean laptop-1 or laptop-2?');
    expect(didYouMean('printer', ids)).toBe('');
  });
});

describe('policies', () => {
  test('each publication has the state that the engine gave it', () => {
    const publications = [1, 2, 3, 4].map((revision) => eventOf(PolicyPublished, published({ revision })));
    const errors = [{ message: 'no such attribute', line: 3 }];
    const activations = [
      eventOf(PolicyActivated, activated()),
      eventOf(PolicyActivated, activated({ revision: 2 })),
      eventOf(PolicyActivated, activated({ revision: 3, outcome: 'refused', errors })),
    ];
    expect(policyRecords(publications, activations)).toMatchObject([
      { revision: 4, state: 'pending' },
      { revision: 3, state: 'refused', errors },
      { revision: 2, state: 'in-force' },
      { revision: 1, state: 'replaced' },
    ]);
  });

  test.each([
    ['runs beside the one in force', [], [{ state: 'reporting', mode: 'report' }, { state: 'in-force' }]],
    [
      'ends with one that comes into force',
      [{ revision: 3 }],
      [{ state: 'in-force' }, { state: 'replaced', mode: 'report' }, { state: 'replaced' }],
    ],
    [
      'ends with another in report mode',
      [{ revision: 3, mode: 'report' as const }],
      [{ state: 'reporting' }, { state: 'replaced', mode: 'report' }, { state: 'in-force' }],
    ],
    [
      'outlives one that is refused',
      [{ revision: 3, outcome: 'refused' as const }],
      [{ state: 'refused' }, { state: 'reporting' }, { state: 'in-force' }],
    ],
  ])('one in report mode %s', (_, later, states) => {
    const publications = [1, 2, ...later.map(({ revision }) => revision)].map((revision) =>
      eventOf(PolicyPublished, published({ revision })),
    );
    const outcomes = [{}, { revision: 2, mode: 'report' as const }, ...later];
    const activations = outcomes.map((over) => eventOf(PolicyActivated, activated(over)));
    expect(policyRecords(publications, activations)).toMatchObject(states);
    expect(revisionsInForce(activations)).toEqual(
      later[0] !== undefined && !('mode' in later[0] || 'outcome' in later[0]) ? [1, 3] : [1],
    );
  });
});

describe('the counts of a status report', () => {
  const none: StatusTables = {
    devices: [],
    matches: [],
    decisions: [],
    activations: [],
    started: [],
    ended: [],
    revoked: [],
  };

  test('an empty stack counts nothing and has no policy', () => {
    expect(countTables(none, 0)).toMatchObject({
      devices: { enrolled: 0, matched: 0, unmatched: 0, quarantined: 0, retired: 0 },
      policy: { activeRevision: null, refusedRevision: null },
    });
  });

  test('a device is quarantined, matched or without an agent; agents that are gone do not count', () => {
    const devices = ['matched', 'gone', 'twice', 'alone'].map((deviceId) =>
      eventOf(DeviceRecorded, device({ deviceId })),
    );
    const matches = [
      agent({ agentId: '1', device: 'matched' }),
      agent({ agentId: '2', device: 'gone', presence: 'gone' }),
      agent({ agentId: '3', device: null, state: 'quarantined', candidates: ['twice'] }),
      agent({ agentId: '4', device: null, state: 'unmatched' }),
    ].map((data) => eventOf(AgentMatched, data));
    const retired = eventOf(DeviceRecorded, device({ deviceId: 'old', state: 'retired' }));
    expect(countTables({ ...none, devices: [...devices, retired], matches }, 0)).toMatchObject({
      devices: { enrolled: 4, matched: 1, unmatched: 2, quarantined: 1, retired: 1 },
      agents: { matched: 1, unmatched: 1, quarantined: 1 },
    });
  });

  test('the policy in force is the last that was activated, a later refusal is named', () => {
    const activations = [
      eventOf(PolicyActivated, activated()),
      eventOf(PolicyActivated, activated({ revision: 2, outcome: 'refused' })),
    ];
    expect(countTables({ ...none, activations }, 0).policy).toEqual({
      activeRevision: 1,
      reportingRevision: null,
      refusedRevision: 2,
    });
  });

  test('a policy in report mode runs beside the one in force until another one comes into force', () => {
    const activations = [
      activated(),
      activated({ revision: 2, mode: 'report' }),
      activated({ revision: 3, outcome: 'refused' }),
      activated({ revision: 4 }),
    ].map((data) => eventOf(PolicyActivated, data));
    const policies = activations.map(
      (_, index) => countTables({ ...none, activations: activations.slice(0, index + 1) }, 0).policy,
    );
    expect(policies.map(({ activeRevision, reportingRevision }) => [activeRevision, reportingRevision])).toEqual([
      [1, null],
      [1, 2],
      [1, 2],
      [4, null],
    ]);
  });
});
