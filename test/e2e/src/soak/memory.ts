import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import type { Estate } from '../estate/estate.js';

const run = promisify(execFile);

/** What a process held when it was warm, and what it held last, in MiB. */
export interface MemoryReading {
  readonly service: string;
  readonly warm: number;
  readonly last: number;
}

/** Resident memory of services, of each process from the time on at which it is warm. */
export class Memory {
  private readonly readings = new Map<number, MemoryReading & { readonly since: number; readonly looks: number }>();

  constructor(
    private readonly estate: Estate,
    /** Milliseconds after which a process has grown to what it needs. */
    private readonly warmUpMs: number,
  ) {}

  async read(): Promise<void> {
    for (const service of this.estate.services) {
      const { pid, running } = this.estate.processOf(service);
      const mebibytes = running ? await residentOf(pid) : undefined;
      if (mebibytes === undefined) continue;
      const before = this.readings.get(pid) ?? {
        service,
        since: performance.now(),
        looks: 0,
        warm: mebibytes,
        last: mebibytes,
      };
      const isWarm = performance.now() - before.since > this.warmUpMs;
      const warm = isWarm ? before.warm : Math.max(before.warm, mebibytes);
      this.readings.set(pid, { ...before, looks: before.looks + 1, warm, last: mebibytes });
    }
  }

  /** One reading for each service: of its process that ran longest. */
  report(): MemoryReading[] {
    return this.estate.services.flatMap((service) => {
      const own = [...this.readings.values()].filter((reading) => reading.service === service);
      return own.toSorted((one, other) => one.looks - other.looks).slice(-1);
    });
  }
}

/** `undefined` for a process that is gone. */
async function residentOf(pid: number): Promise<number | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)]);
    return Number(stdout.trim()) / 1_024;
  } catch (error) {
    // It says so by its exit code.
    if (error instanceof Error && 'code' in error && error.code === 1) return undefined;
    throw error;
  }
}
