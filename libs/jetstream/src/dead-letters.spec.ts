import { describe, expect, it } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { addressOf, createEvent, DeadLettered, decodeEvent, MAX_EVENT_BYTES } from '@stance/contracts';
import { deadLetterOf } from './dead-letters.js';
import { receivedMessage } from './spec/events.js';

const now = new Date('2026-11-21T08:00:00Z');
const death = { code: 'malformed', message: 'not JSON', attempts: 2 } as const;

/** The dead letter as it is read again, which shows that it fits its own contract. */
function buriedAndRead(overrides: Parameters<typeof receivedMessage>[0], message: string = death.message) {
  const data = deadLetterOf('audit', receivedMessage(overrides), { ...death, message }, now);
  const event = createEvent(DeadLettered, { id: 'x', producer: 'audit', time: now, data, cause: {} });
  const payload = Buffer.from(JSON.stringify(event));
  return { data: decodeEvent(DeadLettered, payload, addressOf(DeadLettered, data)).data, size: payload.byteLength };
}

describe('a dead letter', () => {
  it('holds the message as received, why it died, and where it was', () => {
    const received = headers();
    received.append('Nats-Msg-Id', 'a');
    received.append('X-Many', '1');
    received.append('X-Many', '2');
    const { data } = buriedAndRead({ data: Buffer.from('{"broken'), headers: received, seq: 7 });
    expect(data).toEqual({
      service: 'audit',
      originalSubject: 'stance.agent.observed.v1.s.agent-1',
      stream: 'STANCE_AGENTS',
      sequence: 7,
      headers: { 'Nats-Msg-Id': ['a'], 'X-Many': ['1', '2'] },
      payload: '{"broken',
      encoding: 'utf8',
      bytes: 8,
      reason: { code: 'malformed', message: 'not JSON' },
      attempts: 2,
      diedAt: '2026-11-21T08:00:00.000Z',
    });
  });

  it('holds bytes that are no text as base64', () => {
    const { data } = buriedAndRead({ data: Uint8Array.from([0xff, 0xfe]) });
    expect([data.encoding, Buffer.from(data.payload, 'base64')]).toEqual(['base64', Buffer.from([0xff, 0xfe])]);
  });

  it.each([
    ['1 MiB of text', Buffer.alloc(1024 * 1024, 'x')],
    ['1 MiB of quotes, which JSON escapes', Buffer.alloc(1024 * 1024, '"')],
    ['1 MiB of control characters, which JSON escapes sixfold', Buffer.alloc(1024 * 1024, 1)],
    ['1 MiB of bytes that are no text', Buffer.alloc(1024 * 1024, 0xff)],
    ['as much text as is still kept whole', Buffer.alloc(500 * 1024, 'x')],
  ])('is never larger than an event may be: %s', (_, data) => {
    const hostile = headers();
    for (let count = 0; count < 400; count += 1) hostile.append(`X-${count}`, '"\u0001'.repeat(100));
    const subject = `stance.agent.observed.v1.${'"\\"."'.repeat(700)}`;
    const letter = buriedAndRead({ data, headers: hostile, subject }, '\u0001'.repeat(10_000));
    expect(letter.size).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    expect(letter.data.bytes).toBe(data.byteLength);
    expect(letter.data.payload.length).toBeGreaterThan(400 * 1024);
  });

  it('keeps its own subject short enough for the server, and whole tokens at its end', () => {
    const prefix = 'stance.agent.observed.v1.';
    const { data } = buriedAndRead({ subject: `${prefix}${'x'.repeat(1_023 - prefix.length)}.${'y'.repeat(2_000)}` });
    expect(data.originalSubject).toHaveLength(1_023);
    expect(addressOf(DeadLettered, data).length).toBeLessThan(1_100);
  });
});
