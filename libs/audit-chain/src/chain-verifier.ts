import { CHAIN_START, hashOf, type AuditRecord, type ChainEnd } from './chain.js';

/** What came of walking a chain. */
export interface Verification {
  /** Records that fit, gaps included, up to the first that does not. */
  readonly records: number;
  readonly gaps: number;
  readonly lastHash: string;
  readonly firstBad?: { readonly position: number; readonly problem: string };
}

/** Checks records one after the other; after the first bad one the chain proves nothing more. */
export class ChainVerifier {
  records = 0;
  gaps = 0;
  end: ChainEnd = CHAIN_START;
  /** Per recorded stream the last sequence accounted for; 0 after the stream was made anew. */
  private readonly accounted = new Map<string, number>();

  /** What is wrong with the record behind those checked so far; takes it in when nothing is. */
  check(record: AuditRecord): string | undefined {
    const problem = this.problemOf(record);
    if (problem !== undefined) return problem;
    this.records += 1;
    if (record.kind === 'gap') this.gaps += 1;
    this.end = record;
    this.accounted.set(record.stream, accountedUpTo(record));
    return undefined;
  }

  private problemOf(record: AuditRecord): string | undefined {
    if (hashOf(record) !== record.hash)
      return 'its hash does not fit its content: it was altered, or never written by audit';
    const expected = this.end.position + 1;
    if (record.position > expected) {
      const last = record.position - 1;
      return `position ${expected === last ? expected : `${expected} to ${last}`} missing before it`;
    }
    if (record.position < expected) return `position ${record.position} comes after position ${this.end.position}`;
    if (record.previousHash !== this.end.hash) return 'its previous hash is not the hash of the record before it';
    const next = (this.accounted.get(record.stream) ?? 0) + 1;
    if (record.sequence !== next) return `it records ${record.stream} ${record.sequence}, but ${next} was next`;
    return undefined;
  }
}

/** The last sequence of its stream that a record accounts for. A gap without end closes a stream that was made anew. */
export function accountedUpTo({ kind, sequence, lastMissing }: AuditRecord): number {
  return kind === 'event' ? sequence : (lastMissing ?? 0);
}

/** Walks a chain from its first record and names the first that does not fit. */
export function verifyChain(chain: Iterable<AuditRecord>): Verification {
  const verifier = new ChainVerifier();
  for (const record of chain) {
    const problem = verifier.check(record);
    if (problem !== undefined) return { ...summaryOf(verifier), firstBad: { position: record.position, problem } };
  }
  return summaryOf(verifier);
}

function summaryOf({ records, gaps, end }: ChainVerifier): Verification {
  return { records, gaps, lastHash: end.hash };
}
