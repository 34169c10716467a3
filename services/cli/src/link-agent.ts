import { AgentMatched, OperatorActed, type DataOf } from '@stance/contracts';
import { act, type Act } from './act.js';
import { awaitRegister, type Awaited } from './await-register.js';
import { agentName, isFollowed } from './records/links.js';
import type { Stack } from './stack.js';

type Register = DataOf<typeof AgentMatched>;
type Agent = Pick<Register, 'source' | 'agentId'>;

/** What a person says about an agent, and how long to wait for the matcher to follow. */
export interface Word {
  readonly by: string;
  readonly reason: string;
  readonly until?: string | undefined;
  readonly timeoutMs: number;
}

/** What the matcher made of a person's word. */
export interface Outcome {
  /** `followed`; `otherwise`: the matcher wrote something else; `pending`: it wrote nothing in time. */
  readonly outcome: 'followed' | 'otherwise' | 'pending';
  readonly register: Register | undefined;
}

/** Stores that an agent belongs to a device, and waits for the matcher to say so. */
export async function linkAgent(stack: Stack, agent: Agent, device: string, word: Word): Promise<Outcome> {
  return tell(stack, agent, { kind: 'manual-link', details: { ...namesOf(agent), device } }, word, (register) =>
    isFollowed({ device }, register),
  );
}

/** Stores that a link is to be no more, and waits for the matcher to let go. */
export async function unlinkAgent(stack: Stack, agent: Agent, word: Word): Promise<Outcome> {
  return tell(
    stack,
    agent,
    { kind: 'manual-unlink', details: namesOf(agent) },
    word,
    ({ state, by }) => state !== 'matched' || by !== 'manual',
  );
}

function namesOf({ source, agentId }: Agent) {
  return { source, agentId };
}

async function tell(
  stack: Stack,
  agent: Agent,
  what: Pick<Act, 'kind' | 'details'>,
  { by, reason, until, timeoutMs }: Word,
  isDone: (register: Register) => boolean,
): Promise<Outcome> {
  const target = { kind: what.kind, targetId: agentName(agent) };
  const [{ sequence: expected }, before] = await Promise.all([
    stack.last(OperatorActed, target),
    stack.last(AgentMatched, agent),
  ]);
  await act(stack, { ...what, ...target, by, reason, ...(until !== undefined && { until }) }, expected);
  const after = await awaitRegister(stack, agent, isDone, timeoutMs);
  return { outcome: outcomeOf(before.sequence, after), register: after.register };
}

function outcomeOf(before: number, { inTime, sequence }: Awaited): Outcome['outcome'] {
  if (inTime) return 'followed';
  return sequence > before ? 'otherwise' : 'pending';
}
