import type { ConsumerInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, expect, jest, it } from '@jest/globals';
import { createLogger } from '@stance/service-kit';
import { EngineProgress } from './engine-progress.js';
import { EngineReport } from './engine-report.js';
import { PolicyLog } from './policy-log.js';
import { durable, World } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startEngine();
  await world.change('d1', false);
  await world.settled();
  await world.stopEngine();
});

/** A report for which work that was not finished between two looks stands still. */
function impatientReport(): EngineReport {
  const { connection, replica } = world;
  const logger = createLogger('policy-engine', 'silent');
  const policies = new PolicyLog(connection);
  return new EngineReport(
    connection,
    replica,
    policies,
    new EngineProgress(),
    { progress: undefined },
    { activeFrom: undefined },
    logger,
    {
      standstillMs: 0,
    },
  );
}

/** The server says of the consumer of postures that a message is pending, whatever the stream holds. */
function losesCount(connection: NatsConnection): void {
  const request = connection.request.bind(connection);
  jest.spyOn(connection, 'request').mockImplementation(async (subject, ...rest) => {
    const answer = await request(subject, ...rest);
    if (!subject.endsWith(`.CONSUMER.INFO.${durable.postures.stream}.${durable.postures.name}`)) return answer;
    const data = Buffer.from(JSON.stringify({ ...answer.json<ConsumerInfo>(), num_pending: 1 }));
    return Object.defineProperty(answer, 'data', { value: data });
  });
}

it('a message that the server counts as pending and that is nowhere does not silence the engine', async () => {
  losesCount(world.connection);
  try {
    const report = impatientReport();
    for (let look = 0; look < 3; look += 1) await report.report();
    expect(report.standstill).toBeUndefined();
    await world.change('d1', true);
    for (let look = 0; look < 3; look += 1) await report.report();
    expect(report.standstill).toMatch(/^policy-engine_posture-changed has stood still .* with 1 waiting/);
  } finally {
    jest.restoreAllMocks();
  }
});
