import type { StoredMsg } from '@nats-io/jetstream';
import type { AuditRecord } from '@stance/audit-chain';
import { AuditRecorded, decodeEvent, UnreadableEvent } from '@stance/contracts';
import { z } from 'zod';

/** What every line of an exported trail begins with. */
export const LINE_START = '{"streamSequence":';

const trailLine = z.object({
  streamSequence: z.int().positive(),
  subject: z.string(),
  event: z.unknown().optional(),
  payload: z.string().optional(),
});

/** What stands in a line: a record, or why it is none. */
export type LineContent =
  | { readonly streamSequence: number; readonly record: AuditRecord }
  | { readonly streamSequence?: number; readonly problem: string };

/** A message of the trail as a line of JSON: as `event` what is stored, to the letter, or as `payload` in base64 where that is no JSON. */
export function lineOf({ seq, subject, data }: Pick<StoredMsg, 'seq' | 'subject' | 'data'>): string {
  const event = jsonIn(data);
  const stored = event === undefined ? `"payload":"${Buffer.from(data).toString('base64')}"` : `"event":${event}`;
  return `${LINE_START}${seq},"subject":${JSON.stringify(subject)},${stored}}`;
}

/** Reads a line of an exported trail. */
export function contentOf(line: string): LineContent {
  const parsed = trailLine.safeParse(parsedJson(line));
  if (!parsed.success) return { problem: 'it is not a line of an exported trail' };
  const { streamSequence, subject, event, payload } = parsed.data;
  const stored = payload === undefined ? Buffer.from(JSON.stringify(event ?? null)) : Buffer.from(payload, 'base64');
  try {
    return { streamSequence, record: decodeEvent(AuditRecorded, stored, subject).data };
  } catch (error) {
    if (!(error instanceof UnreadableEvent)) throw error;
    return { streamSequence, problem: `it is not an audit record: ${error.message}` };
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a payload where it is JSON in one line. */
function jsonIn(data: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(data);
    JSON.parse(text);
    return /[\r\n]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
