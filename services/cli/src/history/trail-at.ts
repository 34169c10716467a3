import type { AuditRecorded, DataOf } from '@stance/contracts';

/** One record of the audit trail: a fact as received, or a gap. */
export type AuditRecord = DataOf<typeof AuditRecorded>;

/** What a part of the audit trail tells of one moment: of each subject the last fact stored by then. Pure. */
export class TrailAt {
  private readonly lasts = new Map<string, AuditRecord>();
  private readonly nexts = new Map<string, AuditRecord>();
  private readonly gaps: AuditRecord[] = [];

  constructor(
    /** Milliseconds since the epoch. */
    private readonly at: number,
  ) {}

  /** Takes a record; those of one stream in their order. */
  take(record: AuditRecord): void {
    const { kind, subject, storedAt } = record;
    if (kind === 'gap') {
      this.gaps.push(record);
      return;
    }
    if (subject === undefined || storedAt === undefined) return;
    // Of the digits below a millisecond `at` has none.
    if (Date.parse(storedAt) <= this.at) this.lasts.set(subject, record);
    else if (!this.nexts.has(subject)) this.nexts.set(subject, record);
  }

  /** The last fact of a subject that was stored by then. */
  last(subject: string): AuditRecord | undefined {
    return this.lasts.get(subject);
  }

  /** The last fact of each subject that was stored by then in a stream. */
  lastsOf(stream: string): AuditRecord[] {
    return [...this.lasts.values()].filter((record) => record.stream === stream);
  }

  /** The first fact of a stream that was stored later. */
  nextOf(stream: string): AuditRecord | undefined {
    return [...this.nexts.values()].find((record) => record.stream === stream);
  }

  /** Where facts are missing from the trail that may have been what counted then. */
  gapsThatMatter(stream: string): AuditRecord[] {
    const positions = this.lastsOf(stream).map(({ subject = '', position }) => ({
      from: position,
      to: this.nexts.get(subject)?.position ?? Number.POSITIVE_INFINITY,
    }));
    const spans = positions.length > 0 ? positions : [{ from: 0, to: this.nextOf(stream)?.position ?? Infinity }];
    return this.gaps.filter(
      (gap) => gap.stream === stream && spans.some(({ from, to }) => from < gap.position && gap.position < to),
    );
  }
}
