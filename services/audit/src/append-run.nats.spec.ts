import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { CHAIN_START, type AuditRecord, type RecordContent } from '@stance/audit-chain';
import { STREAMS } from '@stance/contracts';
import { applyTopology, EventPublisher, ExpectationFailed } from '@stance/jetstream';
import { makeStreamsAnew, startTestNats, waitFor, type TestNats } from '@stance/testing';
import { AppendRun } from './append-run.js';
import { lastSequenceOfTrail, walkTrail } from './trail.store.js';

let nats: TestNats;
let connection: NatsConnection;

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
});

beforeEach(async () =>
  makeStreamsAnew(await jetstreamManager(connection), () => applyTopology(connection), [STREAMS.AUDIT.name]),
);

afterAll(() => nats.close());

const fact = (sequence: number, device: string): RecordContent => ({
  kind: 'event',
  stream: STREAMS.POSTURE.name,
  device,
  sequence,
});

async function startRun(appended: AuditRecord[] = []): Promise<AppendRun> {
  const publisher = new EventPublisher(await nats.connect(), 'audit');
  return new AppendRun(publisher, CHAIN_START, 0, {
    limits: { records: 100, bytes: 1_000 },
    maxInFlight: 64,
    fenceById: true,
    appended: (record) => appended.push(record),
    hasRoom: () => undefined,
  });
}

async function devices(): Promise<string[]> {
  const all: string[] = [];
  await walkTrail(
    connection,
    { from: 1 },
    (message) => all.push('record' in message ? message.record.device : '?') > 0,
  );
  return all;
}

describe('a run of appends', () => {
  it.each([1, 2, 3])(
    'is refused as a whole when another writer appended %i before it, none slips in behind',
    async (before) => {
      const [current, outlived] = [await startRun(), await startRun()];
      for (let sequence = 1; sequence <= before; sequence += 1) current.append(fact(sequence, 'current'));
      await current.stop();
      for (let sequence = 1; sequence <= 10; sequence += 1) outlived.append(fact(sequence, 'outlived'));

      await expect(outlived.failed).rejects.toThrow(ExpectationFailed);
      await outlived.stop();
      expect([current.unrecorded, outlived.unrecorded]).toEqual([0, 10]);
      expect(await devices()).toEqual(Array.from({ length: before }, () => 'current'));
    },
  );

  it('appends in order, many at a time', async () => {
    const appended: AuditRecord[] = [];
    const run = await startRun(appended);
    for (let sequence = 1; sequence <= 90; sequence += 1) run.append(fact(sequence, `d${sequence}`));
    await waitFor(() => appended.length === 90, { what: 'all records to be appended' });

    expect(appended.map(({ position }) => position)).toEqual(Array.from({ length: 90 }, (_, index) => index + 1));
    expect(await devices()).toEqual(appended.map(({ device }) => device));
    expect(run.lastSequence).toBe(await lastSequenceOfTrail(connection));
    await run.stop();
  });

  it('takes nothing in after it was ended', async () => {
    const run = await startRun();
    run.end(new Error('enough'));
    expect(run.append(fact(1, 'd1'))).toBe(false);
    await expect(run.failed).rejects.toThrow('enough');
    expect(await devices()).toEqual([]);
  });
});
