import {
  AuditRecorded,
  DecisionChanged,
  filterOf,
  NO_DEVICE,
  PostureChanged,
  STREAMS,
  type EventContract,
  type EventOf,
} from '@stance/contracts';
import { WrongUsage } from '../errors.js';
import { messageBatches } from '../message-batches.js';
import { decodeOrSkip } from '../read-table.js';
import type { Stack } from '../stack.js';
import { TrailAt, type AuditRecord } from './trail-at.js';

/** Thrown when the audit trail does not tell what was asked about. */
export class HistoryLacking extends WrongUsage {}

/** What the audit trail tells of a device, and of policies, at one moment. */
export interface DeviceTrail {
  readonly device: TrailAt;
  /** What is recorded of policies until then, oldest first. */
  readonly policies: readonly AuditRecord[];
  /** What of it is missing, in sentences. */
  readonly lacking: readonly string[];
}

/** `at` in milliseconds since the epoch. Throws {@link HistoryLacking} where there is no trail. */
export async function readTrail(stack: Stack, deviceId: string, at: number): Promise<DeviceTrail> {
  if ((await edgeOf(stack, 'last', {})) === undefined) {
    throw new HistoryLacking(
      'nothing is in the audit trail, so nothing can be said of earlier times: is audit running?',
    );
  }
  const device = new TrailAt(at);
  const policies: AuditRecord[] = [];
  const read = (stream: string, of: string) =>
    visitTrail(stack, { stream, device: of }, (data) => {
      device.take(data);
      if (stream === STREAMS.POLICIES.name && data.storedAt !== undefined && Date.parse(data.storedAt) <= at) {
        policies.push(data);
      }
    });
  const ofDevice = [PostureChanged, DecisionChanged].map(streamOf);
  // Gaps are about no device.
  await Promise.all([
    ...ofDevice.map((stream) => read(stream, deviceId)),
    ...[...ofDevice, STREAMS.POLICIES.name].map((stream) => read(stream, NO_DEVICE)),
  ]);
  const streams = [...ofDevice, STREAMS.POLICIES.name];
  const unrecorded = await Promise.all(streams.map((stream) => notYetRecorded(stack, stream, at)));
  const gaps = streams.flatMap((stream) => device.gapsThatMatter(stream).map(gapText));
  return { device, policies, lacking: [...gaps, ...unrecorded.filter((text) => text !== undefined)] };
}

/** When the first fact that the trail has of a stream was stored. */
export async function trailBegins(stack: Stack, stream: string): Promise<string | undefined> {
  return (await edgeOf(stack, 'first', { stream }))?.storedAt;
}

/** The event that a record holds, as received; undefined where neither it nor its stream has one that can be read. */
export async function recordedEvent<Contract extends EventContract>(
  stack: Stack,
  contract: Contract,
  record: AuditRecord,
): Promise<EventOf<Contract> | undefined> {
  const payload = await payloadOf(stack, record);
  return payload && decodeOrSkip(contract, payload, record.subject ?? '');
}

/** As {@link recordedEvent}. Throws {@link HistoryLacking} where there is none. */
export async function requireEvent<Contract extends EventContract>(
  stack: Stack,
  contract: Contract,
  record: AuditRecord,
): Promise<EventOf<Contract>> {
  const event = await recordedEvent(stack, contract, record);
  if (event !== undefined) return event;
  const { stream, sequence, storedAt } = record;
  throw new HistoryLacking(
    `the ${contract.name} stored at ${storedAt ?? 'an unknown time'} (${stream} ${sequence}) is no longer readable, so that time cannot be explained`,
  );
}

async function payloadOf(
  { manager }: Stack,
  { payload, encoding, stream, sequence, storedAt = '' }: AuditRecord,
): Promise<Uint8Array | undefined> {
  if (payload !== undefined) return Buffer.from(payload, encoding ?? 'utf8');
  // Too large for a record: its stream may have it still, unless it was made anew and counts from 1 again.
  const message = await manager.streams.getMessage(stream, { seq: sequence });
  return message?.time.getTime() === Date.parse(storedAt) ? message.data : undefined;
}

async function edgeOf(stack: Stack, edge: 'first' | 'last', only: { stream?: string }) {
  const filter = filterOf(AuditRecorded, only);
  const trail = STREAMS.AUDIT.name;
  const manager = await stack.trailManager();
  const message =
    edge === 'last'
      ? await manager.streams.getMessage(trail, { last_by_subj: filter })
      : await manager.direct.getMessage(trail, { next_by_subj: filter });
  return message === null ? undefined : decodeOrSkip(AuditRecorded, message.data, message.subject)?.data;
}

/** Hands on all records of a filter, in their order. */
async function visitTrail(
  stack: Stack,
  of: { stream: string; device: string },
  visit: (record: AuditRecord) => void,
): Promise<void> {
  const filter = filterOf(AuditRecorded, of);
  const wanted = { stream: STREAMS.AUDIT.name, filter, from: 1 };
  for await (const batch of messageBatches(await stack.trailManager(), wanted)) {
    for (const message of batch) {
      const record = decodeOrSkip(AuditRecorded, message.data, message.subject)?.data;
      if (record !== undefined) visit(record);
    }
  }
}

/** Whether a stream holds facts that were stored by then, and that audit has not recorded yet. */
async function notYetRecorded(stack: Stack, stream: string, at: number): Promise<string | undefined> {
  const last = await edgeOf(stack, 'last', { stream });
  const seen = last?.lastMissing ?? last?.sequence ?? 0;
  const next = await stack.manager.direct.getMessage(stream, { seq: seen + 1, next_by_subj: '>' });
  if (next === null || next.time.getTime() > at) return undefined;
  return `audit has not recorded ${stream} from sequence ${next.seq} on, stored at ${next.time.toISOString()}: is it running?`;
}

function gapText({ stream, sequence, lastMissing }: AuditRecord): string {
  return lastMissing === undefined
    ? `${stream} was deleted and made anew: what it held from sequence ${sequence} on is not recorded`
    : `${stream} ${sequence} to ${lastMissing} were gone before audit saw them: what counted then may be among them`;
}

function streamOf({ name, stream }: EventContract): string {
  if (stream === null) throw new TypeError(`${name} is kept by no stream`);
  return stream.name;
}
