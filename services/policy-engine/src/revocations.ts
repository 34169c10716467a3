import { SessionRevoked, subjectOf, type Cause, type DataOf, type Reason } from '@stance/contracts';
import { EventTooLarge, ExpectationFailed, Unreachable, type EventPublisher } from '@stance/jetstream';
import type { Verdict } from './decision.js';
import type { Tables } from './engine.store.js';
import type { EngineCounts } from './metrics.js';
import type { OpenSession, OpenSessions } from './open-sessions.js';
import type { PolicyLog } from './policy-log.js';
import { reasonsToRevoke } from './reasons-to-revoke.js';

/** A revocation outlives its session's start, so that replaying the start meets it. */
const OUTLIVES_SESSION_SECONDS = 2 * 60 * 60;

/** Orders that sessions end, each stored once however often it is derived. */
export class Revocations {
  constructor(
    private readonly tables: Pick<Tables, 'postures'>,
    private readonly policies: Pick<PolicyLog, 'active'>,
    private readonly sessions: OpenSessions,
    private readonly publisher: EventPublisher,
    /** Reads a session's revocation from the stream's leader. */
    private readonly readRevocation: (session: OpenSession) => Promise<unknown>,
    private readonly counts: Pick<EngineCounts, 'revoked'>,
  ) {}

  /** Revokes those that their gateway's verdict does not let go on. */
  async ofDenied(
    sessions: ReadonlySet<OpenSession>,
    verdicts: ReadonlyMap<string, Verdict>,
    cause: Cause,
    now: number,
  ): Promise<void> {
    const denied = [...sessions].flatMap((session) => {
      const verdict = verdicts.get(session.gateway);
      const reasons = verdict && reasonsToRevoke(session, verdict);
      return reasons === undefined ? [] : [{ session, reasons: [...reasons] }];
    });
    await Promise.all(denied.map(({ session, reasons }) => this.revoke(session, reasons, cause, now)));
  }

  private async revoke(session: OpenSession, reasons: Reason[], cause: Cause, now: number): Promise<void> {
    const { gateway, deviceId, sessionId, resource, user, expiresAt } = session;
    const data: DataOf<typeof SessionRevoked> = {
      gateway,
      deviceId,
      sessionId,
      resource,
      ...(user !== undefined && { user }),
      reasons,
      postureRevision: this.tables.postures.get({ deviceId })?.revision ?? 0,
      policyRevision: this.policies.active?.revision ?? 0,
      revokedAt: new Date(now).toISOString(),
    };
    try {
      await this.publisher.publish(SessionRevoked, data, {
        id: `policy-engine:revoke:${subjectOf(SessionRevoked, session)}`,
        cause,
        // However often it is derived, and however long after: it is stored once.
        expectedSequence: 0,
        // Whoever used the id first would otherwise keep it from being stored.
        deduplicate: false,
        ttl: `${Math.ceil(Math.max(0, expiresAt - now) / 1_000) + OUTLIVES_SESSION_SECONDS}s`,
      });
      this.counts.revoked(gateway, reasons[0]?.code ?? 'unknown');
    } catch (error) {
      // Why it ends matters less than that it does.
      if (error instanceof EventTooLarge && reasons.length > 0) return this.revoke(session, [], cause, now);
      if (!(error instanceof ExpectationFailed)) throw error;
      // In a cluster also refused while another attempt is under way, which may come to nothing: only what is stored counts.
      if ((await this.readRevocation(session)) === undefined) {
        throw new Unreachable(`the revocation of ${subjectOf(SessionRevoked, session)} is not stored yet`, {
          cause: error,
        });
      }
    }
    this.sessions.wasRevoked(session);
  }
}
