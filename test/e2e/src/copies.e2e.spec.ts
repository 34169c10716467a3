import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  copyOf,
  DecisionChanged,
  EngineReported,
  SessionStarted,
  STREAMS,
  subjectOf,
  wireCopyConsumer,
  type DataOf,
} from '@stance/contracts';
import { connectGateway, type Gateway } from '@stance/gateway-sdk';
import { applyTopology, EventPublisher, inspectCopies } from '@stance/jetstream';
import { startSecuredNats, waitFor, type SecuredNats } from '@stance/testing';

const GATEWAY = 'edge';
const request = { deviceId: 'd1', resource: 'wiki', proof: 'certificate' } as const;

let nats: SecuredNats;
let topology: NatsConnection;
let engine: NatsConnection;
let publisher: EventPublisher;
let reporting: NodeJS.Timeout;
let underWay: Promise<void> | undefined;
const gateways: Gateway[] = [];
let revision = 0;
let reports = 0;

beforeAll(async () => {
  nats = await startSecuredNats({ gateways: [GATEWAY, 'vpn'] });
  [topology, engine] = [await nats.connectAs('topology'), await nats.connectAs('policy-engine')];
  publisher = new EventPublisher(engine, 'policy-engine');
});
beforeEach(async () => {
  await applyTopology(topology, { gateways: [GATEWAY, 'vpn'] });
});
afterEach(async () => {
  await stopReporting();
  for (const gateway of gateways.splice(0)) await gateway.close();
});
afterAll(async () => {
  publisher.close();
  await nats.close();
});

/** Stores what a device may do through a gateway, as the engine does. */
async function decide(effect: 'allow' | 'deny', gateway = GATEWAY): Promise<number> {
  revision += 1;
  const decision: DataOf<typeof DecisionChanged>['resources'][string] = { effect, enforced: true, reasons: [] };
  const { sequence } = await publisher.publish(
    DecisionChanged,
    {
      gateway,
      deviceId: request.deviceId,
      resources: { [request.resource]: decision },
      postureRevision: revision,
      policyRevision: 1,
      decidedAt: new Date().toISOString(),
      reviewAt: null,
    },
    { id: `decision:${gateway}:${revision}`, cause: {} },
  );
  return sequence;
}

/** Reports as the engine does, only more often. */
function report(decidedUpTo: number, activeFrom?: { sequence: number; at: string }): void {
  clearInterval(reporting);
  reporting = setInterval(() => {
    underWay ??= reportOnce(decidedUpTo, activeFrom).finally(() => (underWay = undefined));
  }, 50);
}

/** Resolves when the report under way is over. */
async function stopReporting(): Promise<void> {
  clearInterval(reporting);
  await underWay;
}

async function reportOnce(decidedUpTo: number, activeFrom?: { sequence: number; at: string }): Promise<void> {
  const { streams } = await jetstreamManager(engine, { checkAPI: false });
  const { created, state } = await streams.info(STREAMS.DECISIONS.name);
  reports += 1;
  publisher.announce(
    EngineReported,
    {
      gateway: GATEWAY,
      policyRevision: 1,
      lag: 0,
      evaluatedUpTo: 0,
      decidedUpTo,
      decisionStream: { created, lastSequence: state.last_seq, ...(activeFrom && { activeFrom }) },
      reportedAt: new Date().toISOString(),
    },
    `report:${reports}`,
  );
}

async function startGateway(): Promise<Gateway> {
  const connection = await nats.connectAs('gateway-edge');
  const gateway = await connectGateway({ connection, gateway: GATEWAY, lookEveryMs: 100, maxBehindMs: 300 });
  gateways.push(gateway);
  return gateway;
}

const untilAllowed = (gateway: Gateway, allowed: boolean) =>
  waitFor(() => gateway.decide(request).allowed === allowed, { what: `the gateway to ${allowed ? 'allow' : 'deny'}` });

async function stored(stream: string): Promise<number> {
  return (await (await jetstreamManager(engine, { checkAPI: false })).streams.info(stream)).state.messages;
}

