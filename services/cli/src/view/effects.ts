import type { Effect, Reason } from '@stance/contracts';
import type { Paint, Style } from './paint.js';
import { plain } from './text.js';

const STYLES = { allow: 'green', warn: 'yellow', deny: 'red' } as const satisfies Record<Effect, Style>;

/** An effect in its colour; `deny (reported only)` where the gateway does not enforce it. */
export function effectText(effect: Effect, enforced: boolean, paint: Paint): string {
  return paint(STYLES[effect], effect) + (enforced ? '' : ' (reported only)');
}

/** What a person needs of a reason: the message, and the code that the documentation explains. */
export function reasonText({ code, message }: Reason): string {
  return plain(`${message} [${code}]`);
}
