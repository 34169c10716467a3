import { rename, rm, symlink, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  decodeEvent,
  DeviceRecorded,
  filterOf,
  PolicyActivated,
  PolicyPublished,
  STREAMS,
  type DataOf,
} from '@stance/contracts';
import { applyTopology, EventPublisher } from '@stance/jetstream';
import { generatePolicyKey, policyKeyLine, signPolicy, signWithKeyFile } from '@stance/policy-signature';
import { startService, type RunningService } from '@stance/service-kit';
import {
  ServiceProcess,
  makeStreamsAnew,
  startTestNats,
  temporaryFolder,
  waitFor,
  type TemporaryFolder,
  type TestNats,
} from '@stance/testing';
import { configSync } from './service.js';

let nats: TestNats;
let connection: NatsConnection;
let manager: JetStreamManager;
let folder: TemporaryFolder;
const services: RunningService[] = [];

beforeAll(async () => {
  nats = await startTestNats();
  connection = await nats.connect();
  manager = await jetstreamManager(connection);
});

beforeEach(async () => {
  await makeStreamsAnew(manager, () => applyTopology(connection));
  folder = await temporaryFolder();
});

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
  await folder.remove();
});

afterAll(() => nats.close());

const file = (name: string) => join(folder.path, name);

async function start(environment: Record<string, string>): Promise<RunningService> {
  const service = await startService(configSync, {
    environment: { NATS_URL: nats.url, LOG_LEVEL: 'silent', ...environment },
    http: false,
  });
  services.push(service);
  return service;
}

/** What `/readyz` says of the only file. */
function statusOf(service: RunningService) {
  const details = service.health().details as { files: { state: string; problems: string[]; summary?: object }[] };
  return { ready: service.health().ready, ...details.files[0] };
}

async function untilState(service: RunningService, state: string, what: RegExp | object = /.*/) {
  return waitFor(
    () => {
      const status = statusOf(service);
      if (status.state !== state) return undefined;
      if (what instanceof RegExp) return (status.problems ?? []).concat('').some((line) => what.test(line)) && status;
      expect(status.summary).toMatchObject(what);
      return status;
    },
    { what: `the file to be ${state}` },
  );
}

/** Everything in a stream, oldest first. */
async function stored(stream: string) {
  const { state } = await manager.streams.info(stream);
  const messages = await Promise.all(
    Array.from({ length: state.last_seq }, (_, index) => manager.streams.getMessage(stream, { seq: index + 1 })),
  );
  return messages.filter((message) => message !== null);
}

async function devices(): Promise<DataOf<typeof DeviceRecorded>[]> {
  const messages = await stored(STREAMS.DEVICES.name);
  return messages.map(({ data, subject }) => decodeEvent(DeviceRecorded, data, subject).data);
}

async function policies(): Promise<DataOf<typeof PolicyPublished>[]> {
  const messages = (await stored(STREAMS.POLICIES.name)).filter(({ subject }) => subject === filterOf(PolicyPublished));
  return messages.map(({ data, subject }) => decodeEvent(PolicyPublished, data, subject).data);
}

async function activations(): Promise<DataOf<typeof PolicyActivated>[]> {
  const messages = (await stored(STREAMS.POLICIES.name)).filter(({ subject }) => subject === filterOf(PolicyActivated));
  return messages.map(({ data, subject }) => decodeEvent(PolicyActivated, data, subject).data);
}

const inventory = (...ids: string[]) => `deviceId,owner\n${ids.map((id) => `${id},kim@example.com\n`).join('')}`;
const range = (count: number) => Array.from({ length: count }, (_, index) => `d${index + 1}`);

