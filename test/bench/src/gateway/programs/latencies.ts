/** Counts latencies in steps of 10 µs, up to 2 s, without keeping each. */
export class Latencies {
  private readonly steps = new Uint32Array(STEPS);
  count = 0;

  add(milliseconds: number): void {
    const step = Math.min(STEPS - 1, Math.floor(milliseconds * STEPS_PER_MS));
    this.steps[step] = (this.steps[step] ?? 0) + 1;
    this.count += 1;
  }

  /** In milliseconds. */
  quantile(share: number): number {
    let left = this.count * share;
    for (const [step, count] of this.steps.entries()) {
      left -= count;
      if (left < 0) return (step + 0.5) / STEPS_PER_MS;
    }
    return STEPS / STEPS_PER_MS;
  }
}

const STEPS_PER_MS = 100;
const STEPS = 2_000 * STEPS_PER_MS;
