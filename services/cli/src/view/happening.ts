import type { Happening } from '../records/happenings.js';
import { effectText, reasonText } from './effects.js';
import type { Paint, Style } from './paint.js';
import { clockTime, durationText, plain } from './text.js';

const KINDS = {
  decision: { title: 'decision', style: 'cyan' },
  revocation: { title: 'revoked', style: 'red' },
  session: { title: 'ended', style: 'bold' },
} as const satisfies Record<Happening['kind'], { title: string; style: Style }>;

/** A line of `stance watch`: when, what, to whom, how long after the observation, and why. */
export function happeningLine(happening: Happening, paint: Paint): string {
  const { kind, time, deviceId, resource, gateway, reactionMs, reasons } = happening;
  const { title, style } = KINDS[kind];
  return [
    paint('dim', clockTime(time)),
    paint(style, title.padEnd(8)),
    `${plain(deviceId)} → ${plain(resource)} @ ${plain(gateway)}`,
    whatText(happening, paint),
    ...(reactionMs === null ? [] : [paint('bold', `after ${durationText(reactionMs)}`)]),
    ...reasons.slice(0, 1).map(reasonText),
    ...(reasons.length > 1 ? [paint('dim', `and ${reasons.length - 1} more`)] : []),
  ].join('  ');
}

function whatText(happening: Happening, paint: Paint): string {
  const { kind, effect, before, enforced = true, sessionId = '', user, cause } = happening;
  if (kind === 'decision') {
    const now = effect === null ? '-' : effectText(effect, enforced, paint);
    return `${before ?? 'none'} → ${now}`;
  }
  const whose = user === undefined ? '' : ` of ${plain(user)}`;
  return `session ${plain(sessionId)}${whose}${kind === 'session' ? ` ${cause === 'revoked' ? 'cut' : (cause ?? '')}` : ''}`;
}