describe('the inventory file', () => {
  it('is recorded, and from then on only what differs', async () => {
    await writeFile(file('devices.csv'), inventory('d1', 'd2', 'd3'));
    const service = await start({ STANCE_DEVICES_FILE: file('devices.csv') });
    await untilState(service, 'applied', { devices: 3, recorded: 3, retired: 0 });
    expect(service.health()).toMatchObject({
      ready: true,
      details: { files: [{ lastAppliedAt: expect.any(String) }] },
    });

    await writeFile(file('devices.csv'), inventory('d1', 'd2', 'd4').replace('d2,kim', 'd2,sam'));
    await untilState(service, 'applied', { devices: 3, recorded: 2, retired: 1 });
    const recorded = await devices();
    expect(recorded.map(({ deviceId, state, owner }) => [deviceId, state, owner])).toEqual(
      expect.arrayContaining([
        ['d1', 'enrolled', 'kim@example.com'],
        ['d2', 'enrolled', 'kim@example.com'],
        ['d2', 'enrolled', 'sam@example.com'],
        ['d4', 'enrolled', 'kim@example.com'],
        ['d3', 'retired', undefined],
      ]),
    );
    // The retired device's own earlier record is gone with it.
    expect(recorded).toHaveLength(5);
  });

  it('marks a retirement so that it outlives what came before and goes in the end', async () => {
    await writeFile(file('devices.csv'), inventory('d1', 'd2'));
    const service = await start({ STANCE_DEVICES_FILE: file('devices.csv') });
    await untilState(service, 'applied', { recorded: 2 });
    await writeFile(file('devices.csv'), inventory('d2'));
    await untilState(service, 'applied', { retired: 1 });

    const last = await manager.streams.getMessage(STREAMS.DEVICES.name, {
      last_by_subj: 'stance.device.recorded.v1.d1',
    });
    expect([last?.header.get('Nats-Rollup'), last?.header.get('Nats-TTL')]).toEqual(['sub', '720h']);
  });

  it('enrolls a retired device again', async () => {
    const service = await start({ STANCE_DEVICES_FILE: file('devices.csv') });
    for (const ids of [['d1', 'd2'], ['d2'], ['d1', 'd2']]) {
      await writeFile(file('devices.csv'), inventory(...ids));
      await untilState(service, 'applied', { devices: ids.length });
    }
    expect((await devices()).map(({ deviceId, state }) => `${deviceId} ${state}`)).toEqual([
      'd2 enrolled',
      'd1 retired',
      'd1 enrolled',
    ]);
  });

  it('records nothing again after a restart, nor when a standby takes over', async () => {
    await writeFile(file('devices.csv'), inventory(...range(30)));
    const environment = { STANCE_DEVICES_FILE: file('devices.csv') };
    const first = await start(environment);
    await untilState(first, 'applied', { recorded: 30 });
    const standby = await start(environment);
    await waitFor(() => standby.state() === 'standby', { what: 'the standby' });
    expect(standby.health().ready).toBe(true);
    await first.stop();
    await standby.active;
    await untilState(standby, 'applied', { devices: 30, recorded: 0, retired: 0 });
    expect(await devices()).toHaveLength(30);
  });

  it('is refused as a whole for an error, naming its line; the last good one stays until it is right', async () => {
    await writeFile(file('devices.csv'), inventory('d1', 'd2'));
    const service = await start({ STANCE_DEVICES_FILE: file('devices.csv') });
    await untilState(service, 'applied');
    await writeFile(file('devices.csv'), `${inventory('d3')}d4,nobody\nd3,kim@example.com\n`);
    const { ready, problems } = await untilState(service, 'refused', /twice/);

    expect(ready).toBe(false);
    expect(problems).toEqual([
      `${file('devices.csv')}:3: \`owner\` is not an e-mail address`,
      `${file('devices.csv')}:4: device \`d3\` is there twice, first on line 2`,
    ]);
    expect((await devices()).map(({ deviceId }) => deviceId).toSorted()).toEqual(['d1', 'd2']);
    await writeFile(file('devices.csv'), inventory('d1', 'd2', 'd3'));
    await untilState(service, 'applied', { recorded: 1 });
    expect(service.health().ready).toBe(true);
  });

  it.each([
    ['truncated', (text: string) => text.slice(0, text.indexOf('d15')), /would retire 26 of 40 devices at once/],
    ['emptied', () => '', /the file is empty/],
    ['cut down to its header', () => inventory(), /holds no device/],
    ['overwritten with bytes', () => Buffer.from([0xff, 0xfe, 0x00]), /not UTF-8/],
  ])('retires nobody when it is %s', async (_, broken, problem) => {
    const good = inventory(...range(40));
    await writeFile(file('devices.csv'), good);
    const service = await start({ STANCE_DEVICES_FILE: file('devices.csv') });
    await untilState(service, 'applied');
    await writeFile(file('devices.csv'), broken(good));
    await untilState(service, 'refused', problem);

    expect(service.health().ready).toBe(false);
    expect((await devices()).every(({ state }) => state === 'enrolled')).toBe(true);
  });

  it('retires nobody when it is deleted, and is applied when it comes back', async () => {
    await writeFile(file('devices.csv'), inventory('d1'));
    const service = await start({ STANCE_DEVICES_FILE: file('devices.csv') });
    await untilState(service, 'applied');
    await rm(file('devices.csv'));
    await untilState(service, 'refused', /cannot be read.*ENOENT/);
    await writeFile(file('devices.csv'), inventory('d1', 'd2'));
    await untilState(service, 'applied', { recorded: 1 });
    expect((await devices()).map(({ deviceId, state }) => `${deviceId} ${state}`)).toEqual([
      'd1 enrolled',
      'd2 enrolled',
    ]);
  });

  it('retires many once a person raised the limit for one start', async () => {
    await writeFile(file('devices.csv'), inventory(...range(20)));
    const careful = await start({ STANCE_DEVICES_FILE: file('devices.csv') });
    await untilState(careful, 'applied');
    await writeFile(file('devices.csv'), inventory('d1', 'new'));
    await untilState(careful, 'refused', /raise STANCE_RETIREMENT_LIMIT/);
    expect((await devices()).some(({ deviceId }) => deviceId === 'new')).toBe(false);
    await careful.stop();

    const told = await start({ STANCE_DEVICES_FILE: file('devices.csv'), STANCE_RETIREMENT_LIMIT: '95 %' });
    await untilState(told, 'applied', { recorded: 1, retired: 19 });
  });

  it('is seen when a Kubernetes ConfigMap swaps its symbolic link', async () => {
    for (const [version, ids] of [
      ['v1', ['d1']],
      ['v2', ['d1', 'd2']],
    ] as const) {
      await mkdir(file(version));
      await writeFile(join(file(version), 'devices.csv'), inventory(...ids));
    }
    await symlink('v1', file('..data'));
    await symlink('..data/devices.csv', file('devices.csv'));
    const service = await start({ STANCE_DEVICES_FILE: file('devices.csv') });
    await untilState(service, 'applied', { devices: 1 });
    await symlink('v2', file('..data_tmp'));
    await rename(file('..data_tmp'), file('..data'));
    await untilState(service, 'applied', { devices: 2, recorded: 1 });
    expect((await devices()).map(({ deviceId }) => deviceId)).toEqual(['d1', 'd2']);
  });

  it('is applied once NATS is back, when it changed while it was away', async () => {
    if (!nats.dedicated) return;
    await writeFile(file('devices.csv'), inventory('d1'));
    const service = await start({ STANCE_DEVICES_FILE: file('devices.csv') });
    await untilState(service, 'applied', { devices: 1 });
    await nats.stop();
    await writeFile(file('devices.csv'), inventory('d1', 'd2'));
    await nats.restart();
    await waitFor(() => statusOf(service).summary && untilState(service, 'applied', { devices: 2 }), {
      what: 'the change to be applied',
      timeoutMs: 40_000,
    });
    // The connection of the test itself may still be on its way back.
    const stored = await waitFor(() => devices(), { what: 'the server to answer', timeoutMs: 30_000 });
    expect(stored.map(({ deviceId }) => deviceId)).toEqual(['d1', 'd2']);
  });
});

