import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstreamManager, type PubAck } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import {
  AgentObserved,
  DeadLettered,
  durableOf,
  filterOf,
  MAX_EVENT_BYTES,
  STREAMS,
  subjectOf,
  type DataOf,
  type EventOf,
} from '@stance/contracts';
import { ConsumeLoop, DEFAULT_CONSUME_OPTIONS, EventPublisher, Unprocessable } from '@stance/jetstream';
import { everythingSettled, freePort, PATIENCE_MS, startTestNats, waitFor, type TestNats } from '@stance/testing';
import { stance } from '../fixtures/captured-io.js';
import { eventOf, FactWriter, observed } from '../fixtures/facts.js';
import { freshTopology } from '../fixtures/fresh-topology.js';

const TRACE_ID = 'a1'.repeat(16);
const ESCAPE = '\u001b[2J\u009b31m\u202e';
const DEAD = STREAMS.DEAD.name;
const DURABLE = durableOf('device-matcher', AgentObserved);

let nats: TestNats;
let connection: NatsConnection;

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
});
afterAll(async () => {
  await nats.close();
});

const run = (...argv: string[]) => stance(['dead-letters', ...argv], { env: { NATS_URL: nats.url } });

async function json<Result>(...argv: string[]): Promise<Result> {
  const { stdout, stderr, exitCode } = await run(...argv, '--json');
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return JSON.parse(stdout) as Result;
}

const subjectOfAgent = (agentId: string) => subjectOf(AgentObserved, { source: 'office-console', agentId });

const good = (agentId: string) => JSON.stringify(eventOf(AgentObserved, observed({ agentId })));

/** Publishes without looking at what; resolves to its sequence. */
async function publish(agentId: string, payload: string | Uint8Array, header: Record<string, string> = {}) {
  const all = headers();
  for (const [name, value] of Object.entries(header)) all.set(name, value);
  const answer = await connection.request(subjectOfAgent(agentId), payload, { headers: all, timeout: PATIENCE_MS });
  return answer.json<PubAck>().seq;
}

/** A consumer as a service has it, which buries what it cannot use. */
class Matcher {
  private readonly settled = new Set<number>();
  private readonly loop = new ConsumeLoop(
    connection,
    new EventPublisher(connection, 'device-matcher'),
    STREAMS.AGENTS.name,
    DURABLE,
    {
      contract: AgentObserved,
      filter: filterOf(AgentObserved),
      handle: async ({ delivery }) => {
        const { agentId } = (delivery.event as EventOf<typeof AgentObserved>).data;
        if (agentId === 'refused') throw new Unprocessable(`no place for ${ESCAPE} it`);
        if (agentId === 'failing') throw new Error('the disk is full');
      },
    },
    { ...DEFAULT_CONSUME_OPTIONS, retry: { maxAttempts: 2, firstDelayMs: 1, maxDelayMs: 1 } },
    {
      settled: (_, { seq }, { action }) => {
        if (action !== 'retry') this.settled.add(seq);
      },
      trouble: () => undefined,
    },
  );

  start(): Promise<void> {
    return this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop(PATIENCE_MS);
  }

  /** Resolves once a message is settled: what died is stored then. */
  async settles(sequence: number): Promise<number> {
    await waitFor(() => this.settled.has(sequence), { what: `message ${sequence} is settled` });
    return sequence;
  }
}

