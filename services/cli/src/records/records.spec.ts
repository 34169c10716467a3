import { describe, expect, test } from '@jest/globals';
import {
  AgentMatched,
  DecisionChanged,
  DeviceRecorded,
  PolicyActivated,
  PolicyPublished,
  PostureChanged,
} from '@stance/contracts';
import { activated, agent, decision, denied, device, eventOf, posture, published } from '../fixtures/facts.js';
import { deviceRecord, deviceSummaries } from './devices.js';
import { didYouMean, nearestIds } from './nearest.js';
import { policyRecords } from './policies.js';
import { countTables, type StatusTables } from './status.js';

describe('devices', () => {
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
    const record = deviceRecord({ device: device(), posture: posture(), decisions: [decision()], sessions: [] });
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
    const rest = { device: undefined, decisions: [], sessions: [] };
    expect(deviceRecord({ ...rest, posture: stray })).toMatchObject({ deviceId: 'laptop-1', state: 'unknown' });
    expect(deviceRecord({ ...rest, posture: undefined })).toBeUndefined();
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
    expect(countTables({ ...none, activations }, 0).policy).toEqual({ activeRevision: 1, refusedRevision: 2 });
  });
});
