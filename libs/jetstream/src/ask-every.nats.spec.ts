import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { LookUpDenial, type DenialWithSecret } from '@stance/contracts';
import { PATIENCE_MS, waitFor } from '@stance/testing';
import { PassErrorsThrough } from './errors.filter.js';
import { OnRequest } from './handlers.js';
import { JetStreamStrategy } from './jetstream.strategy.js';
import { ask, askEvery, ServiceUnavailable } from './requests.js';
import { moduleOf, startWorld, type World } from './spec/world.js';

let world: World;
const closing: (() => Promise<void>)[] = [];
beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  await Promise.all(closing.map((close) => close()));
  await world.close();
});

/** A replica that knows of one denial; the function returned tells how many it was asked for. */
async function replica(denialId: string): Promise<() => number> {
  let asked = 0;
  @Controller()
  class Lookup {
    @OnRequest(LookUpDenial)
    lookUp(@Payload() request: { denialId: string }): DenialWithSecret | undefined {
      asked += 1;
      if (request.denialId !== denialId) return undefined;
      const deniedAt = '2026-01-05T10:00:00.000Z';
      return { denialId, secret: 'known', gateway: 'edge', effect: 'deny', reasons: [], deniedAt };
    }
  }
  const connection = await world.nats.connect();
  const strategy = new JetStreamStrategy({
    connection,
    publisher: world.poller,
    observer: { settled: () => undefined, trouble: () => undefined },
  });
  const app = await NestFactory.createMicroservice(moduleOf(Lookup), { strategy, logger: false });
  app.useGlobalFilters(new PassErrorsThrough());
  await app.listen();
  await strategy.start();
  await connection.flush();
  closing.push(() => strategy.close());
  return () => asked;
}

const patiently = { timeoutMs: PATIENCE_MS };

describe('a request that every replica hears', () => {
  it('to a service that does not run says so', async () => {
    const asking = askEvery(world.connection, LookUpDenial, { denialId: randomUUID() }, { timeoutMs: 200 });
    await expect(asking).rejects.toThrow(ServiceUnavailable);
  });

  it('is answered by the one that knows, whichever that is', async () => {
    const ids = [randomUUID(), randomUUID(), randomUUID()];
    const replicas = await Promise.all(ids.map((id) => replica(id)));
    for (const denialId of ids) {
      expect(await askEvery(world.connection, LookUpDenial, { denialId }, patiently)).toMatchObject({ denialId });
      expect(await ask(world.connection, LookUpDenial, { denialId }, patiently)).toMatchObject({ denialId });
    }
    await waitFor(() => replicas.every((asked) => asked() === 6), { what: 'every replica has heard all of it' });
  });

  it('is answered by nobody when none knows', async () => {
    const unknown = { denialId: randomUUID() };
    expect(await askEvery(world.connection, LookUpDenial, unknown, { timeoutMs: 200 })).toBeUndefined();
    await expect(ask(world.connection, LookUpDenial, unknown, { timeoutMs: 200 })).rejects.toThrow(ServiceUnavailable);
  });

  it('is answered by the first whose answer is accepted', async () => {
    const denialId = randomUUID();
    await replica(denialId);
    const known = await askEvery(world.connection, LookUpDenial, { denialId }, patiently);
    const others = [{ error: { code: 'internal', message: 'no' } }, {}, { result: { ...known, secret: 'forged' } }];
    const listening = others.map((other) =>
      world.connection.subscribe(LookUpDenial.subject, {
        callback: (_error, message) => void message.respond(JSON.stringify(other)),
      }),
    );
    await world.connection.flush();
    const accepts = ({ secret }: { secret: string }) => secret === 'known';
    let refused = 0;
    const options = { ...patiently, accepts, onRefused: () => (refused += 1) };
    expect(await askEvery(world.connection, LookUpDenial, { denialId }, options)).toEqual(known);
    expect(refused).toBeLessThanOrEqual(others.length);
    for (const one of listening) one.unsubscribe();
  });

  it('is answered also where somebody says that nobody listens', async () => {
    const denialId = randomUUID();
    await replica(denialId);
    const lying = world.connection.subscribe(LookUpDenial.subject, {
      callback: (_error, message) => void message.respond('', { headers: headers(503, 'No Responders') }),
    });
    await world.connection.flush();
    expect(await askEvery(world.connection, LookUpDenial, { denialId }, patiently)).toMatchObject({ denialId });
    lying.unsubscribe();
  });

  it('that does not fit is refused, naming the field', async () => {
    const asking = ask(world.connection, LookUpDenial, { denialId: 'mine' }, patiently);
    await expect(asking).rejects.toMatchObject({
      code: 'invalid-request',
      message: expect.stringContaining('denialId'),
    });
  });
});
