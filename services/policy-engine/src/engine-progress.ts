/** The last decision that each gateway has to have, for those who rely on the engine's silence meaning "no change". */
export class EngineProgress {
  private readonly decisions = new Map<string, number>();
  private newestRevision = 0;

  /** A decision for a gateway is stored, by its sequence and the revision of the policy that it follows from. */
  decided(gateway: string, sequence: number, policyRevision = 0): void {
    this.decisions.set(gateway, Math.max(this.decisions.get(gateway) ?? 0, sequence));
    this.newestRevision = Math.max(this.newestRevision, policyRevision);
  }

  /** The newest policy by which anything was decided; 0 before the first. */
  get decidedRevision(): number {
    return this.newestRevision;
  }

  decidedUpTo(gateway: string): number {
    return this.decisions.get(gateway) ?? 0;
  }

  get gateways(): Iterable<string> {
    return this.decisions.keys();
  }
}
