import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { GetEngineStatus, PolicyActivated, type DataOf } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { ConfigurationInvalid, type RunningService } from '@stance/service-kit';
import { temporaryFolder, waitFor, type TemporaryFolder } from '@stance/testing';
import { HEALTHY_READS_WIKI } from './spec/policies.js';
import { INSTALLATION, PolicyAdmin } from './spec/policy-admin.js';
import { World } from './spec/world.js';

const NOBODY_READS = HEALTHY_READS_WIKI.replace('infected == false', 'infected == true');
const ANYBODY_READS = HEALTHY_READS_WIKI.replace('infected == false', 'infected IS SET');
const HUGE = Number.MAX_SAFE_INTEGER - 1;

const ana = new PolicyAdmin('ana@example.com');
const ben = new PolicyAdmin('ben@example.com');
const eve = new PolicyAdmin('eve@example.com');

let world: World;
let folder: TemporaryFolder;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  folder = await temporaryFolder();
  await world.reset();
});
afterEach(async () => {
  await world.stopEngine();
  await folder.remove();
});

/** Starts an engine that takes only what these sign. */
async function startWith(lines: readonly string[], { standby = false } = {}): Promise<RunningService> {
  const file = join(folder.path, 'policy-keys');
  await writeFile(file, lines.map((line) => `${line}\n`).join(''));
  return world.startEngine({
    standby,
    environment: { STANCE_POLICY_KEYS_FILE: file, STANCE_INSTALLATION: INSTALLATION },
  });
}

async function restartWith(...lines: string[]): Promise<RunningService> {
  await world.stopEngine();
  return startWith(lines);
}

const settleSigned = (revision: number, document: string, admin = ana) =>
  world.settlePolicy(revision, document, { signature: admin.sign(document) });

/** Writes into the log in the engine's name, as whoever may write everywhere can. */
async function forgeActivation(data: Partial<DataOf<typeof PolicyActivated>>): Promise<void> {
  await world.replica.publish(
    PolicyActivated,
    { revision: 2, outcome: 'active', errors: [], ...data },
    world.options(),
  );
}

/** A new device is decided about by this revision. */
let devices = 0;
async function expectInForce(revision: number, effect: 'allow' | 'deny' = 'allow', infected = false): Promise<void> {
  devices += 1;
  const device = `new${devices}`;
  await world.change(device, infected);
  await expect(world.decided(device, effect)).resolves.toMatchObject({ policyRevision: revision });
}

/** Revision 1, signed by ana, lets the healthy d1 read; it has a session. */
async function startWithFirst(): Promise<void> {
  await startWith([ana.line(), ben.line()]);
  expect(await settleSigned(1, HEALTHY_READS_WIKI)).toEqual({
    revision: 1,
    outcome: 'active',
    signer: 'ana@example.com',
    errors: [],
  });
  await world.change('d1', false);
  await world.decided('d1', 'allow');
  await world.openSession('s1');
  await world.settled();
}

describe('with keys, a signed policy', () => {
  it('comes into force, whoever of the admins signed it, and is in force after a restart', async () => {
    await startWithFirst();
    expect(await settleSigned(2, NOBODY_READS, ben)).toMatchObject({ outcome: 'active', signer: 'ben@example.com' });
    await world.revoked('s1');
    const engine = await restartWith(ana.line(), ben.line());
    expect(engine.health()).toMatchObject({ ready: true, details: { policyRevision: 2 } });
    await expect(ask(world.connection, GetEngineStatus, {})).resolves.toMatchObject({
      policySigner: 'ben@example.com',
    });
    // Anybody may read what is told of its health.
    expect(JSON.stringify(engine.health())).not.toContain('ben@example.com');
  });

  it('is refused for what else is wrong with it, and does not count as the newest then', async () => {
    await startWithFirst();
    const signedAt = Date.now();
    const broken = NOBODY_READS.replace('require: [healthy]', 'require: [helthy]');
    const signature = ana.sign(broken, signedAt + 2_000);
    expect(await world.settlePolicy(2, broken, { signature })).toMatchObject({
      outcome: 'refused',
      errors: [{ message: expect.stringContaining('helthy') }],
    });
    const fixed = { signature: ana.sign(NOBODY_READS, signedAt + 1_000) };
    expect(await world.settlePolicy(3, NOBODY_READS, fixed)).toMatchObject({ outcome: 'active' });
  });
});

