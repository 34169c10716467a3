import { AgentMatched, DeviceRecorded, OperatorActed, PostureChanged, type DataOf } from '@stance/contracts';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { Unreachable, WrongUsage } from '../errors.js';
import { findAgent } from '../find-agent.js';
import { linkAgent, unlinkAgent, type Outcome } from '../link-agent.js';
import { durationOption, saidOption, untilOption } from '../options.js';
import { agentName, isFollowed, linksInForce, type Link } from '../records/links.js';
import { didYouMean, listed } from '../records/nearest.js';
import type { Stack } from '../stack.js';
import { systemUser } from '../system-user.js';
import { linkColumns, registerText, showLinkAhead, showRegister, type LinkRecord } from '../view/match.js';
import { durationText } from '../view/text.js';
import { unknownDevice } from './device.js';

export function addMatch(program: Command, context: CommandContext): void {
  const match = program.command('match').description('link agents to devices by hand, where no key can');
  addLink(match, context);
  addUnlink(match, context);
  addList(match, context);
}

interface ActOptions {
  readonly reason: string;
  readonly by?: string;
  readonly timeout: number;
}

/** The options of whatever a person says about an agent. */
function actCommand(match: Command, nameAndArguments: string): Command {
  return match
    .command(nameAndArguments)
    .requiredOption('--reason <text>', 'why; recorded', saidOption)
    .option('--by <who>', 'who says so; recorded (default: the user of this system)', saidOption)
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for the matcher')
        .argParser(durationOption)
        .default(durationOption('10s'), '10s'),
    );
}

function addLink(match: Command, context: CommandContext): void {
  actCommand(match, 'link <agent> <device>')
    .description('say that an agent, as <source>/<agent id>, belongs to a device')
    .option('--until <when>', 'for how long (30d) or until when (RFC 3339); for ever by default', untilOption)
    .action(async (wanted: string, deviceId: string, options: ActOptions & { until?: string }) => {
      const { reason, until, timeout, by = systemUser() } = options;
      await context.connected(async (stack) => {
        const agent = await presentAgent(stack, wanted);
        const device = await enrolledDevice(stack, deviceId);
        const { event: posture } = await stack.last(PostureChanged, { deviceId });
        if (!context.json) {
          showLinkAhead(context.screen, agent, device, posture?.data.agents ?? [], { by, until });
        }
        const outcome = await linkAgent(stack, agent, deviceId, { by, reason, until, timeoutMs: timeout });
        const { source, agentId } = agent;
        conclude(context, { source, agentId, device: deviceId, by, reason, until }, outcome, timeout);
      });
    });
}

function addUnlink(match: Command, context: CommandContext): void {
  actCommand(match, 'unlink <agent>')
    .description('take back a link: the keys decide again')
    .action(async (wanted: string, { reason, timeout, by = systemUser() }: ActOptions) => {
      await context.connected(async (stack) => {
        const { source, agentId, device, ...link } = linkNamed(await readLinks(stack), wanted);
        if (!context.json) {
          context.screen.paragraph(
            `Now: ${source}/${agentId} is linked to ${device}, as ${link.by} says: ${link.reason}`,
          );
          context.screen.paragraph('To be: matched by its keys, or to no device where none fits');
        }
        const outcome = await unlinkAgent(stack, { source, agentId }, { by, reason, timeoutMs: timeout });
        conclude(context, { source, agentId, by, reason }, outcome, timeout);
      });
    });
}

function addList(match: Command, context: CommandContext): void {
  match
    .command('list')
    .description('the links in force: who said so, why, until when, and whether the matcher follows')
    .action(async () => {
      await context.connected(async (stack) => {
        const links = await Promise.all(
          (await readLinks(stack)).map(async (link): Promise<LinkRecord> => {
            const register = (await stack.last(AgentMatched, link)).event?.data;
            return { ...link, followed: isFollowed(link, register), register };
          }),
        );
        context.print(links, (screen) => screen.table(linkColumns(Date.now()), links, 'No agent is linked by hand.'));
      });
    });
}

async function readLinks(stack: Stack): Promise<Link[]> {
  return linksInForce(await stack.table(OperatorActed), Date.now());
}

async function presentAgent(stack: Stack, wanted: string): Promise<DataOf<typeof AgentMatched>> {
  const agent = await findAgent(stack, wanted);
  if (agent.presence === 'present') return agent;
  throw new WrongUsage(
    `${agentName(agent)} is gone from its console (${agent.goneReason ?? 'no reason given'}): link it once it is back`,
  );
}

async function enrolledDevice(stack: Stack, deviceId: string): Promise<DataOf<typeof DeviceRecorded>> {
  const device = (await stack.last(DeviceRecorded, { deviceId })).event?.data;
  if (device === undefined) throw await unknownDevice(stack, deviceId);
  if (device.state === 'enrolled') return device;
  throw new WrongUsage(`${deviceId} is retired from the inventory: enrol it again, or link another device`);
}

/** The link of the agent that was typed: links outlive agents, so that only links are looked at. */
function linkNamed(links: readonly Link[], wanted: string): Link {
  const [link, ...others] = links.filter((each) => agentName(each) === wanted || each.agentId === wanted);
  if (link === undefined) {
    const hint = didYouMean(wanted, links.map(agentName)) || ': see `stance match list`';
    throw new WrongUsage(`no link of ${wanted} is in force${hint}`);
  }
  if (others.length > 0) {
    throw new WrongUsage(
      `several sources have a linked agent ${wanted}: say ${listed([link, ...others].map(agentName))}`,
    );
  }
  return link;
}

/** Prints what the matcher made of it. Throws {@link Unreachable} where it made nothing of it. */
function conclude(
  context: CommandContext,
  said: Omit<Link, 'device' | 'linkedAt'> & { readonly device?: string },
  { outcome, register }: Outcome,
  timeoutMs: number,
): void {
  if (outcome === 'pending') {
    const still = register === undefined ? 'there is no register of the agent' : registerText(register);
    throw new Unreachable(
      `it is recorded, but device-matcher has not acted on it within ${durationText(timeoutMs)} (${still}): is it running? See \`stance match list\``,
    );
  }
  if (outcome === 'otherwise') context.negative();
  context.print({ ...said, followed: outcome !== 'otherwise', register }, (screen) => {
    if (outcome === 'unchanged') screen.line('recorded; nothing had to change:');
    if (outcome === 'otherwise') screen.line(screen.paint('yellow', 'recorded, but the matcher does not follow yet:'));
    if (register !== undefined) showRegister(screen, register);
  });
}
