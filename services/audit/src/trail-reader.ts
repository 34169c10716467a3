import type { NatsConnection } from '@nats-io/transport-node';
import type { AuditRecord } from '@stance/audit-chain';
import { AuditRecorded, filterOf, UnusableId, type ListAudit } from '@stance/contracts';
import type { z } from 'zod';
import { objectOf } from './record.js';
import { lastSequenceOfTrail, walkTrail } from './trail.store.js';
import { verifyTrail, type AuditVerification, type VerifyTrailOptions } from './verify-trail.js';

export type ListedRecord = z.output<typeof ListAudit.output>['records'][number];

/** How much further back each next look reaches while the newest records of a device are searched. */
const WIDENING = 8;

/** Reads the trail for people: its newest records, and whether it is whole. */
export class TrailReader {
  constructor(private readonly connection: NatsConnection) {}

  /** The newest records, of one device or of all, oldest first. */
  async newest(limit: number, device?: string): Promise<ListedRecord[]> {
    const filter = filterOfDevice(device);
    if (filter === undefined) return [];
    for (let reach = limit; ; reach *= WIDENING) {
      const { records, everything } = await this.last(reach, limit, filter);
      if (records.length === limit || everything) return records.map(listed);
    }
  }

  /** Walks the whole chain, up to what it held at the time of the call. */
  verify(options?: VerifyTrailOptions): Promise<AuditVerification> {
    return verifyTrail(this.connection, options);
  }

  /** The newest matching records among the last `reach` of the trail, at most `limit`. */
  private async last(reach: number, limit: number, filter: string) {
    const records: AuditRecord[] = [];
    const from = Math.max(1, (await lastSequenceOfTrail(this.connection)) - reach + 1);
    await walkTrail(this.connection, { from, filter }, (message) => {
      if ('record' in message) records.push(message.record);
      if (records.length > 2 * limit) records.splice(0, limit);
      return true;
    });
    return { records: records.slice(-limit), everything: from === 1 };
  }
}

function filterOfDevice(device: string | undefined): string | undefined {
  try {
    return filterOf(AuditRecorded, device === undefined ? {} : { device });
  } catch (error) {
    // No device can have such an id, so there are no records of it.
    if (error instanceof UnusableId) return undefined;
    throw error;
  }
}

function listed({ position, kind, stream, sequence, lastMissing, device, storedAt, hash, ...rest }: AuditRecord) {
  const event = rest.encoding === 'utf8' && rest.payload !== undefined ? objectOf(rest.payload) : undefined;
  const [type, txn] = [event?.['type'], event?.['txn']];
  return {
    position,
    kind,
    stream,
    sequence,
    device,
    hash,
    ...(lastMissing !== undefined && { lastMissing }),
    ...(storedAt !== undefined && { storedAt }),
    ...(typeof type === 'string' && { type }),
    ...(typeof txn === 'string' && { txn }),
  };
}
