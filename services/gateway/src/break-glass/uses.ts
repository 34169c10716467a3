import { metrics } from '@opentelemetry/api';
import type { Logger } from '@stance/service-kit';
import type { Asker } from '../access/access.js';
import type { Entry } from './break-glass-file.js';
import { useOf, type BreakGlassUse } from './break-glass-use.js';
import { entryKey } from './holding-entries.js';
import { UseJournal } from './use-journal.js';

export interface UsesOptions {
  /** The break-glass file, beside which uses are kept until they are recorded. */
  readonly file: string;
  readonly gateway: string;
  /** Records a use for audit, through outages; false when it was given up because the gateway stops. */
  readonly record: (use: BreakGlassUse) => Promise<boolean>;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}

/** Tells that an entry is used, once for each entry and user: to the log, the metrics, and the audit. */
export class Uses {
  private readonly journal: UseJournal;
  /** By entry, the users that it let in. */
  private readonly begun = new Map<string, Set<string | undefined>>();
  private readonly waiting = new Set<string>();
  private readonly counter = metrics.getMeter('@stance/gateway').createCounter('stance.gateway.break_glass.uses', {
    description: 'Devices and users that a break-glass entry let in, once each',
    unit: '{use}',
  });

  constructor(private readonly options: UsesOptions) {
    this.journal = new UseJournal(options.file);
  }

  /** Uses that are not confirmed yet. */
  get unrecorded(): number {
    return this.waiting.size;
  }

  /** Throws where a use could not be kept: nobody would be let in. */
  check(): void {
    this.journal.check();
  }

  /** Records what an earlier life of this gateway could not; what is another's in the same folder is left to it. */
  takeUp(): void {
    const { uses, unreadable } = this.journal.read();
    for (const path of unreadable) {
      this.options.logger.error(
        { path },
        'this is no use of break-glass that can be recorded: look at it, then remove it',
      );
    }
    for (const use of uses) if (use.gateway === this.options.gateway) void this.record(use);
    for (const [gateway, others = []] of Object.entries(Object.groupBy(uses, (use) => use.gateway))) {
      if (gateway === this.options.gateway) continue;
      this.options.logger.warn(
        { gateway, paths: others.map((use) => this.journal.pathOf(use)) },
        'uses of break-glass by another gateway wait here: only a gateway of that name records them',
      );
    }
  }

  hasBegun(entry: Entry, { user }: Asker): boolean {
    return this.begun.get(entryKey(entry))?.has(user) ?? false;
  }

  /** On the disk when it returns. Throws what the file system throws: whoever asks stays out then. */
  begin(entry: Entry, asker: Asker, now: number): void {
    const use = useOf(this.options.gateway, entry, asker, now);
    this.journal.keep(use);
    const key = entryKey(entry);
    this.begun.set(key, (this.begun.get(key) ?? new Set()).add(asker.user));
    this.counter.add(1);
    this.options.logger.warn(use, 'break-glass is used: a device is let in that the policy denies');
    void this.record(use);
  }

  /** It holds no more. */
  forget(entry: Entry): void {
    this.begun.delete(entryKey(entry));
  }

  private async record(use: BreakGlassUse): Promise<void> {
    this.waiting.add(use.useId);
    try {
      if (!(await this.options.record(use))) return;
      this.journal.remove(use);
      this.waiting.delete(use.useId);
    } catch (error) {
      this.options.logger.error(
        { err: error, useId: use.useId },
        'a use of break-glass is not recorded yet: it stays on the disk and is tried again at the next start',
      );
    }
  }
}
