import { setTimeout as delay } from 'node:timers/promises';
import { GetEngineStatus, OperatorActed } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { Option, type Command } from 'commander';
import { act } from '../act.js';
import type { CommandContext } from '../command-context.js';
import { confirmed } from '../confirmed.js';
import { Unreachable, WrongUsage } from '../errors.js';
import { durationOption, saidOption } from '../options.js';
import { didYouMean } from '../records/nearest.js';
import type { Stack } from '../stack.js';
import { systemUser } from '../system-user.js';
import { devicesAndSessions, holdColumns, showHolds, type GatewayHold } from '../view/holds.js';
import { durationText, grouped } from '../view/text.js';

export function addHold(program: Command, context: CommandContext): void {
  const hold = program.command('hold').description('revocations that gateways hold back because they are too many');
  addList(hold, context);
  addRelease(hold, context);
}

function addList(hold: Command, context: CommandContext): void {
  hold
    .command('list')
    .description('the gateways that hold revocations back: how many wait, since when, until when')
    .action(async () => {
      await context.connected(async (stack) => {
        const holds = await readHolds(stack);
        const now = Date.now();
        context.print(holds, (screen) => {
          screen.table(holdColumns(now), holds, 'No gateway holds revocations back.');
          showHolds(screen, holds, now);
        });
      });
    });
}

interface ReleaseOptions {
  readonly reason: string;
  readonly by?: string;
  readonly yes?: boolean;
  readonly timeout: number;
}

function addRelease(hold: Command, context: CommandContext): void {
  hold
    .command('release <gateway>')
    .description('carry out now what a gateway holds back: the sessions of all who wait are revoked')
    .requiredOption('--reason <text>', 'why; recorded', saidOption)
    .option('--by <who>', 'who says so; recorded (default: the user of this system)', saidOption)
    .option('--yes', 'do not ask')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for the engine')
        .argParser(durationOption)
        .default(durationOption('30s'), '30s'),
    )
    .action(async (gateway: string, { reason, yes = false, by = systemUser(), timeout }: ReleaseOptions) => {
      if (!yes) requireTerminal(context);
      await context.connected(async (stack) => {
        const held = await holdOf(stack, gateway);
        const target = { kind: 'hold-released', targetId: gateway } as const;
        const { sequence } = await stack.last(OperatorActed, target);
        if (!context.json) context.screen.table(holdColumns(Date.now()), [held], '');
        if (!yes && !(await confirmed(context.io, `Revoke the sessions of ${devicesAndSessions(held)} now?`))) {
          context.negative();
          context.note('not released: nothing was done');
          return;
        }
        const release = { ...target, by, reason, details: { heldUntil: held.until } };
        await act(stack, release, sequence);
        await carriedOut(stack, held, timeout);
        context.print({ ...release, devices: held.devices, sessions: held.sessions }, (screen) =>
          screen.line(
            `released and carried out: ${devicesAndSessions(held)}; see \`stance sessions --gateway ${gateway}\``,
          ),
        );
      });
    });
}

function requireTerminal({ io, json }: CommandContext): void {
  if (json || io.stdin().isTTY !== true) {
    throw new WrongUsage(
      'there is no terminal to ask on (or --json is wanted): say --yes to release without being asked',
    );
  }
}

async function readHolds({ connection }: Stack): Promise<GatewayHold[]> {
  return (await ask(connection, GetEngineStatus, {})).holds;
}

/** The hold of a gateway; of several, that which ends last: releasing it releases those before. */
async function holdOf(stack: Stack, gateway: string): Promise<GatewayHold> {
  const holds = await readHolds(stack);
  const [last] = holds.filter((hold) => hold.gateway === gateway).toSorted((a, b) => b.until.localeCompare(a.until));
  if (last !== undefined) return last;
  const names = [...new Set(holds.map((hold) => hold.gateway))];
  throw new WrongUsage(
    `${gateway} holds no revocations back, so there is nothing to release${didYouMean(gateway, names) || ': see `stance hold list`'}`,
  );
}

const POLL_MS = 100;

/** Waits until nothing of a hold waits any more. */
async function carriedOut(stack: Stack, { gateway, until }: GatewayHold, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const waiting = (await readHolds(stack)).filter((hold) => hold.gateway === gateway && hold.until <= until);
    if (waiting.length === 0) return;
    if (performance.now() > deadline) {
      const devices = waiting.reduce((sum, hold) => sum + hold.devices, 0);
      throw new Unreachable(
        `it is recorded, but after ${durationText(timeoutMs)} policy-engine has still not carried it out for ` +
          `${grouped(devices)} device${devices === 1 ? '' : 's'}: see its log, and \`stance hold list\``,
      );
    }
    await delay(POLL_MS);
  }
}
