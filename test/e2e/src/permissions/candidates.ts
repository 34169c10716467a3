import {
  AUDIT_API_PREFIX,
  AUDIT_SETUP_PREFIX,
  BUCKETS,
  copyOf,
  COPIED_STREAMS,
  EVENTS,
  filterOf,
  REQUESTS,
  setupPrefixOf,
  wireTopology,
  type EventContract,
} from '@stance/contracts';

/** A subject that somebody may try to publish or subscribe on, and what that would mean. */
export type Candidate = { readonly subject: string } & Meaning;

type Meaning =
  /** An event of these keys; of any, where a key is left out. */
  | { readonly kind: 'fact'; readonly event: string; readonly keys: Keys }
  | { readonly kind: 'key'; readonly bucket: string; readonly key: string }
  | { readonly kind: 'request'; readonly service: string; readonly verb: string }
  | { readonly kind: 'inbox'; readonly of: string }
  /** The subjects on which servers answer across accounts. */
  | { readonly kind: 'server-reply' }
  /** All subjects for answers at once. */
  | { readonly kind: 'any-reply' }
  | { readonly kind: 'account'; readonly verb: string }
  | { readonly kind: 'stream'; readonly verb: string; readonly stream: string }
  /** A direct get, of a stream or of one subject in it. */
  | { readonly kind: 'direct'; readonly stream: string }
  | { readonly kind: 'consumer'; readonly verb: string; readonly stream: string; readonly consumer: string }
  /** To make or change a consumer with a filter; `event` undefined: of everything in the stream. */
  | ({ readonly kind: 'follow'; readonly stream: string; readonly consumer: string } & Filter)
  | { readonly kind: 'acknowledge'; readonly stream: string; readonly consumer: string }
  /** What a gateway's server says to the consumer that feeds a copy. */
  | {
      readonly kind: 'copy';
      readonly verb: 'RESET' | 'FC' | 'DELIVER';
      readonly gateway: string;
      readonly stream: string;
    }
  /** What auditors see of the account that holds the trail. */
  | { readonly kind: 'audited'; readonly verb: string; readonly stream: string }
  | { readonly kind: 'setup'; readonly of: string; readonly verb: string; readonly stream: string }
  /** What no user of Stance has any business with. */
  | { readonly kind: 'nobody' };

export type Keys = Readonly<Record<string, string>>;
export type Filter = { readonly event?: string; readonly keys?: Keys };

export interface World {
  readonly gateways: readonly string[];
  readonly sources: readonly string[];
  readonly services: readonly string[];
  /** The durable consumers of each stream. */
  readonly durables: (stream: string) => readonly string[];
  /** Each user's prefix for answers. */
  readonly inboxes: ReadonlyMap<string, string>;
}

const STREAM_VERBS = [
  'CREATE',
  'UPDATE',
  'DELETE',
  'PURGE',
  'INFO',
  'MSG.GET',
  'MSG.DELETE',
  'SNAPSHOT',
  'RESTORE',
  'PEER.REMOVE',
  'PEER.EVACUATE',
  'LEADER.STEPDOWN',
  'CANCEL_MOVE',
];
const CONSUMER_VERBS = [
  'CREATE',
  'DURABLE.CREATE',
  'DELETE',
  'INFO',
  'MSG.NEXT',
  'PAUSE',
  'RESET',
  'UNPIN',
  'LEADER.STEPDOWN',
  'PEER.REMOVE',
  'PEER.EVACUATE',
];
const ACCOUNT_VERBS = [
  'INFO',
  'STREAM.LIST',
  'STREAM.NAMES',
  'META.LEADER.STEPDOWN',
  'META.RESCUE',
  'SERVER.REMOVE',
  'SERVER.EVACUATE',
  'ACCOUNT.PURGE.STANCE',
  'ACCOUNT.STREAM.MOVE.STANCE.STANCE_AGENTS',
  'ACCOUNT.STREAM.CANCEL_MOVE.STANCE.STANCE_AGENTS',
];
/** As a domain, and as the account's own API where it reaches a gateway. */
const OTHER_APIS = ['$JS.hub.API', '$JS.STANCE.API', '$JS.AUDIT.API'];

/** The names of a consumer of one's own, and of one whose name would be a wildcard. */
const FRESH_CONSUMERS = ['fresh', '*'];

