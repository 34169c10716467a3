import type { Reason } from '@stance/contracts';

/** A connection, or an exchange on one, that is carried and can be ended at any moment. */
export interface LiveConnection {
  /** Ends it at once, both ways. Called once at most, and never after it was closed; must not throw. */
  cut(why: Cut): void;
  /** Where it is kept; written by {@link LiveConnections} alone. */
  place?: Place | undefined;
}

/** Among the connections of its grant. */
interface Place {
  readonly grant: Grant;
  index: number;
}

/** What lets somebody in, and what it lets. */
interface Grant {
  readonly grantId: string;
  readonly connections: LiveConnection[];
}

/** Why it is cut, and what the person may be told. */
export interface Cut {
  /** `lapsed`: nobody revoked it, and nothing allows it any more. */
  readonly cause: 'revoked' | 'expired' | 'lapsed' | 'closing';
  readonly reasons: readonly Reason[];
}

/** Grants that let nothing at the moment are kept for whoever comes back, unless there are more than this and most are. */
const IDLE_GRANTS = 1_000;

/**
 * What is being carried, by the session or break-glass entry that lets it. Lists and places instead of sets and maps of
 * connections: V8 chains the tables that those have outgrown, and at a thousand requests a second most that is over would be
 * kept through several collections.
 */
export class LiveConnections {
  private readonly byGrant = new Map<string, Grant>();
  private count = 0;
  private idle = 0;

  /** `onLast`: the last connection of a grant was closed, not cut. `onTrouble`: one could not be cut; the others are. */
  constructor(
    private readonly onLast: (grantId: string) => void = () => undefined,
    private readonly onTrouble: (error: unknown) => void = () => undefined,
  ) {}

  get size(): number {
    return this.count;
  }

  /** The grants that let something at this moment. */
  *ids(): IterableIterator<string> {
    for (const { grantId, connections } of this.byGrant.values()) if (connections.length > 0) yield grantId;
  }

  *all(): IterableIterator<LiveConnection> {
    for (const { connections } of this.byGrant.values()) yield* connections;
  }

  has(grantId: string): boolean {
    return (this.byGrant.get(grantId)?.connections.length ?? 0) > 0;
  }

  /** Keeps a connection until it is cut, or {@link closed}. */
  add(grantId: string, connection: LiveConnection): void {
    const grant = this.grantOf(grantId);
    connection.place = { grant, index: grant.connections.length };
    grant.connections.push(connection);
    this.count += 1;
  }

  /** The connection is over by itself; a repeat is nothing. */
  closed(connection: LiveConnection): void {
    const { place } = connection;
    if (place === undefined) return;
    connection.place = undefined;
    this.count -= 1;
    const { grantId, connections } = place.grant;
    const last = connections.pop();
    if (last?.place !== undefined) {
      connections[place.index] = last;
      last.place.index = place.index;
    }
    if (connections.length > 0) return;
    this.idle += 1;
    if (this.idle > Math.max(IDLE_GRANTS, this.byGrant.size / 2)) this.forgetIdle();
    this.onLast(grantId);
  }

  /** Another grant lets them from now on. */
  move(from: string, to: string): void {
    if (from !== to) for (const connection of this.take(from)) this.add(to, connection);
  }

  /** Cuts what a grant lets; returns how many connections that were. */
  cut(grantId: string, why: Cut): number {
    const connections = this.take(grantId);
    for (const connection of connections) {
      try {
        connection.cut(why);
      } catch (error) {
        this.onTrouble(error);
      }
    }
    return connections.length;
  }

  private grantOf(grantId: string): Grant {
    let grant = this.byGrant.get(grantId);
    if (grant === undefined) {
      grant = { grantId, connections: [] };
      this.byGrant.set(grantId, grant);
    } else if (grant.connections.length === 0) this.idle -= 1;
    return grant;
  }

  /** The connections of a grant, that has none from now on. */
  private take(grantId: string): readonly LiveConnection[] {
    const connections = this.byGrant.get(grantId)?.connections;
    if (connections === undefined) return [];
    this.byGrant.delete(grantId);
    if (connections.length === 0) this.idle -= 1;
    this.count -= connections.length;
    for (const connection of connections) connection.place = undefined;
    return connections;
  }

  private forgetIdle(): void {
    for (const { grantId, connections } of this.byGrant.values()) {
      if (connections.length === 0) this.byGrant.delete(grantId);
    }
    this.idle = 0;
  }
}
