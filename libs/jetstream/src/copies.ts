import { isDeepStrictEqual } from 'node:util';
import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type ConsumerInfo,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { errors, type NatsConnection } from '@nats-io/transport-node';
import {
  COPIED_STREAMS,
  COPY_OF,
  copyOf,
  setupPrefixOf,
  wireCopyConsumer,
  type CopiedStream,
  type WireCopyConfig,
} from '@stance/contracts';

/** Thrown when a gateway has no account that the topology's user reaches. */
export class GatewayAccountMissing extends Error {
  override readonly name = 'GatewayAccountMissing';
  constructor(gateway: string, cause: unknown) {
    super(
      `gateway ${gateway} has no account of its own that this user may set up: add it with \`stance ` +
        `nats-auth generate --out <the folder of before> --gateways ${gateway}\`, and let the NATS servers reload`,
      { cause },
    );
  }
}

/** A copy, what feeds it, and what it copies, as the server has them. */
export interface CopyState {
  readonly copy: Pick<StreamInfo, 'config' | 'state'> | undefined;
  readonly consumer: Pick<ConsumerInfo, 'config'> | undefined;
  readonly original: Pick<StreamInfo, 'created' | 'state'>;
}

/** Why a copy has to be made anew, in words; `undefined` while it is as it should be. Pure. */
export function problemOfCopy(
  { copy, consumer, original }: CopyState,
  stream: CopiedStream,
  gateway: string,
): string | undefined {
  const { origin, config } = copyOf(stream, gateway);
  if (copy === undefined) return 'is missing';
  const isOfAnother = copy.config.metadata?.[COPY_OF] !== original.created;
  // What the copy holds beyond its original was in a stream that was set back, as by a backup.
  if (isOfAnother || copy.state.last_seq > original.state.last_seq)
    return 'is a copy of what the stream was before it was made anew or set back';
  if (consumer === undefined) return 'is fed by nothing: its consumer is missing';
  const { num_replicas: _asItIs, ...wanted } = config;
  const differing = [
    ...fieldsThatDiffer(wanted, copy.config),
    ...fieldsThatDiffer(wireCopyConsumer(origin), consumer.config),
  ];
  return differing.length === 0 ? undefined : `is not configured as it should be: ${differing.join(', ')}`;
}

/** The fields of what is wanted that the server's echo has otherwise; what is off or nothing is left out of some echoes. */
function fieldsThatDiffer(wanted: object, echo: object): string[] {
  const echoed = new Map<string, unknown>(Object.entries(echo));
  return Object.entries(wanted)
    .filter(([field, value]) => {
      const actual: unknown = echoed.get(field) ?? (value === false || value === 0 ? value : undefined);
      return !isDeepStrictEqual(actual, value);
    })
    .map(([field]) => field);
}

/** What is missing or not as it should be of a gateway's copies; nothing is changed. Throws {@link GatewayAccountMissing}. */
export async function inspectCopies(
  connection: NatsConnection,
  gateway: string,
): Promise<{ stream: string; problem: string }[]> {
  const managers = await managersOf(connection, gateway);
  const problems = await Promise.all(
    COPIED_STREAMS.map(async (stream) => {
      const problem = problemOfCopy(await stateOf(managers, stream, gateway), stream, gateway);
      return problem === undefined ? [] : [{ stream: `${stream.name} of gateway ${gateway}`, problem }];
    }),
  );
  return problems.flat();
}

export interface CopyOptions {
  /** As those of the originals unless given. */
  readonly replicas?: number | undefined;
  /** Makes them anew however they look, as after their originals were set back: once these have grown again, it cannot be seen. */
  readonly remake?: boolean | undefined;
}

/**
 * Makes a gateway's copies and what feeds them, anew where they are not as they should be. Throws
 * {@link GatewayAccountMissing}.
 */
export async function applyCopies(
  connection: NatsConnection,
  gateway: string,
  options: CopyOptions,
): Promise<{ created: string[]; updated: string[] }> {
  const managers = await managersOf(connection, gateway);
  const created: string[] = [];
  const updated: string[] = [];
  for (const stream of COPIED_STREAMS) {
    const outcome = await applyCopy(managers, stream, gateway, options);
    if (outcome === 'created') created.push(`${stream.name} of gateway ${gateway}`);
    if (outcome === 'updated') updated.push(`${stream.name} of gateway ${gateway}`);
  }
  return { created, updated };
}

interface Managers {
  readonly core: JetStreamManager;
  readonly account: JetStreamManager;
}

async function managersOf(connection: NatsConnection, gateway: string): Promise<Managers> {
  const core = await jetstreamManager(connection, { checkAPI: false });
  return { core, account: await jetstreamManager(connection, { checkAPI: false, apiPrefix: setupPrefixOf(gateway) }) };
}

/** The copy first: what is stored meanwhile must not look as if it were missing in the original. */
async function stateOf({ core, account }: Managers, stream: CopiedStream, gateway: string) {
  const copy = await infoOf(account, stream.name, gateway);
  const consumer = await consumerOf(core, stream.name, copyOf(stream, gateway).origin.consumer);
  return { copy, consumer, original: await core.streams.info(stream.name) };
}

async function applyCopy(
  managers: Managers,
  stream: CopiedStream,
  gateway: string,
  { replicas, remake = false }: CopyOptions,
): Promise<'created' | 'updated' | undefined> {
  const { core, account } = managers;
  const { origin, config } = copyOf(stream, gateway);
  const { copy, consumer, original } = await stateOf(managers, stream, gateway);
  const num_replicas = replicas ?? copy?.config.num_replicas ?? original.config.num_replicas;
  const isGood = !remake && problemOfCopy({ copy, consumer, original }, stream, gateway) === undefined;
  if (copy !== undefined && isGood) {
    if (copy.config.num_replicas === num_replicas) return undefined;
    await account.streams.update(stream.name, { ...copy.config, num_replicas });
    return 'updated';
  }
  // A copy made anew begins at the beginning, which a consumer that has delivered before does not.
  if (consumer !== undefined) await core.consumers.delete(stream.name, origin.consumer);
  if (copy !== undefined) await account.streams.delete(stream.name);
  await core.consumers.add(stream.name, wireCopyConsumer(origin));
  await account.streams.add(mirrorConfig({ ...config, num_replicas }, original.created));
  return 'created';
}

/** The client's types do not know yet of mirrors by way of a consumer. */
function mirrorConfig(config: WireCopyConfig, copyOfCreated: string): Partial<StreamConfig> & { name: string } {
  return { ...config, metadata: { [COPY_OF]: copyOfCreated } };
}

async function infoOf(manager: JetStreamManager, stream: string, gateway: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(stream);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    if (error instanceof errors.RequestError || error instanceof errors.PermissionViolationError) {
      throw new GatewayAccountMissing(gateway, error);
    }
    throw error;
  }
}

async function consumerOf(manager: JetStreamManager, stream: string, consumer: string) {
  try {
    return await manager.consumers.info(stream, consumer);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound) return undefined;
    throw error;
  }
}
