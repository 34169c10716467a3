import type { Command } from 'commander';
import { awaitReview, type Review } from '../../await-review.js';
import { checkPolicy, type PolicyProblem } from '../../check-policy.js';
import type { CommandContext } from '../../command-context.js';
import { Unreachable } from '../../errors.js';
import { planPublication } from './planned-publication.js';
import { durationOption, saidOption, wholeNumber } from '../../options.js';
import { requiredInstallation, signDocument, type SigningKey } from '../../policy-signing.js';
import { awaitActivation, publishPolicy, type Activation, type Publication } from '../../publish-policy.js';
import type { Stack } from '../../stack.js';
import { systemUser } from '../../system-user.js';
import { policyErrorLines } from '../../view/policy-errors.js';
import {
  activationText,
  overLimitText,
  publicationOutcome,
  reviewText,
  type PublicationResult,
} from '../../view/publication.js';
import { counted } from '../../view/text.js';

export interface PublicationOptions {
  readonly by?: string;
  readonly comment?: string;
  readonly timeout: number;
  readonly maxRevocations?: number;
  readonly wait?: boolean;
  /** The key that signs it. */
  readonly key?: string;
  /** The installation for which it is signed. */
  readonly for?: string;
}

/** A document on its way into force. */
export interface Candidate {
  /** The file, or the revision, that it comes from. */
  readonly name: string;
  readonly document: string;
  readonly comment?: string | undefined;
  /** That was made before; otherwise it is signed if there is a key. */
  readonly signature?: string | undefined;
  /** Publish only as long as this is the newest publication. */
  readonly after?: Publication | undefined;
  /** The revision whose document is published again. */
  readonly restored?: number | undefined;
}

/** Of what signs, or looks at signatures. */
export const FOR_OPTION = 'for which installation a signature is (default: STANCE_INSTALLATION)';

/** The options of whatever publishes a policy. */
export function withPublicationOptions(command: Command): Command {
  return command
    .option('--by <name>', 'who publishes it (default: the user of this system)', saidOption)
    .option('--comment <text>', 'why', saidOption)
    .option(
      '--max-revocations <n>',
      'plan first, and refuse when more open sessions than this would be revoked',
      wholeNumber(0),
    )
    .option(
      '--key <file>',
      'sign it as of now with this private key, or the public one of a key on a token or in an agent',
    )
    .option('--for <installation>', FOR_OPTION)
    .option('--wait', 'wait until every device has been decided about by it')
    .option('--timeout <duration>', 'how long to wait for the engine', durationOption, durationOption('10s'));
}

/**
 * Whether a document may be published; what is wrong with it is told, with what it is therefore, and the result is then a
 * negative one.
 */
export function isPublishable(context: CommandContext, candidate: Candidate, otherwise = 'not published'): boolean {
  const { problems } = checkPolicy(candidate.document, Date.now());
  if (problems.length > 0) tellInvalid(context, candidate, problems, otherwise);
  return problems.length === 0;
}

/** Plans if there is a limit, publishes, and tells what the engine made of it. Throws {@link Unreachable} and others. */
export async function publish(
  context: CommandContext,
  stack: Stack,
  candidate: Candidate,
  options: PublicationOptions,
): Promise<void> {
  const publishedBy = options.by ?? systemUser();
  const signing = signingBy(context, options);
  const go = await withinLimit(context, stack, candidate, options.maxRevocations);
  if (go === undefined) return;
  const { document, comment } = candidate;
  // Not before it is certain that it will be published: a token has to be touched.
  const signature = signing === undefined ? candidate.signature : signDocument(document, signing);
  const published = await publishPolicy(stack, { document, publishedBy, comment, signature }, go);
  const activation = await awaitActivation(stack, published, options.timeout);
  if (activation === undefined) {
    throw new Unreachable(
      `revision ${published.revision} is published, but the engine has said nothing about it yet: is policy-engine running? ` +
        `Do not run this again before \`stance policy history\` tells what became of revision ${published.revision}`,
    );
  }
  await tell(context, stack, candidate, { revision: published.revision, activation, wait: options.wait ?? false });
}

