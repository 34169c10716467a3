import { AgentMatched, OperatorActed, type DataOf } from '@stance/contracts';
import { act, type Act } from './act.js';
import { awaitRegister } from './await-register.js';
import { agentName, isFollowed, linksInForce } from './records/links.js';
import type { LastEvent, Stack } from './stack.js';

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
  /**
   * `followed`; `unchanged`: the register was so before, and nothing had to change; `otherwise`: the matcher wrote something
   * else; `pending`: it wrote nothing in time.
   */
  readonly outcome: 'followed' | 'unchanged' | 'otherwise' | 'pending';
  readonly register: Register | undefined;
}

/** What was known of an agent before a person spoke. */
interface Before {
  readonly register: LastEvent<typeof AgentMatched>;
  readonly 'manual-link': LastEvent<typeof OperatorActed>;
  readonly 'manual-unlink': LastEvent<typeof OperatorActed>;
}

/** What a person wants, and when it is so. */
interface Wish extends Pick<Act, 'details'> {
  readonly kind: 'manual-link' | 'manual-unlink';
  readonly isDone: (register: Register) => boolean;
  /** Whether it was wanted before already, so that there is nothing for the matcher to do. */
  readonly isInForce: (linkedTo: string | undefined) => boolean;
}

/** Stores that an agent belongs to a device, and waits for the matcher to say so. */
export async function linkAgent(stack: Stack, agent: Agent, device: string, word: Word): Promise<Outcome> {
  const wish: Wish = {
    kind: 'manual-link',
    details: { ...namesOf(agent), device },
    isDone: (register) => isFollowed({ device }, register),
    isInForce: (linkedTo) => linkedTo === device,
  };
  return tell(stack, agent, wish, word);
}

/** Stores that a link is to be no more, and waits for the matcher to let go. */
export async function unlinkAgent(stack: Stack, agent: Agent, word: Word): Promise<Outcome> {
  const wish: Wish = {
    kind: 'manual-unlink',
    details: namesOf(agent),
    isDone: ({ state, by }) => state !== 'matched' || by !== 'manual',
    isInForce: (linkedTo) => linkedTo === undefined,
  };
  return tell(stack, agent, wish, word);
}

function namesOf({ source, agentId }: Agent) {
  return { source, agentId };
}

async function tell(
  stack: Stack,
  agent: Agent,
  { kind, details, isDone, isInForce }: Wish,
  { by, reason, until, timeoutMs }: Word,
): Promise<Outcome> {
  const target = { kind, targetId: agentName(agent) };
  const before = await whatWasBefore(stack, agent);
  await act(stack, { details, ...target, by, reason, ...(until !== undefined && { until }) }, before[kind].sequence);
  const { event, sequence } = before.register;
  const wasSo = event !== undefined && isDone(event.data);
  if (wasSo && isInForce(linkedDevice(before))) return { outcome: 'unchanged', register: event.data };
  // A register from before says nothing of what is wished for now, even where it reads the same.
  const { inTime, register } = await awaitRegister(stack, agent, { after: sequence, isAwaited: isDone }, timeoutMs);
  if (register === undefined) return { outcome: wasSo ? 'unchanged' : 'pending', register: event?.data };
  return { outcome: inTime ? 'followed' : 'otherwise', register };
}

async function whatWasBefore(stack: Stack, agent: Agent): Promise<Before> {
  const targetId = agentName(agent);
  const [register, link, unlink] = await Promise.all([
    stack.last(AgentMatched, agent),
    stack.last(OperatorActed, { kind: 'manual-link', targetId }),
    stack.last(OperatorActed, { kind: 'manual-unlink', targetId }),
  ]);
  return { register, 'manual-link': link, 'manual-unlink': unlink };
}

/** The device that the agent was linked to by hand, if any. */
function linkedDevice(before: Before): string | undefined {
  const stored = [before['manual-link'], before['manual-unlink']].toSorted((a, b) => a.sequence - b.sequence);
  const [link] = linksInForce(
    stored.flatMap(({ event }) => event ?? []),
    Date.now(),
  );
  return link?.device;
}
