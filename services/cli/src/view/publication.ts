import type { PolicyPlan } from '@stance/contracts';
import type { Review } from '../await-review.js';
import type { Activation } from '../publish-policy.js';
import { grouped, plain } from './text.js';

/** What became of a publication, as scripts get it. */
export interface PublicationResult {
  readonly revision: number;
  readonly outcome: 'active' | 'refused' | 'superseded';
  /** Of an active one. */
  readonly mode?: 'enforce' | 'report';
  readonly errors: Activation['errors'];
  /** The revision whose document it has. */
  readonly restored?: number;
}

export function publicationOutcome(revision: number, activation: Activation): PublicationResult['outcome'] {
  return activation.revision === revision ? activation.outcome : 'superseded';
}

/** `revision 4: active`. */
export function activationText({ revision, outcome, mode, restored }: PublicationResult): string {
  const text = outcome === 'active' && mode === 'report' ? REPORTING : OUTCOMES[outcome];
  return `revision ${revision}: ${text}${restored === undefined ? '' : ` (the document of revision ${restored})`}`;
}

const OUTCOMES = {
  active: 'active',
  refused: 'refused by the engine; the policy before it stays in force',
  superseded: 'published, but a later revision was published before the engine came to it',
} as const satisfies Record<PublicationResult['outcome'], string>;

const REPORTING =
  'active in report mode: it runs beside the policy in force and decides nothing; decisions tell under `shadow` what it would change';

/** Why a limit keeps a policy from being published. */
export function overLimitText(name: string, { totals, baseRevision }: PolicyPlan, limit: number): string {
  const { revocations, openSessions, lose, people, warn, gain } = totals;
  return plain(
    `not published: against revision ${baseRevision}, ${name} would revoke ${grouped(revocations)} of ` +
      `${grouped(openSessions)} open sessions, and --max-revocations allows ${grouped(limit)}. ` +
      `Devices: ${grouped(lose)} would lose something (${people === 1 ? '1 person' : `${grouped(people)} people`}), ` +
      `${grouped(warn)} be warned, ${grouped(gain)} gain; see \`stance policy plan\``,
  );
}

/** How far a review is. */
export function reviewText({ reviewed, total }: Review): string {
  return `reviewing ${grouped(total)} ${total === 1 ? 'device' : 'devices'}: ${grouped(reviewed)} done`;
}
