import type { Agenda } from './agenda.js';

/** Which agents have stopped checking in, and when the console notices. */
export class Silence {
  readonly #since = new Map<string, object>();

  constructor(private readonly agenda: Agenda) {}

  has(id: string): boolean {
    return this.#since.has(id);
  }

  /** From now on the agent is silent; `notice` happens after `delayMs`, unless it returned by then. */
  begin(id: string, delayMs: number, notice: () => void): void {
    const silence = {};
    this.#since.set(id, silence);
    this.agenda.after(delayMs, () => {
      if (this.#since.get(id) === silence) notice();
    });
  }

  end(id: string): void {
    this.#since.delete(id);
  }
}
