import { setTimeout as delay } from 'node:timers/promises';
import { GetEngineStatus, OperatorActed, type EngineStatus } from '@stance/contracts';
import { ask } from '@stance/jetstream';
import { Option, type Command } from 'commander';
import { act } from '../act.js';
import type { CommandContext } from '../command-context.js';
import { confirmed, requireTerminal } from '../confirmed.js';
import { Unreachable, WrongUsage } from '../errors.js';
import { durationOption, saidOption } from '../options.js';
import { didYouMean } from '../records/nearest.js';
import { RevokedSince } from '../revoked-since.js';
import type { Stack } from '../stack.js';
import { systemUser } from '../system-user.js';
import { devicesAndSessions, holdColumns, releasedLines, type GatewayHold } from '../view/holds.js';
import { durationText, grouped } from '../view/text.js';

interface ReleaseOptions {
  readonly reason: string;
  readonly by?: string;
  readonly yes?: boolean;
  readonly timeout: number;
}

export function addRelease(hold: Command, context: CommandContext): void {
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
    .action(async (gateway: string, options: ReleaseOptions) => {
      if (options.yes !== true) requireTerminal(context, 'release');
      await context.connected((stack) => release(context, stack, gateway, options));
    });
}

async function release(
  context: CommandContext,
  stack: Stack,
  gateway: string,
  { reason, yes = false, by = systemUser(), timeout }: ReleaseOptions,
): Promise<void> {
  const target = { kind: 'hold-released', targetId: gateway } as const;
  const { sequence } = await stack.last(OperatorActed, target);
  const held = await agreedHold(context, stack, gateway, yes);
  if (held === undefined) {
    context.negative();
    context.note('not released: nothing was done');
    return;
  }
  const revoked = await RevokedSince.start(stack, gateway);
  try {
    const operation = { ...target, by, reason, details: { heldUntil: held.until } };
    await act(stack, operation, sequence);
    const { review, holds } = await carriedOut(stack, held, revoked, timeout);
    const { devices, sessions } = revoked;
    context.print({ ...operation, devices, sessions, review }, (screen) => {
      const next = holds.find((hold) => hold.gateway === gateway);
      for (const line of releasedLines(held, { devices, sessions }, { review, next })) screen.paragraph(line);
    });
  } finally {
    await revoked.stop();
  }
}

/** The hold that the person has seen as it is, and said yes to; undefined where the answer is no. */
async function agreedHold(
  context: CommandContext,
  stack: Stack,
  gateway: string,
  yes: boolean,
): Promise<GatewayHold | undefined> {
  let held = await holdOf(stack, gateway);
  for (;;) {
    if (!context.json) context.screen.table(holdColumns(Date.now()), [held], '');
    if (yes) return held;
    if (!(await confirmed(context.io, `Revoke the sessions of ${devicesAndSessions(held)} now?`))) return undefined;
    const present = await holdOf(stack, gateway);
    if (!hasGrown(held, present)) return present;
    context.note('Meanwhile there are more of them, so nothing was done yet:');
    held = present;
  }
}

function hasGrown(before: GatewayHold, now: GatewayHold): boolean {
  return now.devices > before.devices || now.sessions > before.sessions || now.until > before.until;
}

/** The hold of a gateway; of several, that which ends last: releasing it releases those before. */
async function holdOf({ connection }: Stack, gateway: string): Promise<GatewayHold> {
  const { holds } = await ask(connection, GetEngineStatus, {});
  const [last] = holds.filter((hold) => hold.gateway === gateway).toSorted((a, b) => b.until.localeCompare(a.until));
  if (last !== undefined) return last;
  const names = [...new Set(holds.map((hold) => hold.gateway))];
  throw new WrongUsage(
    `${gateway} holds no revocations back, so there is nothing to release${didYouMean(gateway, names) || ': see `stance hold list`'}`,
  );
}

/** The engine looks at every device that waits to answer this. */
const POLL_MS = 1_000;

/** Waits until nothing of a hold waits any more, and what it held is revoked; the engine's state then. */
async function carriedOut(
  { connection }: Stack,
  { gateway, until, sessions }: GatewayHold,
  revoked: RevokedSince,
  timeoutMs: number,
): Promise<EngineStatus> {
  const deadline = performance.now() + timeoutMs;
  let wasEmpty = false;
  for (;;) {
    const status = await ask(connection, GetEngineStatus, {});
    const waiting = status.holds.filter((hold) => hold.gateway === gateway && hold.until <= until);
    const isEmpty = waiting.length === 0;
    // Decisions are stored before the revocations that follow from them, and not every session need be open still.
    if (isEmpty && (wasEmpty || revoked.sessions >= sessions)) return status;
    wasEmpty = isEmpty;
    const left = deadline - performance.now();
    if (left <= 0) {
      if (isEmpty) return status;
      const devices = waiting.reduce((sum, hold) => sum + hold.devices, 0);
      throw new Unreachable(
        `it is recorded, but after ${durationText(timeoutMs)} policy-engine has still not carried it out for ` +
          `${grouped(devices)} device${devices === 1 ? '' : 's'}: see its log, and \`stance hold list\``,
      );
    }
    await delay(Math.min(POLL_MS, left));
  }
}
