/** How far the engine has come, for those who rely on its silence meaning "no change". */
export class EngineProgress {
  private posture = 0;
  private readonly decisions = new Map<string, number>();

  /** A posture message was evaluated, by its sequence. */
  evaluated(sequence: number): void {
    this.posture = Math.max(this.posture, sequence);
  }

  /** A decision for a gateway is stored, by its sequence. */
  decided(gateway: string, sequence: number): void {
    this.decisions.set(gateway, Math.max(this.decisions.get(gateway) ?? 0, sequence));
  }

  get evaluatedUpTo(): number {
    return this.posture;
  }

  decidedUpTo(gateway: string): number {
    return this.decisions.get(gateway) ?? 0;
  }

  get gateways(): Iterable<string> {
    return this.decisions.keys();
  }
}
