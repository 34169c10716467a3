import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstream } from '@nats-io/jetstream';
import { SessionRevoked, STREAMS, subjectOf, wireStreamConfig } from '@stance/contracts';
import { waitFor } from '@stance/testing';
import { HEALTHY_READS_WIKI, TWO_GATEWAYS } from './spec/policies.js';
import { durable, World } from './spec/world.js';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.startEngine();
});

const revokedIds = () =>
  world.revocations.map(({ data }) => `${data.gateway}/${data.deviceId}/${data.sessionId}`).toSorted();

describe('when a device turns bad', () => {
  beforeEach(async () => {
    await world.settlePolicy(1, TWO_GATEWAYS);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
  });

  it('its open sessions are revoked, each once, with the reason', async () => {
    await world.openSession('s1');
    await world.openSession('s2', { resource: 'ssh', gateway: 'vpn' });
    await world.settled();
    expect(world.revocations).toEqual([]);
    await world.change('d1', true);
    await world.revoked('s1', 's2');
    await world.change('d1', true);
    await world.settled();
    expect(revokedIds()).toEqual(['edge/d1/s1', 'vpn/d1/s2']);
    expect(world.revocations.find(({ data }) => data.sessionId === 's1')?.data).toMatchObject({
      resource: 'wiki',
      user: 'kim@example.com',
      reasons: [{ code: 'condition-false', attribute: 'sentinelOne:infected' }],
      postureRevision: 1_002,
      policyRevision: 1,
    });
  });

  it('a session whose device was proved too poorly for a new policy is revoked, and no other', async () => {
    await world.openSession('by-address');
    await world.openSession('by-certificate', { proof: 'certificate' });
    await world.settled();
    await world.settlePolicy(
      2,
      HEALTHY_READS_WIKI.replace('    resources: [wiki]\nrules', '    resources: [wiki]\n    identity: token\nrules'),
    );
    await world.revoked('by-address');
    await world.settled();
    expect(revokedIds()).toEqual(['edge/d1/by-address']);
    expect(world.revocations[0]?.data.reasons).toMatchObject([{ code: 'identity-missing' }]);
    const last = world.decisions.findLast(({ data }) => data.gateway === 'edge');
    expect(last?.data).toMatchObject({ policyRevision: 2, identity: 'token' });
  });

  it('a session of somebody who does not own the device is revoked when only its owner may use it, and no other', async () => {
    const owned = { device: { state: 'enrolled' as const, groups: ['staff'], tags: [], owner: 'kim@example.com' } };
    await world.change('d1', false, owned);
    await world.openSession('of-kim', { user: 'Kim@example.com' });
    await world.openSession('of-lee', { user: 'lee@example.com' });
    await world.settled();
    expect(world.revocations).toEqual([]);
    await world.settlePolicy(2, TWO_GATEWAYS.replace("resources: ['*']", "resources: ['*']\n    groups: [staff]"));
    await world.revoked('of-lee');
    await world.settled();
    expect(revokedIds()).toEqual(['edge/d1/of-lee']);
    expect(world.revocations[0]?.data.reasons).toMatchObject([
      { code: 'no-rule', message: expect.stringMatching(/^Only the owner/) },
    ]);
    await world.change('d1', false, { device: { ...owned.device, owner: 'lee@example.com' } });
    await world.revoked('of-kim');
  });

  it('nothing else is revoked: ended sessions, sessions past their lifetime, other devices', async () => {
    await world.change('d2', false);
    await world.endSession(await world.openSession('ended'));
    await world.openSession('over', { expiresAt: new Date(Date.now() - 1).toISOString() });
    await world.openSession('of another', { deviceId: 'd2' });
    await world.openSession('open');
    await world.settled();
    await world.sessionsOpen(2);
    await world.change('d1', true);
    await world.revoked('open');
    await world.settled();
    expect(revokedIds()).toEqual(['edge/d1/open']);
  });

  it('the revocation outlives the session', async () => {
    await world.openSession('s1');
    await world.change('d1', true);
    await world.revoked('s1');
    const last_by_subj = subjectOf(SessionRevoked, { gateway: 'edge', deviceId: 'd1', sessionId: 's1' });
    const stored = await world.manager.streams.getMessage(STREAMS.REVOCATIONS.name, { last_by_subj });
    const seconds = Number(/^(\d+)s$/.exec(stored?.header.get('Nats-TTL') ?? '')?.[1]);
    expect([seconds > 13 * 60 * 60, seconds <= 14 * 60 * 60]).toEqual([true, true]);
  });

  it('sessions of one id at two gateways and of two devices are all revoked', async () => {
    await world.change('d2', false);
    await world.openSession('1');
    await world.openSession('1', { gateway: 'vpn', resource: 'ssh' });
    await world.openSession('1', { deviceId: 'd2' });
    await world.settled();
    await Promise.all([world.change('d1', true), world.change('d2', true)]);
    await waitFor(() => world.revocations.length === 3, { what: 'three revocations' });
    expect(revokedIds()).toEqual(['edge/d1/1', 'edge/d2/1', 'vpn/d1/1']);
  });

  it('a session that starts just then is revoked, whichever comes first', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => `s${index}`);
    await Promise.all([
      ...ids.slice(0, 15).map((id) => world.openSession(id)),
      world.change('d1', true),
      ...ids.slice(15).map((id) => world.openSession(id)),
    ]);
    await world.revoked(...ids);
    await world.settled();
    expect(world.revocations).toHaveLength(30);
  });

  it('a session that starts afterwards is revoked', async () => {
    await world.change('d1', true);
    await world.decided('d1', 'deny');
    await world.openSession('late');
    await world.revoked('late');
    expect(revokedIds()).toEqual(['edge/d1/late']);
  });

  it('and good again, what is revoked stays so and new sessions stay open', async () => {
    await world.openSession('s1');
    await world.change('d1', true);
    await world.revoked('s1');
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.openSession('s2');
    await world.settled();
    expect(revokedIds()).toEqual(['edge/d1/s1']);
  });
});

