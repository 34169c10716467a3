import type { DataOf, SessionEnded, SessionStarted } from '@stance/contracts';

/** An open session, as far as deciding about it needs. */
export interface OpenSession {
  readonly gateway: string;
  readonly deviceId: string;
  readonly sessionId: string;
  readonly resource: string;
  readonly user: string | undefined;
  /** Milliseconds; past it, the session counts as ended. */
  readonly expiresAt: number;
}

/** How long an ended session is remembered, so that its start, delivered late, does not open it again. */
const REMEMBER_ENDED_MS = 10 * 60_000;

/** The sessions that gateways hold open, by device. */
export class OpenSessions {
  private readonly byDevice = new Map<string, Map<string, OpenSession>>();
  private readonly endedAt = new Map<string, number>();
  private readonly revoked = new Set<string>();

  started(data: DataOf<typeof SessionStarted>, now: number): void {
    const { gateway, deviceId, sessionId, resource, user } = data;
    const expiresAt = Date.parse(data.expiresAt);
    if (expiresAt <= now || this.endedAt.has(sessionId)) return;
    const session = { gateway, deviceId, sessionId, resource, user, expiresAt };
    const sessions = this.byDevice.get(deviceId);
    if (sessions === undefined) this.byDevice.set(deviceId, new Map([[sessionId, session]]));
    else sessions.set(sessionId, session);
  }

  ended({ deviceId, sessionId }: Pick<DataOf<typeof SessionEnded>, 'deviceId' | 'sessionId'>, now: number): void {
    this.endedAt.set(sessionId, now);
    this.remove(deviceId, sessionId);
  }

  /** A revocation of it is stored: it need not be asked for again. */
  wasRevoked({ sessionId }: OpenSession): void {
    this.revoked.add(sessionId);
  }

  /** The device's sessions that are neither ended, expired nor revoked. */
  of(deviceId: string, now: number): OpenSession[] {
    const sessions = [...(this.byDevice.get(deviceId)?.values() ?? [])];
    return sessions.filter(({ sessionId, expiresAt }) => expiresAt > now && !this.revoked.has(sessionId));
  }

  get size(): number {
    let size = 0;
    for (const sessions of this.byDevice.values()) size += sessions.size;
    return size;
  }

  /** Forgets what is past: call it now and then. */
  prune(now: number): void {
    for (const [sessionId, endedAt] of this.endedAt) {
      if (endedAt + REMEMBER_ENDED_MS <= now) this.endedAt.delete(sessionId);
    }
    for (const [deviceId, sessions] of this.byDevice) {
      for (const { sessionId, expiresAt } of sessions.values()) if (expiresAt <= now) this.remove(deviceId, sessionId);
    }
  }

  private remove(deviceId: string, sessionId: string): void {
    this.revoked.delete(sessionId);
    const sessions = this.byDevice.get(deviceId);
    sessions?.delete(sessionId);
    if (sessions?.size === 0) this.byDevice.delete(deviceId);
  }
}
