import type { Session, SessionKey } from './session.js';

/** Open sessions, found by id, device, user, resource, or who uses what. No I/O and no clock. */
export class SessionRegistry {
  private readonly byId = new Map<string, Session>();
  private readonly byDevice = new Map<string, Set<Session>>();
  private readonly byUser = new Map<string, Set<Session>>();
  private readonly byResource = new Map<string, Set<Session>>();
  private readonly byDueSecond = new Map<number, Set<Session>>();
  private sweptUpTo: number | undefined;

  get size(): number {
    return this.byId.size;
  }

  get(sessionId: string): Session | undefined {
    return this.byId.get(sessionId);
  }

  /** An open session of exactly this device, resource and user that has not reached its end. */
  find({ deviceId, resource, user }: SessionKey, now: number): Session | undefined {
    for (const session of this.byDevice.get(deviceId) ?? []) {
      if (session.resource === resource && session.user === user && session.expiresAt > now) return session;
    }
    return undefined;
  }

  ofDevice(deviceId: string): readonly Session[] {
    return [...(this.byDevice.get(deviceId) ?? [])];
  }

  ofUser(user: string): readonly Session[] {
    return [...(this.byUser.get(user) ?? [])];
  }

  ofResource(resource: string): readonly Session[] {
    return [...(this.byResource.get(resource) ?? [])];
  }

  values(): IterableIterator<Session> {
    return this.byId.values();
  }

  /** Returns false when the id is in already. */
  add(session: Session): boolean {
    if (this.byId.has(session.sessionId)) return false;
    this.byId.set(session.sessionId, session);
    enter(this.byDevice, session.deviceId, session);
    if (session.user !== undefined) enter(this.byUser, session.user, session);
    enter(this.byResource, session.resource, session);
    // What is due in a second already swept is found with the next one.
    enter(this.byDueSecond, Math.max(secondOf(session.expiresAt), (this.sweptUpTo ?? 0) + 1), session);
    return true;
  }

  /** The session, if it was open: whoever gets it is the one to close it. */
  remove(sessionId: string): Session | undefined {
    const session = this.byId.get(sessionId);
    if (session === undefined) return undefined;
    this.byId.delete(sessionId);
    leave(this.byDevice, session.deviceId, session);
    if (session.user !== undefined) leave(this.byUser, session.user, session);
    leave(this.byResource, session.resource, session);
    leave(this.byDueSecond, secondOf(session.expiresAt), session);
    return session;
  }

  /** Open sessions that reached the end of their lifetime. */
  due(now: number): Session[] {
    const second = Math.floor(now / 1_000);
    const due: Session[] = [];
    // After a long gap it is cheaper to look through the seconds in use than at each that passed.
    const isGap = this.sweptUpTo === undefined || second - this.sweptUpTo > this.byDueSecond.size;
    const seconds = isGap ? [...this.byDueSecond.keys()] : range((this.sweptUpTo ?? second) + 1, second);
    for (const at of seconds) {
      if (at > second) continue;
      for (const session of this.byDueSecond.get(at) ?? []) if (this.byId.has(session.sessionId)) due.push(session);
      this.byDueSecond.delete(at);
    }
    this.sweptUpTo = Math.max(second, this.sweptUpTo ?? second);
    return due;
  }
}

/** The whole second by which a time is past. */
function secondOf(time: number): number {
  return Math.ceil(time / 1_000);
}

function* range(from: number, to: number): IterableIterator<number> {
  for (let at = from; at <= to; at += 1) yield at;
}

function enter<Key>(index: Map<Key, Set<Session>>, key: Key, session: Session): void {
  const sessions = index.get(key);
  if (sessions === undefined) index.set(key, new Set([session]));
  else sessions.add(session);
}

function leave<Key>(index: Map<Key, Set<Session>>, key: Key, session: Session): void {
  const sessions = index.get(key);
  if (sessions === undefined) return;
  sessions.delete(session);
  if (sessions.size === 0) index.delete(key);
}