describe('a publication that no admin signed', () => {
  beforeEach(startWithFirst);

  it.each<[string, () => { signature?: string }, RegExp]>([
    [
      'unsigned',
      () => ({}),
      /it is not signed; only what a policy admin signed comes into force: see `stance policy sign`/,
    ],
    [
      'with the signature of the policy in force',
      () => ({ signature: ana.sign(HEALTHY_READS_WIKI) }),
      /another document/,
    ],
    ['with a key of its own', () => ({ signature: eve.sign(ANYBODY_READS) }), /not among those of the policy admins/],
    ['cut off', () => ({ signature: ana.sign(ANYBODY_READS).slice(0, 200) }), /cannot be read/],
    ['with two signatures', () => ({ signature: ana.sign(ANYBODY_READS) + ben.sign(ANYBODY_READS) }), /cannot be read/],
    ['signed for the future', () => ({ signature: ana.sign(ANYBODY_READS, Date.now() + 3_600_000) }), /lies ahead/],
    [
      'signed for another installation, later than the one in force',
      () => ({ signature: ana.sign(ANYBODY_READS, Date.now(), 'staging') }),
      /signed for the installation staging, and this one is production/,
    ],
    [
      'of old, with the signature that it had',
      () => ({ signature: ana.sign(ANYBODY_READS, Date.parse('2026-01-01T00:00:00Z')) }),
      /has to be signed anew/,
    ],
  ])('is refused %s, at once, by a successor and after a restart', async (_, overrides, message) => {
    const standby = await startWith([ana.line(), ben.line()], { standby: true });
    expect(await world.settlePolicy(2, ANYBODY_READS, overrides())).toEqual({
      revision: 2,
      outcome: 'refused',
      errors: [{ message: expect.stringMatching(message) }],
    });
    await expectInForce(1, 'deny', true);
    await world.engines[0]?.stop();
    await standby.active;
    await expectInForce(1, 'deny', true);
    const engine = await restartWith(ana.line(), ben.line());
    await expectInForce(1, 'deny', true);
    await world.settled();
    expect(engine.health()).toMatchObject({ ready: true, details: { policyRevision: 1 } });
    expect(world.revocations).toEqual([]);
    expect(world.activations).toHaveLength(2);
  });

  it('that brings back what once was in force is refused, until it is signed anew', async () => {
    const signature = ana.sign(HEALTHY_READS_WIKI, Date.now() - 60_000);
    await settleSigned(2, NOBODY_READS);
    expect(await world.settlePolicy(3, HEALTHY_READS_WIKI, { signature })).toMatchObject({ outcome: 'refused' });
    await expectInForce(2, 'deny');
    expect(await settleSigned(4, HEALTHY_READS_WIKI)).toMatchObject({ outcome: 'active' });
    await expectInForce(4);
  });
});

