import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { BUCKETS } from '@stance/contracts';
import { startFaultProxy, waitFor, watchLease, type FaultProxy } from '@stance/testing';
import { connectToNats } from './connection.js';
import { Lease } from './lease.js';
import { applyTopology } from './topology.js';
import { observe, startService, startWorld, untilConsumed, type World } from './spec/world.js';

let world: World;
let proxy: FaultProxy;
const opened: NatsConnection[] = [];
const leases: Lease[] = [];
beforeAll(async () => {
  world = await startWorld();
  proxy = await startFaultProxy({ target: world.nats.url });
});
afterEach(async () => {
  await Promise.all(leases.splice(0).map((lease) => lease.release()));
  await Promise.all(opened.splice(0).map((connection) => connection.close()));
});
afterAll(async () => {
  await proxy.close();
  await world.close();
});

async function throughProxy(): Promise<NatsConnection> {
  await proxy.resume();
  const connection = await connectToNats({ url: `nats://127.0.0.1:${proxy.port}`, name: 'replica' });
  opened.push(connection);
  return connection;
}

/** How long a lease lives where nothing else is agreed. */
const TTL_MS = 3_000;

async function acquire(name: string, holder: string, connection = world.connection, signal?: AbortSignal) {
  const lease = await Lease.acquire(connection, { name, holder, ttlMs: TTL_MS, ...(signal && { signal }) });
  leases.push(lease);
  return lease;
}

describe('a lease', () => {
  it('has one holder; giving it back hands it over at once, with a higher epoch', async () => {
    const first = await acquire('one', 'a');
    let second: Lease | undefined;
    const waiting = acquire('one', 'b').then((lease) => (second = lease));
    const probe = new AbortController();
    const third = acquire('one', 'c', world.connection, probe.signal);
    // Longer than it lives without renewal: only renewals keep the others out.
    await waitFor(async () => ((await holderSequence('one')) ?? 0) >= first.epoch + 3, { what: 'three renewals' });
    expect(second).toBeUndefined();
    probe.abort(new Error('stopped'));
    await expect(third).rejects.toThrow('stopped');
    const isGivenBack = await watchLease(world.connection, 'one');
    await first.release();
    await waiting;
    expect(await isGivenBack()).toBe(true);
    expect(second?.epoch).toBeGreaterThan(first.epoch);
  });

  it('of a holder that died is taken over within its lifetime and a little more', async () => {
    const dying = await connectToNats({ url: world.nats.url, name: 'dying' });
    await acquire('two', 'a', dying);
    await dying.close();
    const diedAt = performance.now();
    await acquire('two', 'b');
    expect(performance.now() - diedAt).toBeLessThan(TTL_MS + 10_000);
  });

  it('counts as lost before its time is over when renewals do not arrive', async () => {
    const lease = await acquire('three', 'a', await throughProxy());
    proxy.pause();
    let lostAt = 0;
    const lost = lease.lost.then((reason) => {
      lostAt = performance.now();
      return reason;
    });
    const next = await acquire('three', 'b');
    const takenAt = performance.now();
    await expect(lost).resolves.toContain('not be renewed');
    expect(lostAt).toBeLessThan(takenAt);
    expect(next.epoch).toBeGreaterThan(lease.epoch);
    await proxy.resume();
  });

  it('that another took cannot be renewed: the outlived holder is told', async () => {
    const lease = await acquire('four', 'a');
    // In one step: between its end and its next beginning, a renewal would find that it is gone.
    await jetstream(world.connection).publish(`$KV.${BUCKETS.LEASES.name}.four`, 'b');
    await expect(lease.lost).resolves.toContain('another replica took it');
  });

  it('outlives a renewal that was stored and whose confirmation got lost', async () => {
    const connection = await throughProxy();
    // It has to last for as long as it takes to connect again.
    const lease = await Lease.acquire(connection, { name: 'six', holder: 'a', ttlMs: 9_000 });
    leases.push(lease);
    let lost: string | undefined;
    void lease.lost.then((reason) => (lost = reason));
    // The renewal leaves, its confirmation never comes.
    proxy.delay(100);
    const stored = await waitFor(
      async () => {
        const sequence = (await holderSequence('six')) ?? 0;
        return sequence > lease.epoch && sequence;
      },
      { what: 'a renewal', intervalMs: 1 },
    );
    proxy.cut();
    await proxy.resume();
    await waitFor(async () => lost ?? ((await holderSequence('six')) ?? 0) >= stored + 2, {
      what: 'two more renewals, or the loss',
    });
    expect(lost).toBeUndefined();
  });

  it('that cannot be asked for is told apart from one that another holds', async () => {
    const troubles: (string | undefined)[] = [];
    const held = await acquire('seven', 'a');
    const onTrouble = (trouble: string | undefined) => void troubles.push(trouble);
    const options = { name: 'seven', holder: 'b', ttlMs: 1_500, onTrouble };
    const waiting = Lease.acquire(world.connection, options);
    await waitFor(async () => ((await holderSequence('seven')) ?? 0) >= held.epoch + 3, { what: 'three renewals' });
    expect(troubles).toEqual([]);
    await held.release();
    await (await waiting).release();
    await world.manager.streams.delete(`KV_${BUCKETS.LEASES.name}`);
    const vain = Lease.acquire(world.connection, options);
    await waitFor(() => troubles.length > 0, { what: 'the trouble to be told' });
    expect(troubles).toEqual([expect.stringMatching(/lease seven.*STANCE_LEASES.*stance topology apply/)]);
    await applyTopology(world.connection);
    await (await vain).release();
    expect(troubles.slice(1)).toEqual([undefined]);
  });

  it('is waited for while no server answers', async () => {
    const connection = await throughProxy();
    await proxy.refuse();
    const waiting = acquire('five', 'a', connection);
    await proxy.resume();
    expect((await waiting).epoch).toBeGreaterThan(0);
  });
});

describe('two replicas of a service', () => {
  it('never handle at the same time: the standby starts when the active one ends', async () => {
    const active = new Set<string>();
    let mostActive = 0;
    const handled: string[] = [];
    const replica = async (name: string) => {
      const service = await startService(world, ({ data }) => void handled.push(`${name}:${data.agentId}`), {
        start: false,
      });
      const lease = Lease.acquire(service.connection, { name: 'device-matcher', holder: name, ttlMs: 30_000 });
      const running = lease.then(async (held) => {
        leases.push(held);
        active.add(name);
        mostActive = Math.max(mostActive, active.size);
        await service.strategy.start();
        return held;
      });
      return { service, running };
    };
    const first = await replica('first');
    const held = await first.running;
    const second = await replica('second');
    await observe(world, 'a');
    await untilConsumed(world);
    await first.service.strategy.close();
    active.delete('first');
    await held.release();
    await second.running;
    await observe(world, 'b');
    await untilConsumed(world);
    expect([handled, mostActive]).toEqual([['first:a', 'second:b'], 1]);
  });
});

async function holderSequence(name: string): Promise<number | undefined> {
  const last = await world.manager.streams.getMessage(`KV_${BUCKETS.LEASES.name}`, {
    last_by_subj: `$KV.${BUCKETS.LEASES.name}.${name}`,
  });
  return last?.seq;
}
