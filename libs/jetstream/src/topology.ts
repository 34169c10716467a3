import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { errors, type NatsConnection } from '@nats-io/transport-node';
import {
  AUDIT_SETUP_PREFIX,
  COPIED_STREAMS,
  copyOf,
  MINIMUM_SERVER_VERSION,
  STREAMS,
  wireTopology,
  type WireStreamConfig,
} from '@stance/contracts';
import { applyCopies } from './copies.js';

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
    // What is off or nothing is left out of some echoes.
    const actual =
      echoed[field as keyof StreamConfig] ??
      (wanted[field] === false || wanted[field] === 0 ? wanted[field] : undefined);
    return JSON.stringify(actual) !== JSON.stringify(wanted[field]);
  }).map(
    (field) =>
      `${field} is ${JSON.stringify(echoed[field as keyof StreamConfig])}, not ${JSON.stringify(wanted[field])}`,
  );
}

/** Throws {@link ServerTooOld} unless the connected server is new enough, and `ConnectionError` while none is connected. */
export function checkServerVersion(connection: NatsConnection): string {
  const version = connection.info?.version;
  if (version === undefined) throw new errors.ConnectionError('no NATS server is connected just now');
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

/** As for all other questions about streams: the client's default for plain requests is a second. */
const ANSWER_MS = 5_000;

/** Whether the audit trail has an account of its own: whoever looks from that of Stance then reaches it by another prefix. */
async function hasAuditAccount(connection: NatsConnection): Promise<boolean> {
  try {
    const answer = await connection.request(`${AUDIT_SETUP_PREFIX}.STREAM.INFO.${STREAMS.AUDIT.name}`, '', {
      timeout: ANSWER_MS,
    });
    return answer.data.byteLength > 0;
  } catch (error) {
    // Nobody listens, or this user may not ask: then there is nothing to be made there by it.
    if (error instanceof errors.RequestError || error instanceof errors.PermissionViolationError) return false;
    throw error;
  }
}

/** The managers by which the streams are reached, by stream. */
async function managersOf(connection: NatsConnection): Promise<(stream: string) => JetStreamManager> {
  const core = await jetstreamManager(connection, { checkAPI: false });
  if (!(await hasAuditAccount(connection))) return () => core;
  const audit = await jetstreamManager(connection, { checkAPI: false, apiPrefix: AUDIT_SETUP_PREFIX });
  return (stream) => (stream === STREAMS.AUDIT.name ? audit : core);
}

/** Lists what is missing or different; nothing is changed. `streams`: those to look at; all by default. */
export async function inspectTopology(
  connection: NatsConnection,
  { streams }: { streams?: readonly string[] } = {},
): Promise<TopologyProblem[]> {
  checkServerVersion(connection);
  const managerOf = await (streams === undefined ? managersOf(connection) : coreOnly(connection));
  const looked = wireTopology().filter(({ name }) => streams?.includes(name) ?? true);
  const problems = await Promise.all(
    looked.map(async (wanted) => {
      const echoed = await configOf(managerOf(wanted.name), wanted.name);
      const found =
        echoed === undefined
          ? ['is missing']
          : differences(wantedLike(wanted, echoed), { ...echoed, subjects: subjectsOf(echoed) });
      return found.map((problem) => ({ stream: wanted.name, problem }));
    }),
  );
  return problems.flat();
}

async function coreOnly(connection: NatsConnection): Promise<(stream: string) => JetStreamManager> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  return () => manager;
}

/** A copy has none of its own, and then the server leaves the field out, whatever the client's types say. */
function subjectsOf({ subjects }: Partial<StreamConfig>): string[] {
  return subjects ?? [];
}

/** In a gateway's account, a stream is a copy, and has to be as copies are. */
function wantedLike(wanted: WireStreamConfig, { mirror }: Partial<StreamConfig>): WireStreamConfig {
  const copied = mirror && COPIED_STREAMS.find(({ name }) => name === wanted.name && name === mirror.name);
  return copied === undefined ? wanted : { ...copyOf(copied, mirror?.name ?? '').config, subjects: [] };
}

/** Throws {@link ServerTooOld} or {@link TopologyMismatch} unless everything is as the contracts say. */
export async function checkTopology(
  connection: NatsConnection,
  options: { streams?: readonly string[] } = {},
): Promise<void> {
  const problems = await inspectTopology(connection, options);
  if (problems.length > 0) throw new TopologyMismatch(problems);
}

export interface ApplyOptions {
  /** 1 for new streams and as they are for the others, unless given. */
  readonly replicas?: number;
  /** Gateways with accounts of their own, whose copies are made as well. */
  readonly gateways?: readonly string[];
  /** Makes these copies anew however they look; see {@link CopyOptions}. */
  readonly remakeCopies?: boolean;
}

/** Creates what is missing and updates what differs, then checks what the server made of it. */
export async function applyTopology(
  connection: NatsConnection,
  { replicas, gateways = [], remakeCopies = false }: ApplyOptions = {},
): Promise<{ created: string[]; updated: string[] }> {
  checkServerVersion(connection);
  const managerOf = await managersOf(connection);
  const created: string[] = [];
  const updated: string[] = [];
  for (const definition of wireTopology()) {
    const manager = managerOf(definition.name);
    const echoed = await configOf(manager, definition.name);
    const wanted = { ...IMPLIED, ...definition, num_replicas: replicas ?? echoed?.num_replicas ?? 1 };
    if (echoed === undefined) {
      await manager.streams.add(wanted);
      created.push(wanted.name);
    } else if (differences(wanted, echoed).length > 0 || echoed.num_replicas !== wanted.num_replicas) {
      await update(manager, wanted);
      updated.push(wanted.name);
    }
  }
  await checkTopology(connection);
  for (const gateway of gateways) {
    const copies = await applyCopies(connection, gateway, { replicas, remake: remakeCopies });
    created.push(...copies.created);
    updated.push(...copies.updated);
  }
  return { created, updated };
}

/** Thrown when the server lets nobody change a stream from here, as the audit trail in its account. */
export class TopologyForbidden extends Error {
  override readonly name = 'TopologyForbidden';
}

async function update(manager: JetStreamManager, wanted: Wanted): Promise<void> {
  try {
    await manager.streams.update(wanted.name, wanted);
  } catch (error) {
    if (wanted.name !== STREAMS.AUDIT.name || !(error instanceof errors.RequestError)) throw error;
    throw new TopologyForbidden(
      `${wanted.name} differs from what it should be, and only the break-glass user of the account of audit may change it`,
      { cause: error },
    );
  }
}

/** `undefined` where there is no such stream. */
export async function configOf(manager: JetStreamManager, stream: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(stream)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}