describe('an activation that the engine did not write', () => {
  beforeEach(startWithFirst);

  it('puts nothing into force: what is verified stays so, and whoever watches hears of it', async () => {
    await world.stopEngine();
    await world.publishPolicy(2, ANYBODY_READS, { signature: eve.sign(ANYBODY_READS) });
    await forgeActivation({ revision: 2, signer: 'ana@example.com' });
    const reports: string[] = [];
    const listening = world.connection.subscribe('stance.engine.reported.v1.>', {
      callback: (_, { subject }) => void reports.push(subject),
    });
    const engine = await restartWith(ana.line(), ben.line());
    await expectInForce(1, 'deny', true);
    await expectInForce(1);
    expect(engine.health()).toMatchObject({
      ready: false,
      details: {
        policyRevision: 1,
        unverifiedPolicy: { revision: 2, reason: expect.stringContaining('not among those') },
      },
    });
    await waitFor(() => reports.length > 0, { what: 'the gateways to hear of the engine' });
    listening.unsubscribe();
    expect(world.revocations).toEqual([]);
    await settleSigned(3, HEALTHY_READS_WIKI);
    await waitFor(() => engine.health().ready, { what: 'the engine to be ready' });
    await expectInForce(3);
  });

  it('is told at once while the engine runs, and changes nothing that it does', async () => {
    const [engine] = world.engines;
    expect(engine?.health().ready).toBe(true);
    await forgeActivation({ revision: 2 });
    await waitFor(() => engine?.health().ready === false, { what: 'the engine to notice' });
    expect(engine?.health().details).toMatchObject({
      policyRevision: 1,
      unverifiedPolicy: { revision: 2, reason: expect.stringContaining('missing from the log') },
    });
    await expectInForce(1, 'deny', true);
    await settleSigned(3, HEALTHY_READS_WIKI);
    await waitFor(() => engine?.health().ready, { what: 'the engine to be ready' });
    await expectInForce(3);
    expect(world.revocations).toEqual([]);
  });

  it.each<[string, Partial<DataOf<typeof PolicyActivated>>]>([
    ['of a revision that nobody published', { revision: HUGE }],
    ['of the revision that comes next', { revision: 2 }],
    ['that refuses the revision that comes next', { revision: 2, outcome: 'refused' }],
    ['of a revision after that', { revision: 3 }],
    ['of none that is newer', { revision: 1, outcome: 'refused' }],
  ])('%s keeps no signed policy out, now or later', async (_, forged) => {
    await forgeActivation(forged);
    await world.publishPolicy(2, NOBODY_READS, { signature: ana.sign(NOBODY_READS) });
    await world.decided('d1', 'deny');
    await forgeActivation(forged);
    await restartWith(ana.line(), ben.line());
    await expectInForce(2, 'deny');
    await world.publishPolicy(3, ANYBODY_READS);
    await world.settled();
    await expectInForce(2, 'deny');
    await settleSigned(4, HEALTHY_READS_WIKI);
    await expectInForce(4);
  });

  it('of a publication that the engine has yet to look at does not decide for it', async () => {
    await world.stopEngine();
    await world.publishPolicy(2, ANYBODY_READS);
    await forgeActivation({ revision: 2 });
    await startWith([ana.line()]);
    await world.settled();
    expect(world.activations.at(-1)?.data).toMatchObject({ revision: 2, outcome: 'refused' });
    await expectInForce(1, 'deny', true);
  });

  it.each<[string, Partial<DataOf<typeof PolicyActivated>>]>([
    ['of an older one', { revision: 1 }],
    ['that refuses the one in force', { revision: 2, outcome: 'refused' }],
  ])('%s changes nothing', async (_, forged) => {
    await settleSigned(2, NOBODY_READS);
    await world.decided('d1', 'deny');
    await forgeActivation(forged);
    const engine = await restartWith(ana.line(), ben.line());
    await expectInForce(2, 'deny');
    expect(engine.health()).toMatchObject({ ready: true });
  });

  it('makes no policy decide that was signed as one in report mode', async () => {
    const onTrial = ANYBODY_READS.replace('version: 1', 'version: 1\nmode: report');
    expect(await settleSigned(2, onTrial)).toMatchObject({ outcome: 'active', mode: 'report' });
    await forgeActivation({ revision: 2 });
    await restartWith(ana.line(), ben.line());
    await expectInForce(1, 'deny', true);
  });
});

