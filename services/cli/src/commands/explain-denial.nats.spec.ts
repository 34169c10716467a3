import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { DeviceRecorded, Explain, LookUpDenial, type Denial, type Explanation } from '@stance/contracts';
import { newDenialKey, RequestFailed } from '@stance/jetstream';
import { startTestNats, type TestNats } from '@stance/testing';
import { answering } from '../fixtures/answering.js';
import { stance } from '../fixtures/captured-io.js';
import { device, FactWriter } from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';

let nats: TestNats;
let connection: NatsConnection;
const stops: (() => void)[] = [];
beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  await freshTopology(connection);
  await new FactWriter(connection).write(DeviceRecorded, device({ deviceId: 'laptop-1' }));
});
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});
afterAll(() => nats.close());

const { denialId, secret } = newDenialKey();
const denial: Denial = {
  denialId,
  gateway: 'edge',
  effect: 'deny',
  deviceId: 'laptop-1',
  user: 'one@example.com',
  resource: 'wiki',
  reasons: [
    {
      code: 'condition-false',
      message: 'This machine is infected.',
      attribute: 'sentinelOne:infected',
      expected: '== false',
      actual: true,
      source: 'office-console',
      agentId: '101',
      reportedAt: '2026-01-05T10:00:00.000Z',
    },
  ],
  deniedAt: '2026-01-05T10:00:01.000Z',
};

const explanation: Explanation = {
  deviceId: 'laptop-1',
  resource: 'wiki',
  effect: 'allow',
  enforced: true,
  reasons: [],
  rules: [],
  problems: [],
  postureRevision: 2,
  policyRevision: 1,
  evaluatedAt: '2026-01-05T10:05:00.000Z',
  reviewAt: null,
  changes: [],
  decisions: [],
};

/** A gateway whose replicas know so much of denials: those that know nothing are silent, as in the real one. */
async function gatewayKnows(...known: (Denial | undefined)[]): Promise<void> {
  for (const one of known) {
    const subscription = connection.subscribe(LookUpDenial.subject, {
      callback: (_error, message) => {
        const asked = LookUpDenial.input.parse(message.json());
        if (one?.denialId === asked.denialId) message.respond(JSON.stringify({ result: { ...one, secret } }));
      },
    });
    stops.push(() => subscription.unsubscribe());
  }
  await connection.flush();
}

/** Gateways that answer with what is not theirs, or with nothing that is an answer. */
function forge(): void {
  const told = { ...denial, gateway: 'another', user: 'two@example.com' };
  const { denialId: other, secret: itsSecret } = newDenialKey();
  const answers = [
    { result: { ...told, secret: itsSecret } },
    { result: { ...told, denialId: other, secret: itsSecret } },
    { result: told },
    { error: { code: 'internal', message: 'forged' } },
    {},
  ].map((answer) => JSON.stringify(answer));
  for (const answer of [...answers, 'no JSON']) {
    const subscription = connection.subscribe(LookUpDenial.subject, {
      callback: (_error, message) => void message.respond(answer),
    });
    stops.push(() => subscription.unsubscribe());
  }
}

const engineSays = async (handle: () => unknown) => void stops.push(await answering(connection, Explain, handle));

const explain = (...argv: string[]) => stance(['explain', ...argv, '--nats', nats.url]);

describe('explain <denial id>', () => {
  test('shows what was told, of whichever replica told it, then what holds now', async () => {
    await gatewayKnows(undefined, denial, undefined);
    await engineSays(() => explanation);
    const { exitCode, stdout } = await explain(denial.denialId.toUpperCase());
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        [
          '^laptop-1 of one@example.com → wiki @ edge: deny',
          '├─ was told',
          '│  └─ This machine is infected. \\[condition-false\\]',
          '│     └─ expected == false, actual true, from office-console/101, reported at 2026-01-05T10:00:00.000Z',
          '├─ first \\d+ d ago, at 2026-01-05T10:00:01.000Z',
          `└─ denial ${denialId}`,
          '',
          'laptop-1 → wiki: allow\n',
        ].join('\n'),
      ),
    );
    const { stdout: json } = await explain(denial.denialId, '--json');
    expect(JSON.parse(json)).toEqual({ denial, explanation });
  });

  test('shows only what was told by where the id was made, whoever answers first', async () => {
    forge();
    await gatewayKnows(denial);
    await engineSays(() => explanation);
    const { stdout } = await explain(denial.denialId, '--json');
    expect(JSON.parse(stdout)).toEqual({ denial, explanation });
  });

  test('that is only answered by others is known to nobody, and it is told that some answered', async () => {
    forge();
    await gatewayKnows(undefined);
    expect(await explain(denial.denialId)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/\d answers? did not prove to come from where the id does[^]*knows the denial/),
    });
  });

  test('shows it also where no device was proved, and explains nothing', async () => {
    const { deviceId: _, user: __, resource: ___, ...rest } = denial;
    const unproved: Denial = { ...rest, reasons: [{ code: 'identity-missing', message: 'No proof.' }] };
    await gatewayKnows(unproved);
    const shown = await explain(denial.denialId);
    expect(shown).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^a device that was not proved → no known resource @ edge: deny\n/),
    });
    const { stdout } = await explain(denial.denialId, '--json');
    expect(JSON.parse(stdout)).toEqual({ denial: unproved, explanation: null });
  });

  test('shows a warning with its end, and runs nothing that a terminal would', async () => {
    await gatewayKnows({
      ...denial,
      effect: 'warn',
      until: '2026-01-06T10:00:00.000Z',
      reasons: [{ code: 'condition-false', message: 'red\u001b[31m' }],
    });
    await engineSays(() => explanation);
    const { stdout } = await explain(denial.denialId);
    expect(stdout).toContain('@ edge: warn until 2026-01-06T10:00:00.000Z');
    expect(stdout).not.toContain('\u001b');
  });

  test.each([
    ['the engine does not answer', undefined, 3, /policy-engine does not answer/],
    ['the engine has no policy', new RequestFailed('not-ready', 'no policy is in force'), 3, /no policy is in force/],
    [
      'the engine does not know the device',
      new RequestFailed('not-found', 'no device laptop-1'),
      2,
      /no device laptop-1/,
    ],
  ])('shows it also where %s, and says so', async (_, failure, exitCode, said) => {
    await gatewayKnows(denial);
    if (failure !== undefined) {
      await engineSays(() => {
        throw failure;
      });
    }
    const outcome = await explain(denial.denialId, '--json');
    expect(outcome).toMatchObject({ exitCode, stderr: expect.stringMatching(said) });
    expect(JSON.parse(outcome.stdout)).toEqual({ denial, explanation: null });
  });

  test('that no replica knows says where it may have come from', async () => {
    await gatewayKnows(denial, undefined);
    expect(await explain(randomUUID())).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/no gateway at nats:.* knows the denial .*an hour.*restarted.*another NATS server/),
    });
  });

  test('without any gateway says that none answers', async () => {
    expect(await explain(denial.denialId)).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('gateway does not answer'),
    });
  });

  test('that is none asks for the resource', async () => {
    expect(await explain('laptop-1')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('stance explain laptop-1 <resource>'),
    });
  });
});
