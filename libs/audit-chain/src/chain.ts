import { createHash } from 'node:crypto';
import { AUDIT_GENESIS_HASH, type AuditRecorded, type DataOf } from '@stance/contracts';

/** One record of the trail: a fact as received, or a gap, with its place in the chain. */
export type AuditRecord = DataOf<typeof AuditRecorded>;

/** What a record says, before it has its place. */
export type RecordContent = Omit<AuditRecord, 'position' | 'previousHash' | 'hash'>;

/** Where a chain ends: what the next record follows. */
export interface ChainEnd {
  readonly position: number;
  readonly hash: string;
}

/** The end of a chain without records. */
export const CHAIN_START: ChainEnd = { position: 0, hash: AUDIT_GENESIS_HASH };

/** Names the form that is hashed; another form would have another name. */
const FORM = 'stance.audit.v1';

/** Gives a record its place behind `end`. */
export function linkTo(end: ChainEnd, content: RecordContent): AuditRecord {
  const placed = { ...content, position: end.position + 1, previousHash: end.hash };
  return { ...placed, hash: hashOf(placed) };
}

/**
 * The hash of a record: SHA-256, in lower-case hex, over the fields below in this order. A field that is present is
 * written as a netstring, `<bytes>:<UTF-8>,`, with numbers in decimal; an absent one as `-,`. Nothing depends on how JSON
 * is written, so that any language can check it; `services/audit/README.md` has an example.
 */
export function hashOf(record: Omit<AuditRecord, 'hash'>): string {
  const hash = createHash('sha256');
  for (const field of [
    FORM,
    record.position,
    record.previousHash,
    record.kind,
    record.stream,
    record.sequence,
    record.lastMissing,
    record.device,
    record.subject,
    record.storedAt,
    record.encoding,
    record.payload,
  ]) {
    if (field === undefined) {
      hash.update('-,');
      continue;
    }
    const text = String(field);
    hash
      .update(`${Buffer.byteLength(text)}:`)
      .update(text)
      .update(',');
  }
  return hash.digest('hex');
}
