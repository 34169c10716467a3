import type { NatsConnection } from '@nats-io/transport-node';
import { decodeEvent, SessionStarted } from '@stance/contracts';
import { waitFor } from '@stance/testing';
import { distributionOf, type Distribution } from '../../statistics.js';
import { startGateway, type GatewayUnderTest } from '../gateway-under-test.js';
import type { Message } from '../played-engine.js';
import { monotonicMs } from '../programs/monotonic.js';
import { cutAtOnce, devicesOf, type Clients, type CutSizes } from './clients.js';

export interface RelayCut {
  /** From the publish of one event to the closed socket, in milliseconds: a revocation, and a decision that denies. */
  readonly byRevocation: Distribution;
  readonly byDecision: Distribution;
  /** From the publish of the first of so many revocations to each closed socket. */
  readonly atOnce: Distribution;
}

/** Live WebSockets through the relay of a gateway. Throws if one is closed that was not to be. */
export async function measureRelayCut(clients: Clients, upstreamPort: number, sizes: CutSizes): Promise<RelayCut> {
  const { sockets, singles } = sizes;
  const gateway = await startGateway({ devices: sockets, upstreamPort });
  try {
    const sessions = sessionsBegunOn(gateway.connection);
    await gateway.connection.flush();
    const devices = devicesOf(sockets);
    await clients.open(gateway.relayPort, devices);
    const untold = () => devices.filter((device) => !sessions.has(device)).length;
    await waitFor(() => untold() === 0 || Promise.reject(new Error(`${untold()} are not announced`)), {
      what: 'the sessions to be announced',
      timeoutMs: 60_000,
    });
    const { engine } = gateway;
    const revocationOf = (device: string): Message => engine.revocation(device, sessions.get(device) ?? '');

    const byRevocation = await oneByOne(gateway, clients, devices.splice(0, singles), revocationOf);
    const byDecision = await oneByOne(gateway, clients, devices.splice(0, singles), (it) => engine.denial(it));

    const atOnce = await cutAtOnce(clients, devices, sizes, async (some) => {
      const messages = some.map(revocationOf);
      const startedAt = monotonicMs();
      for (const message of messages) engine.send(message);
      return startedAt;
    });
    const left = await clients.count();
    if (left !== devices.length) {
      throw new Error(`${left} sockets are open after the revocations, not ${devices.length}.`);
    }
    await clients.closeAll();
    return { byRevocation, byDecision, atOnce };
  } finally {
    await gateway.close();
  }
}

/** Which session each device has, as the gateway announces them. */
function sessionsBegunOn(connection: NatsConnection): Map<string, string> {
  const sessions = new Map<string, string>();
  connection.subscribe(`${SessionStarted.subjectPrefix}.>`, {
    callback: (error, { data, subject }) => {
      if (error !== null) throw error;
      const { deviceId: device, sessionId } = decodeEvent(SessionStarted, data, subject).data;
      sessions.set(device, sessionId);
    },
  });
  return sessions;
}

/** From the publish to the closed socket, in milliseconds; the first tenth warms up. */
async function oneByOne(
  { engine }: GatewayUnderTest,
  clients: Clients,
  devices: readonly string[],
  messageFor: (device: string) => Message,
): Promise<Distribution> {
  const reactions: number[] = [];
  for (const device of devices) {
    const message = messageFor(device);
    const sentAt = monotonicMs();
    engine.send(message);
    const [closedAt = Number.NaN] = await clients.closed([device]);
    reactions.push(closedAt - sentAt);
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_SINGLES_MS));
  }
  return distributionOf(reactions.slice(Math.ceil(devices.length / 10)));
}

const BETWEEN_SINGLES_MS = 5;
