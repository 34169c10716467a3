import {
  copyOf,
  COPIED_STREAMS,
  EngineReported,
  filterOf,
  LookUpDenial,
  rightsOfGateway,
  STREAMS,
} from '@stance/contracts';
import { patternOf, permissionsOf } from '../permissions.js';
import {
  CORE_ACCOUNT,
  gatewayAccountOf,
  gatewayUserOf,
  type AccountPlan,
  type Estate,
  type Export,
} from './account-plan.js';

/** What setting up the copies in a gateway's account takes. */
export function setupSubjects(): string[] {
  return COPIED_STREAMS.flatMap(({ name }) =>
    ['CREATE', 'UPDATE', 'INFO', 'DELETE'].map((verb) => `STREAM.${verb}.${name}`),
  );
}

/** What the account of Stance lets a gateway's account do: follow what is meant for it, and tell of its sessions. */
export function offeredTo(gateway: string): Export[] {
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

/** The account of a gateway. */
export function gatewayAccount(gateway: string, { limits }: Estate): AccountPlan {
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
