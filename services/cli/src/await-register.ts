import { AgentMatched, subjectOf, type DataOf, type KeysOf } from '@stance/contracts';
import { StreamFollower } from '@stance/jetstream';
import { decodeOrSkip } from './read-table.js';
import type { Stack } from './stack.js';

type Register = DataOf<typeof AgentMatched>;

/** Which register is waited for. */
export interface Wanted {
  /** The sequence of the register that is there already; 0 where there is none. */
  readonly after: number;
  readonly isAwaited: (register: Register) => boolean;
}

export interface Awaited {
  /** Whether a register came that is as awaited. */
  readonly inTime: boolean;
  /** The last that came; undefined where none did. */
  readonly register: Register | undefined;
}

/** Follows the register of an agent until one is stored that is as awaited, or the time is over. */
export async function awaitRegister(
  { connection }: Stack,
  agent: KeysOf<typeof AgentMatched>,
  { after, isAwaited }: Wanted,
  timeoutMs: number,
): Promise<Awaited> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let last: Register | undefined;
  const timer = setTimeout(() => resolve(false), timeoutMs);
  const follower = await StreamFollower.start(
    connection,
    { stream: AgentMatched.stream?.name ?? '', filter: subjectOf(AgentMatched, agent), from: 'last-per-subject' },
    ({ data, subject, seq }) => {
      if (seq <= after) return;
      const register = decodeOrSkip(AgentMatched, data, subject)?.data;
      last = register ?? last;
      if (register !== undefined && isAwaited(register)) resolve(true);
    },
  );
  try {
    const inTime = await promise;
    return { inTime, register: last };
  } finally {
    clearTimeout(timer);
    await follower.stop();
  }
}
