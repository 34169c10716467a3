import { describe, expect, it } from '@jest/globals';
import { CHAIN_START, linkTo } from '@stance/audit-chain';
import { AuditRecorded, createEvent, MAX_EVENT_BYTES } from '@stance/contracts';
import { deviceOf, recordOf, type Fact } from './record.js';

function fact(partial: Partial<Fact> = {}): Fact {
  return {
    stream: 'STANCE_POSTURE',
    sequence: 3,
    subject: 'stance.posture.changed.v1.d1',
    storedAtNanos: 1_795_248_000_123_456_789n,
    payload: Buffer.from('{}'),
    ...partial,
  };
}

describe('the device that a fact is about', () => {
  const matched = 'stance.agent.matched.v1.sentinelone.a1';
  it.each([
    ['the device in its subject', 'stance.posture.changed.v1.laptop=207', '{}', 'laptop 7'],
    ['the device among other ids', 'stance.session.revoked.v1.edge.d9.s1', 'not read', 'd9'],
    ['the device of an agent register', matched, '{"data":{"device":"d4"}}', 'd4'],
    ['none while an agent has none', matched, '{"data":{"device":null}}', '-'],
    ['none in a broken register', matched, '{"data":', '-'],
    ['none in a register that is no object', matched, '[null]', '-'],
    ['none where the id is empty', matched, '{"data":{"device":""}}', '-'],
    ['none where the id is too long for a subject', matched, `{"data":{"device":"${'é'.repeat(100)}"}}`, '-'],
    ['none where the id is no Unicode', matched, '{"data":{"device":"\\ud800"}}', '-'],
    ['none where the subject has too few ids', 'stance.decision.changed.v1.edge', '{}', '-'],
    ['none where the subject is no escaped id', 'stance.posture.changed.v1.a=zz', '{}', '-'],
    ['none for an agent', 'stance.agent.observed.v1.sentinelone.a1', '{}', '-'],
    ['none for a policy', 'stance.policy.published.v1', '{}', '-'],
  ])('is %s', (_, subject, payload, device) => {
    expect(deviceOf(subject, Buffer.from(payload))).toBe(device);
  });
});

describe('the record of a fact', () => {
  it('keeps where and when it was stored, to the nanosecond', () => {
    expect(recordOf(fact())).toEqual({
      kind: 'event',
      stream: 'STANCE_POSTURE',
      device: 'd1',
      sequence: 3,
      subject: 'stance.posture.changed.v1.d1',
      storedAt: '2026-11-21T08:00:00.123456789Z',
      payload: '{}',
      encoding: 'utf8',
    });
  });

  it.each([
    ['text with a byte order mark', Buffer.from('\uFEFFx'), 'utf8'],
    ['bytes that are no text', Buffer.from([0xc3, 0x28]), 'base64'],
    ['a long text that JSON escapes little', Buffer.alloc(700_000, 'x'), 'utf8'],
    ['a long text that base64 keeps shorter', Buffer.alloc(500_000, '"'), 'base64'],
  ])('keeps %s as it was received', (_, payload, encoding) => {
    const record = recordOf(fact({ payload }));
    expect(record.encoding).toBe(encoding);
    expect(Buffer.from(record.payload ?? '', record.encoding).equals(payload)).toBe(true);
  });

  it('leaves out a payload that no record has room for', () => {
    const record = recordOf(fact({ payload: Buffer.alloc(1_000_000, 1) }));
    expect(record).toMatchObject({ sequence: 3, subject: 'stance.posture.changed.v1.d1' });
    expect([record.payload, record.encoding]).toEqual([undefined, undefined]);
  });

  it.each(['x', '"', '\u0001', 'é'])('always fits into an event: full of %j, at any length', (character) => {
    for (const length of [100_000, 125_000, 300_000, 367_000, 500_000, 552_000, 700_000, 753_000, 1_000_000]) {
      const payload = Buffer.alloc(length, character);
      const data = linkTo(
        CHAIN_START,
        recordOf(fact({ payload, subject: `stance.posture.changed.v1.${'=01'.repeat(66)}` })),
      );
      const event = createEvent(AuditRecorded, { id: 'x', producer: 'audit', time: new Date(0), data, cause: {} });
      expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    }
  });
});