const policy = (maxAge: string) => `version: 1\ndefaults:\n  maxAge: ${maxAge}\n`;

describe('the policy file', () => {
  it('is published, and again as the next revision when it changes', async () => {
    await writeFile(file('policy.yaml'), policy('24h'));
    const service = await start({ STANCE_POLICY_FILE: file('policy.yaml') });
    await untilState(service, 'applied', { revision: 1 });
    await writeFile(file('policy.yaml'), policy('12h'));
    await untilState(service, 'applied', { revision: 2 });
    await writeFile(file('policy.yaml'), policy('24h'));
    await untilState(service, 'applied', { revision: 3 });

    expect(await policies()).toMatchObject([
      { revision: 1, document: policy('24h'), publishedBy: 'file:policy.yaml', comment: 'published from policy.yaml' },
      { revision: 2, document: policy('12h') },
      { revision: 3, document: policy('24h') },
    ]);
  });

  it('does not take back what a person published since, until the file changes', async () => {
    await writeFile(file('policy.yaml'), policy('24h'));
    const environment = { STANCE_POLICY_FILE: file('policy.yaml') };
    const first = await start(environment);
    await untilState(first, 'applied', { revision: 1 });
    await first.stop();
    await new EventPublisher(connection, 'cli').publish(
      PolicyPublished,
      { revision: 2, document: policy('1h'), sha256: 'a'.repeat(64), publishedBy: 'sam' },
      { id: 'cli', cause: {} },
    );
    const second = await start(environment);
    await untilState(second, 'applied', { revision: 2, published: 'before, and replaced since by another policy' });
    expect(await policies()).toHaveLength(2);

    await writeFile(file('policy.yaml'), policy('6h'));
    await untilState(second, 'applied', { revision: 3 });
  });

  it('publishes behind a message that is no policy', async () => {
    await writeFile(file('policy.yaml'), policy('24h'));
    connection.publish('stance.policy.published.v1', 'not a policy');
    await connection.flush();
    const service = await start({ STANCE_POLICY_FILE: file('policy.yaml') });
    await untilState(service, 'applied', { revision: 1 });
    expect((await stored(STREAMS.POLICIES.name)).map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it.each([
    ['a mistake', `${policy('24h')}rulez: []\n`, /policy\.yaml:4:\d+: /],
    ['no policy at all', 'just text', /policy\.yaml:1:1: /],
    ['512 KiB and a byte', `${policy('24h')}# ${'x'.repeat(512 * 1024)}`, /at most 512 KiB/],
    ['too many bytes in few characters', `${policy('24h')}# ${'é'.repeat(300 * 1024)}`, /at most 512 KiB/],
  ])('is refused with its place, and the last one stays: %s', async (_, text, problem) => {
    await writeFile(file('policy.yaml'), policy('24h'));
    const service = await start({ STANCE_POLICY_FILE: file('policy.yaml') });
    await untilState(service, 'applied', { revision: 1 });
    await writeFile(file('policy.yaml'), text);
    await untilState(service, 'refused', problem);
    expect(service.health().ready).toBe(false);
    expect(await policies()).toHaveLength(1);
  });
});

describe('the signature beside the policy file', () => {
  const { privateKey } = generatePolicyKey('ana@example.com');
  const sign = (document: string, signedAt = Date.now()) =>
    signPolicy(document, { installation: 'production', signedAt }, (text) => signWithKeyFile(privateKey, text) ?? '');

  /** The engine's word on a revision. */
  async function engineSays(revision: number, message?: string): Promise<void> {
    const outcome = message === undefined ? 'active' : 'refused';
    const errors = message === undefined ? [] : [{ message }];
    const engine = new EventPublisher(connection, 'policy-engine');
    await engine.publish(PolicyActivated, { revision, outcome, errors }, { id: `said:${revision}`, cause: {} });
  }

  const published = async () => (await policies()).map(({ revision, signature }) => [revision, signature]);

  it('is published with it', async () => {
    const signature = sign(policy('24h'));
    await writeFile(file('policy.yaml.sig'), signature);
    await writeFile(file('policy.yaml'), policy('24h'));
    const service = await start({ STANCE_POLICY_FILE: file('policy.yaml') });
    await untilState(service, 'applied', { revision: 1 });
    expect(await published()).toEqual([[1, signature]]);
  });

  it('is waited for where it is that of another document, and published when both fit', async () => {
    await writeFile(file('policy.yaml'), policy('24h'));
    await writeFile(file('policy.yaml.sig'), sign(policy('24h')));
    const service = await start({ STANCE_POLICY_FILE: file('policy.yaml') });
    await untilState(service, 'applied', { revision: 1 });
    await writeFile(file('policy.yaml'), policy('12h'));
    await untilState(service, 'refused', /policy\.yaml\.sig: it is the signature of another document/);
    await writeFile(file('policy.yaml.sig'), sign(policy('12h')));
    await untilState(service, 'applied', { revision: 2 });
    expect(await policies()).toMatchObject([{ document: policy('24h') }, { document: policy('12h') }]);
  });

  it('is asked for where it is named', async () => {
    await writeFile(file('policy.yaml'), policy('24h'));
    const service = await start({
      STANCE_POLICY_FILE: file('policy.yaml'),
      STANCE_POLICY_SIGNATURE_FILE: file('by-ana.sig'),
    });
    await untilState(service, 'refused', /by-ana\.sig: the signature cannot be read: .*ENOENT/);
    await writeFile(file('by-ana.sig'), sign(policy('24h')));
    await untilState(service, 'applied', { revision: 1 });
    expect(await policies()).toHaveLength(1);
  });

  it('is not taken where it is for another installation', async () => {
    await writeFile(file('policy.yaml'), policy('24h'));
    await writeFile(file('policy.yaml.sig'), sign(policy('24h')));
    const service = await start({ STANCE_POLICY_FILE: file('policy.yaml'), STANCE_INSTALLATION: 'staging' });
    await untilState(service, 'refused', /policy\.yaml\.sig: it is the signature for the installation production/);
    expect(await policies()).toEqual([]);
  });

  it('comes after the engine has refused the policy without: that shows, and then it is published', async () => {
    await writeFile(file('policy.yaml'), policy('24h'));
    const environment = { STANCE_POLICY_FILE: file('policy.yaml') };
    const first = await start(environment);
    await untilState(first, 'applied', { revision: 1 });
    await engineSays(1, 'it is not signed');
    const refused = /policy\.yaml: refused by the engine, as revision 1: it is not signed/;
    await untilState(first, 'refused', refused);
    expect(first.health().ready).toBe(false);

    await first.stop();
    const second = await start(environment);
    await untilState(second, 'refused', refused);
    const signature = sign(policy('24h'));
    await writeFile(file('policy.yaml.sig'), signature);
    await untilState(second, 'applied', { revision: 2 });
    await engineSays(2);
    expect(second.health().ready).toBe(true);
    expect(await published()).toEqual([
      [1, undefined],
      [2, signature],
    ]);
  });

  it('brings it into force at an engine that asks for one', async () => {
    const { privateKey: key, publicKey } = generatePolicyKey('ana@example.com');
    await writeFile(file('policy-keys'), policyKeyLine('ana@example.com', publicKey));
    const engine = ServiceProcess.start('policy-engine', {
      NATS_URL: nats.url,
      STANCE_POLICY_KEYS_FILE: file('policy-keys'),
      STANCE_INSTALLATION: 'production',
    });
    await engine.reached('active');
    try {
      await writeFile(file('policy.yaml'), policy('24h'));
      const service = await start({ STANCE_POLICY_FILE: file('policy.yaml') });
      await untilState(service, 'refused', /refused by the engine, as revision 1: it is not signed; only what/);
      const signature = signPolicy(
        policy('24h'),
        { installation: 'production', signedAt: Date.now() },
        (text) => signWithKeyFile(key, text) ?? '',
      );
      await writeFile(file('policy.yaml.sig'), signature);
      await untilState(service, 'applied', { revision: 2 });
      await waitFor(async () => (await activations()).some(({ revision }) => revision === 2), {
        what: 'the word on it',
      });
      expect(await activations()).toMatchObject([
        { revision: 1, outcome: 'refused' },
        { revision: 2, outcome: 'active', signer: 'ana@example.com' },
      ]);
      expect(service.health().ready).toBe(true);
    } finally {
      await engine.stop();
    }
  });

  it('is published again when the same policy is signed anew', async () => {
    await writeFile(file('policy.yaml'), policy('24h'));
    await writeFile(file('policy.yaml.sig'), sign(policy('24h'), 1_000));
    const service = await start({ STANCE_POLICY_FILE: file('policy.yaml') });
    await untilState(service, 'applied', { revision: 1 });
    await writeFile(file('policy.yaml.sig'), sign(policy('24h'), 2_000));
    await untilState(service, 'applied', { revision: 2 });
    expect(await policies()).toMatchObject([{ document: policy('24h') }, { document: policy('24h') }]);
  });
});

describe('the service', () => {
  it('does not start without any file', async () => {
    const starting = startService(configSync, {
      environment: { NATS_URL: nats.url, LOG_LEVEL: 'silent' },
      http: false,
    });
    await expect(starting).rejects.toThrow('neither STANCE_DEVICES_FILE nor STANCE_POLICY_FILE is set');
  });

  it('does not start with a signature of no file', async () => {
    const environment = { NATS_URL: nats.url, STANCE_DEVICES_FILE: file('devices.csv') };
    const starting = startService(configSync, {
      environment: { ...environment, LOG_LEVEL: 'silent', STANCE_POLICY_SIGNATURE_FILE: file('policy.sig') },
      http: false,
    });
    await expect(starting).rejects.toThrow('STANCE_POLICY_SIGNATURE_FILE is set without STANCE_POLICY_FILE');
  });
});
