import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { AuditRecord } from '@stance/audit-chain';
import { DeviceRecorded, PostureChanged, STREAMS } from '@stance/contracts';
import { applyTopology, EventPublisher } from '@stance/jetstream';
import { createLogger } from '@stance/service-kit';
import { backUp, makeStreamsAnew, PATIENCE_MS, restore, startTestNats, waitFor, type TestNats } from '@stance/testing';
import { AuditTrail, type TrailOptions } from './audit-trail.js';
import { trailMetrics } from './metrics.js';
import { TrailReader } from './trail-reader.js';
import { walkTrail } from './trail.store.js';

let nats: TestNats;
let connection: NatsConnection;
let manager: JetStreamManager;
let publisher: EventPublisher;
const trails: AuditTrail[] = [];
const logger = createLogger('audit', 'silent');

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  manager = await jetstreamManager(connection);
  publisher = new EventPublisher(connection, 'posture-store', { timeoutMs: PATIENCE_MS });
});

beforeEach(() => makeStreamsAnew(manager, () => applyTopology(connection)));

afterEach(async () => {
  await Promise.all(trails.splice(0).map((trail) => trail.stop()));
});

afterAll(() => nats.close());

function startTrail(over: NatsConnection = connection, options: TrailOptions = {}): AuditTrail {
  const trail = new AuditTrail(
    {
      connection: over,
      trail: over,
      publisher: new EventPublisher(over, 'audit', { timeoutMs: 1_000 }),
      logger,
      metrics: trailMetrics(),
    },
    { checkEveryMs: 100, ...options },
  );
  trails.push(trail);
  trail.start();
  return trail;
}

let published = 0;

/** A posture change of the device; each is another one. */
async function change(deviceId: string, by = publisher): Promise<void> {
  published += 1;
  const data = {
    deviceId,
    revision: published,
    device: { state: 'enrolled' as const, groups: [], tags: [] },
    agents: [],
    attributes: {},
    changed: [],
    problems: [],
  };
  await by.publish(PostureChanged, data, { id: `test:${published}`, cause: {} });
}

async function changes(count: number, device: (index: number) => string = (index) => `d${index}`): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => change(device(index))));
}

async function records(): Promise<AuditRecord[]> {
  const all: AuditRecord[] = [];
  await walkTrail(connection, { from: 1 }, (message) => {
    if ('record' in message) all.push(message.record);
    return true;
  });
  return all;
}

/** The records of a stream, once the last of them accounts for `sequence`. */
async function recordsUpTo(sequence: number, stream: string = STREAMS.POSTURE.name): Promise<AuditRecord[]> {
  return waitFor(
    async () => {
      const some = (await records()).filter((record) => record.stream === stream);
      const last = some.at(-1);
      return last !== undefined && (last.lastMissing ?? last.sequence) >= sequence ? some : undefined;
    },
    { what: `records of ${stream} up to ${sequence}`, intervalMs: 50 },
  );
}

