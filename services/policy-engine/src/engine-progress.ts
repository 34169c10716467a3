/** The last decision that each gateway has to have, for those who rely on the engine's silence meaning "no change". */
export class EngineProgress {
  private readonly decisions = new Map<string, number>();

  /** A decision for a gateway is stored, by its sequence. */
  decided(gateway: string, sequence: number): void {
    this.decisions.set(gateway, Math.max(this.decisions.get(gateway) ?? 0, sequence));
  }

  decidedUpTo(gateway: string): number {
    return this.decisions.get(gateway) ?? 0;
  }

  get gateways(): Iterable<string> {
    return this.decisions.keys();
  }
}
