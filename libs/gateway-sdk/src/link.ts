import type { NatsConnection } from '@nats-io/transport-node';

/** The state of the connection to NATS, which heals by itself; ours to watch, not to close. */
export class Link {
  private up = true;
  private readonly waiting = new Set<() => void>();
  private readonly listeners = new Set<(event: 'lost' | 'back') => void>();

  constructor(readonly connection: NatsConnection) {
    this.up = !connection.isClosed();
    void this.watch();
    void connection.closed().then(() => this.turn(false));
  }

  get connected(): boolean {
    return this.up;
  }

  /** Resolves when there is a connection, or at the latest when `signal` fires. */
  async whenConnected(signal: AbortSignal): Promise<void> {
    if (this.up || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  onChange(listener: (event: 'lost' | 'back') => void): void {
    this.listeners.add(listener);
  }

  private async watch(): Promise<void> {
    for await (const status of this.connection.status()) {
      if (status.type === 'disconnect') this.turn(false);
      if (status.type === 'reconnect') this.turn(true);
    }
  }

  private turn(up: boolean): void {
    if (this.up === up) return;
    this.up = up;
    for (const listener of this.listeners) listener(up ? 'back' : 'lost');
    if (up) for (const resume of this.waiting) resume();
  }
}
