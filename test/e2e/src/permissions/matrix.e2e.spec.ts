import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startSecuredNats, type SecuredNats } from '@stance/testing';
import { refusedPublishes, refusedSubscriptions } from './attempts.js';
import { candidatesOf, type Candidate } from './candidates.js';
import {
  auditorUser,
  auditTrailUser,
  durablesOf,
  gatewayUser,
  personUser,
  PEOPLE,
  serviceUser,
  topologyUser,
  type User,
} from './duties.js';

/**
 * Every user tries every subject, and the server lets it do exactly what it is declared to do. There is no stream, so that
 * nothing happens by it. Users without any limit in their account (`break-glass`, `audit-break-glass`, and `system`, who runs
 * the servers) have nothing to be held to; a test says that they are the only ones.
 */
const GATEWAYS = ['edge', 'vpn'];
const SOURCES = ['acme', 'globex'];
const SERVICES = ['device-matcher', 'posture-store', 'policy-engine', 'audit', 'config-sync'];
const UNLIMITED = ['break-glass', 'audit-break-glass', 'system'];

const common = [
  ...SERVICES.map((service) => serviceUser(service, GATEWAYS)),
  ...PEOPLE.map((role) => personUser(role, GATEWAYS)),
  ...GATEWAYS.map(gatewayUser),
  topologyUser(),
  auditTrailUser(),
  auditorUser(),
];

describe.each([
  {
    format: 'config' as const,
    pollers: 'one for each source',
    sources: SOURCES,
    users: [...SOURCES.map((source) => serviceUser('sentinelone-poller', GATEWAYS, source)), ...common],
  },
  {
    format: 'jwt' as const,
    pollers: 'one for all sources',
    sources: [],
    // The rights are made from the same lists: a sample of them says that they arrive.
    users: [
      serviceUser('sentinelone-poller', GATEWAYS),
      ...common.filter(({ name }) =>
        ['policy-engine', 'operator', 'gateway-edge', 'topology', 'audit-trail'].includes(name),
      ),
    ],
  },
])('of the users of the format $format, pollers: $pollers,', ({ format, sources, users }) => {
  let nats: SecuredNats;
  let candidates: Candidate[];

  beforeAll(async () => {
    nats = await startSecuredNats({ gateways: GATEWAYS, sources }, { format });
    candidates = candidatesOf({
      gateways: GATEWAYS,
      sources: SOURCES,
      services: ['sentinelone-poller', ...SERVICES],
      durables: (stream) => durablesOf(stream, GATEWAYS),
      inboxes: new Map(nats.users.map((user) => [user, nats.inboxOf(user)])),
    });
    // JWTs are signed one by one, in pure JavaScript.
  }, 120_000);
  afterAll(() => nats.close());

  test('users are held to their duties or have no limit', () => {
    const known = [...users, ...common].map(({ name }) => name);
    expect(nats.users.filter((name) => !known.includes(name))).toEqual(UNLIMITED);
    expect(known.filter((name) => !nats.users.includes(name))).toEqual([]);
  });

  test.each(users)('$name may do what is its own and nothing else', async ({ name, mayPublish, mayListen }: User) => {
    const subjects = [...new Set(candidates.map(({ subject }) => subject))];
    const connection = await nats.connectAs(name);
    const refused = {
      publish: await refusedPublishes(connection, subjects),
      listen: await refusedSubscriptions(connection, subjects),
    };
    await connection.close();

    expect(mistakes(candidates, refused.publish, mayPublish)).toEqual({ tooMuch: [], tooLittle: [] });
    expect(mistakes(candidates, refused.listen, mayListen)).toEqual({ tooMuch: [], tooLittle: [] });
  });

  test.each(UNLIMITED)('%s may listen to everything in its account', async (name) => {
    const connection = await nats.connectAs(name);
    const troubles: unknown[] = [];
    const statuses = connection.status();
    connection.subscribe('>', { callback: () => undefined });
    await connection.flush();
    await connection.close();
    for await (const status of statuses) if (status.type === 'error') troubles.push(status.error);
    expect(troubles).toEqual([]);
  });
});

function mistakes(
  candidates: readonly Candidate[],
  refused: ReadonlySet<string>,
  may: (candidate: Candidate) => boolean,
) {
  // One subject may mean several things, as an event does that is named in a filter over all of them.
  const declared = new Map<string, boolean>();
  for (const candidate of candidates)
    declared.set(candidate.subject, (declared.get(candidate.subject) ?? false) || may(candidate));
  const wrong = [...declared].filter(([subject, allowed]) => allowed === refused.has(subject));
  return {
    tooMuch: wrong.filter(([, allowed]) => !allowed).map(([subject]) => subject),
    tooLittle: wrong.filter(([, allowed]) => allowed).map(([subject]) => subject),
  };
}
