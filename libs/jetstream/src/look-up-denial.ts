import type { NatsConnection } from '@nats-io/transport-node';
import { LookUpDenial, type Denial } from '@stance/contracts';
import { denialIdOf } from './denial-id.js';
import { askEvery } from './requests.js';

export interface DenialLookup {
  /** `undefined` where nobody knows the id, or nobody proved to. */
  readonly denial: Denial | undefined;
  /** Answers that were none, or came without the secret of the id: of a gateway that forges, or of an earlier version. */
  readonly refused: number;
}

/**
 * What somebody was told under an id. All replicas of all gateways are asked, and who answers has to know what the id was made
 * of; the name of the gateway is its own word. Throws `ServiceUnavailable` when none listens.
 */
export async function lookUpDenial(
  connection: NatsConnection,
  denialId: string,
  timeoutMs: number,
): Promise<DenialLookup> {
  let refused = 0;
  const found = await askEvery(
    connection,
    LookUpDenial,
    { denialId },
    {
      timeoutMs,
      accepts: (answer) => answer.denialId === denialId && denialIdOf(answer.secret) === denialId,
      onRefused: () => (refused += 1),
    },
  );
  if (found === undefined) return { denial: undefined, refused };
  const { secret: _, ...denial } = found;
  return { denial, refused };
}