/** Everything that is tried, by every user alike. */
export function candidatesOf(world: World): Candidate[] {
  const streams = [...wireTopology().map(({ name }) => name), 'STANCE_ELSE'];
  return [
    ...EVENTS.flatMap((event) => factsOf(event, world)),
    ...keysOfBuckets(world),
    ...REQUESTS.map(({ service, verb, subject }) => ({ kind: 'request' as const, service, verb, subject })),
    ...[...world.inboxes].flatMap(([of, prefix]) =>
      [`${prefix}.1`, `${prefix}.1.2`, `${prefix}.>`].map((subject) => ({ kind: 'inbox' as const, of, subject })),
    ),
    { kind: 'inbox', of: 'nobody', subject: '_INBOX.stranger.1' },
    { kind: 'server-reply', subject: '_R_.1.2' },
    ...['_INBOX.>', '_INBOX.*.1', '_R_.>'].map((subject) => ({ kind: 'any-reply' as const, subject })),
    ...ACCOUNT_VERBS.map((verb) => ({ kind: 'account' as const, verb, subject: `$JS.API.${verb}` })),
    ...streams.flatMap((stream) => apiOf(stream, world)),
    ...streams.flatMap(auditedOf),
    ...world.gateways.flatMap(copiesOf),
    ...setups(world),
    ...nobodys(streams),
  ];
}

/** One event under several keys: one's own, those of others, and wildcards over them. */
function factsOf(event: EventContract, world: World): Candidate[] {
  return scopesOf(event, world).map((keys) => ({
    kind: 'fact',
    event: event.name,
    keys,
    subject: filterOf(event, keys),
  }));
}

/** All combinations of the values of the first key, the others given or left open. */
function scopesOf(event: EventContract, { gateways, sources, services }: World): Keys[] {
  const values: Record<string, readonly string[]> = {
    gateway: [...gateways, 'elsewhere'],
    source: [...sources, 'elsewhere'],
    service: [...services, 'gateway', 'elsewhere'],
    kind: ['manual-link', 'manual-unlink', 'sweep-approved', 'hold-released', 'break-glass-used'],
    targetId: [...sources, 'elsewhere'],
    stream: ['STANCE_AGENTS'],
    originalSubject: ['stance.agent.observed.v1.acme.a1'],
  };
  const whole = event.keys.reduce<Keys[]>(
    (scopes, key) => scopes.flatMap((scope) => (values[key] ?? ['one']).map((value) => ({ ...scope, [key]: value }))),
    [{}],
  );
  const open = event.keys.flatMap((key) => (values[key] ?? ['one']).map((value) => ({ [key]: value })));
  const unique = new Map([...whole, ...open, {}].map((keys) => [filterOf(event, keys), keys]));
  return [...unique.values()];
}

function keysOfBuckets({ services, sources }: World): Candidate[] {
  const keys = [
    ...services,
    ...[...sources, 'elsewhere'].map((source) => `sentinelone-poller.${source}`),
    'elsewhere',
    '>',
  ];
  return [...Object.values(BUCKETS).map(({ name }) => name), 'ELSE'].flatMap((bucket) =>
    keys.map((key) => ({ kind: 'key' as const, bucket, key, subject: `$KV.${bucket}.${key}` })),
  );
}

/** What the API of JetStream knows of one stream. */
function apiOf(stream: string, world: World): Candidate[] {
  const consumers = [...world.durables(stream), ...FRESH_CONSUMERS];
  const events = EVENTS.filter((event) => event.stream?.name === stream || event.name === 'policy.published');
  return [
    ...STREAM_VERBS.map((verb) => ({
      kind: 'stream' as const,
      verb,
      stream,
      subject: `$JS.API.STREAM.${verb}.${stream}`,
    })),
    ...['LIST', 'NAMES'].map((verb) => ({
      kind: 'stream' as const,
      verb: `CONSUMER.${verb}`,
      stream,
      subject: `$JS.API.CONSUMER.${verb}.${stream}`,
    })),
    // Without a name, so that the body says who and what.
    { kind: 'stream', verb: 'CONSUMER.CREATE', stream, subject: `$JS.API.CONSUMER.CREATE.${stream}` },
    ...['', '.>', '.stance.policy.published.v1'].map((of) => ({
      kind: 'direct' as const,
      stream,
      subject: `$JS.API.DIRECT.GET.${stream}${of}`,
    })),
    ...consumers.flatMap((consumer) => [
      ...CONSUMER_VERBS.map((verb) => ({
        kind: 'consumer' as const,
        verb,
        stream,
        consumer,
        subject: `$JS.API.CONSUMER.${verb}.${stream}.${consumer}`,
      })),
      ...[undefined, ...events].flatMap((event) => followsOf(stream, consumer, event, world)),
      ...acknowledgementsOf(stream, consumer),
    ]),
  ];
}