function signingBy({ io: { env } }: CommandContext, options: PublicationOptions): SigningKey | undefined {
  const { key: file } = options;
  return file === undefined ? undefined : { file, installation: requiredInstallation(options.for, env), env };
}

/** What the publication has to come after, if anything; undefined where it is not to be. */
async function withinLimit(
  context: CommandContext,
  stack: Stack,
  candidate: Candidate,
  limit: number | undefined,
): Promise<{ after?: Publication | undefined } | undefined> {
  const { document, after } = candidate;
  if (limit === undefined) return { after };
  if (checkPolicy(document, Date.now(), { withTests: false }).policy?.mode === 'report') {
    if (!context.json) context.note('a policy in report mode revokes nothing: --max-revocations limits nothing');
    return { after };
  }
  const planned = await planPublication(stack, document);
  const { errors, totals, baseRevision } = planned.plan;
  if (errors.length > 0) {
    tellInvalid(context, candidate, errors);
    return undefined;
  }
  if (totals.revocations <= limit) return { after: after ?? planned.after };
  context.negative();
  const result = { revision: null, outcome: 'too-many-revocations', errors: [], plan: { baseRevision, ...totals } };
  context.print(result, () => context.note(overLimitText(candidate.name, planned.plan, limit)));
  return undefined;
}

function tellInvalid(
  context: CommandContext,
  { name, document }: Candidate,
  errors: readonly PolicyProblem[],
  otherwise = 'not published',
): void {
  context.negative();
  context.print({ revision: null, outcome: 'invalid', errors }, () => {
    for (const line of errors.flatMap((error) => policyErrorLines(name, document, error))) context.note(line);
    context.note(`${otherwise}: ${counted(errors.length, 'error')}`);
  });
}

async function tell(
  context: CommandContext,
  stack: Stack,
  { name, document, restored }: Candidate,
  { revision, activation, wait }: { revision: number; activation: Activation; wait: boolean },
): Promise<void> {
  const outcome = publicationOutcome(revision, activation);
  if (outcome === 'refused') context.negative();
  const result: PublicationResult = {
    revision,
    outcome,
    ...(outcome === 'active' && { mode: activation.mode ?? 'enforce' }),
    errors: outcome === 'superseded' ? [] : activation.errors,
    ...(restored !== undefined && { restored }),
  };
  if (!context.json) {
    context.screen.line(activationText(result));
    for (const error of result.errors) context.screen.lines(policyErrorLines(name, document, error));
  }
  const reviewed = outcome === 'active' ? await reviewEnd(context, stack, revision, wait) : undefined;
  context.print({ ...result, ...(reviewed !== undefined && { reviewed }) }, () => undefined);
}

/** Whether the review of the devices came to its end; undefined where it is not waited for. */
async function reviewEnd(
  context: CommandContext,
  stack: Stack,
  revision: number,
  wait: boolean,
): Promise<boolean | undefined> {
  if (!wait) {
    if (!context.json) context.note('its devices are decided about again in the background: see `stance status`');
    return undefined;
  }
  const progress = new TenthsOfReview((text) => {
    if (!context.json) context.note(text);
  });
  const end = await awaitReview(stack, revision, (review) => progress.tell(review), context.io.interruption());
  if (end === 'interrupted') context.interrupted();
  if (!context.json) {
    if (end === 'reviewed') context.screen.line('every device has been decided about by it');
    if (end === 'superseded') context.note('a later revision took its place before every device was decided about');
    if (end === 'interrupted') context.note('the review goes on in the background: see `stance status`');
  }
  return end === 'reviewed';
}

/** Tells of a review only when another tenth of the devices is through. */
class TenthsOfReview {
  private told = -1;

  constructor(private readonly note: (text: string) => void) {}

  tell(review: Review): void {
    const tenths = Math.floor((10 * review.reviewed) / Math.max(1, review.total));
    if (tenths === this.told) return;
    this.told = tenths;
    this.note(reviewText(review));
  }
}