async function expectWhole(): Promise<void> {
  expect(await new TrailReader(connection).verify()).toMatchObject({ intact: true });
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

describe('the audit trail', () => {
  it('records every fact of every audited stream as received, chained in order', async () => {
    const trail = startTrail();
    await changes(20);
    await publisher.publish(
      DeviceRecorded,
      { deviceId: 'laptop 7', state: 'enrolled', hardware: {}, groups: [], tags: [] },
      { id: 'device', cause: {} },
    );
    const postures = await recordsUpTo(20);
    const [device] = await recordsUpTo(1, STREAMS.DEVICES.name);

    expect(postures.map(({ sequence }) => sequence)).toEqual(range(1, 20));
    expect(device).toMatchObject({
      kind: 'event',
      device: 'laptop 7',
      subject: 'stance.device.recorded.v1.laptop=207',
    });
    const stored = await manager.streams.getMessage(STREAMS.DEVICES.name, { seq: 1 });
    expect(device?.payload).toBe(stored?.string());
    expect(device?.storedAt?.slice(0, 23)).toBe(stored?.timestamp.slice(0, 23));
    await waitFor(() => trail.status().position === 21 && trail.status().problem === undefined, {
      what: 'the trail to know of its last record',
    });
    await expectWhole();
  });

  it('goes on after its last record when it starts again: nothing twice, nothing left out', async () => {
    const first = startTrail();
    await changes(50);
    await recordsUpTo(50);
    await first.stop();
    await changes(30);
    startTrail();
    await changes(20);

    const recorded = await recordsUpTo(100);
    expect(recorded.map(({ sequence }) => sequence)).toEqual(range(1, 100));
    await expectWhole();
  });

  it('loses and doubles nothing when its writer dies in the middle and another takes over', async () => {
    const doomed = await nats.connect();
    startTrail(doomed);
    const publishing = changes(3_000);
    await waitFor(async () => (await manager.streams.info(STREAMS.AUDIT.name)).state.last_seq > 300, {
      what: 'the first records',
      intervalMs: 1,
    });
    await doomed.close();
    startTrail();
    await publishing;

    const recorded = await recordsUpTo(3_000);
    expect(recorded.map(({ sequence }) => sequence)).toEqual(range(1, 3_000));
    await expectWhole();
  });

  it('lets two writers at once neither double nor reorder: the outlived one is refused', async () => {
    startTrail(await nats.connect());
    startTrail(await nats.connect());
    for (let round = 0; round < 20; round += 1) await changes(50);

    const recorded = await recordsUpTo(1_000);
    expect(recorded.map(({ sequence }) => sequence)).toEqual(range(1, 1_000));
    await expectWhole();
  });

  it('names exactly what was gone after it was down through 1,000 changes of one device', async () => {
    const first = startTrail();
    await change('d1');
    await recordsUpTo(1);
    await first.stop();
    await changes(1_000, () => 'd1');
    startTrail();

    const [, gap, ...rest] = await recordsUpTo(1_001);
    expect(gap).toMatchObject({ kind: 'gap', sequence: 2, lastMissing: 937, device: '-' });
    expect(rest.map(({ kind, sequence }) => [kind, sequence])).toEqual(
      range(938, 1_001).map((sequence) => ['event', sequence]),
    );
    await expectWhole();
  });

  it('records a gap that no later message tells of', async () => {
    const first = startTrail();
    await changes(3);
    await recordsUpTo(3);
    await first.stop();
    await changes(4);
    await manager.streams.purge(STREAMS.POSTURE.name);
    startTrail();

    expect((await recordsUpTo(7)).at(-1)).toMatchObject({ kind: 'gap', sequence: 4, lastMissing: 7 });
    await expectWhole();
  });

  it('starts with a gap where a stream is older than the trail, and with none where it is new', async () => {
    await changes(10, () => 'd1');
    await manager.streams.purge(STREAMS.POSTURE.name, { seq: 5 });
    await publisher.publish(
      DeviceRecorded,
      { deviceId: 'd1', state: 'enrolled', hardware: {}, groups: [], tags: [] },
      { id: 'device', cause: {} },
    );
    startTrail();

    expect((await recordsUpTo(10))[0]).toMatchObject({ kind: 'gap', sequence: 1, lastMissing: 4 });
    expect((await recordsUpTo(1, STREAMS.DEVICES.name))[0]).toMatchObject({ kind: 'event', sequence: 1 });
    expect((await records()).filter(({ kind }) => kind === 'gap')).toHaveLength(1);
  });

  it.each(['running', 'stopped'])('starts over with a stream that was made anew while it was %s', async (state) => {
    const trail = startTrail();
    await changes(10);
    await recordsUpTo(10);
    if (state === 'stopped') await trail.stop();
    await manager.streams.delete(STREAMS.POSTURE.name);
    await waitFor(() => applyTopology(connection), { what: 'the stream to be made anew' });
    await changes(2);
    if (state === 'stopped') startTrail();

    const recorded = await waitFor(
      async () => {
        const some = (await records()).filter(({ stream }) => stream === STREAMS.POSTURE.name);
        return some.length === 13 && some;
      },
      { what: 'the records of the new stream' },
    );
    expect(recorded[10]).toMatchObject({ kind: 'gap', sequence: 11 });
    expect(recorded[10]?.lastMissing).toBeUndefined();
    expect(recorded.slice(11).map(({ sequence }) => sequence)).toEqual([1, 2]);
    await expectWhole();
  });

  it.each(['running', 'stopped'])(
    'starts over with a stream that was set back by a backup while it was %s, and has grown beyond where it was',
    async (state) => {
      const trail = startTrail(connection, { checkEveryMs: state === 'running' ? 500 : 100 });
      await changes(2);
      const backup = await backUp(connection, STREAMS.POSTURE.name);
      await change('d2');
      await recordsUpTo(3);
      if (state === 'stopped') await trail.stop();
      await manager.streams.delete(STREAMS.POSTURE.name);
      await restore(connection, backup);
      await change('d3');
      await change('d4');
      if (state === 'stopped') startTrail();
      const all = await waitFor(
        async () => {
          const some = (await records()).filter(({ stream }) => stream === STREAMS.POSTURE.name);
          const anew = some.findIndex(({ kind, lastMissing }) => kind === 'gap' && lastMissing === undefined);
          const after = some.slice(anew + 1);
          return anew !== -1 && after.at(-1)?.sequence === 4 && after;
        },
        { what: 'the stream to be recorded from its start' },
      );
      expect(all.map(({ sequence, device }) => [sequence, device])).toEqual([
        [1, 'd0'],
        [2, 'd1'],
        [3, 'd3'],
        [4, 'd4'],
      ]);
      await expectWhole();
    },
  );

  it('records bytes of any kind', async () => {
    startTrail();
    const payloads = [
      Buffer.from([0xff, 0xfe, 0x00, 0x80]),
      Buffer.alloc(0),
      Buffer.from('\uFEFF{"data":{"device":"x"}}'),
      Buffer.from('"\u0000\\ not an event'),
      Buffer.alloc(500 * 1024, '"'),
      Buffer.alloc(1_000_000, '\u0001'),
    ];
    for (const [index, payload] of payloads.entries()) {
      await jetstream(connection).publish(`stance.agent.matched.v1.s.a${index}`, payload);
    }
    const recorded = await recordsUpTo(payloads.length, STREAMS.MATCHES.name);

    const read = recorded.map(({ payload, encoding }) => payload !== undefined && Buffer.from(payload, encoding));
    expect(read.map((bytes, index) => bytes && bytes.equals(payloads[index] ?? Buffer.alloc(0)))).toEqual([
      true,
      true,
      true,
      true,
      true,
      // Too large to be kept in a record: it is left out, and the record says which message it was.
      false,
    ]);
    await expectWhole();
  });

  it('stays within bounds while the trail refuses, says so, and records everything once it takes records again', async () => {
    const trail = startTrail(connection, { maxWaiting: 200 });
    await changes(5);
    await recordsUpTo(5);
    const { config } = await manager.streams.info(STREAMS.AUDIT.name);
    await manager.streams.update(STREAMS.AUDIT.name, { ...config, max_msgs: 5 });
    await changes(3_000);
    await waitFor(() => /maximum messages/.test(trail.status().problem ?? ''), {
      what: 'the trail to say that it is full',
    });
    expect(trail.status().waiting).toBeLessThan(1_000);
    await manager.streams.update(STREAMS.AUDIT.name, { ...config, max_msgs: -1 });

    const recorded = await recordsUpTo(3_005);
    expect(recorded.map(({ sequence }) => sequence)).toEqual(range(1, 3_005));
    await waitFor(() => trail.status().problem === undefined, { what: 'the trail to recover' });
    await expectWhole();
  });

  it('goes on behind messages that it did not write, and verification names the first of them', async () => {
    const first = startTrail();
    await changes(3);
    await recordsUpTo(3);
    const forged = await manager.streams.getMessage(STREAMS.AUDIT.name, { seq: 2 });
    await jetstream(connection).publish('stance.audit.recorded.v1.STANCE_POSTURE.d0', 'not a record');
    await jetstream(connection).publish(forged?.subject ?? '', forged?.string().replace('enrolled', 'retired') ?? '');
    await changes(2);
    await recordsUpTo(5);
    await first.stop();
    await change('d9');
    startTrail();

    const good = (await recordsUpTo(6)).filter(({ payload }) => payload?.includes('retired') === false);
    expect(good.map(({ sequence, position }) => [sequence, position])).toEqual(range(1, 6).map((n) => [n, n]));
    expect((await new TrailReader(connection).verify()).firstBad).toMatchObject({
      streamSequence: 4,
      problem: expect.stringContaining('not an audit record'),
    });
  });

  it('goes on when the server was killed and comes back', async () => {
    if (!nats.dedicated) return;
    startTrail();
    await changes(100);
    await recordsUpTo(50);
    await nats.kill();
    await nats.restart();
    // No longer than a service waits: what the killed server had not confirmed is tried again.
    const impatient = new EventPublisher(connection, 'posture-store', { timeoutMs: 5_000 });
    const again = () => Promise.all(range(0, 99).map((index) => change(`d${index}`, impatient)));
    await waitFor(again, { what: 'the server to take changes again' });
    const { state } = await manager.streams.info(STREAMS.POSTURE.name);

    const recorded = await recordsUpTo(state.last_seq);
    expect(recorded.map(({ sequence }) => sequence)).toEqual(range(1, state.last_seq));
    await expectWhole();
  });
});
