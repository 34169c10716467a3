import { isUtf8 } from 'node:buffer';
import type { RecordContent } from '@stance/audit-chain';
import {
  AgentMatched,
  contractOfSubject,
  encodeToken,
  keysOf,
  MalformedToken,
  MAX_EVENT_BYTES,
  NO_DEVICE,
  UnusableId,
} from '@stance/contracts';

/** A message of an audited stream, as far as a record needs it. */
export interface Fact {
  readonly stream: string;
  readonly sequence: number;
  readonly subject: string;
  /** Nanoseconds since 1970. */
  readonly storedAtNanos: bigint;
  readonly payload: Uint8Array;
}

/** Room in a record's event for everything but the payload; a subject takes at most 4 KiB, escaped six times that. */
const OVERHEAD_BYTES = 32 * 1024;
const MAX_PAYLOAD_BYTES = MAX_EVENT_BYTES - OVERHEAD_BYTES;

/** What the trail says of a fact. */
export function recordOf(fact: Fact): RecordContent {
  const { stream, sequence, subject, storedAtNanos, payload } = fact;
  return {
    kind: 'event',
    stream,
    device: deviceOf(subject, payload),
    sequence,
    subject,
    storedAt: timestampOf(storedAtNanos),
    ...payloadOf(payload),
  };
}

/** What the trail says where facts were gone before audit saw them. */
export function gapOf(stream: string, first: number, last: number): RecordContent {
  return { kind: 'gap', stream, device: NO_DEVICE, sequence: first, lastMissing: last };
}

/** What the trail says where a stream was made anew: nothing is known of the old one from `first` on, the new starts at 1. */
export function endOf(stream: string, first: number): RecordContent {
  return { kind: 'gap', stream, device: NO_DEVICE, sequence: first };
}

/** The device that a fact is about, or `-`: read from its subject; of an agent's register from its data, however malformed. */
export function deviceOf(subject: string, payload: Uint8Array): string {
  const contract = contractOfSubject(subject);
  try {
    if (contract === AgentMatched) return deviceInData(payload) ?? NO_DEVICE;
    if (contract?.keys.includes('deviceId') !== true) return NO_DEVICE;
    const keys: Record<string, string> = keysOf(contract, subject);
    return keys['deviceId'] ?? NO_DEVICE;
  } catch (error) {
    if (error instanceof MalformedToken || error instanceof UnusableId) return NO_DEVICE;
    throw error;
  }
}

/** Throws `UnusableId` for a name that cannot be part of a subject. */
function deviceInData(payload: Uint8Array): string | undefined {
  const event = objectOf(payload);
  const data = event?.['data'];
  if (typeof data !== 'object' || data === null || !('device' in data) || typeof data.device !== 'string') {
    return undefined;
  }
  encodeToken(data.device);
  return data.device;
}

/** The payload's JSON object; `undefined` when it holds none. */
export function objectOf(payload: Uint8Array | string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(typeof payload === 'string' ? payload : Buffer.from(payload).toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * The payload as text, or as base64 where it is none or where JSON's escapes would make it longer than base64. One that
 * fits in neither form (more than 552 KiB, and full of escapes) is left out: the record then proves that it was there.
 */
function payloadOf(payload: Uint8Array): Pick<RecordContent, 'payload' | 'encoding'> {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    // JSON makes six bytes of one at most: only a long text has to be measured.
    if (bytes.byteLength * 6 <= MAX_PAYLOAD_BYTES || Buffer.byteLength(JSON.stringify(text)) <= MAX_PAYLOAD_BYTES) {
      return { payload: text, encoding: 'utf8' };
    }
  }
  if (Math.ceil(bytes.byteLength / 3) * 4 > MAX_PAYLOAD_BYTES) return {};
  return { payload: bytes.toString('base64'), encoding: 'base64' };
}

/** RFC 3339 with all nine fraction digits that the server keeps. */
function timestampOf(nanos: bigint): string {
  const seconds = new Date(Number(nanos / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, '0')}Z`;
}
