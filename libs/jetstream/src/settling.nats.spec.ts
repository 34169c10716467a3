import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { RpcException } from '@nestjs/microservices';
import { AgentObserved, createEvent, MAX_EVENT_BYTES, STREAMS } from '@stance/contracts';
import { waitFor } from '@stance/testing';
import { of, throwError } from 'rxjs';
import { RetryLater, Unprocessable } from './settlement.js';
import { applyTopology } from './topology.js';
import { agent, agentSubject } from './spec/events.js';
import { deadLetters, observe, startService, startWorld, untilConsumed, type World } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());
beforeEach(() => world.reset());

const retry = { maxAttempts: 3, firstDelayMs: 100, maxDelayMs: 1_000 };

class DiskFull extends Error {}

describe('a handler that fails', () => {
  it.each<[string, () => unknown, string]>([
    [
      'a plain error',
      () => {
        throw new DiskFull('the disk is full');
      },
      'the disk is full',
    ],
    [
      'an RpcException',
      () => {
        throw new RpcException('the store refused');
      },
      'the store refused',
    ],
    ['a rejection', () => Promise.reject(new Error('not now')), 'not now'],
    ['an error inside an Observable', () => throwError(() => new Error('in the stream')), 'in the stream'],
    ['a wish to be asked later', () => Promise.reject(new RetryLater('still loading')), 'still loading'],
  ])(
    'with %s is asked again as often as agreed, then the message is dead, with the message of that error',
    async (_, fail, said) => {
      const attempts: number[] = [];
      const service = await startService(
        world,
        (_event, { attempt }) => {
          attempts.push(attempt);
          return fail();
        },
        { consume: { retry: { ...retry, firstDelayMs: 10 } } },
      );
      const sequence = await observe(world, 'agent-1');
      await waitFor(async () => (await deadLetters(world)).length > 0, { what: 'the message is dead' });
      await untilConsumed(world);
      const [letter, ...more] = await deadLetters(world);
      expect(more).toEqual([]);
      expect(letter?.data).toMatchObject({
        service: 'device-matcher',
        originalSubject: agentSubject(),
        stream: STREAMS.AGENTS.name,
        sequence,
        attempts: 3,
        reason: { code: 'exhausted', message: `failed 3 times, last: ${said}` },
      });
      expect(attempts).toEqual([1, 2, 3]);
      await service.close();
    },
  );

  it('is asked again only after a delay that grows: no attempt is burned within milliseconds', async () => {
    const times: number[] = [];
    const service = await startService(
      world,
      () => {
        times.push(performance.now());
        throw new Error('x');
      },
      { consume: { retry: { maxAttempts: 4, firstDelayMs: 100, maxDelayMs: 1_000 } } },
    );
    await observe(world, 'agent-1');
    await waitFor(() => service.settled.length === 4, { what: 'four attempts' });
    const delays = service.settled.map(({ settlement }) => settlement.action === 'retry' && settlement.delayMs);
    expect(delays).toEqual([100, 200, 400, false]);
    const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    for (const [index, least] of [100, 200, 400].entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(least - 5);
    }
    await service.close();
  });

  it('is asked again after the delay that it names', async () => {
    const times: number[] = [];
    const service = await startService(world, () => {
      times.push(performance.now());
      if (times.length === 1) throw new RetryLater('soon', { delayMs: 350 });
    });
    await observe(world, 'agent-1');
    await untilConsumed(world);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(345);
    expect(await deadLetters(world)).toEqual([]);
    await service.close();
  });

  it('for good is asked once: the message is dead with the reason', async () => {
    let attempts = 0;
    const service = await startService(world, () => {
      attempts += 1;
      throw new Unprocessable('no such source');
    });
    await observe(world, 'agent-1');
    await waitFor(async () => (await deadLetters(world)).length > 0, { what: 'the message is dead' });
    await untilConsumed(world);
    const [letter] = await deadLetters(world);
    expect(letter?.data.reason).toEqual({ code: 'unprocessable', message: 'no such source' });
    expect([attempts, letter?.data.attempts]).toEqual([1, 1]);
    expect(service.settled).toEqual([
      expect.objectContaining({
        settlement: expect.objectContaining({ action: 'dead-letter' }),
        error: expect.any(Unprocessable),
      }),
    ]);
    await service.close();
  });

  it('has its own error lost without the pass-through filter, as Nest does it, and is still asked again', async () => {
    const service = await startService(
      world,
      () => {
        throw new Error('hidden by Nest');
      },
      { passErrors: false, consume: { retry: { ...retry, maxAttempts: 2, firstDelayMs: 10 } } },
    );
    await observe(world, 'agent-1');
    await waitFor(async () => (await deadLetters(world)).length > 0, { what: 'the message is dead' });
    const [letter] = await deadLetters(world);
    expect(letter?.data.reason.message).toBe('failed 2 times, last: Internal server error');
    await service.close();
  });
});