function followsOf(stream: string, consumer: string, event: EventContract | undefined, world: World): Candidate[] {
  const at = `$JS.API.CONSUMER.CREATE.${stream}.${consumer}`;
  if (event === undefined) return [{ kind: 'follow', stream, consumer, subject: `${at}.>` }];
  return scopesOf(event, world).map((keys) => ({
    kind: 'follow',
    stream,
    consumer,
    event: event.name,
    keys,
    subject: `${at}.${filterOf(event, keys)}`,
  }));
}

/** In both forms that servers use: the second names domain and account. */
function acknowledgementsOf(stream: string, consumer: string): Candidate[] {
  return [`$JS.ACK.${stream}.${consumer}.1.1.1.1.0`, `$JS.ACK._.hash.${stream}.${consumer}.1.1.1.1.0`].map(
    (subject) => ({
      kind: 'acknowledge',
      stream,
      consumer,
      subject,
    }),
  );
}

function copiesOf(gateway: string): Candidate[] {
  return COPIED_STREAMS.flatMap((stream) => {
    const { origin } = copyOf(stream, gateway);
    const of = { kind: 'copy' as const, gateway, stream: stream.name };
    return [
      { ...of, verb: 'DELIVER' as const, subject: origin.deliverSubject },
      { ...of, verb: 'FC' as const, subject: `$JS.FC.${stream.name}.${origin.consumer}.1` },
      { ...of, verb: 'FC' as const, subject: `$JS.FC._.hash.${stream.name}.${origin.consumer}.1` },
      {
        ...of,
        verb: 'RESET' as const,
        subject: `${origin.apiPrefix}.CONSUMER.RESET.${stream.name}.${origin.consumer}`,
      },
    ];
  });
}

function auditedOf(stream: string): Candidate[] {
  const verbs = [...STREAM_VERBS.map((verb) => ['STREAM.', verb]), ['', 'DIRECT.GET']] as const;
  return [
    ...verbs.map(([of = '', verb = '']) => ({
      kind: 'audited' as const,
      verb,
      stream,
      subject: `${AUDIT_API_PREFIX}.${of}${verb}.${stream}`,
    })),
    { kind: 'audited', verb: 'DIRECT.GET', stream, subject: `${AUDIT_API_PREFIX}.DIRECT.GET.${stream}.>` },
  ];
}

function setups({ gateways }: World): Candidate[] {
  const prefixes = [
    ...gateways.map((gateway) => ({
      of: gateway,
      prefix: setupPrefixOf(gateway),
      streams: COPIED_STREAMS.map((s) => s.name as string),
    })),
    { of: 'audit', prefix: AUDIT_SETUP_PREFIX, streams: ['STANCE_AUDIT'] },
  ];
  return prefixes.flatMap(({ of, prefix, streams }) =>
    [...streams, 'STANCE_POLICIES'].flatMap((stream) =>
      STREAM_VERBS.map((verb) => ({
        kind: 'setup' as const,
        of,
        verb,
        stream,
        subject: `${prefix}.STREAM.${verb}.${stream}`,
      })),
    ),
  );
}

function nobodys(streams: readonly string[]): Candidate[] {
  return [
    '$SYS.REQ.SERVER.PING',
    '$SYS.REQ.ACCOUNT.STANCE.CLAIMS.UPDATE',
    '$SYS.REQ.USER.INFO',
    '$SYS.>',
    '$JS.EVENT.ADVISORY.API',
    '$JS.EVENT.>',
    '$JS.SNAPSHOT.RESTORE.STANCE_AUDIT.1',
    '$JS.SNAPSHOT.ACK.STANCE_AUDIT.1',
    '$JS.>',
    '$KV.>',
    '$OBJ.files.C.one',
    '$MQTT.sub.one',
    'stance',
    'stance.>',
    'stance.agent.>',
    'stance.agent.observed.v2.acme.a1',
    'stance.session.*.v1.edge.>',
    'stance.dead',
    'stance.dead.>',
    'stance.rpc.>',
    'stance.copy.>',
    'stance.setup.>',
    'anything',
    '*',
    '*.*',
    '>',
    ...OTHER_APIS.flatMap((api) => [
      `${api}.INFO`,
      ...streams.flatMap((stream) => [
        `${api}.STREAM.INFO.${stream}`,
        `${api}.STREAM.DELETE.${stream}`,
        `${api}.STREAM.MSG.GET.${stream}`,
        `${api}.CONSUMER.CREATE.${stream}.fresh.>`,
        `${api}.CONSUMER.RESET.${stream}.fresh`,
      ]),
    ]),
  ].map((subject) => ({ kind: 'nobody', subject }));
}
