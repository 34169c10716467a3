import type { Microseconds, TenantClock } from './timestamps.js';

interface Appointment {
  readonly at: Microseconds;
  readonly happen: () => void;
}

/** What is to happen at a later time of the tenant's clock. Nothing happens by itself: every request settles what is due before it is answered, so that tests with a clock of their own stay deterministic. */
export class Agenda {
  #appointments: Appointment[] = [];

  constructor(private readonly clock: TenantClock) {}

  /** `delayMs` milliseconds from now; at once for 0. */
  after(delayMs: number, happen: () => void): void {
    if (delayMs <= 0) {
      happen();
      return;
    }
    this.#appointments.push({ at: this.clock.now() + delayMs * 1000, happen });
    this.#appointments.sort((left, right) => left.at - right.at);
  }

  /** Lets everything happen that is due, the earliest first. */
  settle(): void {
    if (this.#appointments.length === 0) return;
    const now = this.clock.now();
    for (let next = this.#appointments[0]; next !== undefined && next.at <= now; next = this.#appointments[0]) {
      this.#appointments.shift();
      next.happen();
    }
  }
}
