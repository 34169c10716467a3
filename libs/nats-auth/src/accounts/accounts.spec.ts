import { describe, expect, test } from '@jest/globals';
import type { AccountPlan, Estate } from './account-plan.js';
import { accountsOf, usersOf } from './accounts.js';

const ESTATES: { what: string; estate: Estate }[] = [
  { what: 'no gateway', estate: { gateways: [] } },
  { what: 'one gateway', estate: { gateways: ['edge'] } },
  { what: 'two gateways and two sources', estate: { gateways: ['vpn', 'edge'], sources: ['acme', 'globex'] } },
  { what: 'names that no token can hold', estate: { gateways: ['EU west. 1'], sources: ['s1.example/eu'] } },
];

const planned = (estate: Estate) => accountsOf(estate, (user) => [`_INBOX.${user}`]);

function accountIn(accounts: readonly AccountPlan[], name: string): AccountPlan {
  const account = accounts.find((one) => one.name === name);
  if (account === undefined) throw new Error(`there is no account ${name}`);
  return account;
}

describe.each(ESTATES)('the accounts of an estate with $what', ({ estate }) => {
  const accounts = planned(estate);

  test('import nothing that is not exported to them, in the same way', () => {
    const dangling = accounts.flatMap(({ name, imports }) =>
      imports.filter(
        ({ account, subject, kind }) =>
          !accountIn(accounts, account).exports.some(
            (offer) => offer.subject === subject && offer.kind === kind && offer.to.includes(name),
          ),
      ),
    );
    expect(dangling).toEqual([]);
  });

  test('export nothing that those it is meant for do not import', () => {
    const unused = accounts.flatMap(({ name, exports }) =>
      exports.flatMap(({ subject, kind, to }) =>
        to
          .filter(
            (importer) =>
              !accountIn(accounts, importer).imports.some(
                (taken) => taken.account === name && taken.subject === subject && taken.kind === kind,
              ),
          )
          .map((importer) => ({ name, subject, importer })),
      ),
    );
    expect(unused).toEqual([]);
  });

  test('export each subject once, and to somebody', () => {
    for (const { exports } of accounts) {
      expect(new Set(exports.map(({ kind, subject }) => `${kind} ${subject}`)).size).toBe(exports.length);
      for (const { to } of exports) expect(to).not.toEqual([]);
    }
  });

  test('have each user once, and none more than there are credentials for', () => {
    const users = accounts.flatMap((account) => account.users.map(({ name }) => name));
    expect(new Set(users).size).toBe(users.length);
    expect(usersOf(estate)).toEqual(users);
  });

  test('leave only those who break the glass or run the servers without limits', () => {
    const unlimited = accounts.flatMap(({ users }) => users.filter(({ permissions }) => permissions === undefined));
    expect(unlimited.map(({ name }) => name)).toEqual(['break-glass', 'audit-break-glass', 'system']);
  });

  test('let no user of theirs listen to the inbox of another', () => {
    for (const { users, name } of accounts) {
      if (name.startsWith('GATEWAY_')) continue;
      for (const user of users) {
        const inboxes = user.permissions?.subscribe.allow.filter((subject) => subject.startsWith('_INBOX')) ?? [];
        expect(inboxes.every((inbox) => inbox === `_INBOX.${user.name}.>`)).toBe(true);
      }
    }
  });
});

