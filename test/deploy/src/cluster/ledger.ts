import {
  decodeEvent,
  filterOf,
  SessionEnded,
  SessionRevoked,
  SessionStarted,
  type DataOf,
  type EventContract,
} from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

/** What was told of a session. Each fact is kept as often as it is in its stream. */
export interface SessionStory {
  readonly deviceId: string;
  readonly resource: string;
  /** RFC 3339, as `endedAt`. */
  readonly startedAt: string;
  readonly ends: DataOf<typeof SessionEnded>[];
  readonly revocations: DataOf<typeof SessionRevoked>[];
}

/** Follows the sessions of a gateway in the account of Stance. */
export class Ledger {
  /** By session, in the order in which they were started. */
  readonly sessions = new Map<string, SessionStory>();
  private readonly followers: StreamFollower[] = [];
  /** A session's end or revocation may be read before its start: the followers are not one. */
  private readonly ends = new Map<string, DataOf<typeof SessionEnded>[]>();
  private readonly revocations = new Map<string, DataOf<typeof SessionRevoked>[]>();

  static async open(connection: NatsConnection): Promise<Ledger> {
    const ledger = new Ledger();
    await ledger.follow(connection, SessionStarted, ({ sessionId, deviceId, resource, startedAt }) => {
      const ends = listIn(ledger.ends, sessionId);
      const revocations = listIn(ledger.revocations, sessionId);
      ledger.sessions.set(sessionId, { deviceId, resource, startedAt, ends, revocations });
    });
    await ledger.follow(connection, SessionEnded, (data) => void listIn(ledger.ends, data.sessionId).push(data));
    await ledger.follow(
      connection,
      SessionRevoked,
      (data) => void listIn(ledger.revocations, data.sessionId).push(data),
    );
    return ledger;
  }

  /** The session of a device at a resource that has started and not ended, as its stream has it by now. */
  openSession(deviceId: string, resource: string): string | undefined {
    for (const [sessionId, story] of this.sessions) {
      if (story.deviceId === deviceId && story.resource === resource && story.ends.length === 0) return sessionId;
    }
    return undefined;
  }

  /** Whether another session of the same device at the same resource was open when this one ended: it took its place. */
  hasSuccessor({ deviceId, resource, ends }: SessionStory): boolean {
    const endedAt = ends[0]?.endedAt ?? '';
    return [...this.sessions.values()].some(
      (other) =>
        other.ends !== ends &&
        other.deviceId === deviceId &&
        other.resource === resource &&
        other.startedAt <= endedAt &&
        (other.ends[0]?.endedAt ?? '9') > endedAt,
    );
  }

  /** Resolves once it has read all that the streams hold. */
  async caughtUp(): Promise<void> {
    await Promise.all(this.followers.map((follower) => follower.caughtUp(AbortSignal.timeout(30_000))));
  }

  async close(): Promise<void> {
    await Promise.all(this.followers.map((follower) => follower.stop()));
  }

  private async follow<Contract extends EventContract>(
    connection: NatsConnection,
    contract: Contract,
    read: (data: DataOf<Contract>) => void,
  ): Promise<void> {
    const options = { stream: contract.stream?.name ?? '', filter: filterOf(contract), from: { sequence: 1 } };
    this.followers.push(
      await StreamFollower.start(connection, options, ({ data, subject }) =>
        read(decodeEvent(contract, data, subject).data),
      ),
    );
  }
}

function listIn<Item>(lists: Map<string, Item[]>, key: string): Item[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}
