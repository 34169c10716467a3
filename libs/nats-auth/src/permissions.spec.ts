import { describe, expect, test } from '@jest/globals';
import {
  AgentObserved,
  BUCKETS,
  DecisionChanged,
  DeviceRecorded,
  EngineReported,
  Explain,
  GetPosture,
  OperatorActed,
  PolicyPublished,
  SessionStarted,
  STREAMS,
  type Rights,
} from '@stance/contracts';
import { patternOf, permissionsOf, type Standing } from './permissions.js';

const NOTHING: Rights = {
  publishes: [],
  consumes: [],
  reads: [],
  readsStreams: [],
  hears: [],
  answers: [],
  asks: [],
  streams: [],
  keeps: [],
};

const ALONE: Standing = { name: 'me', inboxes: ['_INBOX.me'], askers: [], foreignConsumers: () => [] };

const onlyOf = (rights: Partial<Rights>, standing: Partial<Standing> = {}) =>
  permissionsOf({ ...NOTHING, ...rights }, { ...ALONE, ...standing });

/** What everybody may: ask for the limits of the account, and be answered. */
const COMMON = { publish: ['$JS.API.INFO'], subscribe: ['_INBOX.me.>'] };

describe('a right becomes', () => {
  test.each<{ right: string; rights: Partial<Rights>; publish?: string[]; subscribe?: string[] }>([
    { right: 'nothing more than answers where there is none', rights: {} },
    {
      right: "an event's subjects to publish on",
      rights: { publishes: [{ event: AgentObserved }] },
      publish: ['stance.agent.observed.v1.>'],
    },
    {
      right: 'those of some keys only',
      rights: { publishes: [{ event: AgentObserved, keys: { source: 'acme' } }] },
      publish: ['stance.agent.observed.v1.acme.>'],
    },
    {
      right: 'one subject of an event without keys',
      rights: { publishes: [{ event: PolicyPublished }] },
      publish: ['stance.policy.published.v1'],
    },
    {
      right: 'a durable consumer of its own, with acknowledgements in both forms',
      rights: { consumes: [DeviceRecorded] },
      publish: [
        '$JS.ACK.*.*.STANCE_DEVICES.me_device-recorded.>',
        '$JS.ACK.STANCE_DEVICES.me_device-recorded.>',
        '$JS.API.CONSUMER.CREATE.STANCE_DEVICES.me_device-recorded.stance.device.recorded.v1.>',
        '$JS.API.CONSUMER.DELETE.STANCE_DEVICES.me_device-recorded',
        '$JS.API.CONSUMER.INFO.STANCE_DEVICES.me_device-recorded',
        '$JS.API.CONSUMER.MSG.NEXT.STANCE_DEVICES.me_device-recorded',
      ],
    },
    {
      right: 'consumers that filter by what may be read',
      rights: { reads: [{ event: OperatorActed, keys: { kind: 'hold-released' } }] },
      publish: [
        '$JS.API.CONSUMER.CREATE.STANCE_OPERATIONS.*.stance.operator.acted.v1.hold-released.>',
        '$JS.API.CONSUMER.DELETE.STANCE_OPERATIONS.*',
        '$JS.API.CONSUMER.INFO.STANCE_OPERATIONS.*',
        '$JS.API.CONSUMER.MSG.NEXT.STANCE_OPERATIONS.*',
      ],
    },
    {
      right: 'consumers of a whole stream, also without a filter',
      rights: { readsStreams: [STREAMS.POLICIES] },
      publish: [
        '$JS.API.CONSUMER.CREATE.STANCE_POLICIES.*',
        '$JS.API.CONSUMER.CREATE.STANCE_POLICIES.*.>',
        '$JS.API.CONSUMER.DELETE.STANCE_POLICIES.*',
        '$JS.API.CONSUMER.INFO.STANCE_POLICIES.*',
        '$JS.API.CONSUMER.MSG.NEXT.STANCE_POLICIES.*',
      ],
    },
    {
      right: 'a look at a stream and at single messages of it',
      rights: { streams: ['STANCE_DECISIONS'] },
      publish: ['$JS.API.STREAM.INFO.STANCE_DECISIONS', '$JS.API.STREAM.MSG.GET.STANCE_DECISIONS'],
    },
    {
      right: 'a key of a bucket',
      rights: { keeps: [{ bucket: BUCKETS.LEASES, key: 'me' }] },
      publish: ['$KV.STANCE_LEASES.me'],
    },
    {
      right: 'the subject of a question',
      rights: { asks: [Explain] },
      publish: ['stance.rpc.policy-engine.explain.v1'],
    },
    {
      right: 'the subject of a question to listen to, and the inboxes of those who ask',
      rights: { answers: [GetPosture] },
      publish: ['_INBOX.asker.>'],
      subscribe: ['stance.rpc.posture-store.get.v1'],
    },
    {
      right: 'an event that no stream keeps to listen to',
      rights: { hears: [{ event: EngineReported, keys: { gateway: 'edge' } }] },
      subscribe: ['stance.engine.reported.v1.edge'],
    },
  ])('$right', ({ rights, publish = [], subscribe = [] }) => {
    const permissions = onlyOf(rights, { askers: ['_INBOX.asker.>'] });
    expect(permissions.publish.allow).toEqual([...COMMON.publish, ...publish].toSorted());
    expect(permissions.publish.deny).toEqual([]);
    expect(permissions.subscribe.allow).toEqual([...COMMON.subscribe, ...subscribe].toSorted());
  });

  test('a stream is not read by who may only look at it', () => {
    const { publish } = onlyOf({ streams: ['STANCE_DECISIONS'] });
    expect(publish.allow.filter((subject) => subject.includes('CONSUMER'))).toEqual([]);
  });

  test('whoever answers nothing publishes on no inbox', () => {
    const { publish } = onlyOf({ asks: [Explain] }, { askers: ['_INBOX.asker.>'] });
    expect(publish.allow).not.toContain('_INBOX.asker.>');
  });

  test('a user with two keys is answered on the inboxes of both', () => {
    expect(onlyOf({}, { inboxes: ['_INBOX.old', '_INBOX.new'] }).subscribe.allow).toEqual([
      '_INBOX.new.>',
      '_INBOX.old.>',
    ]);
  });
});

