import { isUtf8 } from 'node:buffer';
import type { JsMsg } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import { DeadLettered, MAX_EVENT_BYTES, type DeadLetterCode, type DataOf, type ServiceName } from '@stance/contracts';
import type { EventPublisher } from './publisher.js';
import { currentTraceparent, isTraceparent } from './trace-context.js';

/** Room for everything but the payload: the envelope, the subject (twice, escaped), the reason and the headers. */
const OVERHEAD_BYTES = 64 * 1024;
/** The longest payload kept: base64 grows it by a third. */
const MAX_PAYLOAD_BYTES = Math.floor(((MAX_EVENT_BYTES - OVERHEAD_BYTES) * 3) / 4);
/** Bytes of JSON for the headers. */
const MAX_HEADERS_BYTES = 16 * 1024;
/** Longer subjects are cut: with the dead letter's prefix they would pass the server's 4 KiB line and end the connection. */
const MAX_SUBJECT_CHARACTERS = 1_024;

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
  const text = readableText(kept);
  return {
    service,
    originalSubject: message.subject.slice(0, MAX_SUBJECT_CHARACTERS).replace(/\.$/, ''),
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
    cause: { traceparent: currentTraceparent(traceparentIn(message.headers)) },
  });
}

function headersAsData(headers: MsgHdrs | undefined): Record<string, string[]> {
  const data: Record<string, string[]> = {};
  let budget = MAX_HEADERS_BYTES;
  for (const key of headers?.keys() ?? []) {
    const values = headers?.values(key) ?? [];
    budget -= Buffer.byteLength(JSON.stringify({ [key]: values }));
    if (budget < 0) break;
    data[key] = values;
  }
  return data;
}

/** The trace that a message's headers name, also of one whose payload cannot be read. */
export function traceparentIn(headers: MsgHdrs | undefined): string | undefined {
  const traceparent = headers?.get('traceparent');
  return isTraceparent(traceparent) ? traceparent : undefined;
}

/** The payload as text, unless it is none, or so full of what JSON escapes that base64 is shorter and surely fits. */
function readableText(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes).toString('utf8');
  return Buffer.byteLength(JSON.stringify(text)) <= (MAX_PAYLOAD_BYTES * 4) / 3 ? text : undefined;
}
