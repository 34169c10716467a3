import { describe, expect, it } from '@jest/globals';
import { EVENTS } from './catalogue.js';
import { addressOf, createEvent, decodeEvent, MAX_EVENT_BYTES, UnreadableEvent } from './codec.js';
import { envelope, EVENT_CONTENT_TYPE, subjectOf, type EventContract } from './event.js';
import { AgentMatched, AgentObserved } from './events/agent.js';
import { AUDIT_GENESIS_HASH } from './events/audit.js';
import { DEAD_LETTER_CODES, DeadLettered } from './events/dead-letter.js';
import { DeviceRecorded } from './events/device.js';
import { reason, REASON_CODES } from './events/reason.js';
import { SessionStarted } from './events/session.js';

const time = '2026-11-21T08:00:00.123456Z';
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** One good event's data for every contract. */
const SAMPLES: Record<string, object> = {
  'source.reported': { source: 's1', kind: 'sentinelone', state: 'ok', agents: 2, changed: 1, freshnessStep: 3600 },
  'agent.observed': {
    source: 's1',
    agentId: 'a.1',
    presence: 'present',
    hardware: { serialNumber: 'C02' },
    attributes: { 'sentinelOne:infected': false, 'sentinelOne:activeThreats': 0, 'x:y': 'z', 'x:list': ['a'] },
    observedAt: time,
  },
  'device.recorded': { deviceId: 'laptop 7', state: 'enrolled', hardware: {}, groups: ['sales'], tags: [] },
  'agent.matched': {
    source: 's1',
    agentId: 'a.1',
    state: 'matched',
    device: 'laptop 7',
    previousDevice: null,
    presence: 'present',
    attributes: {},
    observedAt: time,
  },
  'posture.changed': {
    deviceId: 'd',
    revision: 1,
    device: { state: 'enrolled', groups: [], tags: [] },
    agents: [],
    attributes: { 'sentinelOne:infected': { value: true, agent: 0 } },
    changed: ['sentinelOne:infected'],
    problems: ['no-agent'],
  },
  'policy.published': { revision: 1, document: 'rules: []', sha256: 'a'.repeat(64), publishedBy: 'cli' },
  'policy.activated': { revision: 1, outcome: 'refused', errors: [{ message: 'no such attribute', line: 3 }] },
  'timer.set': { deviceId: 'd', dueAt: time },
  'timer.due': { deviceId: 'd', dueAt: time },
  'decision.changed': {
    gateway: 'g',
    deviceId: 'd',
    resources: { wiki: { effect: 'deny', enforced: true, reasons: [{ code: 'no-rule', message: 'no rule' }] } },
    postureRevision: 0,
    policyRevision: 0,
    decidedAt: time,
    reviewAt: null,
  },
  'engine.reported': { gateway: 'g', policyRevision: 0, lag: 0, evaluatedUpTo: 0, decidedUpTo: 0, reportedAt: time },
  'session.started': {
    gateway: 'g',
    deviceId: 'd',
    sessionId: 's',
    resource: 'wiki',
    startedAt: time,
    expiresAt: time,
    enforcement: 'cut',
  },
  'session.revoked': {
    gateway: 'g',
    deviceId: 'd',
    sessionId: 's',
    resource: 'wiki',
    reasons: [],
    postureRevision: 1,
    policyRevision: 1,
    revokedAt: time,
  },
  'session.used': { gateway: 'edge', replica: 'r1', sessionIds: ['s.1'], reportedAt: time },
  'session.ended': { gateway: 'g', deviceId: 'd', sessionId: 's', resource: 'wiki', cause: 'closed', endedAt: time },
  'break-glass.used': {
    gateway: 'edge',
    useId: 'wiki-1',
    deviceId: 'd',
    resource: 'wiki',
    proof: 'certificate',
    by: 'someone',
    reason: 'NATS is down',
    until: '2026-01-05T12:00:00Z',
    usedAt: '2026-01-05T10:00:00Z',
  },
  'operator.acted': { kind: 'manual-link', targetId: 'd', by: 'someone', reason: 'replaced mainboard' },
  'audit.recorded': {
    kind: 'gap',
    stream: 'STANCE_POSTURE',
    device: '-',
    sequence: 1,
    lastMissing: 2,
    position: 1,
    previousHash: AUDIT_GENESIS_HASH,
    hash: 'f'.repeat(64),
  },
  'dead.lettered': {
    service: 'audit',
    originalSubject: 'stance.posture.changed.v1.d',
    stream: 'STANCE_POSTURE',
    sequence: 1,
    headers: { 'Nats-Msg-Id': ['x'] },
    payload: '{',
    encoding: 'utf8',
    bytes: 1,
    reason: { code: 'malformed', message: 'not JSON' },
    attempts: 1,
    diedAt: time,
  },
};

const contracts: [string, EventContract][] = EVENTS.map((contract) => [contract.name, contract]);

function eventOf(contract: EventContract) {
  return createEvent(contract, {
    id: 'e1',
    producer: contract.owners[0] ?? 'cli',
    time: new Date('2026-11-21T08:00:00Z'),
    data: SAMPLES[contract.name] ?? {},
    cause: { txn: 't1', traceparent, observedat: time },
  });
}

const bytes = (event: unknown) => Buffer.from(JSON.stringify(event));
const good = eventOf(DeviceRecorded);
const subject = subjectOf(DeviceRecorded, { deviceId: 'laptop 7' });