describe('a session that nothing allows', () => {
  it.each([
    ['of a device that nobody knows', { deviceId: 'unknown' }, 'not-enrolled'],
    ['of a resource that no gateway serves', { resource: 'ftp' }, 'no-rule'],
    ['at a gateway that the policy does not name', { gateway: 'other' }, 'no-rule'],
  ])('%s is revoked', async (_, where, code) => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.openSession('s1', where);
    await world.revoked('s1');
    expect(world.revocations[0]?.data.reasons).toMatchObject([{ code, message: expect.any(String) }]);
  });

  it('as there is no policy is revoked, and the reason says so', async () => {
    await world.openSession('s1');
    await world.revoked('s1');
    expect(world.revocations[0]?.data).toMatchObject({ policyRevision: 0, reasons: [{ code: 'no-policy' }] });
  });
});

describe('after an outage', () => {
  beforeEach(async () => {
    await world.settlePolicy(1, HEALTHY_READS_WIKI);
    await world.change('d1', false);
    await world.decided('d1', 'allow');
    await world.openSession('s1');
    await world.settled();
  });

  it('what turned bad meanwhile is revoked, and what ended meanwhile is not', async () => {
    const ended = await world.openSession('s2');
    await world.settled();
    await world.stopEngine();
    await world.change('d1', true);
    await world.endSession(ended);
    await world.openSession('s3');
    await world.startEngine();
    await world.revoked('s1', 's3');
    await world.settled();
    expect(revokedIds()).toEqual(['edge/d1/s1', 'edge/d1/s3']);
  });

  it('nothing is revoked twice', async () => {
    await world.change('d1', true);
    await world.revoked('s1');
    const [before] = world.revocations;
    await world.stopEngine();
    await world.startEngine();
    await world.settled();
    await world.change('d1', true);
    await world.settled();
    expect(world.revocations).toEqual([before]);
  });

  it('a revocation is stored although somebody else has used its id first', async () => {
    const subject = subjectOf(SessionRevoked, { gateway: 'edge', deviceId: 'd1', sessionId: 's1' });
    const elsewhere = subjectOf(SessionRevoked, { gateway: 'edge', deviceId: 'nobody', sessionId: 'none' });
    const id = `policy-engine:revoke:${subject}`;
    await jetstream(world.connection).publish(elsewhere, 'nothing', { msgID: id });
    await world.change('d1', true);
    await world.revoked('s1');
    expect(revokedIds()).toEqual(['edge/d1/s1']);
  });

  it('a revocation that another replica has stored is left as it is', async () => {
    const keys = { gateway: 'edge', deviceId: 'd1', sessionId: 's1' };
    const revokedAt = new Date().toISOString();
    const data = { ...keys, resource: 'wiki', reasons: [], postureRevision: 1, policyRevision: 1, revokedAt };
    await world.replica.publish(SessionRevoked, data, world.options());
    await world.change('d1', true);
    await world.decided('d1', 'deny');
    await world.settled();
    expect(world.revocations.map((one) => one.data)).toEqual([data]);
    expect(world.dead).toEqual([]);
  });

  it('a revocation that the stream refuses, and has not, is tried again', async () => {
    const { name } = STREAMS.REVOCATIONS;
    await world.manager.streams.delete(name);
    // What a leader answers while another attempt is under way that comes to nothing.
    const refusal = { code: 400, err_code: 10164, description: 'wrong last sequence' };
    let refused = 0;
    const standIn = world.connection.subscribe(`${SessionRevoked.subjectPrefix}.>`, {
      callback: (_, message) => {
        refused += 1;
        message.respond(JSON.stringify({ error: refusal, stream: name, seq: 0 }));
      },
    });
    await world.change('d1', true);
    await waitFor(() => refused > 0, { what: 'the refusal' });
    standIn.unsubscribe();
    // The server may still be removing the deleted one's files.
    await waitFor(() => world.manager.streams.add(wireStreamConfig(STREAMS.REVOCATIONS)), {
      what: 'the stream to be made anew',
    });
    const last_by_subj = subjectOf(SessionRevoked, { gateway: 'edge', deviceId: 'd1', sessionId: 's1' });
    const stored = await waitFor(() => world.manager.streams.getMessage(name, { last_by_subj }), {
      what: 'the revocation to be stored',
    });
    expect(stored.json()).toMatchObject({ type: SessionRevoked.type });
    expect(world.dead).toEqual([]);
  });

  it('is revoked what a killed engine had settled and not revoked', async () => {
    await world.change('d1', true);
    await world.revoked('s1');
    await world.settled();
    await world.stopEngine();
    await world.openSession('s4');
    // Settled in the engine's name: nothing will be delivered that names the session.
    const consumer = await jetstream(world.connection).consumers.get(durable.sessions.stream, durable.sessions.name);
    const messages = await consumer.fetch({ max_messages: 1, expires: 5_000 });
    for await (const message of messages) await message.ackAck();
    await world.startEngine();
    await world.revoked('s4');
    expect(revokedIds()).toEqual(['edge/d1/s1', 'edge/d1/s4']);
  });
});
