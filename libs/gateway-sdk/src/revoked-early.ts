/** Session ids kept, at most: the time between two streams is a moment, so that a few are plenty. */
const MAX_KEPT = 10_000;

/**
 * Revocations whose session is not known yet: another replica started it, and the two streams are read independently.
 * Keeps the last {@link MAX_KEPT}.
 */
export class RevokedEarly<Revocation> {
  private readonly kept = new Map<string, Revocation>();

  add(sessionId: string, revocation: Revocation): void {
    this.kept.delete(sessionId);
    this.kept.set(sessionId, revocation);
    if (this.kept.size <= MAX_KEPT) return;
    const [oldest] = this.kept.keys();
    if (oldest !== undefined) this.kept.delete(oldest);
  }

  /** The revocation of a session, once. */
  take(sessionId: string): Revocation | undefined {
    const revocation = this.kept.get(sessionId);
    this.kept.delete(sessionId);
    return revocation;
  }
}