/** The code and message that reading fails with. */
function failure(read: () => unknown): { code: string; message: string } {
  try {
    read();
  } catch (error) {
    if (error instanceof UnreadableEvent) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it was read');
}

describe.each(contracts)('%s', (_, contract) => {
  const event = eventOf(contract);

  it('is read as it was made', () => {
    expect(decodeEvent(contract, bytes(event), addressOf(contract, event.data))).toEqual(event);
  });

  it('is a CloudEvent with the cause that it follows from', () => {
    expect(envelope.parse(event)).toMatchObject({
      specversion: '1.0',
      datacontenttype: 'application/json',
      source: `/stance/${contract.owners[0]}`,
      txn: 't1',
      traceparent,
      observedat: time,
    });
  });
});

describe('reading an event', () => {
  it('ignores fields that it does not know', () => {
    const newer = { ...good, extension: 1, data: { ...(good.data as object), later: { added: true } } };
    expect(decodeEvent(DeviceRecorded, bytes(newer), subject)).toEqual(good);
  });

  it('takes nothing from names that mean something to JavaScript', () => {
    const payload = JSON.stringify(eventOf(AgentObserved)).replace('"x:y":"z"', '"__proto__":["polluted"]');
    const { attributes } = decodeEvent(
      AgentObserved,
      Buffer.from(payload),
      subjectOf(AgentObserved, { source: 's1', agentId: 'a.1' }),
    ).data;
    expect(Array.isArray(Object.getPrototypeOf(attributes))).toBe(false);
  });

  const malformed: [string, Uint8Array][] = [
    ['nothing', Buffer.from('')],
    ['broken JSON', Buffer.from('{"specversion":')],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['a list', Buffer.from('[]')],
    ['null', Buffer.from('null')],
    ['no data', bytes({ ...good, data: undefined })],
    ['a missing field', bytes({ ...good, data: { deviceId: 'laptop 7' } })],
    ['a field of another type', bytes({ ...good, data: { ...(good.data as object), groups: 'sales' } })],
    ['another version of CloudEvents', bytes({ ...good, specversion: '0.3' })],
    ['a time that is none', bytes({ ...good, time: 'yesterday' })],
    ['a trace context that is none', bytes({ ...good, traceparent: 'x' })],
    ['an id that cannot be a token', bytes({ ...good, data: { ...(good.data as object), deviceId: '\uD800' } })],
    ['deep nesting', Buffer.from('['.repeat(200_000))],
  ];
  it.each(malformed)('finds %s malformed', (_, payload) => {
    expect(failure(() => decodeEvent(DeviceRecorded, payload, subject)).code).toBe('malformed');
  });

  it('names the fields that do not fit', () => {
    const { message } = failure(() =>
      decodeEvent(DeviceRecorded, bytes({ ...good, data: { deviceId: 'x' } }), subject),
    );
    expect(message).toContain('data.state');
  });

  it.each([
    ['another type', { ...good, type: 'dev.stance.agent.observed.v1' }, subject],
    ['data about another device', good, subjectOf(DeviceRecorded, { deviceId: 'another' })],
    ['an envelope about another device', { ...good, subject: 'another' }, subject],
  ])('finds %s misaddressed', (_, event, cameOn) => {
    expect(failure(() => decodeEvent(DeviceRecorded, bytes(event), cameOn)).code).toBe('misaddressed');
  });

  it('finds an event of another gateway on this one misaddressed', () => {
    const elsewhere = subjectOf(SessionStarted, { gateway: 'other', deviceId: 'd', sessionId: 's' });
    expect(failure(() => decodeEvent(SessionStarted, bytes(eventOf(SessionStarted)), elsewhere)).code).toBe(
      'misaddressed',
    );
  });

  it('finds more than the largest event oversized, without parsing it', () => {
    const payload = Buffer.alloc(MAX_EVENT_BYTES + 1, 'x');
    expect(failure(() => decodeEvent(DeviceRecorded, payload, subject)).code).toBe('oversized');
  });
});

describe('the closed lists', () => {
  it('every reason and dead-letter code has a sentence of its own', () => {
    for (const list of [REASON_CODES, DEAD_LETTER_CODES]) {
      const sentences: string[] = Object.values(list);
      expect(new Set(sentences).size).toBe(sentences.length);
      for (const [code, sentence] of Object.entries(list)) {
        expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
        expect(sentence).toMatch(/^[A-Z].*\.$/);
      }
    }
  });

  it('a reason takes the listed codes and no other', () => {
    for (const code of Object.keys(REASON_CODES)) expect(reason.safeParse({ code, message: 'x' }).success).toBe(true);
    expect(reason.safeParse({ code: 'because', message: 'x' }).success).toBe(false);
  });

  it('a dead letter takes the listed codes and no other', () => {
    const withCode = (code: string) => ({ ...SAMPLES['dead.lettered'], reason: { code, message: 'x' } });
    for (const code of Object.keys(DEAD_LETTER_CODES)) {
      expect(DeadLettered.data.safeParse(withCode(code)).success).toBe(true);
    }
    expect(DeadLettered.data.safeParse(withCode('because')).success).toBe(false);
  });

  it('an agent belongs to a device or to none, never to an absent field', () => {
    const { device: _, ...without } = SAMPLES['agent.matched'] as { device: string };
    expect(AgentMatched.data.safeParse(without).success).toBe(false);
  });

  it('the content type is that of CloudEvents in JSON', () => {
    expect(EVENT_CONTENT_TYPE).toBe('application/cloudevents+json');
  });
});
