import {
  AuditRecorded,
  CORE_SERVICES,
  COPIED_STREAMS,
  copyOf,
  durableOf,
  encodeToken,
  EngineReported,
  filterOf,
  LookUpDenial,
  AUDIT_API_PREFIX,
  AUDIT_SETUP_PREFIX,
  rightsOfGateway,
  setupPrefixOf,
  rightsOfRole,
  rightsOfService,
  ROLES,
  STREAMS,
  wireTopology,
  type CoreService,
  type Rights,
} from '@stance/contracts';
import { patternOf, permissionsOf, type Permissions } from './permissions.js';

/** The account of all services. */
export const CORE_ACCOUNT = 'STANCE';
/** The account that only audit writes to. */
export const AUDIT_ACCOUNT = 'AUDIT';
/** That of who looks into the audit trail: answers go no further than the account of who asks. */
export const AUDITORS_ACCOUNT = 'AUDITORS';
/** nats-server's own, for those who run it. */
export const SYSTEM_ACCOUNT = 'SYS';

/** What there is to be let in. */
export interface Estate {
  /** Names of gateways, as in `STANCE_GATEWAY_FILE`. */
  readonly gateways: readonly string[];
  /** Sources whose pollers have a user each; one user for all of them where none is named. */
  readonly sources?: readonly string[];
  /** Bytes on disk, replicas counted each; no limit by default. */
  readonly limits?: { readonly audit?: number | undefined; readonly gateway?: number | undefined };
}

export interface UserPlan {
  /** Unique over all accounts; the name of its credentials file. */
  readonly name: string;
  /** Left out: it may do everything in its account. */
  readonly permissions?: Permissions;
}

/** A subject of the account that others may use: a `service` answers, a `stream` tells. */
export interface Export {
  readonly kind: 'service' | 'stream';
  readonly subject: string;
  /** The accounts that may; no other. */
  readonly to: readonly string[];
  /** Whether one question may be answered by several messages; default false. */
  readonly manyAnswers?: boolean;
}

export interface Import {
  readonly kind: 'service' | 'stream';
  readonly account: string;
  readonly subject: string;
  /** The subject on this side, where it is another. */
  readonly as?: string;
}

export interface AccountPlan {
  readonly name: string;
  /** JetStream's limits; `undefined` where the account has none of it. `maxBytes` undefined: no limit. */
  readonly jetstream: { readonly maxBytes: number | undefined } | undefined;
  readonly users: readonly UserPlan[];
  readonly exports: readonly Export[];
  readonly imports: readonly Import[];
}

/** The account of a gateway. */
export function gatewayAccountOf(gateway: string): string {
  return `GATEWAY_${encodeToken(gateway)}`;
}

export function gatewayUserOf(gateway: string): string {
  return `gateway-${encodeToken(gateway)}`;
}

const AUDIT = STREAMS.AUDIT.name;
const LOOKING = [`STREAM.INFO.${AUDIT}`, `STREAM.MSG.GET.${AUDIT}`];
/** Direct gets of several messages at once are answered by as many. */
const READING_DIRECTLY = [`DIRECT.GET.${AUDIT}`, `DIRECT.GET.${AUDIT}.>`];

/** Every user of an estate, in the order of their accounts. */
export function usersOf(estate: Estate): string[] {
  return accountsOf(estate, (user) => [user]).flatMap(({ users }) => users.map(({ name }) => name));
}

/** The inbox prefixes of a user: one for each of its keys, of which it has two while one replaces the other. */
export type InboxesOf = (user: string) => readonly string[];

/**
 * The accounts of an estate. The account is the boundary: within one, whoever may use the API of JetStream reaches more than
 * its own subjects by reply and deliver subjects; out of one leads only what is exported here. Pure.
 */
export function accountsOf(estate: Estate, inboxesOf: InboxesOf): AccountPlan[] {
  const gateways = [...estate.gateways].toSorted();
  return [
    coreAccount(estate, gateways, inboxesOf),
    auditAccount(estate, inboxesOf),
    auditorsAccount(inboxesOf),
    ...gateways.map((gateway) => gatewayAccount(gateway, estate)),
    { name: SYSTEM_ACCOUNT, jetstream: undefined, users: [{ name: 'system' }], exports: [], imports: [] },
  ];
}