describe('a handler that succeeds', () => {
  it.each<[string, () => unknown]>([
    ['nothing', () => undefined],
    ['a promise', () => Promise.resolve('done')],
    ['an Observable of several values', () => of(1, 2, 3)],
    ['an empty Observable', () => of()],
  ])('and returns %s settles its message', async (_, succeed) => {
    const service = await startService(world, succeed);
    const sequence = await observe(world, 'agent-1');
    // The server may call a consumer idle before it has handed out what was just stored.
    await waitFor(() => service.settled.length > 0, { what: 'the message is settled' });
    await untilConsumed(world);
    expect(service.settled).toEqual([{ sequence, settlement: { action: 'ack' }, error: undefined }]);
    await service.close();
  });
});

describe('a message that is retried', () => {
  it('holds back the later ones of its key until it is done, and nothing of other keys', async () => {
    const order: string[] = [];
    let healed = false;
    const service = await startService(
      world,
      ({ data }) => {
        const name = `${data.agentId}:${String(data.attributes['n'])}`;
        if (name === 'a:1' && !healed) throw new Error('not yet');
        order.push(name);
      },
      { consume: { orderBy: 'agentId', retry: { maxAttempts: 10_000, firstDelayMs: 30, maxDelayMs: 30 } } },
    );
    for (const n of [1, 2, 3]) for (const key of ['a', 'b']) await observe(world, key, { n });
    await waitFor(() => order.length === 3, { what: 'the other key is done' });
    expect(order).toEqual(['b:1', 'b:2', 'b:3']);
    healed = true;
    await untilConsumed(world);
    expect(order.slice(3)).toEqual(['a:1', 'a:2', 'a:3']);
    await service.close();
  });
});

describe('a message that is no event of its subject', () => {
  const good = (agentId: string) =>
    createEvent(AgentObserved, {
      id: 'x',
      producer: 'sentinelone-poller',
      time: new Date(),
      data: agent({ agentId }),
      cause: {},
    });
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const withHeader = (name: string, value: string) => {
    const all = headers();
    all.set(name, value);
    return all;
  };

  it.each<[string, string, string, Uint8Array, MsgHdrs | null]>([
    ['broken JSON', 'malformed', agentSubject('bad'), Buffer.from('{"specversion"'), null],
    ['nothing at all', 'malformed', agentSubject('bad'), Buffer.from(''), null],
    ['bytes that are no text', 'malformed', agentSubject('bad'), Buffer.from([0xff, 0xfe, 0]), null],
    ['a megabyte of quotes', 'oversized', agentSubject('bad'), Buffer.alloc(1_048_000, '"'), null],
    ['more than an event may be', 'oversized', agentSubject('bad'), Buffer.alloc(MAX_EVENT_BYTES + 1, 'x'), null],
    ['data about another agent', 'misaddressed', agentSubject('bad'), json(good('other')), null],
    ['an event of another type', 'misaddressed', agentSubject('bad'), json({ ...good('bad'), type: 'x' }), null],
    ['ids that are too many for its subject', 'misaddressed', `${agentSubject('bad')}.more`, json(good('bad')), null],
    ['an id that nobody escapes so', 'misaddressed', 'stance.agent.observed.v1.s.=61', json(good('a')), null],
    ['a very long subject', 'misaddressed', `stance.agent.observed.v1.s.${'x'.repeat(3_900)}`, json(good('bad')), null],
    ['a subject of wildcards', 'misaddressed', 'stance.agent.observed.v1.*.x', json(good('bad')), null],
    ...['Nats-Stream', 'Nats-Subject', 'Nats-Sequence'].map(
      (name): [string, string, string, Uint8Array, MsgHdrs | null] => [
        `the header ${name}`,
        'forbidden',
        agentSubject('bad'),
        json(good('bad')),
        withHeader(name, 'x'),
      ],
    ),
  ])('is dead at once, and the next one is handled: %s', async (_, code, subject, payload, extra) => {
    const handled: string[] = [];
    const service = await startService(world, ({ data }) => void handled.push(data.agentId), {
      consume: { orderBy: 'source' },
    });
    world.connection.publish(subject, payload, extra === null ? {} : { headers: extra });
    await observe(world, 'next');
    await waitFor(() => handled.length > 0, { what: 'the next message is handled' });
    await untilConsumed(world);
    expect(handled).toEqual(['next']);
    const [letter, ...more] = await deadLetters(world);
    expect(more).toEqual([]);
    expect(letter?.data).toMatchObject({ reason: { code }, bytes: payload.byteLength, attempts: 1 });
    expect(subject.startsWith(letter?.data.originalSubject ?? '-')).toBe(true);
    await service.close();
  });
});

