import { ServiceProcess, waitFor } from '@stance/testing';
import type { Service } from '../services.js';

/** One process of a service, and whether it ended by our will. */
export class Replica {
  wasEnded = false;

  private constructor(
    readonly service: Service,
    private readonly process: ServiceProcess,
  ) {}

  static start(service: Service, environment: NodeJS.ProcessEnv): Replica {
    return new Replica(service, ServiceProcess.start(service, environment));
  }

  get isActive(): boolean {
    return this.process.isActive;
  }

  /** Where a gateway answers `/authorize`; known once it listens. */
  get authorizeUrl(): string | undefined {
    return this.urlOf('answering proxies');
  }

  /** Where a gateway relays to payroll. */
  get relayUrl(): string | undefined {
    return this.urlOf('relaying HTTP');
  }

  /** Resolves when it does its part, or stands by for another replica; a gateway also knows that it may be believed. */
  async up(timeoutMs: number): Promise<void> {
    const look = async () => {
      if (!this.process.running) throw new Error(`${this.service} has ended: ${this.process.errors}`);
      const isUp = this.isActive || this.process.lines.some(({ msg }) => msg === 'standby');
      return isUp && (await fetch(`${this.process.url}/readyz`)).ok;
    };
    await waitFor(look, { what: `a replica of ${this.service} to be up`, timeoutMs, intervalMs: 100 });
  }

  async end(how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.wasEnded = true;
    await this.process.stop(how);
  }

  /** How it ended though nobody wanted it to, or badly though asked in order; `undefined` where all is well. */
  get mishap(): string | undefined {
    const { running, exitCode, errors } = this.process;
    if (running) return undefined;
    // A process that was killed has no exit code.
    const isFine = this.wasEnded && (exitCode === 0 || exitCode === null);
    return isFine ? undefined : `${this.service} ended with ${exitCode}: ${errors}`;
  }

  /** What it logged as a warning or an error (pino levels), for whoever looks into a failed run. */
  get troubles(): string[] {
    return this.process.lines
      .filter(({ level }) => level === 'warn' || level === 'error' || Number(level) >= 40)
      .map((line) => JSON.stringify(line));
  }

  private urlOf(message: string): string | undefined {
    const url = this.process.lines.find(({ msg }) => msg === message)?.['url'];
    return typeof url === 'string' ? url : undefined;
  }
}