function coreAccount(estate: Estate, gateways: readonly string[], inboxesOf: InboxesOf): AccountPlan {
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

/** The audit trail is made from outside of its account, but neither changed nor emptied nor removed. */
const AUDIT_SETUP = [`STREAM.CREATE.${AUDIT}`, `STREAM.INFO.${AUDIT}`] as const;

/** What setting up the copies in a gateway's account takes. */
function setupSubjects(): string[] {
  return COPIED_STREAMS.flatMap(({ name }) =>
    ['CREATE', 'UPDATE', 'INFO', 'DELETE'].map((verb) => `STREAM.${verb}.${name}`),
  );
}

/** One export of a subject, for all the accounts that may use it. */
function merged(exports: readonly Export[]): Export[] {
  const bySubject = new Map<string, Export>();
  for (const one of exports) {
    const key = `${one.kind} ${one.subject}`;
    bySubject.set(key, { ...one, to: [...(bySubject.get(key)?.to ?? []), ...one.to] });
  }
  return [...bySubject.values()];
}

/** What the account of Stance lets a gateway's account do: follow what is meant for it, and tell of its sessions. */
function offeredTo(gateway: string): Export[] {
  const to = [gatewayAccountOf(gateway)];
  // What no stream keeps is between its own replicas.
  const stored = rightsOfGateway(gateway).publishes.filter(({ event }) => event.stream !== null);
  return [
    ...stored.map((scope) => ({ kind: 'service' as const, subject: patternOf(scope), to })),
    ...COPIED_STREAMS.flatMap((stream) => {
      const { origin } = copyOf(stream, gateway);
      return [
        { kind: 'service' as const, subject: `$JS.API.CONSUMER.RESET.${stream.name}.${origin.consumer}`, to },
        { kind: 'service' as const, subject: `$JS.FC.${stream.name}.${origin.consumer}.>`, to },
        { kind: 'stream' as const, subject: origin.deliverSubject, to },
      ];
    }),
    { kind: 'stream' as const, subject: filterOf(EngineReported, { gateway }), to },
  ];
}

function gatewayAccount(gateway: string, { limits }: Estate): AccountPlan {
  const user = gatewayUserOf(gateway);
  const rights = rightsOfGateway(gateway);
  const permissions = permissionsOf(rights, {
    name: user,
    // Nobody else is in its account: a client in any language may use what it has by default.
    inboxes: ['_INBOX'],
    // Its other replicas, and whoever asks from the account of Stance, by the server's reply subject.
    askers: ['_INBOX.>', '_R_.>'],
    foreignConsumers: () => [],
  });
  return {
    name: gatewayAccountOf(gateway),
    jetstream: { maxBytes: limits?.gateway },
    users: [{ name: user, permissions }],
    exports: [
      ...setupSubjects().map((subject) => ({
        kind: 'service' as const,
        subject: `$JS.API.${subject}`,
        to: [CORE_ACCOUNT],
      })),
      { kind: 'service', subject: LookUpDenial.subject, to: [CORE_ACCOUNT] },
    ],
    imports: offeredTo(gateway).map(({ kind, subject }) => ({
      kind,
      account: CORE_ACCOUNT,
      subject,
      // Its own JetStream answers on the usual subjects.
      ...(subject.startsWith('$JS.API.') && {
        as: subject.replace('$JS.API', copyOf(STREAMS.DECISIONS, gateway).origin.apiPrefix),
      }),
    })),
  };
}

function auditAccount({ limits }: Estate, inboxesOf: InboxesOf): AccountPlan {
  const reading = [
    '$JS.API.INFO',
    ...LOOKING.map(inApi),
    `$JS.API.CONSUMER.CREATE.${AUDIT}.*.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${AUDIT}.*`,
    `$JS.API.CONSUMER.DELETE.${AUDIT}.*`,
  ];
  const service = (to: string) => (subject: string) => ({
    kind: 'service' as const,
    subject: inApi(subject),
    to: [to],
  });
  return {
    name: AUDIT_ACCOUNT,
    jetstream: { maxBytes: limits?.audit },
    users: [limitedTo('audit-trail', [filterOf(AuditRecorded), ...reading], inboxesOf), { name: 'audit-break-glass' }],
    exports: merged([
      ...AUDIT_SETUP.map(service(CORE_ACCOUNT)),
      ...LOOKING.map(service(AUDITORS_ACCOUNT)),
      ...READING_DIRECTLY.map((subject) => ({ ...service(AUDITORS_ACCOUNT)(subject), manyAnswers: true })),
    ]),
    imports: [],
  };
}

/**
 * Who reads the trail is not in the account that holds it, where the answer to any question could be had on the subjects of
 * records, and would be one. Nor has it consumers, which deliver wherever they are told.
 */
function auditorsAccount(inboxesOf: InboxesOf): AccountPlan {
  const subjects = [...LOOKING, ...READING_DIRECTLY];
  const here = (subject: string) => `${AUDIT_API_PREFIX}.${subject}`;
  return {
    name: AUDITORS_ACCOUNT,
    jetstream: undefined,
    users: [limitedTo('auditor', subjects.map(here), inboxesOf)],
    exports: [],
    imports: subjects.map((subject) => ({
      kind: 'service',
      account: AUDIT_ACCOUNT,
      subject: inApi(subject),
      as: here(subject),
    })),
  };
}

/** A user that may publish this, and listen to its answers. */
function limitedTo(name: string, publish: readonly string[], inboxesOf: InboxesOf): UserPlan {
  return {
    name,
    permissions: {
      publish: { allow: [...publish].toSorted(), deny: [] },
      subscribe: { allow: inboxesOf(name).map(below) },
    },
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
    .filter((name) => name !== AUDIT);
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

function inApi(subject: string): string {
  return `$JS.API.${subject}`;
}

function below(prefix: string): string {
  return `${prefix}.>`;
}
