import type { EngineStatus } from '@stance/contracts';
import type { Screen } from './screen.js';
import type { Column } from './table.js';
import { grouped, plain, relativeTime } from './text.js';

export type GatewayHold = EngineStatus['holds'][number];

/** How holds stand in a table; `now` in milliseconds since the epoch. */
export function holdColumns(now: number): Column<GatewayHold>[] {
  return [
    { title: 'GATEWAY', value: ({ gateway }) => gateway, whole: true },
    { title: 'DEVICES', value: ({ devices }) => grouped(devices), alignRight: true },
    { title: 'SESSIONS', value: ({ sessions }) => grouped(sessions), alignRight: true },
    { title: 'SINCE', value: ({ since }) => relativeTime(since, now) },
    { title: 'REVOKED', value: ({ until }) => revokedText(until, now), style: () => 'red' },
  ];
}

/** What to do about holds, on every screen that shows one. */
export function showHolds(screen: Screen, holds: readonly GatewayHold[], now: number): void {
  for (const { gateway, until, devices, sessions } of holds) {
    const name = plain(gateway);
    screen.paragraph(
      `${name} holds revocations back: ${devicesAndSessions({ devices, sessions })} that are denied stay in, and are revoked ${revokedText(until, now)}`,
      { style: 'red' },
    );
    screen.paragraph(
      `If that is a mistake, put the console or the policy right before then. If not: stance hold release ${name} --reason <why>`,
      { indent: '  ' },
    );
  }
}

/** What became of a release: what was revoked, of what was held, and what may come after it. */
export function releasedLines(
  { gateway, sessions: held }: GatewayHold,
  revoked: Pick<GatewayHold, 'devices' | 'sessions'>,
  { review, next }: { review: EngineStatus['review']; next: GatewayHold | undefined },
): string[] {
  const name = plain(gateway);
  const rest = held - revoked.sessions;
  return [
    `released: ${devicesAndSessions(revoked)} revoked; see \`stance sessions --gateway ${name}\``,
    ...(rest > 0
      ? [`${grouped(rest)} more waited, and had ended or may go on: their devices may be let in again`]
      : []),
    ...(next === undefined ? [] : [`${name} has begun to hold back again: ${devicesAndSessions(next)}`]),
    ...(review === null
      ? []
      : [
          `a review of the fleet is still under way, ${grouped(review.reviewed)} of ${grouped(review.total)} devices: ` +
            'what it denies from here on may begin another hold',
        ]),
  ];
}

/** `1 device with 2 sessions`. */
export function devicesAndSessions({ devices, sessions }: Pick<GatewayHold, 'devices' | 'sessions'>): string {
  return `${grouped(devices)} device${devices === 1 ? '' : 's'} with ${grouped(sessions)} session${sessions === 1 ? '' : 's'}`;
}

function revokedText(until: string, now: number): string {
  return Date.parse(until) <= now ? 'now' : relativeTime(until, now);
}