describe('in the account of Stance', () => {
  const core = accountIn(planned({ gateways: ['edge', 'vpn'] }), 'STANCE');
  const denied = (name: string) => core.users.find((user) => user.name === name)?.permissions?.publish.deny ?? [];
  const allowed = (name: string) => core.users.find((user) => user.name === name)?.permissions?.publish.allow ?? [];

  test.each(core.users.map(({ name }) => name))('%s is denied the consumers of others only', (user) => {
    const own = denied(user).filter((subject) => subject.includes(`.${user}_`));
    expect(own).toEqual([]);
  });

  test('who follows a stream leaves its durable consumers and the feeds of copies alone', () => {
    expect(denied('viewer')).toEqual(
      expect.arrayContaining([
        '$JS.API.CONSUMER.DELETE.STANCE_AGENTS.device-matcher_agent-observed',
        '$JS.API.CONSUMER.DELETE.STANCE_DEVICES.posture-store_device-recorded',
        '$JS.API.CONSUMER.DELETE.STANCE_DECISIONS.gateway-edge',
        '$JS.API.CONSUMER.MSG.NEXT.STANCE_REVOCATIONS.gateway-vpn',
      ]),
    );
    expect(denied('device-matcher')).not.toContain(
      '$JS.API.CONSUMER.DELETE.STANCE_AGENTS.device-matcher_agent-observed',
    );
  });

  test('pollers with a user each speak for their own source and keep their own lease', () => {
    const { users } = accountIn(planned({ gateways: [], sources: ['acme', 's1.example'] }), 'STANCE');
    const names = users.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['sentinelone-poller-acme', 'sentinelone-poller-s1=2Eexample']));
    expect(names).not.toContain('sentinelone-poller');
    const poller = users.find(({ name }) => name === 'sentinelone-poller-s1=2Eexample')?.permissions?.publish.allow;
    expect(poller).toEqual(
      expect.arrayContaining([
        'stance.agent.observed.v1.s1=2Eexample.>',
        'stance.source.reported.v1.s1=2Eexample',
        '$KV.STANCE_LEASES.sentinelone-poller.s1=2Eexample',
      ]),
    );
    expect(poller?.filter((subject) => subject.includes('acme'))).toEqual([]);
  });

  test.each(core.users.filter(({ permissions }) => permissions !== undefined).map(({ name }) => name))(
    '%s removes no stream and no message',
    (user) => {
      const removing = /STREAM\.(DELETE|PURGE|MSG\.DELETE|RESTORE|SNAPSHOT)|\$SYS|\$JS\.API\.(META|SERVER|ACCOUNT)/;
      expect(allowed(user).filter((subject) => subject.startsWith('$') && removing.test(subject))).toEqual([]);
    },
  );

  test('only who sets streams up changes them', () => {
    const changing = core.users.filter(({ name }) =>
      allowed(name).some((subject) => /^\$JS\.API\.STREAM\.(CREATE|UPDATE)/.test(subject)),
    );
    expect(changing.map(({ name }) => name)).toEqual(['topology']);
  });
});

describe('a gateway', () => {
  const accounts = planned({ gateways: ['edge', 'vpn'] });
  const edge = accountIn(accounts, 'GATEWAY_edge');

  test('takes from the account of Stance nothing that names another gateway', () => {
    expect(edge.imports.filter(({ subject }) => subject.includes('vpn'))).toEqual([]);
  });

  test('is alone in its account', () => {
    expect(edge.users.map(({ name }) => name)).toEqual(['gateway-edge']);
  });

  test('is let write what is its own, and nothing else', () => {
    const services = edge.imports.filter(({ kind, subject }) => kind === 'service' && subject.startsWith('stance.'));
    expect(services.map(({ subject }) => subject)).toEqual([
      'stance.session.started.v1.edge.>',
      'stance.session.ended.v1.edge.>',
      'stance.break-glass.used.v1.edge.>',
    ]);
  });

  test('has storage up to the limit that it is given, and so has audit', () => {
    const limited = accountsOf({ gateways: ['edge'], limits: { audit: 1_000, gateway: 500 } }, () => []);
    expect(limited.map(({ name, jetstream }) => [name, jetstream?.maxBytes])).toEqual([
      ['STANCE', undefined],
      ['AUDIT', 1_000],
      ['AUDITORS', undefined],
      ['GATEWAY_edge', 500],
      ['SYS', undefined],
    ]);
  });
});

test('who looks into the audit trail does so from outside of its account, and has nothing else', () => {
  const auditors = accountIn(planned({ gateways: ['edge'] }), 'AUDITORS');
  expect(auditors.users.map(({ name }) => name)).toEqual(['auditor']);
  expect(auditors.users[0]?.permissions?.publish.allow).toEqual(auditors.imports.map(({ as = '' }) => as).toSorted());
  expect(auditors.imports.filter(({ subject }) => !/\.(INFO|GET)\.STANCE_AUDIT/.test(subject))).toEqual([]);
});

test('nobody but the break-glass user of its account changes or removes the audit trail', () => {
  const changing = planned({ gateways: ['edge'] }).flatMap(({ users }) =>
    users.filter(({ permissions }) =>
      permissions?.publish.allow.some((subject) =>
        /STREAM\.(UPDATE|DELETE|PURGE|MSG\.DELETE|RESTORE)\.(STANCE_AUDIT|\*|>)/.test(subject),
      ),
    ),
  );
  expect(changing).toEqual([]);
});

test('the order in which gateways are named makes no difference', () => {
  expect(planned({ gateways: ['b', 'a'] })).toEqual(planned({ gateways: ['a', 'b'] }));
});