it('the server itself keeps out a message that claims to be copied from another stream', async () => {
  const claim = headers();
  claim.set('Nats-Stream-Source', 'OTHER 1 > >');
  world.connection.publish(agentSubject(), 'forged', { headers: claim });
  await observe(world, 'next');
  expect((await world.manager.streams.info(STREAMS.AGENTS.name)).state.messages).toBe(1);
});

describe('a dead letter', () => {
  it("holds the message as received, its headers as data: the server's headers do not act a second time", async () => {
    const service = await startService(world, () => {
      throw new Unprocessable('never');
    });
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await world.poller.publish(AgentObserved, agent(), {
      id: 'original',
      cause: { traceparent },
      ttl: '1h',
      expectedSequence: 0,
    });
    await waitFor(async () => (await deadLetters(world)).length > 0, { what: 'the message is dead' });
    const [letter] = await deadLetters(world);
    expect(letter?.data.headers).toMatchObject({ 'Nats-Msg-Id': ['original'], 'Nats-TTL': ['1h'] });
    expect(JSON.parse(letter?.data.payload ?? '')).toMatchObject({ id: 'original', data: { agentId: 'agent-1' } });
    const own = letter?.message.header;
    expect([own?.has('Nats-TTL'), own?.has('Nats-Expected-Last-Subject-Sequence')]).toEqual([false, false]);
    expect(own?.get('Nats-Msg-Id')).toBe(`device-matcher:${STREAMS.AGENTS.name}:1:dead`);
    expect(own?.get('traceparent')).toBe(traceparent);
    await service.close();
  });

  it('that cannot be stored loses nothing: the message is buried later, with its own reason, and not handled again', async () => {
    let attempts = 0;
    const service = await startService(
      world,
      () => {
        attempts += 1;
        throw new Unprocessable('never');
      },
      { ackWaitMs: 300 },
    );
    await world.manager.streams.delete(STREAMS.DEAD.name);
    await observe(world, 'agent-1');
    await waitFor(() => service.troubles.length >= 2, { what: 'storing has failed twice' });
    const { num_ack_pending } = await world.manager.consumers.info(
      STREAMS.AGENTS.name,
      'device-matcher_agent-observed',
    );
    expect(num_ack_pending).toBe(1);
    await applyTopology(world.connection);
    await untilConsumed(world);
    const letters = await deadLetters(world);
    expect(letters.map(({ data }) => data.reason)).toEqual([{ code: 'unprocessable', message: 'never' }]);
    expect(attempts).toBe(1);
    expect(service.troubles[0]).toContain('cannot store the dead letter');
    await service.close();
  });
});