describe('the keys of the admins', () => {
  it('that are there for the first time let nothing stay in force that is not signed, and say so', async () => {
    await world.startEngine();
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.openSession('s1');
    await world.settled();
    const engine = await restartWith(ana.line());
    await world.revoked('s1');
    expect(engine.health()).toMatchObject({
      ready: false,
      details: { policyRevision: 1, policyErrors: [{ message: expect.stringContaining('it is not signed') }] },
    });
    await settleSigned(2, HEALTHY_READS_WIKI);
    await world.decided('d1', 'allow');
    await waitFor(() => engine.health().ready, { what: 'the engine to be ready' });
  });

  it('change nothing where the policy in force was signed before', async () => {
    await world.startEngine();
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await settleSigned(2, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.openSession('s1');
    await world.settled();
    const engine = await restartWith(ana.line());
    await expectInForce(2);
    await world.settled();
    expect(engine.health()).toMatchObject({ ready: true });
    expect([world.revocations, world.decisionOf('d1')?.resources['wiki']?.effect]).toEqual([[], 'allow']);
  });

  it('that are taken away take what they signed with them: no older policy comes back by itself', async () => {
    await startWithFirst();
    await settleSigned(2, NOBODY_READS, ben);
    await world.decided('d1', 'deny');
    const engine = await restartWith(ana.line());
    await world.settled();
    expect(engine.health()).toMatchObject({
      ready: false,
      details: { policyRevision: 2, policyErrors: [{ message: expect.stringContaining('not among those') }] },
    });
    expect(world.decisionOf('d1')?.resources['wiki']).toMatchObject({
      effect: 'deny',
      reasons: [{ code: 'no-policy' }],
    });
    // One that only reports takes nobody's place.
    await settleSigned(3, HEALTHY_READS_WIKI.replace('version: 1', 'version: 1\nmode: report'));
    await world.settled();
    expect(engine.health()).toMatchObject({ ready: false, details: { policyRevision: 2 } });
    expect(world.decisionOf('d1')?.resources['wiki']?.effect).toBe('deny');
    await settleSigned(4, HEALTHY_READS_WIKI);
    await world.decided('d1', 'allow');
    expect(engine.health()).toMatchObject({ ready: true });
  });

  it('that are replaced: first the new one beside the old, then a policy signed by it, then without the old', async () => {
    await startWithFirst();
    await settleSigned(2, HEALTHY_READS_WIKI, ben);
    const engine = await restartWith(ben.line());
    await expectInForce(2);
    await world.settled();
    expect([engine.health().ready, world.revocations]).toEqual([true, []]);
  });

  it('that have ended leave in force what they signed in time, and sign no more', async () => {
    await startWithFirst();
    const end = Math.ceil(Date.now() / 1_000 + 1) * 1_000;
    const validBefore = new Date(end).toISOString().replace(/[-:T]|\.000/g, '');
    const engine = await restartWith(ana.line(`valid-before="${validBefore}"`));
    await expectInForce(1);
    expect(engine.health()).toMatchObject({ ready: true });
    const signature = ana.sign(NOBODY_READS, end);
    expect(await world.settlePolicy(2, NOBODY_READS, { signature })).toMatchObject({
      outcome: 'refused',
      errors: [{ message: expect.stringMatching(/the key of ana@example\.com ended at/) }],
    });
  });

  it.each([
    [
      'is no file of keys',
      'nonsense\n',
      /STANCE_POLICY_KEYS_FILE names .*policy-keys, which has problems: line 1: it has to be/,
    ],
    ['names nobody', '', /names no key for stance-policy/],
    ['is not there', undefined, /STANCE_POLICY_KEYS_FILE cannot be read: ENOENT/],
  ])('keep an engine from starting where their file %s', async (_, content, message) => {
    const file = join(folder.path, 'policy-keys');
    await writeFile(file, content ?? '');
    if (content === undefined) await rm(file);
    const environment = { STANCE_POLICY_KEYS_FILE: file, STANCE_INSTALLATION: INSTALLATION };
    const starting = world.startEngine({ environment });
    await expect(starting).rejects.toThrow(ConfigurationInvalid);
    await expect(starting).rejects.toThrow(message);
  });
});

describe('an engine without keys, where the policy in force was signed', () => {
  beforeEach(async () => {
    await startWithFirst();
    await world.stopEngine();
  });

  it('denies everything and takes no other policy, until it has the keys again', async () => {
    const engine = await world.startEngine();
    await world.revoked('s1');
    expect(engine.health()).toMatchObject({
      ready: false,
      details: {
        policyRevision: 1,
        policyErrors: [{ message: expect.stringContaining('has no keys to verify them by') }],
      },
    });
    expect(await world.settlePolicy(2, ANYBODY_READS)).toMatchObject({
      outcome: 'refused',
      errors: [{ message: expect.stringContaining('set STANCE_POLICY_KEYS_FILE and STANCE_INSTALLATION') }],
    });
    await world.stopEngine();
    expect((await startWith([ana.line()])).health()).toMatchObject({ ready: true, details: { policyRevision: 1 } });
    await world.decided('d1', 'allow');
  });

  it('goes on where that is said to be meant, and from the next policy on without being told', async () => {
    const engine = await world.startEngine({ environment: { STANCE_POLICY_SIGNATURES: 'off' } });
    expect(engine.health()).toMatchObject({ ready: true, details: { policyRevision: 1 } });
    await expectInForce(1);
    expect(await world.settlePolicy(2, HEALTHY_READS_WIKI)).toMatchObject({ outcome: 'active' });
    await world.stopEngine();
    expect((await world.startEngine()).health()).toMatchObject({ ready: true, details: { policyRevision: 2 } });
    await expectInForce(2);
    expect(world.revocations).toEqual([]);
  });
});

it('without keys, no signature is looked at', async () => {
  await world.startEngine();
  expect(await world.settlePolicy(1, HEALTHY_READS_WIKI, { signature: 'nonsense' })).toEqual({
    revision: 1,
    outcome: 'active',
    errors: [],
  });
});
