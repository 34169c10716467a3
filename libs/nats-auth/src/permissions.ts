import { durableOf, filterOf, type EventContract, type Rights, type Scope } from '@stance/contracts';

/** Subject patterns, as nats-server takes them; what is not allowed is refused, what is denied as well. */
export interface Permissions {
  readonly publish: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[] };
}

/** Where a user stands: what tells its rights from those of the others in its account. */
export interface Standing {
  /** The name that its durable consumers begin with. */
  readonly name: string;
  /** Its inbox prefixes: one for each of its keys. */
  readonly inboxes: readonly string[];
  /** Inboxes of those who may ask it something, as patterns. */
  readonly askers: readonly string[];
  /** Consumers of others in the account, by stream: never its own to use, change or delete. */
  readonly foreignConsumers: (stream: string) => readonly string[];
}

/** What rights in terms of the contracts are in terms of NATS subjects. Pure; sorted, so that two runs can be compared. */
export function permissionsOf(rights: Rights, standing: Standing): Permissions {
  const read = readingsOf(rights);
  return {
    publish: {
      allow: sorted([
        '$JS.API.INFO',
        ...rights.publishes.map(patternOf),
        ...rights.streams.flatMap(lookingAt),
        ...[...read].flatMap(([stream, filters]) => following(stream, filters)),
        ...rights.consumes.flatMap((event) => consuming(standing.name, event)),
        ...rights.keeps.map(({ bucket, key }) => `$KV.${bucket.name}.${key}`),
        ...rights.asks.map(({ subject }) => subject),
        ...(rights.answers.length > 0 ? standing.askers : []),
      ]),
      deny: sorted(
        [...read.keys()].flatMap((stream) =>
          standing.foreignConsumers(stream).flatMap((name) => touching(stream, name)),
        ),
      ),
    },
    subscribe: {
      allow: sorted([
        ...standing.inboxes.map((inbox) => `${inbox}.>`),
        ...rights.hears.map(patternOf),
        ...rights.answers.map(({ subject }) => subject),
      ]),
    },
  };
}

/** The filters by which each stream is read. */
function readingsOf({ reads, readsStreams }: Rights): Map<string, string[]> {
  const filters = new Map<string, string[]>();
  const add = (stream: string, filter: string) => filters.set(stream, [...(filters.get(stream) ?? []), filter]);
  for (const scope of reads) add(streamOf(scope.event), patternOf(scope));
  for (const { name } of readsStreams) add(name, '>');
  return filters;
}

/** How a stream stands, and single messages of it as its leader has them. */
function lookingAt(stream: string): string[] {
  return [`$JS.API.STREAM.INFO.${stream}`, `$JS.API.STREAM.MSG.GET.${stream}`];
}

/** Consumers that live as long as their reader, under names of their own. */
function following(stream: string, filters: readonly string[]): string[] {
  return [
    ...filters.map((filter) => `$JS.API.CONSUMER.CREATE.${stream}.*.${filter}`),
    // Without a filter the subject ends with the consumer's name.
    ...(filters.includes('>') ? [`$JS.API.CONSUMER.CREATE.${stream}.*`] : []),
    `$JS.API.CONSUMER.INFO.${stream}.*`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
    `$JS.API.CONSUMER.DELETE.${stream}.*`,
  ];
}

/** One durable consumer, with acknowledgements in both forms that servers use (nats-server 2.14 notes). */
function consuming(service: string, event: EventContract): string[] {
  const stream = streamOf(event);
  const durable = durableOf(service, event);
  return [
    `$JS.API.CONSUMER.CREATE.${stream}.${durable}.${filterOf(event)}`,
    `$JS.API.CONSUMER.INFO.${stream}.${durable}`,
    `$JS.API.CONSUMER.DELETE.${stream}.${durable}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`,
    `$JS.ACK.${stream}.${durable}.>`,
    `$JS.ACK.*.*.${stream}.${durable}.>`,
  ];
}

/** Whatever the rights to follow a stream would allow with a certain consumer of it. */
function touching(stream: string, consumer: string): string[] {
  return [
    `$JS.API.CONSUMER.CREATE.${stream}.${consumer}`,
    `$JS.API.CONSUMER.CREATE.${stream}.${consumer}.>`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
    `$JS.API.CONSUMER.DELETE.${stream}.${consumer}`,
  ];
}

/** The subjects of a scope. */
export function patternOf({ event, keys = {} }: Scope): string {
  return filterOf(event, keys);
}

function streamOf(event: EventContract): string {
  if (event.stream === null) throw new TypeError(`${event.name} is kept by no stream`);
  return event.stream.name;
}

function sorted(subjects: readonly string[]): string[] {
  return [...new Set(subjects)].toSorted();
}
