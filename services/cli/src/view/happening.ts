import type { AccessHappening, Happening, Operation } from '../records/happenings.js';
import { effectText, reasonText } from './effects.js';
import type { Paint, Style } from './paint.js';
import { clockTime, durationText, plain } from './text.js';

const KINDS = {
  decision: { title: 'decision', style: 'cyan' },
  revocation: { title: 'revoked', style: 'red' },
  session: { title: 'ended', style: 'bold' },
  operation: { title: 'operator', style: 'yellow' },
} as const satisfies Record<Happening['kind'], { title: string; style: Style }>;

/** A line of `stance watch`: when, what, to whom, how long after the observation, and why. */
export function happeningLine(happening: Happening, paint: Paint): string {
  const { title, style } = KINDS[happening.kind];
  const what = happening.kind === 'operation' ? operationTexts(happening, paint) : accessTexts(happening, paint);
  return [paint('dim', clockTime(happening.time)), paint(style, title.padEnd(8)), ...what].join('  ');
}

const OPERATIONS = {
  'manual-link': 'linked by hand',
  'manual-unlink': 'unlinked',
  'sweep-approved': 'sweep approved',
  'hold-released': 'hold released',
  'break-glass-used': 'break-glass used',
} as const satisfies Record<Operation['operation'], string>;

function operationTexts(happening: Operation, paint: Paint): string[] {
  const { operation, user, by, reason, until } = happening;
  const what = paint('bold', OPERATIONS[operation]);
  return [
    plain(targetText(happening)),
    user === undefined ? what : `${what} for ${plain(user)}`,
    plain(`by ${by}: ${reason}`),
    ...(until === undefined ? [] : [plain(`until ${until}`)]),
  ];
}

function targetText({ targetId, deviceId, gateway, resource }: Operation): string {
  if (deviceId === undefined) return targetId;
  return gateway === undefined || resource === undefined
    ? `${targetId} → ${deviceId}`
    : `${deviceId} → ${resource} @ ${gateway}`;
}

function accessTexts(happening: AccessHappening, paint: Paint): string[] {
  const { deviceId, resource, gateway, reactionMs, reasons } = happening;
  return [
    `${plain(deviceId)} → ${plain(resource)} @ ${plain(gateway)}`,
    whatText(happening, paint),
    ...(reactionMs === null ? [] : [paint('bold', `after ${durationText(reactionMs)}`)]),
    ...reasons.slice(0, 1).map(reasonText),
    ...(reasons.length > 1 ? [paint('dim', `and ${reasons.length - 1} more`)] : []),
  ];
}

function whatText(happening: AccessHappening, paint: Paint): string {
  const { kind, effect, before, enforced = true, sessionId = '', user } = happening;
  if (kind === 'decision') {
    const now = effect === null ? '-' : effectText(effect, enforced, paint);
    return `${before ?? 'none'} → ${now}`;
  }
  const whose = user === undefined ? '' : ` of ${plain(user)}`;
  return `session ${plain(sessionId)}${whose}${kind === 'session' ? ` ${endText(happening)}` : ''}`;
}

/** A proxy keeps an open connection: there only the next request is refused. */
function endText({ cause = 'closed', enforcement }: AccessHappening): string {
  if (cause !== 'revoked') return cause;
  return enforcement === 'next-request' ? 'refused from its next request on' : 'cut';
}
