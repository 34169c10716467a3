import type { Reason } from '@stance/contracts';
import type { LiveSessions, Session } from './session.js';
import type { Verdict } from './verdict.js';

export interface LapseWatchOptions {
  /** Milliseconds without a decision that allows, before it is told. */
  readonly afterMs: number;
  readonly live: LiveSessions;
  readonly sessionOf: (sessionId: string) => Session | undefined;
  readonly verdictOn: (session: Session) => Verdict;
  readonly onLapsed: (sessionId: string, reasons: readonly Reason[]) => void;
}

/**
 * Finds live connections that nothing allows any more although nobody revoked them: their decision is past its review time, or
 * the engine is silent, or their session is not in the register, so that no revocation would find it. A renewal that is only
 * late costs nobody the connection.
 */
export class LapseWatch {
  /** Since when nothing allows a session, in milliseconds since 1970. */
  private lapsing = new Map<string, number>();

  constructor(private readonly options: LapseWatchOptions) {}

  look(now: number): void {
    const { afterMs, live, sessionOf, verdictOn, onLapsed } = this.options;
    const lapsing = new Map<string, number>();
    for (const sessionId of live.ids()) {
      const session = sessionOf(sessionId);
      const verdict = session && verdictOn(session);
      if (verdict?.allowed) continue;
      const since = Math.min(this.lapsing.get(sessionId) ?? now, now);
      lapsing.set(sessionId, since);
      if (now - since >= afterMs) onLapsed(sessionId, verdict?.reasons ?? []);
    }
    this.lapsing = lapsing;
  }
}
