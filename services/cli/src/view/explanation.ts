import type { DeviceProof, Explanation } from '@stance/contracts';
import { effectText, reasonText } from './effects.js';
import { ruleNode } from './explained-rule.js';
import type { Paint } from './paint.js';
import { durationText, plain, relativeTime } from './text.js';
import { treeLines, type TreeNode } from './tree.js';

/** Of an earlier time, also when decisions were to be reviewed. */
type HeldDecision = Explanation['decisions'][number] & { readonly reviewAt?: string | null };

/** Of an earlier time, also when, and what the audit trail lacks. */
type MaybeEarlier = Explanation & {
  readonly at?: string;
  readonly lacking?: readonly string[];
  readonly decisions: readonly HeldDecision[];
};

/** An explanation as a tree: the outcome, why, every rule with its conditions, what would change it, what gateways hold. */
export function explanationLines(explanation: MaybeEarlier, now: number, paint: Paint): string[] {
  const { reasons, rules, problems, decisions, changes, exceptions = [], shadow, shadowReasons = [] } = explanation;
  const isEarlier = explanation.at !== undefined;
  const sections: (TreeNode | undefined)[] = [
    section('because', reasons.map(reasonText)),
    section('by an exception', exceptions.map(exceptionText)),
    shadow && {
      text: `with the rules in report mode it would be ${effectText(shadow, true, paint)}`,
      children: shadowReasons.map((reason) => ({ text: reasonText(reason) })),
    },
    section('problems of the device', problems.map(plain)),
    sectionOf(
      'rules',
      rules.map((rule) => ruleNode(rule, now, paint)),
    ),
    section(
      'what would change it',
      changes.map(({ effect, message }) => `${effectText(effect, true, paint)}: ${plain(message)}`),
    ),
    sectionOf(
      isEarlier ? 'gateways held' : 'gateways hold',
      decisions.map((held) => ({
        text: decisionText(held, now, isEarlier, paint),
        children: [held.identity && { text: proofText(held.gateway, held.identity, isEarlier) }],
      })),
    ),
    section('what the audit trail lacks', (explanation.lacking ?? []).map(plain)),
    { text: revisionsText(explanation, now) },
  ];
  return treeLines({ text: titleText(explanation, now, paint), children: sections });
}

function section(title: string, texts: readonly string[]): TreeNode | undefined {
  return sectionOf(
    title,
    texts.map((text) => ({ text })),
  );
}

function sectionOf(title: string, children: readonly TreeNode[]): TreeNode | undefined {
  return children.length === 0 ? undefined : { text: title, children };
}

/** `laptop-1 → wiki: warn, until …, for one@example.com only`. */
function titleText(explanation: MaybeEarlier, now: number, paint: Paint): string {
  const { deviceId, resource, effect, enforced, until, graceSince, requiresOwner, at } = explanation;
  const when = at === undefined ? '' : ` at ${at}`;
  return [
    `${plain(deviceId)} → ${plain(resource)}${when}: ${effectText(effect, enforced, paint)}`,
    ...(until === undefined ? [] : [`until ${until} (${distance(now, until)} more)`]),
    ...(graceSince === undefined ? [] : [`in grace since ${graceSince}`]),
    ...(requiresOwner === undefined ? [] : [`for ${plain(requiresOwner)} only`]),
  ].join(', ');
}

function exceptionText({ rule, waive, until, reason, approvedBy }: NonNullable<Explanation['exceptions']>[number]) {
  return plain(`${rule}: ${waive.join(', ')} waived until ${until}, ${reason}, approved by ${approvedBy}`);
}

function decisionText(
  { gateway, decidedAt, decision, reviewAt = null }: HeldDecision,
  now: number,
  isEarlier: boolean,
  paint: Paint,
): string {
  const { effect, enforced, until, heldUntil } = decision;
  const decided = isEarlier ? `at ${decidedAt}` : relativeTime(decidedAt, now);
  const warned = until === undefined ? '' : `, until ${until}`;
  const isHeld = heldUntil !== undefined;
  const held = isHeld ? ` (held back until ${heldUntil})` : '';
  // A gateway that hears nothing denies.
  const overdue =
    reviewAt !== null && Date.parse(reviewAt) < now ? `, denied since ${reviewAt}: not reviewed in time` : '';
  return `${plain(gateway)}: ${effectText(effect, enforced || isHeld, paint)}${held}${warned}, decided ${decided}${overdue}`;
}

/** `edge accepts devices proved by token or better`. */
function proofText(gateway: string, identity: DeviceProof, isEarlier: boolean): string {
  return `${plain(gateway)} ${isEarlier ? 'accepted' : 'accepts'} devices proved by ${identity} or better`;
}

function revisionsText(
  { postureRevision, policyRevision, evaluatedAt, reviewAt, at }: MaybeEarlier,
  now: number,
): string {
  const review = at === undefined ? `to be reviewed ${relativeTime(reviewAt, now)}` : `to be reviewed at ${reviewAt}`;
  return [
    postureRevision === 0 ? 'no posture' : `posture revision ${postureRevision}`,
    policyRevision === 0 ? 'no policy is active' : `policy revision ${policyRevision}`,
    at === undefined ? `evaluated ${relativeTime(evaluatedAt, now)}` : 'evaluated by what is recorded until then',
    reviewAt === null ? 'time alone changes nothing' : review,
  ].join(', ');
}

function distance(from: number, to: string): string {
  return durationText(Math.max(0, Date.parse(to) - from));
}
