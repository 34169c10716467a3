import type { Fault } from '@stance/simulators';

import type { Dice } from './dice.js';
import type { Estate } from './estate.js';

/** Where a fault strikes, and how often. */
type Strike = Pick<Fault, 'times' | 'after' | 'path'>;

const FAULTS: readonly ((strike: Strike) => Fault)[] = [
  (strike) => ({ kind: 'rate-limited', retryAfterSeconds: 0, ...strike }),
  (strike) => ({ kind: 'rate-limited', retryAfterSeconds: 1, asDate: true, ...strike }),
  (strike) => ({ kind: 'server-error', status: 503, retryAfterSeconds: 0, ...strike }),
  (strike) => ({ kind: 'server-error', status: 500, ...strike }),
  (strike) => ({ kind: 'html', ...strike }),
  (strike) => ({ kind: 'truncated-body', ...strike }),
  (strike) => ({ kind: 'invalid-json', ...strike }),
  (strike) => ({ kind: 'error-body', ...strike }),
  (strike) => ({ kind: 'missing-pagination', ...strike }),
  (strike) => ({ kind: 'missing-cursor', ...strike }),
  (strike) => ({ kind: 'repeated-cursor', ...strike }),
  (strike) => ({ kind: 'plain-cursor', ...strike }),
  (strike) => ({ kind: 'total-zero', ...strike }),
  (strike) => ({ kind: 'empty-page', ...strike }),
  (strike) => ({ kind: 'empty-page', keepsCursor: true, ...strike }),
  (strike) => ({ kind: 'extra-last-page', ...strike }),
  (strike) => ({ kind: 'slow', delayMs: 300, ...strike }),
  (strike) => ({ kind: 'connection-reset', ...strike }),
];

/** What goes wrong with consoles and processes, drawn by dice. */
export class Trouble {
  private shifts = 0;

  constructor(
    private readonly estate: Estate,
    private readonly dice: Dice,
    /** Whether agents may be inserted between two pages. */
    private readonly inserts = true,
  ) {}

  /** A console answers a few requests wrongly. */
  console(): void {
    const { tenant } = this.dice.pick(this.estate.consoles);
    const path = this.dice.pick(['', '/agents', '/agents', '/threats', '/activities']);
    const strike = { times: 1 + this.dice.below(3), after: this.dice.below(3), ...(path !== '' && { path }) };
    tenant.faults.script(this.dice.pick(FAULTS)(strike));
  }

  /** Rows move, and come, between two pages of a listing. */
  shift(): void {
    this.shifts += 1;
    const among = this.dice.pick(['read', 'unread', 'any'] as const);
    const insert = this.inserts ? this.dice.below(2) : 0;
    this.estate.console('north').tenant.faults.script({
      kind: 'shift',
      touch: 1 + this.dice.below(20),
      insert,
      among,
      seed: this.dice.seed + this.shifts,
    });
  }

  /** A token is refused from now on, and its successor is there a moment later. */
  async token(afterMs: number): Promise<void> {
    const console = this.dice.pick(this.estate.consoles);
    console.tenant.tokens.replace();
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await this.estate.writeToken(console);
  }

  /** A service is ended, politely or not, and started again. */
  async service(): Promise<void> {
    await this.estate.restart(this.dice.pick(this.estate.services), this.dice.chance(0.5) ? 'SIGTERM' : 'SIGKILL');
  }

  /** A console does not answer at all, until somebody has enough of it and starts the poller anew. */
  async hang(): Promise<void> {
    const { name, tenant } = this.dice.pick(this.estate.consoles);
    tenant.faults.script({ kind: 'hang', times: 1 + this.dice.below(3) });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await this.estate.restart(`poller of ${name}`, this.dice.chance(0.5) ? 'SIGTERM' : 'SIGKILL');
  }

  async server(): Promise<void> {
    await this.estate.stack.nats.kill();
    await this.estate.stack.nats.restart();
  }

  /** The consoles answer as they should from now on. */
  over(): void {
    for (const { tenant } of this.estate.consoles) tenant.faults.clear();
  }
}
