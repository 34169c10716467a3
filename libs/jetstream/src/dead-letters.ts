import type { JsMsg } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import { DeadLettered, MAX_EVENT_BYTES, type DeadLetterCode, type DataOf, type ServiceName } from '@stance/contracts';
import type { EventPublisher } from './publisher.js';

/** Room for the envelope and, as base64 grows by a third, for any payload that fits. */
const MAX_PAYLOAD_BYTES = Math.floor((MAX_EVENT_BYTES * 3) / 4) - 16 * 1024;

export interface Death {
  readonly code: DeadLetterCode;
  readonly message: string;
  readonly attempts: number;
}

/** The record of a message that cannot be used: the message as received, and why. Pure. */
export function deadLetterOf(
  service: ServiceName,
  message: JsMsg,
  death: Death,
  now: Date,
): DataOf<typeof DeadLettered> {
  const kept = message.data.subarray(0, MAX_PAYLOAD_BYTES);
  const text = utf8(kept);
  return {
    service,
    originalSubject: message.subject,
    stream: message.info.stream,
    sequence: message.seq,
    headers: headersAsData(message.headers),
    payload: text ?? Buffer.from(kept).toString('base64'),
    encoding: text === undefined ? 'base64' : 'utf8',
    bytes: message.data.byteLength,
    reason: { code: death.code, message: death.message.slice(0, 2_000) },
    attempts: death.attempts,
    diedAt: now.toISOString(),
  };
}

/** Stores the dead letter, once however often it is tried. The message may be terminated only after this resolved. */
export async function publishDeadLetter(publisher: EventPublisher, message: JsMsg, death: Death): Promise<void> {
  await publisher.publish(DeadLettered, deadLetterOf(publisher.service, message, death, new Date()), {
    id: `${publisher.service}:${message.info.stream}:${message.seq}:dead`,
    // The original's headers stay data: copied as headers, a Nats-TTL or Nats-Msg-Id would act on the dead letter.
    cause: { traceparent: traceparentOf(message.headers) },
  });
}

function headersAsData(headers: MsgHdrs | undefined): Record<string, string[]> {
  const data: Record<string, string[]> = {};
  let budget = 16 * 1024;
  for (const key of headers?.keys() ?? []) {
    const values = headers?.values(key) ?? [];
    budget -= key.length + values.reduce((length, value) => length + value.length, 0);
    if (budget < 0) break;
    data[key] = values;
  }
  return data;
}

function traceparentOf(headers: MsgHdrs | undefined): string | undefined {
  const traceparent = headers?.get('traceparent');
  return traceparent !== undefined && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent)
    ? traceparent
    : undefined;
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
