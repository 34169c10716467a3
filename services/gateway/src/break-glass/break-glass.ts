import type { Logger } from '@stance/service-kit';
import type { Asker, Emergency } from '../access/access.js';
import { WatchedFile, type FileContent } from '../watched-file.js';
import { parseBreakGlassFile, type Entry } from './break-glass-file.js';
import { HoldingEntries } from './holding-entries.js';
import { Uses, type UsesOptions } from './uses.js';

/** Larger is a mistake: an entry takes some hundred bytes. */
const MAX_BYTES = 1024 * 1024;

export interface BreakGlassOptions extends UsesOptions {
  /** The last entry for a device and resource is over: what is carried by it has to be cut. */
  readonly onEnded: (grantId: string) => void;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
  /** Milliseconds since 1970; default `Date.now`. */
  readonly now?: () => number;
  /** Between two looks at the file; default 1,000 ms. */
  readonly lookEveryMs?: number;
  /** How long a look may take; default 5,000 ms. Then no entry counts until one succeeds. */
  readonly readWithinMs?: number;
}

/** For `/readyz`: times in RFC 3339. */
export interface BreakGlassHealth {
  readonly active: readonly { device: string; resource: string; until: string; by: string; reason: string }[];
  /** Entries that do not count, and why. */
  readonly refused: readonly string[];
  /** Why no entry counts, or none could be used. */
  readonly problem: string | null;
  /** Uses that are not recorded for audit yet. */
  readonly unrecordedUses: number;
}

/**
 * Lets a device in that a local file names, whatever the policy says, even while nothing else can be reached. The device is
 * proved as always. A file that is missing, broken or cannot be read in time lets nobody in; nor does an entry whose use cannot be kept on the disk.
 */
export class BreakGlass implements Emergency {
  private readonly file: WatchedFile;
  private readonly uses: Uses;
  private readonly holding = new HoldingEntries();
  private readonly now: () => number;
  private refused: readonly string[] = [];
  private fileProblem: string | null = null;
  private useProblem: string | null = null;
  private polling: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private isStopped = false;

  constructor(private readonly options: BreakGlassOptions) {
    const { file, readWithinMs: withinMs } = options;
    this.file = new WatchedFile(file, { maxBytes: MAX_BYTES, ...(withinMs !== undefined && { withinMs }) });
    this.uses = new Uses(options);
    this.now = options.now ?? Date.now;
  }

  /** Reads the file, takes up what is still to be recorded, and looks again each second from then on. */
  async start(): Promise<void> {
    this.tryDisk(() => {
      this.uses.takeUp();
      this.uses.check();
    });
    await this.look();
    this.polling = setInterval(() => this.tick(), this.options.lookEveryMs ?? 1_000);
    this.polling.unref();
  }

  /** Lets nobody in from now on, and waits for nothing; what is not recorded yet stays on the disk. */
  stop(): void {
    this.isStopped = true;
    clearInterval(this.polling);
    this.holding.replace([], this.now());
  }

  admit(asker: Asker): { readonly grantId: string } | undefined {
    const now = this.now();
    const found = this.holding.find(asker, now);
    if (found === undefined) return undefined;
    const { entry, grantId } = found;
    const isTold = this.uses.hasBegun(entry, asker) || this.tryDisk(() => this.uses.begin(entry, asker, now));
    return isTold ? { grantId } : undefined;
  }

  health(): BreakGlassHealth {
    return {
      active: this.holding.all.map((entry) => ({ ...entry, until: new Date(entry.until).toISOString() })),
      refused: this.refused,
      problem: this.fileProblem ?? this.useProblem,
      unrecordedUses: this.uses.unrecorded,
    };
  }

  /** What is over by time ends, however long the file takes to be read. */
  private tick(): void {
    this.turnTo(this.holding.all);
    void this.look();
  }

  /** Takes in what has changed: the file, or the time. One look at a time; never rejects. */
  look(): Promise<void> {
    return (this.looking ??= this.lookNow().finally(() => (this.looking = undefined)));
  }

  private async lookNow(): Promise<void> {
    let changed: readonly Entry[] | undefined;
    try {
      const content = await this.file.readIfChanged();
      if (content !== undefined) {
        changed = this.read(content);
        this.fileProblem = null;
      }
    } catch (error) {
      changed = this.close(error);
    }
    if (!this.isStopped) this.turnTo(changed ?? this.holding.all);
  }

  private read(content: FileContent): readonly Entry[] {
    this.refused = [];
    if (content === null) return [];
    const { text, modifiedAt } = content;
    const { entries, refused } = parseBreakGlassFile(text, { modifiedAt, now: this.now() });
    this.refused = refused;
    for (const problem of refused) {
      this.options.logger.error({ file: this.options.file }, `a break-glass entry does not count: ${problem}`);
    }
    return entries;
  }

  /** No entry counts of a file that cannot be read; said once for each problem. */
  private close(error: unknown): readonly Entry[] {
    const problem = `${this.options.file}: ${error instanceof Error ? error.message : String(error)}`;
    if (problem !== this.fileProblem) {
      this.options.logger.error(
        { err: error, file: this.options.file },
        'no break-glass entry counts: put the file right',
      );
    }
    this.fileProblem = problem;
    this.refused = [];
    return [];
  }

  private turnTo(entries: readonly Entry[]): void {
    const { logger, onEnded } = this.options;
    const now = this.now();
    const { begun, ended, endedGrants } = this.holding.replace(entries, now);
    for (const entry of begun) {
      logger.warn(told(entry), 'break-glass holds: a device is let in whatever the policy says');
    }
    for (const entry of ended) {
      this.uses.forget(entry);
      logger.warn(told(entry), entry.until <= now ? 'break-glass has ended' : 'break-glass was taken back');
    }
    for (const grantId of endedGrants) onEnded(grantId);
  }

  /** Whether it worked; said once for each problem, however many ask. */
  private tryDisk(work: () => void): boolean {
    try {
      work();
      this.useProblem = null;
      return true;
    } catch (error) {
      const problem = `uses cannot be kept: ${error instanceof Error ? error.message : String(error)}`;
      if (problem !== this.useProblem) {
        this.options.logger.error(
          { err: error },
          'break-glass lets nobody in: a use has to be kept beside its file until it is recorded; make that folder writable',
        );
      }
      this.useProblem = problem;
      return false;
    }
  }
}

function told({ until, ...entry }: Entry): Record<string, string> {
  return { ...entry, until: new Date(until).toISOString() };
}
