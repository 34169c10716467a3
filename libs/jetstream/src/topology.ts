import { jetstreamManager, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { MINIMUM_SERVER_VERSION, wireTopology, type WireStreamConfig } from '@stance/contracts';

/** One way in which the server differs from what Stance needs. */
export interface TopologyProblem {
  readonly stream: string;
  readonly problem: string;
}

/** Thrown when the server is older than {@link MINIMUM_SERVER_VERSION}: it would silently ignore what is asked of it. */
export class ServerTooOld extends Error {
  override readonly name = 'ServerTooOld';
  constructor(version: string) {
    super(
      `nats-server ${version} is too old: Stance needs ${MINIMUM_SERVER_VERSION} or newer ` +
        '(per-message TTL and scheduled messages are silently ignored before). Upgrade the server.',
    );
  }
}

/** Thrown when streams are missing or configured otherwise than the contracts say. */
export class TopologyMismatch extends Error {
  override readonly name = 'TopologyMismatch';
  constructor(readonly problems: readonly TopologyProblem[]) {
    super(
      `the streams are not as Stance needs them: ${problems.map(({ stream, problem }) => `${stream}: ${problem}`).join('; ')}. ` +
        'Run `stance topology apply`.',
    );
  }
}

/**
 * What every definition implies without saying so: no limit that would refuse or evict facts, nothing that stops writing.
 * Asked for as well, so that an update takes back what somebody has set.
 */
const IMPLIED = {
  max_bytes: -1,
  max_msgs: -1,
  max_msg_size: -1,
  discard_new_per_subject: false,
  no_ack: false,
  sealed: false,
} as const satisfies Partial<StreamConfig>;

type Wanted = WireStreamConfig & typeof IMPLIED;

/** Fields whose echoed value has to equal what was asked for; an old server drops what it does not know. */
const CHECKED = [
  'subjects',
  'retention',
  'storage',
  'discard',
  'discard_new_per_subject',
  'max_bytes',
  'max_msgs',
  'max_msg_size',
  'max_msgs_per_subject',
  'max_age',
  'duplicate_window',
  'allow_direct',
  'allow_msg_ttl',
  'allow_msg_schedules',
  'allow_rollup_hdrs',
  'deny_delete',
  'deny_purge',
  'no_ack',
  'sealed',
] as const satisfies readonly (keyof Wanted)[];

/** What differs between a stream as asked for, with what that implies, and as the server echoes it. Pure. */
export function differences(definition: WireStreamConfig, echo: Partial<StreamConfig>): string[] {
  const wanted: Wanted = { ...IMPLIED, ...definition };
  const echoed: Partial<StreamConfig> = { ...IMPLIED, ...echo };
  return CHECKED.filter((field) => {
    const actual = echoed[field as keyof StreamConfig] ?? (typeof wanted[field] === 'boolean' ? false : undefined);
    return JSON.stringify(actual) !== JSON.stringify(wanted[field]);
  }).map(
    (field) =>
      `${field} is ${JSON.stringify(echoed[field as keyof StreamConfig])}, not ${JSON.stringify(wanted[field])}`,
  );
}

/** Throws {@link ServerTooOld} unless the connected server is new enough. */
export function checkServerVersion(connection: NatsConnection): string {
  const version = connection.info?.version ?? '0.0.0';
  if (isOldServer(version)) throw new ServerTooOld(version);
  return version;
}

/** Whether a server of this version is older than {@link MINIMUM_SERVER_VERSION}, or of none that can be read. Pure. */
export function isOldServer(version: string): boolean {
  return !(compareVersions(version, MINIMUM_SERVER_VERSION) >= 0);
}

function compareVersions(left: string, right: string): number {
  const numbers = (version: string) => version.split('-')[0]?.split('.').map(Number) ?? [];
  const [a, b] = [numbers(left), numbers(right)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Lists what is missing or different; nothing is changed. */
export async function inspectTopology(connection: NatsConnection): Promise<TopologyProblem[]> {
  checkServerVersion(connection);
  const existing = await streamConfigs(await jetstreamManager(connection));
  return wireTopology().flatMap((wanted) => {
    const echoed = existing.get(wanted.name);
    const problems = echoed === undefined ? ['is missing'] : differences(wanted, echoed);
    return problems.map((problem) => ({ stream: wanted.name, problem }));
  });
}

/** Throws {@link ServerTooOld} or {@link TopologyMismatch} unless everything is as the contracts say. */
export async function checkTopology(connection: NatsConnection): Promise<void> {
  const problems = await inspectTopology(connection);
  if (problems.length > 0) throw new TopologyMismatch(problems);
}

/**
 * Creates what is missing and updates what differs, then checks what the server made of it. `replicas`: 1 for new streams
 * and as they are for the others, unless given.
 */
export async function applyTopology(
  connection: NatsConnection,
  { replicas }: { replicas?: number } = {},
): Promise<{ created: string[]; updated: string[] }> {
  checkServerVersion(connection);
  const manager = await jetstreamManager(connection);
  const existing = await streamConfigs(manager);
  const created: string[] = [];
  const updated: string[] = [];
  for (const definition of wireTopology()) {
    const echoed = existing.get(definition.name);
    const wanted = { ...IMPLIED, ...definition, num_replicas: replicas ?? echoed?.num_replicas ?? 1 };
    if (echoed === undefined) {
      await manager.streams.add(wanted);
      created.push(wanted.name);
    } else if (differences(wanted, echoed).length > 0 || echoed.num_replicas !== wanted.num_replicas) {
      await manager.streams.update(wanted.name, wanted);
      updated.push(wanted.name);
    }
  }
  await checkTopology(connection);
  return { created, updated };
}

async function streamConfigs(manager: JetStreamManager): Promise<Map<string, StreamConfig>> {
  const configs = new Map<string, StreamConfig>();
  for await (const { config } of manager.streams.list()) configs.set(config.name, config);
  return configs;
}