describe('the consumers of others', () => {
  const foreignConsumers = (stream: string) => (stream === 'STANCE_DECISIONS' ? ['other_decision-changed'] : []);

  test('are denied to who follows their stream', () => {
    expect(onlyOf({ reads: [{ event: DecisionChanged }] }, { foreignConsumers }).publish.deny).toEqual([
      '$JS.API.CONSUMER.CREATE.STANCE_DECISIONS.other_decision-changed',
      '$JS.API.CONSUMER.CREATE.STANCE_DECISIONS.other_decision-changed.>',
      '$JS.API.CONSUMER.DELETE.STANCE_DECISIONS.other_decision-changed',
      '$JS.API.CONSUMER.MSG.NEXT.STANCE_DECISIONS.other_decision-changed',
    ]);
  });

  test('need no denial where nothing of their stream is allowed', () => {
    expect(onlyOf({ reads: [{ event: SessionStarted }] }, { foreignConsumers }).publish.deny).toEqual([]);
  });
});

test('a list is sorted and names each subject once, so that two runs can be compared', () => {
  const { publish } = onlyOf({ reads: [{ event: DecisionChanged }, { event: DecisionChanged }], streams: ['A', 'A'] });
  expect(publish.allow).toEqual([...new Set(publish.allow)].toSorted());
});

test('ids are escaped, so that none of them is a wildcard', () => {
  expect(patternOf({ event: AgentObserved, keys: { source: 'a.>*' } })).toBe('stance.agent.observed.v1.a=2E=3E=2A.>');
});

test('an event that no stream keeps cannot be read from one', () => {
  expect(() => onlyOf({ reads: [{ event: EngineReported }] })).toThrow('engine.reported is kept by no stream');
});
