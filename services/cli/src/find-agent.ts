import { AgentMatched, type DataOf } from '@stance/contracts';
import { WrongUsage } from './errors.js';
import { agentName } from './records/links.js';
import { didYouMean, listed } from './records/nearest.js';
import type { Stack } from './stack.js';

type Register = DataOf<typeof AgentMatched>;

/**
 * The register of the agent that a person means by `<source>/<agentId>`, or by the agent's id alone where one source has
 * it. Throws {@link WrongUsage} with the agents that are close.
 */
export async function findAgent(stack: Stack, wanted: string): Promise<Register> {
  const tables = await Promise.all(readings(wanted).map((keys) => stack.table(AgentMatched, keys)));
  const found = tables.flat().map(({ data }) => data);
  const present = found.filter(({ presence }) => presence === 'present');
  const [agent, ...others] = present.length > 0 ? present : found;
  if (agent === undefined) throw await unknownAgent(stack, wanted);
  if (others.length > 0) {
    const names = [agent, ...others].map(agentName).toSorted();
    throw new WrongUsage(`several sources have an agent ${wanted}: say ${listed(names)}`);
  }
  return agent;
}

/** Each way to read what was typed: ids may have a slash in them too. */
function readings(wanted: string): { source?: string; agentId: string }[] {
  const slashes = [...wanted.matchAll(/\//g)].map(({ index }) => index);
  const pairs = slashes.map((at) => ({ source: wanted.slice(0, at), agentId: wanted.slice(at + 1) }));
  return [...pairs.filter(({ source, agentId }) => source !== '' && agentId !== ''), { agentId: wanted }];
}

async function unknownAgent(stack: Stack, wanted: string): Promise<WrongUsage> {
  const registers = (await stack.table(AgentMatched)).map(({ data }) => data);
  const word = wanted.toLowerCase();
  const described = registers.filter(
    ({ hostname, serialNumber }) => hostname?.toLowerCase() === word || serialNumber?.toLowerCase() === word,
  );
  const ids = registers.map((register) => (wanted.includes('/') ? agentName(register) : register.agentId));
  const hint =
    described.length > 0
      ? `. Did you mean ${listed(described.slice(0, 3).map(agentName))}?`
      : didYouMean(wanted, new Set(ids));
  return new WrongUsage(`there is no agent ${wanted}${hint || ': see `stance unmatched` and `stance devices`'}`);
}
