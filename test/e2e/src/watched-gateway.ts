import { SessionStarted, STREAMS } from '@stance/contracts';
import { connectGateway, type Gateway, type Session } from '@stance/gateway-sdk';
import { waitFor } from '@stance/testing';

import { settled } from './facts.js';
import type { Stack } from './stack.js';

/** A gateway in the test's own process, which notes how often each session was cut. */
export class WatchedGateway {
  /** How often the gateway was told to end a session, by its id. */
  readonly cuts = new Map<string, number>();

  private constructor(
    private readonly stack: Stack,
    readonly gateway: Gateway,
  ) {}

  /** Connected as `edge`, and sure that the engine is alive. */
  static async connect(stack: Stack): Promise<WatchedGateway> {
    const cut = (sessionId: string) => watched.cuts.set(sessionId, (watched.cuts.get(sessionId) ?? 0) + 1);
    const gateway = await connectGateway({
      connection: stack.connection,
      gateway: 'edge',
      onRevoked: ({ sessionId }) => void cut(sessionId),
    });
    const watched = new WatchedGateway(stack, gateway);
    await waitFor(() => gateway.health().trusted, { what: 'the gateway to hear the engine' });
    return watched;
  }

  async allows(deviceId: string, resource: string): Promise<void> {
    const look = () => this.gateway.decide({ deviceId, resource }).allowed;
    await waitFor(look, { what: `${resource} to be allowed to ${deviceId}`, intervalMs: 2 });
  }

  /** Opens a session of each device, once it is allowed; resolves when the engine has looked at all of them. */
  async openSessions(devices: readonly string[], resource: string): Promise<Session[]> {
    const before = await this.stack.lastSequence(STREAMS.SESSIONS);
    const sessions: Session[] = [];
    for (const deviceId of devices) {
      await this.allows(deviceId, resource);
      sessions.push(this.gateway.startSession({ deviceId, resource, enforcement: 'cut' }));
    }
    await this.gateway.flushed();
    await waitFor(async () => (await this.stack.lastSequence(STREAMS.SESSIONS)) >= before + devices.length, {
      what: `${devices.length} times ${SessionStarted.name}`,
    });
    await settled(this.stack);
    return sessions;
  }

  /** Ends what is still open. */
  async endSessions(resources: readonly string[]): Promise<void> {
    for (const resource of resources) {
      for (const { sessionId } of this.gateway.sessionsOf({ resource })) this.gateway.endSession(sessionId);
    }
    await this.gateway.flushed();
  }

  close(): Promise<void> {
    return this.gateway.close();
  }
}
