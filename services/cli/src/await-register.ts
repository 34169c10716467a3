import { AgentMatched, subjectOf, type DataOf, type KeysOf } from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import { decodeOrSkip } from './read-table.js';
import type { Stack } from './stack.js';

type Register = DataOf<typeof AgentMatched>;

export interface Awaited {
  /** Whether the register came to be as awaited. */
  readonly inTime: boolean;
  /** The register as it was seen last. */
  readonly register: Register | undefined;
  /** Its sequence; 0 where there is none. */
  readonly sequence: number;
}

/** Follows the register of an agent until it is as awaited, or the time is over. */
export async function awaitRegister(
  { connection }: Stack,
  agent: KeysOf<typeof AgentMatched>,
  isAwaited: (register: Register) => boolean,
  timeoutMs: number,
): Promise<Awaited> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let last: Omit<Awaited, 'inTime'> = { register: undefined, sequence: 0 };
  const timer = setTimeout(() => resolve(false), timeoutMs);
  const follower = await StreamFollower.start(
    connection,
    { stream: AgentMatched.stream?.name ?? '', filter: subjectOf(AgentMatched, agent), from: 'last-per-subject' },
    ({ data, subject, seq }) => {
      const register = decodeOrSkip(AgentMatched, data, subject)?.data;
      last = { register, sequence: seq };
      if (register !== undefined && isAwaited(register)) resolve(true);
    },
  );
  try {
    const inTime = await promise;
    return { inTime, ...last };
  } finally {
    clearTimeout(timer);
    await follower.stop();
  }
}
