import type { Reason } from '@stance/contracts';

/** A connection, or an exchange on one, that is carried and can be ended at any moment. */
export interface LiveConnection {
  /** Ends it at once, both ways. Called once at most, and never after it was closed; must not throw. */
  cut(why: Cut): void;
}

/** Why it is cut, and what the person may be told. */
export interface Cut {
  /** `lapsed`: nobody revoked it, and nothing allows it any more. */
  readonly cause: 'revoked' | 'expired' | 'lapsed' | 'closing';
  readonly reasons: readonly Reason[];
}

/** What is being carried, by the session or break-glass entry that lets it. */
export class LiveConnections {
  private readonly byGrant = new Map<string, Set<LiveConnection>>();
  private readonly grantOf = new Map<LiveConnection, string>();

  /** `onLast`: the last connection of a grant was closed, not cut. */
  constructor(private readonly onLast: (grantId: string) => void = () => undefined) {}

  get size(): number {
    return this.grantOf.size;
  }

  /** The grants that let something at this moment. */
  ids(): Iterable<string> {
    return this.byGrant.keys();
  }

  has(grantId: string): boolean {
    return this.byGrant.has(grantId);
  }

  /** Keeps a connection until it is cut, or {@link closed}. */
  add(grantId: string, connection: LiveConnection): void {
    const connections = this.byGrant.get(grantId);
    if (connections === undefined) this.byGrant.set(grantId, new Set([connection]));
    else connections.add(connection);
    this.grantOf.set(connection, grantId);
  }

  /** The connection is over by itself; a repeat is nothing. */
  closed(connection: LiveConnection): void {
    const grantId = this.grantOf.get(connection);
    if (grantId === undefined) return;
    this.grantOf.delete(connection);
    const connections = this.byGrant.get(grantId);
    connections?.delete(connection);
    if (connections?.size !== 0) return;
    this.byGrant.delete(grantId);
    this.onLast(grantId);
  }

  /** Another grant lets them from now on. */
  move(from: string, to: string): void {
    const connections = this.byGrant.get(from);
    if (connections === undefined || from === to) return;
    this.byGrant.delete(from);
    for (const connection of connections) this.add(to, connection);
  }

  /** Cuts what a grant lets; returns how many connections that were. */
  cut(grantId: string, why: Cut): number {
    const connections = this.byGrant.get(grantId);
    if (connections === undefined) return 0;
    this.byGrant.delete(grantId);
    for (const connection of connections) this.grantOf.delete(connection);
    for (const connection of connections) connection.cut(why);
    return connections.size;
  }

  cutAll(why: Cut): void {
    for (const grantId of [...this.byGrant.keys()]) this.cut(grantId, why);
  }
}
