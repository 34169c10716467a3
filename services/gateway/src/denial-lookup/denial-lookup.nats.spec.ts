import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NatsConnection } from '@nats-io/transport-node';
import { EventPublisher, JetStreamStrategy, lookUpDenial } from '@stance/jetstream';
import { PATIENCE_MS, startTestNats, type TestNats } from '@stance/testing';
import { Denials } from '../access/denials.js';
import { DenialLookupHandler } from './denial-lookup.handler.js';

@Module({})
class LookupModule {
  static with(denials: Denials): DynamicModule {
    return {
      module: LookupModule,
      controllers: [DenialLookupHandler],
      providers: [{ provide: Denials, useValue: denials }],
    };
  }
}

let nats: TestNats;
let connection: NatsConnection;
const strategies: JetStreamStrategy[] = [];
beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
});
afterAll(async () => {
  await Promise.all(strategies.map((strategy) => strategy.close()));
  await nats.close();
});

async function replica(gateway: string): Promise<Denials> {
  const denials = new Denials(gateway);
  const own = await nats.connect();
  const strategy = new JetStreamStrategy({
    connection: own,
    publisher: new EventPublisher(own, 'gateway'),
    observer: { settled: () => undefined, trouble: () => undefined },
  });
  const app = await NestFactory.createMicroservice(LookupModule.with(denials), { strategy, logger: false });
  await app.listen();
  await strategy.start();
  await own.flush();
  strategies.push(strategy);
  return denials;
}

test('a denial is found at the replica that told it, whichever it is asked of', async () => {
  const replicas = [await replica('edge'), await replica('edge'), await replica('office')];
  for (const denials of replicas) {
    const told = denials.record({ deviceId: 'laptop-1', user: 'one@example.com', resource: 'wiki' }, [
      { code: 'condition-false', message: 'This machine is infected.' },
    ]);
    expect(await lookUpDenial(connection, told.denialId, PATIENCE_MS)).toEqual({ denial: told, refused: 0 });
  }
  const unknown = '642a4e3b-d5a4-46d3-b886-3ad841c258dd';
  expect(await lookUpDenial(connection, unknown, 200)).toEqual({ denial: undefined, refused: 0 });
});
