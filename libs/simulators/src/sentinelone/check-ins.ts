import type { Fleet } from './fleet.js';

const BEAT_MS = 250;

/** Lets the active agents of a fleet check in by turns, each once per interval (milliseconds), until stopped. */
export class CheckIns {
  readonly #timer: NodeJS.Timeout;
  #turn: string[] = [];

  constructor(fleet: Fleet, intervalMs: number) {
    const beatMs = Math.min(BEAT_MS, intervalMs);
    this.#timer = setInterval(() => {
      const share = Math.ceil((fleet.size * beatMs) / intervalMs);
      if (this.#turn.length === 0) this.#turn = fleet.list().map(({ id }) => id);
      for (const id of this.#turn.splice(-share)) {
        if (fleet.agents.get(id)?.isActive === true && !fleet.isSilent(id)) fleet.heartbeat(id);
      }
    }, beatMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
