import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { ListPostures, VerifyAudit } from '@stance/contracts';
import { waitFor } from '@stance/testing';
import { PassErrorsThrough } from './errors.filter.js';
import { OnRequest } from './handlers.js';
import { JetStreamStrategy } from './jetstream.strategy.js';
import { ask, RequestFailed, ServiceUnavailable } from './requests.js';
import { moduleOf, startWorld, type World } from './spec/world.js';

const troubles: string[] = [];
const said: string[] = [];

@Controller()
class Answers {
  @OnRequest(ListPostures)
  list(@Payload() { after, limit }: { after?: string; limit: number }): unknown {
    if (after === 'unknown') throw new RequestFailed('not-found', 'no such page');
    if (after === 'broken') throw new Error('a secret of the inside');
    if (after === 'unwritable') return { postures: [], next: 1n };
    return { postures: [], next: `${limit}` };
  }
}

let world: World;
let strategy: JetStreamStrategy;
beforeAll(async () => {
  world = await startWorld();
  strategy = new JetStreamStrategy({
    connection: world.connection,
    publisher: world.poller,
    observer: { settled: () => undefined, trouble: (message) => troubles.push(message) },
  });
  const app = await NestFactory.createMicroservice(moduleOf(Answers), {
    strategy,
    logger: { log: (message: string) => void said.push(message), warn: () => undefined, error: () => undefined },
  });
  app.useGlobalFilters(new PassErrorsThrough());
  await app.listen();
  await strategy.start();
});
afterAll(async () => {
  await strategy.close();
  await world.close();
});

describe('a request', () => {
  it('is answered, its defaults filled in', async () => {
    expect(await ask(world.connection, ListPostures, {})).toEqual({ postures: [], next: '100' });
  });

  it('that does not fit is refused, naming the field', async () => {
    const refused = ask(world.connection, ListPostures, { limit: 1_000 });
    await expect(refused).rejects.toThrow(RequestFailed);
    await expect(refused).rejects.toMatchObject({ code: 'invalid-request', message: expect.stringContaining('limit') });
  });

  it("fails with the handler's own error where it is meant for the asker", async () => {
    await expect(ask(world.connection, ListPostures, { after: 'unknown' })).rejects.toMatchObject({
      code: 'not-found',
      message: 'no such page',
    });
    // An answer like any other: no trouble of the service, which says it in passing.
    expect(troubles).toEqual([]);
    expect(said).toContain(`${ListPostures.subject} was refused (not-found): no such page`);
  });

  it('fails without details where it is not, and the service is told', async () => {
    const failed = ask(world.connection, ListPostures, { after: 'broken' });
    await expect(failed).rejects.toMatchObject({ code: 'internal', message: expect.not.stringContaining('secret') });
    expect(troubles).toContain(`${ListPostures.subject} failed`);
  });

  it('whose answer cannot be sent leaves the service running', async () => {
    const unanswered = ask(world.connection, ListPostures, { after: 'unwritable' }, { timeoutMs: 300 });
    await expect(unanswered).rejects.toThrow(ServiceUnavailable);
    await waitFor(() => troubles.includes(`the answer to ${ListPostures.subject} could not be sent`), {
      what: 'the service to be told',
    });
    expect(await ask(world.connection, ListPostures, {})).toMatchObject({ next: '100' });
  });

  it('to a service that does not run says so', async () => {
    await expect(ask(world.connection, VerifyAudit, {}, { timeoutMs: 300 })).rejects.toThrow(ServiceUnavailable);
  });

  it('is no longer answered after closing', async () => {
    await strategy.close();
    await expect(ask(world.connection, ListPostures, {}, { timeoutMs: 300 })).rejects.toThrow(ServiceUnavailable);
  });
});
