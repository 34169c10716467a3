import { filterOf, SessionRevoked, STREAMS } from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import { decodeOrSkip } from './read-table.js';
import type { Stack } from './stack.js';

/** Counts the sessions of a gateway that are revoked from a moment on. */
export class RevokedSince {
  /** The device by the session's subject. */
  private readonly deviceOf = new Map<string, string>();
  private follower: StreamFollower | undefined;

  private constructor() {}

  /** From now on; call `stop` in the end. */
  static async start({ connection, manager }: Stack, gateway: string): Promise<RevokedSince> {
    const revoked = new RevokedSince();
    const stream = STREAMS.REVOCATIONS.name;
    const { state } = await manager.streams.info(stream);
    revoked.follower = await StreamFollower.start(
      connection,
      { stream, filter: filterOf(SessionRevoked, { gateway }), from: { sequence: state.last_seq + 1 } },
      ({ data, subject }) => {
        const event = decodeOrSkip(SessionRevoked, data, subject);
        if (event !== undefined) revoked.deviceOf.set(subject, event.data.deviceId);
      },
    );
    return revoked;
  }

  get sessions(): number {
    return this.deviceOf.size;
  }

  get devices(): number {
    return new Set(this.deviceOf.values()).size;
  }

  async stop(): Promise<void> {
    await this.follower?.stop();
  }
}
