import type { AccessRequest, Session } from './session.js';

/** A session, and what its ending depends on. */
interface Open {
  readonly session: Session;
  /** Milliseconds since 1970. */
  usedAt: number;
  /** The second at which it is looked at next. */
  dueSecond: number;
  /** Whether it is among those that {@link SessionRegistry.takeUsed} gives out next. */
  isNoted: boolean;
}

/** Open sessions, found by id, device, user, resource, or who uses what. No I/O and no clock. */
export class SessionRegistry {
  private readonly byId = new Map<string, Open>();
  private readonly byDevice = new Map<string, Set<Open>>();
  private readonly byUser = new Map<string, Set<Session>>();
  private readonly byResource = new Map<string, Set<Session>>();
  private readonly byDueSecond = new Map<number, Set<Open>>();
  private used: Open[] = [];
  private sweptUpTo: number | undefined;

  /** `maxIdleMs`: a session ends when it was not used for so long; left out, it does not matter. */
  constructor(private readonly maxIdleMs = Infinity) {}

  get size(): number {
    return this.byId.size;
  }

  get(sessionId: string): Session | undefined {
    return this.byId.get(sessionId)?.session;
  }

  /** An open session of exactly this device, resource, user and proof that has not reached its end. */
  find(request: AccessRequest, now: number): Session | undefined {
    return this.openOf(request, now)?.session;
  }

  /** The same, and it counts as used now; see {@link takeUsed}. */
  use(request: AccessRequest, now: number): Session | undefined {
    const open = this.openOf(request, now);
    if (open === undefined) return undefined;
    if (now > open.usedAt) open.usedAt = now;
    if (!open.isNoted) {
      open.isNoted = true;
      this.used.push(open);
    }
    return open.session;
  }

  /** The ids of sessions that were used ({@link use}) since this was asked last. */
  takeUsed(): string[] {
    const taken = this.used;
    this.used = [];
    for (const open of taken) open.isNoted = false;
    return taken.map(({ session }) => session.sessionId);
  }

  ofDevice(deviceId: string): readonly Session[] {
    return [...(this.byDevice.get(deviceId) ?? [])].map(({ session }) => session);
  }

  ofUser(user: string): readonly Session[] {
    return [...(this.byUser.get(user) ?? [])];
  }

  ofResource(resource: string): readonly Session[] {
    return [...(this.byResource.get(resource) ?? [])];
  }

  *values(): IterableIterator<Session> {
    for (const { session } of this.byId.values()) yield session;
  }

  /** Returns false when the id is in already. */
  add(session: Session, usedAt = session.startedAt): boolean {
    if (this.byId.has(session.sessionId)) return false;
    const open: Open = { session, usedAt, dueSecond: 0, isNoted: false };
    this.byId.set(session.sessionId, open);
    enter(this.byDevice, session.deviceId, open);
    if (session.user !== undefined) enter(this.byUser, session.user, session);
    enter(this.byResource, session.resource, session);
    this.schedule(open, this.endOf(open));
    return true;
  }

  /** When a session was used last, as far as is known here; undefined where it is not open. */
  usedAt(sessionId: string): number | undefined {
    return this.byId.get(sessionId)?.usedAt;
  }

  /** A session is used elsewhere. */
  touch(sessionId: string, now: number): void {
    const open = this.byId.get(sessionId);
    if (open !== undefined && now > open.usedAt) open.usedAt = now;
  }

  /** The session, if it was open: whoever gets it is the one to close it. */
  remove(sessionId: string): Session | undefined {
    const open = this.byId.get(sessionId);
    if (open === undefined) return undefined;
    const { session, dueSecond } = open;
    this.byId.delete(sessionId);
    leave(this.byDevice, session.deviceId, open);
    if (session.user !== undefined) leave(this.byUser, session.user, session);
    leave(this.byResource, session.resource, session);
    leave(this.byDueSecond, dueSecond, open);
    return session;
  }

  /** Open sessions at the end of their lifetime, or not used for too long. One that `isInUse` is used at this moment. */
  due(now: number, isInUse: (session: Session) => boolean = () => false): Session[] {
    const due: Session[] = [];
    for (const open of this.takeDue(Math.floor(now / 1_000))) {
      if (isInUse(open.session)) open.usedAt = now;
      const end = this.endOf(open);
      if (end <= now) due.push(open.session);
      else this.schedule(open, end);
    }
    return due;
  }

  private openOf(request: AccessRequest, now: number): Open | undefined {
    const entries = this.byDevice.get(request.deviceId);
    if (entries === undefined) return undefined;
    for (const open of entries) if (isOf(open.session, request) && open.session.expiresAt > now) return open;
    return undefined;
  }

  /** Its end as it stands: a use since then only shows when that time has come, and is not looked at before. */
  private endOf({ session, usedAt }: Open): number {
    return Math.min(session.expiresAt, usedAt + this.maxIdleMs);
  }

  private schedule(open: Open, end: number): void {
    // What is due in a second already swept is found with the next one.
    open.dueSecond = Math.max(secondOf(end), (this.sweptUpTo ?? 0) + 1);
    enter(this.byDueSecond, open.dueSecond, open);
  }

  private takeDue(second: number): Open[] {
    const taken: Open[] = [];
    // After a long gap it is cheaper to look through the seconds in use than at each that passed.
    const isGap = this.sweptUpTo === undefined || second - this.sweptUpTo > this.byDueSecond.size;
    const seconds = isGap ? [...this.byDueSecond.keys()] : range((this.sweptUpTo ?? second) + 1, second);
    for (const at of seconds) {
      if (at > second) continue;
      taken.push(...(this.byDueSecond.get(at) ?? []));
      this.byDueSecond.delete(at);
    }
    this.sweptUpTo = Math.max(second, this.sweptUpTo ?? second);
    return taken;
  }
}

function isOf(session: Session, { resource, user, proof = 'address' }: AccessRequest): boolean {
  return session.resource === resource && session.user === user && (session.proof ?? 'address') === proof;
}

/** The whole second by which a time is past. */
function secondOf(time: number): number {
  return Math.ceil(time / 1_000);
}

function* range(from: number, to: number): IterableIterator<number> {
  for (let at = from; at <= to; at += 1) yield at;
}

function enter<Key, Entry>(index: Map<Key, Set<Entry>>, key: Key, entry: Entry): void {
  const entries = index.get(key);
  if (entries === undefined) index.set(key, new Set([entry]));
  else entries.add(entry);
}

function leave<Key, Entry>(index: Map<Key, Set<Entry>>, key: Key, entry: Entry): void {
  const entries = index.get(key);
  if (entries === undefined) return;
  entries.delete(entry);
  if (entries.size === 0) index.delete(key);
}