describe('what a service put aside', () => {
  let matcher: Matcher;

  beforeAll(async () => {
    await freshTopology(connection);
    matcher = new Matcher();
    await matcher.start();
    const hostile = { source: `/stance/${ESCAPE}`, '"': [ESCAPE, {}, []] };
    const buried: [string, string | Uint8Array, Record<string, string>?][] = [
      ['plain', '{"source":"/stance/console","n":12345678901234567890,"n":[1,{}]}'],
      ['hostile', JSON.stringify(hostile), { 'X-Note': ESCAPE, traceparent: `00-${TRACE_ID}-${'b2'.repeat(8)}-01` }],
      ['text', `first ${ESCAPE}\nsecond`],
      ['binary', Uint8Array.from({ length: 100 }, (_, index) => 255 - index)],
      ['large', Buffer.alloc(MAX_EVENT_BYTES + 1, 'x')],
      ['other', good('another')],
      ['plain', good('plain'), { 'Nats-Stream': 'STANCE_DEVICES' }],
      ['refused', good('refused')],
      ['failing', good('failing')],
      ['deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ];
    for (const [agentId, payload, header] of buried) await matcher.settles(await publish(agentId, payload, header));
  });
  afterAll(() => matcher.stop());

  test('is listed in the order in which it was stored, each with the reason', async () => {
    const letters = await json<{ reason: { code: string } }[]>();
    expect(letters.map(({ reason }) => reason.code)).toEqual([
      ...Array.from({ length: 4 }, () => 'malformed'),
      'oversized',
      'misaddressed',
      'forbidden',
      'unprocessable',
      'exhausted',
      'malformed',
    ]);
    expect(letters[8]).toEqual({
      sequence: 9,
      diedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      service: 'device-matcher',
      event: 'agent.observed',
      originalSubject: subjectOfAgent('failing'),
      reason: { code: 'exhausted', message: 'failed 2 times, last: the disk is full' },
      attempts: 2,
    });
  });

  test('is a table for people', async () => {
    const { stdout, stderr, exitCode } = await run('--last', '3');
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const [title, refused, failing, deep, ...rest] = stdout.split('\n');
    expect(title).toMatch(/^SEQUENCE +DIED +SERVICE +EVENT +ABOUT +CODE +ATTEMPTS +REASON$/);
    expect(refused).toMatch(/^ +8 .* device-matcher +agent\.observed +office-console\.refused +unprocessable +1 +no p/);
    expect(failing).toMatch(/ exhausted +2 +failed 2 times, last: the disk is full$/);
    expect(deep).toMatch(/ malformed +1 +/);
    expect(rest).toEqual(['']);
  });

  test.each([
    [['--last', '1'], [10]],
    [['list', '--last', '1'], [10]],
    [
      ['--last', '2', '--code', 'malformed'],
      [4, 10],
    ],
    [['--code', 'forbidden', '--service', 'device-matcher'], [7]],
    [['--service', 'policy-engine'], []],
  ])('is found by %j', async (options, sequences) => {
    expect((await json<{ sequence: number }[]>(...options)).map(({ sequence }) => sequence)).toEqual(sequences);
  });

  test('can be none', async () => {
    expect(await run('--service', 'audit')).toEqual({ exitCode: 0, stdout: 'No dead letter.\n', stderr: '' });
  });

  test('is shown whole', async () => {
    const { stdout, exitCode } = await run('show', '9');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^dead letter 9\n {2}died: +\d{4}-\S+Z, .*\n {2}service: +device-matcher\n {2}event: +agent\.observed\n/,
    );
    expect(stdout).toContain(`  subject:    ${subjectOfAgent('failing')}\n`);
    expect(stdout).toContain('  message:    STANCE_AGENTS 9\n');
    expect(stdout).toContain('  written by: /stance/sentinelone-poller, as it says itself\n');
    expect(stdout).toContain('  attempts:   2\n');
    expect(stdout).toContain('  set right:  no: nothing came on its subject since\n');
    expect(stdout).toContain('\nWhat it means\nIt failed at every attempt.\n');
    expect(stdout).toContain('Mend the cause.\nThe next message of its subject sets the state right.');
    expect(stdout).toContain('\nHeaders\nNone.\n');
    expect(stdout).toMatch(/\nPayload \(\d{3} bytes\)\n\{\n {2}"specversion": "1\.0",\n/);
  });

  test('is printed as it is for scripts', async () => {
    const shown = await json<{ letter: DataOf<typeof DeadLettered> }>('show', '2');
    expect(shown).toMatchObject({
      sequence: 2,
      storedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      event: 'agent.observed',
      producer: `/stance/${ESCAPE}`,
      traceId: TRACE_ID,
      meaning: expect.stringContaining('not a CloudEvent'),
      remedy: expect.stringContaining('Find who wrote it'),
      state: 'open',
      later: null,
      letter: { service: 'device-matcher', stream: 'STANCE_AGENTS', sequence: 2, encoding: 'utf8' },
    });
    expect(shown.letter.headers['X-Note']).toEqual([ESCAPE]);
    expect(JSON.parse(shown.letter.payload)).toMatchObject({ '"': [ESCAPE, {}, []] });
  });

  test.each([[[]], ...[2, 3, 4, 8].map((sequence) => [['show', `${sequence}`]])])(
    'brings no control character onto the screen, nor into JSON: %j',
    async (argv) => {
      for (const more of [[], ['--json']]) {
        const { stdout } = await run(...argv, ...more);
        expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/u);
      }
    },
  );

  test.each([
    [1, '{\n  "source": "/stance/console",\n  "n": 12345678901234567890,\n  "n": [\n    1,\n    {}\n  ]\n}\n'],
    [3, 'first �[2J�31m�\nsecond\n'],
  ])('keeps the payload of %i as it was written', async (sequence, payload) => {
    expect((await run('show', `${sequence}`)).stdout).toMatch(
      new RegExp(`bytes\\)\n${payload.replaceAll(/[[\]{}]/g, '\\$&')}$`),
    );
  });

  test('shows headers, the trace and who claims to have written it', async () => {
    const { stdout } = await run('show', '2');
    expect(stdout).toContain(`  trace id:   ${TRACE_ID}\n`);
    expect(stdout).toContain('  written by: /stance/�[2J�31m�, as it says itself\n');
    expect(stdout).toMatch(/\nHeaders\nX-Note: �\[2J�31m�\ntraceparent: 00-a1/);
  });

  test('shows bytes as base64 that can be read back', async () => {
    const { stdout } = await run('show', '4');
    const [, payload = ''] = stdout.split('\nPayload (100 bytes, as base64)\n');
    expect(payload.split('\n').map(({ length }) => length)).toEqual([76, 60, 0]);
    expect([...Buffer.from(payload, 'base64').subarray(0, 3)]).toEqual([255, 254, 253]);
    expect(stdout).toContain('  written by: it does not say\n');
  });

  test('says what of a payload was cut off', async () => {
    const { stdout } = await run('show', '5');
    expect(stdout).toMatch(/\nPayload \(786,433 bytes, cut to its first 540,672\)\nx+\n$/);
  });

  test('shows JSON that is too deep to be indented as it came', async () => {
    expect((await run('show', '10')).stdout).toMatch(/bytes\)\n\[{100000}\]{100000}\n$/);
  });

  test('is set right by a later message of its subject, unless that is dead as well', async () => {
    const sequence = await publish('text', '{');
    await matcher.settles(sequence);
    expect((await run('show', '3')).stdout).toMatch(
      new RegExp(`set right: +no: STANCE_AGENTS ${sequence} came .*, and died too: stance dead-letters show 11\n`),
    );
    expect(await json('show', '3')).toMatchObject({ state: 'dead-again', later: { sequence, deadLetter: 11 } });
    await matcher.stop();
    const next = await publish('text', good('text'));
    expect((await run('show', '3')).stdout).toMatch(
      new RegExp(
        `set right: +not yet: STANCE_AGENTS ${next} came .*, and device-matcher has not settled all up to it\n`,
      ),
    );
    expect(await json('show', '3')).toMatchObject({ state: 'waiting', later: { sequence: next } });
    matcher = new Matcher();
    await matcher.start();
    // The acknowledgement comes over another connection than the question.
    await everythingSettled(await jetstreamManager(connection), STREAMS.AGENTS.name, DURABLE);
    for (const letter of ['3', '11']) {
      expect((await run('show', letter)).stdout).toMatch(
        new RegExp(`set right: +yes: STANCE_AGENTS ${next} came .*\n`),
      );
    }
    expect(await json('show', '3')).toMatchObject({ state: 'set-right', later: { sequence: next } });
  });

  test('is not known to be set right where nothing of its subject is kept', async () => {
    const manager = await jetstreamManager(connection);
    await manager.streams.purge(STREAMS.AGENTS.name, { filter: subjectOfAgent('binary') });
    expect((await run('show', '4')).stdout).toContain('  set right:  not known: no message of its subject is kept\n');
    expect(await json('show', '4')).toMatchObject({ state: 'unknown', later: null });
  });
});

describe('a long history', () => {
  const services = ['device-matcher', 'posture-store', 'policy-engine'] as const;
  let manager: Awaited<ReturnType<typeof jetstreamManager>>;
  let facts: FactWriter;

  const letter = (over: Partial<DataOf<typeof DeadLettered>> = {}): DataOf<typeof DeadLettered> => ({
    service: 'device-matcher',
    originalSubject: subjectOfAgent('101'),
    stream: STREAMS.AGENTS.name,
    sequence: 1,
    headers: {},
    payload: '{',
    encoding: 'utf8',
    bytes: 1,
    reason: { code: 'malformed', message: 'not JSON' },
    attempts: 1,
    diedAt: '2026-01-05T10:00:00.000Z',
    ...over,
  });

  /** Every direct get of dead letters while something runs. */
  async function asked(work: () => Promise<unknown>): Promise<{ seq: number; batch: number }[]> {
    const requests: { seq: number; batch: number }[] = [];
    const spy = connection.subscribe(`$JS.API.DIRECT.GET.${DEAD}`, {
      callback: (_, message) => void requests.push(message.json()),
    });
    await connection.flush();
    await work();
    await connection.flush();
    spy.unsubscribe();
    return requests;
  }

  const sequences = async (...argv: string[]) =>
    (await json<{ sequence: number }[]>(...argv)).map(({ sequence }) => sequence);

  beforeAll(async () => {
    await freshTopology(connection);
    manager = await jetstreamManager(connection);
    facts = new FactWriter(connection);
    for (let index = 0; index < 300; index += 1) {
      const service = index === 1 ? 'config-sync' : services[index % 3];
      await facts.write(DeadLettered, letter({ service: service ?? 'audit' }));
    }
  });

  test('is read from its end, no more of it than is shown', async () => {
    let newest: number[] = [];
    const requests = await asked(async () => {
      newest = await sequences('--last', '5');
    });
    expect(newest).toEqual([296, 297, 298, 299, 300]);
    expect(requests).toMatchObject([{ seq: 296, batch: 5 }]);
  });

  test('is read by the service alone', async () => {
    expect(await sequences('--service', 'posture-store', '--last', '4')).toEqual([290, 293, 296, 299]);
    expect(await sequences('--service', 'config-sync')).toEqual([2]);
  });

  test('is shown by 20 where nothing else is said', async () => {
    expect(await sequences()).toEqual(Array.from({ length: 20 }, (_, index) => 281 + index));
  });

  test('may have gaps, and begin anywhere', async () => {
    await manager.streams.purge(DEAD, { seq: 290 });
    await manager.streams.deleteMessage(DEAD, 299);
    expect(await sequences()).toEqual([290, 291, 292, 293, 294, 295, 296, 297, 298, 300]);
    expect(await sequences('--last', '3')).toEqual([297, 298, 300]);
    expect(await run('show', '299')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'there is no dead letter 299: those from 290 to 300 are kept (see `stance dead-letters`)\n',
    });
  });

  test('comes in several answers where the letters are large', async () => {
    const payload = 'x'.repeat(700 * 1024);
    for (let count = 0; count < 14; count += 1) await facts.write(DeadLettered, letter({ payload }));
    const requests = await asked(async () => {
      expect(await sequences('--last', '15')).toEqual([300, ...Array.from({ length: 14 }, (_, index) => 301 + index)]);
    });
    expect(requests.length).toBeGreaterThan(1);
  });

  test('may hold what is no dead letter, which is left out and said', async () => {
    await connection.request(`stance.dead.audit.${subjectOfAgent('101')}`, '{', { timeout: PATIENCE_MS });
    const { stdout, stderr, exitCode } = await run('--service', 'audit');
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: 'No dead letter.\n',
      stderr: '1 unreadable dead.lettered events were left out\n',
      exitCode: 0,
    });
    const { last_seq: last } = (await manager.streams.info(DEAD)).state;
    expect(await run('show', `${last}`)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(`^STANCE_DEAD ${last} is no dead letter .*\\(malformed: not JSON: .*stream get STANCE_DEAD ${last}`),
      ),
    });
  });

  test('may hold letters that name streams and subjects of their own making', async () => {
    for (const over of [{ stream: '../x y' }, { stream: 'STANCE_AUDIT' }, { originalSubject: 'stance.nothing' }]) {
      await facts.write(DeadLettered, letter(over));
      const [newest] = await sequences('--last', '1');
      expect(await json('show', `${newest}`)).toMatchObject({ state: 'unknown', later: null });
    }
    expect((await run('--last', '1')).stdout).toMatch(/ device-matcher +- +stance\.nothing +malformed/);
  });

  test('of a stream that was made anew is replaced by what came after; no consumer tells whether that is settled', async () => {
    await facts.write(DeadLettered, letter({ sequence: 1_000 }));
    const [newest] = await sequences('--last', '1');
    expect(await json('show', `${newest}`)).toMatchObject({ state: 'unknown' });
    const sequence = await publish('101', good('101'));
    expect(await json('show', `${newest}`)).toMatchObject({ state: 'unconfirmed', later: { sequence } });
    expect((await run('show', `${newest}`)).stdout).toMatch(
      new RegExp(`set right: +a later message came: STANCE_AGENTS ${sequence}, .*\n`),
    );
  });
});

