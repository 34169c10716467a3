import {
  AUDIT_SETUP_PREFIX,
  COPIED_STREAMS,
  copyOf,
  CORE_SERVICES,
  durableOf,
  encodeToken,
  LookUpDenial,
  rightsOfRole,
  rightsOfService,
  ROLES,
  setupPrefixOf,
  STREAMS,
  wireTopology,
  type CoreService,
  type Rights,
} from '@stance/contracts';
import { permissionsOf, type Permissions } from '../permissions.js';
import {
  AUDIT_ACCOUNT,
  below,
  CORE_ACCOUNT,
  gatewayAccountOf,
  merged,
  type AccountPlan,
  type Estate,
  type InboxesOf,
} from './account-plan.js';
import { AUDIT_SETUP } from './audit-accounts.js';
import { offeredTo, setupSubjects } from './gateway-account.js';

/** The account of all services, and of people. */
export function coreAccount(estate: Estate, gateways: readonly string[], inboxesOf: InboxesOf): AccountPlan {
  const people = ROLES.flatMap((role) => inboxesOf(role)).map(below);
  const member = (name: string, rights: Rights, consumers = name) => ({
    name,
    permissions: permissionsOf(rights, {
      name: consumers,
      inboxes: inboxesOf(name),
      askers: people,
      foreignConsumers: (stream) =>
        consumersOf(stream, gateways).filter((consumer) => !consumer.startsWith(`${consumers}_`)),
    }),
  });
  const pollers = (estate.sources ?? []).map((source) =>
    member(
      `sentinelone-poller-${encodeToken(source)}`,
      rightsOfService('sentinelone-poller', { source }),
      'sentinelone-poller',
    ),
  );
  const services = CORE_SERVICES.filter((service) => service !== 'sentinelone-poller' || pollers.length === 0);
  return {
    name: CORE_ACCOUNT,
    jetstream: { maxBytes: undefined },
    users: [
      ...services.map((service) => member(service, rightsOfService(service))),
      ...pollers,
      ...ROLES.map((role) => ({
        name: role,
        permissions: withLookingUp(member(role, rightsOfRole(role)).permissions, rightsOfRole(role)),
      })),
      { name: 'topology', permissions: topologyPermissions(gateways, inboxesOf('topology')) },
      { name: 'break-glass' },
    ],
    exports: merged(gateways.flatMap((gateway) => offeredTo(gateway))),
    imports: [
      ...gateways.flatMap((gateway) => [
        ...setupSubjects().map((subject) => ({
          kind: 'service' as const,
          account: gatewayAccountOf(gateway),
          subject: `$JS.API.${subject}`,
          as: `${setupPrefixOf(gateway)}.${subject}`,
        })),
        { kind: 'service' as const, account: gatewayAccountOf(gateway), subject: LookUpDenial.subject },
      ]),
      ...AUDIT_SETUP.map((subject) => ({
        kind: 'service' as const,
        account: AUDIT_ACCOUNT,
        subject: `$JS.API.${subject}`,
        as: `${AUDIT_SETUP_PREFIX}.${subject}`,
      })),
    ],
  };
}

/**
 * People look things up by direct gets as well, and at who reads: what direct gets return carries the mark of having been
 * read out of a stream, and what is told of consumers is no event.
 */
function withLookingUp({ publish, subscribe }: Permissions, { streams }: Rights): Permissions {
  const looking = streams.flatMap((name) => [
    `$JS.API.DIRECT.GET.${name}`,
    `$JS.API.DIRECT.GET.${name}.>`,
    `$JS.API.CONSUMER.LIST.${name}`,
  ]);
  return {
    publish: { ...publish, allow: [...publish.allow, '$JS.API.STREAM.LIST', ...looking].toSorted() },
    subscribe,
  };
}

/** Makes streams and the consumers behind the copies; reads no message and writes none. */
function topologyPermissions(gateways: readonly string[], inboxes: readonly string[]): Permissions {
  const streams = wireTopology()
    .map(({ name }) => name)
    .filter((name) => name !== STREAMS.AUDIT.name);
  return {
    publish: {
      allow: [
        '$JS.API.INFO',
        '$JS.API.STREAM.LIST',
        ...streams.flatMap((name) => ['CREATE', 'UPDATE', 'INFO'].map((verb) => `$JS.API.STREAM.${verb}.${name}`)),
        ...gateways.flatMap((gateway) =>
          COPIED_STREAMS.flatMap((stream) => {
            const { origin } = copyOf(stream, gateway);
            const consumer = `${stream.name}.${origin.consumer}`;
            return [
              `$JS.API.CONSUMER.CREATE.${consumer}.${origin.filter}`,
              `$JS.API.CONSUMER.INFO.${consumer}`,
              `$JS.API.CONSUMER.DELETE.${consumer}`,
            ];
          }),
        ),
        ...gateways.flatMap((gateway) => setupSubjects().map((subject) => `${setupPrefixOf(gateway)}.${subject}`)),
        ...AUDIT_SETUP.map((subject) => `${AUDIT_SETUP_PREFIX}.${subject}`),
      ].toSorted(),
      deny: [],
    },
    subscribe: { allow: inboxes.map(below) },
  };
}

/** The durable consumers of a stream in the account of Stance. */
function consumersOf(stream: string, gateways: readonly string[]): string[] {
  const durables = CORE_SERVICES.flatMap((service: CoreService) =>
    rightsOfService(service)
      .consumes.filter((event) => event.stream?.name === stream)
      .map((event) => durableOf(service, event)),
  );
  const copied = COPIED_STREAMS.filter(({ name }) => name === stream);
  return [...durables, ...copied.flatMap((of) => gateways.map((gateway) => copyOf(of, gateway).origin.consumer))];
}
