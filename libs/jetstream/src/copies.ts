import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
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
      `gateway ${gateway} has no account of its own that this user may set up: generate the accounts with ` +
        `\`stance nats-auth generate --gateway ${gateway}\`, and let the NATS servers reload them`,
      { cause },
    );
  }
}

/** What makes a copy one of something else than its stream is now. Pure. */
export function isOutdated(
  copy: Pick<StreamInfo, 'config' | 'state'>,
  original: Pick<StreamInfo, 'created' | 'state'>,
): boolean {
  return (
    copy.config.metadata?.[COPY_OF] !== original.created ||
    // Set back, as by a backup: what the copy holds beyond it is no longer true.
    copy.state.last_seq > original.state.last_seq
  );
}

/** What is missing or outdated of a gateway's copies, by stream; nothing is changed. Throws {@link GatewayAccountMissing}. */
export async function inspectCopies(
  connection: NatsConnection,
  gateway: string,
): Promise<{ stream: string; problem: string }[]> {
  const { core, account } = await managersOf(connection, gateway);
  const problems = await Promise.all(
    COPIED_STREAMS.map(async (stream) => {
      const [copy, original, consumer] = [
        await infoOf(account, stream.name, gateway),
        await core.streams.info(stream.name),
        await consumerOf(core, stream.name, copyOf(stream, gateway).origin.consumer),
      ];
      const problem = problemOf(copy, original, consumer !== undefined);
      return problem === undefined ? [] : [{ stream: `${stream.name} of gateway ${gateway}`, problem }];
    }),
  );
  return problems.flat();
}

function problemOf(copy: StreamInfo | undefined, original: StreamInfo, isFed: boolean): string | undefined {
  if (copy === undefined) return 'is missing';
  if (isOutdated(copy, original)) return 'is a copy of what the stream was before it was made anew or set back';
  return isFed ? undefined : 'is fed by nothing: its consumer is missing';
}

/**
 * Makes a gateway's copies and what feeds them, where they are missing or outdated. Throws {@link GatewayAccountMissing}.
 */
export async function applyCopies(
  connection: NatsConnection,
  gateway: string,
  replicas: number | undefined,
): Promise<{ created: string[]; updated: string[] }> {
  const managers = await managersOf(connection, gateway);
  const created: string[] = [];
  const updated: string[] = [];
  for (const stream of COPIED_STREAMS) {
    const outcome = await applyCopy(managers, stream, gateway, replicas);
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

async function applyCopy(
  { core, account }: Managers,
  stream: CopiedStream,
  gateway: string,
  replicas: number | undefined,
): Promise<'created' | 'updated' | undefined> {
  const { origin, config } = copyOf(stream, gateway);
  const original = await core.streams.info(stream.name);
  let copy = await infoOf(account, stream.name, gateway);
  if (copy !== undefined && isOutdated(copy, original)) {
    await account.streams.delete(stream.name);
    copy = undefined;
  }
  const consumer = await consumerOf(core, stream.name, origin.consumer);
  const num_replicas = replicas ?? copy?.config.num_replicas ?? original.config.num_replicas;
  if (copy !== undefined && consumer !== undefined) {
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