describe('nothing', () => {
  beforeAll(() => freshTopology(connection));

  test('is listed and shown as that', async () => {
    expect(await run()).toEqual({ exitCode: 0, stdout: 'No dead letter.\n', stderr: '' });
    expect(await json()).toEqual([]);
    expect(await run('show', '1')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'there is no dead letter 1: none is kept (see `stance dead-letters`)\n',
    });
  });

  test.each([
    [['--service', 'polcy-engine'], /Allowed choices are sentinelone-poller, .*config-sync, gateway/],
    [['--code', 'broken'], /Allowed choices are malformed, misaddressed/],
    [['--last', '0'], /whole number from 1 to 1000/],
    [['show'], /missing required argument 'sequence'/],
    [['show', 'last'], /whole number from 1/],
    [['show', '1', '--code', 'malformed'], /unknown option '--code'/],
    [['shwo', '1'], /too many arguments/],
  ])('comes of %j, which is wrong usage', async (argv, message) => {
    expect(await run(...argv)).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringMatching(message) });
  });

  test.each([[[]], [['show', '1']]])('can be said without NATS: %j', async (argv) => {
    const url = `nats://127.0.0.1:${await freePort()}`;
    const { exitCode, stdout, stderr } = await stance(['dead-letters', ...argv, '--nats', url]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toMatch(/^no NATS server answers at .*\n$/);
  });
});