describe('a gateway in an account of its own', () => {
  it('reads its decisions by the sequences of the original, tells of its sessions, and ends what is denied', async () => {
    await decide('deny', 'vpn');
    report(await decide('allow'));
    const gateway = await startGateway();
    await untilAllowed(gateway, true);
    const session = gateway.startSession({ ...request, user: 'kim@example.com', enforcement: 'cut' });
    await gateway.flushed();
    const { streams } = await jetstreamManager(engine, { checkAPI: false });
    const subject = subjectOf(SessionStarted, { gateway: GATEWAY, deviceId: 'd1', sessionId: session.sessionId });
    expect(await streams.getMessage(STREAMS.SESSIONS.name, { last_by_subj: subject })).not.toBeNull();
    report(await decide('deny'));
    // It is denied as well while its copy is behind: only the decision ends a session.
    await waitFor(() => gateway.findSession({ ...request, user: 'kim@example.com' }) === undefined, {
      what: 'the session to end',
    });
    expect(gateway.decide(request).allowed).toBe(false);
    await gateway.flushed();
    expect(await stored(STREAMS.SESSIONS.name)).toBe(2);
  });

  it('gets nothing that is meant for another', async () => {
    await decide('allow', 'vpn');
    const { streams } = await jetstreamManager(await nats.connectAs('gateway-edge'), { checkAPI: false });
    const { state } = await streams.info(STREAMS.DECISIONS.name, { subjects_filter: '>' });
    expect(Object.keys(state.subjects ?? {}).filter((subject) => subject.includes('.vpn.'))).toEqual([]);
  });

  it('denies once the decisions are made in a stream that its copy is not of, until the copy is made anew', async () => {
    report(await decide('allow'));
    const gateway = await startGateway();
    await untilAllowed(gateway, true);
    // Nothing can be said of a stream that is not there.
    await stopReporting();
    const rescue = await jetstreamManager(await nats.connectAs('break-glass'), { checkAPI: false });
    await rescue.streams.delete(STREAMS.DECISIONS.name);
    await applyTopology(topology);
    report(await decide('allow'));
    await untilAllowed(gateway, false);
    const isCutOff = ({ behind, trusted }: ReturnType<Gateway['health']>) => behind && !trusted;
    await waitFor(() => isCutOff(gateway.health()), { what: 'the gateway to say that it is behind' });
    expect(await inspectCopies(topology, GATEWAY)).toEqual([
      { stream: 'STANCE_DECISIONS of gateway edge', problem: expect.stringContaining('made anew or set back') },
    ]);
    await applyTopology(topology, { gateways: [GATEWAY] });
    await untilAllowed(gateway, true);
    expect(await inspectCopies(topology, GATEWAY)).toEqual([]);
  });

  it('loses nothing while what feeds its copy is gone', async () => {
    report(await decide('allow'));
    const gateway = await startGateway();
    await untilAllowed(gateway, true);
    await (
      await jetstreamManager(topology, { checkAPI: false })
    ).consumers.delete(STREAMS.DECISIONS.name, 'gateway-edge');
    expect(await inspectCopies(topology, GATEWAY)).toEqual([
      { stream: 'STANCE_DECISIONS of gateway edge', problem: 'is fed by nothing: its consumer is missing' },
    ]);
    report(await decide('deny'));
    // The report tells that there is more than the copy holds.
    await untilAllowed(gateway, false);
    report(await decide('allow'));
    await applyTopology(topology, { gateways: [GATEWAY] });
    await untilAllowed(gateway, true);
  });

  it('has its copies made anew when they are configured as another version had them', async () => {
    report(await decide('allow'));
    const gateway = await startGateway();
    await untilAllowed(gateway, true);
    const core = await jetstreamManager(topology, { checkAPI: false });
    await core.consumers.delete(STREAMS.DECISIONS.name, 'gateway-edge');
    await core.consumers.add(STREAMS.DECISIONS.name, {
      ...wireCopyConsumer(copyOf(STREAMS.DECISIONS, GATEWAY).origin),
      max_ack_pending: 10,
    });
    expect(await inspectCopies(topology, GATEWAY)).toEqual([
      { stream: 'STANCE_DECISIONS of gateway edge', problem: 'is not configured as it should be: max_ack_pending' },
    ]);
    expect(await applyTopology(topology, { gateways: [GATEWAY] })).toMatchObject({
      created: ['STANCE_DECISIONS of gateway edge'],
    });
    expect(await inspectCopies(topology, GATEWAY)).toEqual([]);
    report(await decide('deny'));
    await untilAllowed(gateway, false);
  });

  it('denies when its original was set back and has grown again, until the copy is made anew', async () => {
    const allowed = await decide('allow');
    report(allowed, { sequence: 0, at: new Date(0).toISOString() });
    const gateway = await startGateway();
    await untilAllowed(gateway, true);
    const { engineHeardAt } = gateway.health();
    await waitFor(() => gateway.health().engineHeardAt !== engineHeardAt, {
      what: 'the gateway to hear how far the stream is that it has read',
    });
    // What an engine says that found the stream shorter than this gateway has read it, and has decided more since.
    report(allowed, { sequence: allowed - 1, at: new Date().toISOString() });
    await untilAllowed(gateway, false);
    await waitFor(() => gateway.health().behind, { what: 'the gateway to say that it is behind' });
    report(await decide('allow'), { sequence: allowed + 1, at: new Date().toISOString() });
    expect(await inspectCopies(topology, GATEWAY)).toEqual([]);
    expect(gateway.decide(request).allowed).toBe(false);
    await applyTopology(topology, { gateways: [GATEWAY], remakeCopies: true });
    await untilAllowed(gateway, true);
  });
});
