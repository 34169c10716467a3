import { SessionStarted, subjectOf, type DataOf, type DeviceProof, type SessionEnded } from '@stance/contracts';

/** An open session, as far as deciding about it needs. */
export interface OpenSession {
  readonly gateway: string;
  readonly deviceId: string;
  readonly sessionId: string;
  readonly resource: string;
  readonly user: string | undefined;
  /** How the device was proved; by its address where nothing is said. */
  readonly proof: DeviceProof | undefined;
  /** Milliseconds; past it, the session counts as ended. */
  readonly expiresAt: number;
}

/** What tells a session from all others: gateways choose its id, each for itself. */
type SessionKeys = Pick<OpenSession, 'gateway' | 'deviceId' | 'sessionId'>;

/** How long an ended session is remembered, so that its start, delivered late, does not open it again. */
const REMEMBER_ENDED_MS = 10 * 60_000;

/** The sessions that gateways hold open, by device. */
export class OpenSessions {
  private readonly byDevice = new Map<string, Map<string, OpenSession>>();
  private readonly endedAt = new Map<string, number>();
  private readonly revoked = new Set<string>();
  /** How many each device has open, by gateway. */
  private readonly openByGateway = new Map<string, Map<string, number>>();
  /** Over all devices. */
  private readonly totals = new Map<string, number>();

  started(data: DataOf<typeof SessionStarted>, now: number): void {
    const { gateway, deviceId, sessionId, resource, user, proof } = data;
    const expiresAt = Date.parse(data.expiresAt);
    const key = keyOf(data);
    if (expiresAt <= now || this.endedAt.has(key)) return;
    const session = { gateway, deviceId, sessionId, resource, user, proof, expiresAt };
    const sessions = this.byDevice.get(deviceId);
    if (sessions?.has(key) !== true) this.count(session, 1);
    if (sessions === undefined) this.byDevice.set(deviceId, new Map([[key, session]]));
    else sessions.set(key, session);
  }

  ended(session: Pick<DataOf<typeof SessionEnded>, keyof SessionKeys>, now: number): void {
    this.endedAt.set(keyOf(session), now);
    this.remove(session);
  }

  /** A revocation of it is stored: it need not be asked for again. */
  wasRevoked(session: OpenSession): void {
    // One that has ended meanwhile is forgotten already, and stays so.
    const key = keyOf(session);
    if (this.byDevice.get(session.deviceId)?.has(key) !== true || this.revoked.has(key)) return;
    this.revoked.add(key);
    this.count(session, -1);
  }

  /** The device's sessions that are neither ended, expired nor revoked. */
  of(deviceId: string, now: number): OpenSession[] {
    const sessions = [...(this.byDevice.get(deviceId)?.values() ?? [])];
    return sessions.filter((session) => session.expiresAt > now && !this.revoked.has(keyOf(session)));
  }

  /**
   * How many devices have a session at a gateway that is neither ended nor revoked; one past its lifetime counts until it is
   * pruned.
   */
  devicesAt(gateway: string): number {
    return this.openByGateway.get(gateway)?.size ?? 0;
  }

  /** Open sessions by gateway, counted as in {@link devicesAt}; 0 where the last one ended. */
  get byGateway(): Iterable<readonly [gateway: string, sessions: number]> {
    return this.totals;
  }

  get size(): number {
    let size = 0;
    for (const sessions of this.byDevice.values()) size += sessions.size;
    return size;
  }

  /** Forgets what is past: call it now and then. */
  prune(now: number): void {
    for (const [key, endedAt] of this.endedAt) {
      if (endedAt + REMEMBER_ENDED_MS <= now) this.endedAt.delete(key);
    }
    for (const sessions of this.byDevice.values()) {
      for (const session of sessions.values()) if (session.expiresAt <= now) this.remove(session);
    }
  }

  private remove(session: SessionKeys): void {
    const key = keyOf(session);
    const wasRevoked = this.revoked.delete(key);
    const sessions = this.byDevice.get(session.deviceId);
    if (sessions?.delete(key) === true && !wasRevoked) this.count(session, -1);
    if (sessions?.size === 0) this.byDevice.delete(session.deviceId);
  }

  private count({ gateway, deviceId }: SessionKeys, change: 1 | -1): void {
    this.totals.set(gateway, (this.totals.get(gateway) ?? 0) + change);
    const devices = this.openByGateway.get(gateway) ?? new Map<string, number>();
    const open = (devices.get(deviceId) ?? 0) + change;
    if (open > 0) devices.set(deviceId, open);
    else devices.delete(deviceId);
    if (devices.size > 0) this.openByGateway.set(gateway, devices);
    else this.openByGateway.delete(gateway);
  }
}

/** One string per session. */
function keyOf(session: SessionKeys): string {
  return subjectOf(SessionStarted, session);
}
