import { verifyPolicy, type PolicyAdmins } from '@stance/policy-signature';
import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.js';
import { WrongUsage } from '../../errors.js';
import { wholeNumber } from '../../options.js';
import { publicationOf, readPolicyLog, type PolicyLog } from '../../policy-log.js';
import { policyAdminsIn } from '../../policy-signing.js';
import { lastPublication } from '../../publish-policy.js';
import { policyRecords, revisionsInForce } from '../../records/policies.js';
import { isPublishable, publish, withPublicationOptions, type PublicationOptions } from './publication.js';
import { noSuchRevision } from './show.js';

export function addRollback(policy: Command, context: CommandContext): void {
  withPublicationOptions(policy.command('rollback'))
    .argument('[revision]', 'to which (default: the one in force before the present one)', wholeNumber(1))
    .option(
      '--keys <file>',
      'with --key: public keys of the policy admins, one of which has to have signed it then (default: STANCE_POLICY_KEYS_FILE)',
    )
    .description('publish the document of an earlier revision again, as a new revision')
    .action(async (wanted: number | undefined, options: PublicationOptions & { keys?: string }) => {
      const admins = options.key === undefined ? undefined : policyAdminsIn(options, context.io.env);
      await context.connected(async (stack) => {
        // Read before the log: what is published from here on was not looked at, and keeps this from being published.
        const after = await lastPublication(stack);
        const log = await readPolicyLog(stack);
        const published = wanted === undefined ? before(log) : named(log, wanted);
        if (admins !== undefined) refuseToSignUnverified(published, admins);
        const { revision, document } = published;
        const said = options.comment === undefined ? '' : `: ${options.comment}`;
        const comment = `rollback to ${revision}${said}`;
        const candidate = { name: `revision ${revision}`, document, comment, after, restored: revision };
        if (isPublishable(context, candidate)) await publish(context, stack, candidate, options);
      });
    });
}

/** Whoever can write into the log could have an admin sign what nobody of them has seen. */
function refuseToSignUnverified(published: PublishedPolicy, admins: PolicyAdmins): void {
  const { revision } = published;
  const verdict = verifyPolicy(published, admins, Date.now());
  if (verdict.ok) return;
  throw new WrongUsage(
    `revision ${revision} is not signed anew without a look at it: ${verdict.reason}. To publish its document all the same: ` +
      `\`stance policy show ${revision}\`, then \`stance policy publish --key\``,
  );
}

type PublishedPolicy = PolicyLog['published'][number]['data'];

/**
 * The one that was in force before the present document first was. Not the one before the present revision: after a rollback
 * that is the policy which was rolled back.
 */
function before(log: PolicyLog): PublishedPolicy {
  const revisions = revisionsInForce(log.activated);
  const present = publicationOf(log, revisions.at(-1) ?? 0)?.data;
  if (present === undefined) {
    throw new WrongUsage('no policy is in force, so there is nothing to roll back: see `stance policy history`');
  }
  const inForce = revisions.flatMap((revision) => publicationOf(log, revision)?.data ?? []);
  const first = inForce.findIndex(({ sha256 }) => sha256 === present.sha256);
  const earlier = inForce[first - 1];
  if (earlier !== undefined) return earlier;
  const { revision } = inForce[first] ?? present;
  const since = revision === present.revision ? '' : `, whose document revision ${present.revision} has`;
  throw new WrongUsage(
    `no policy was in force before revision ${revision}${since}, so there is nothing to roll back to; name a later one ` +
      'of `stance policy history` if that is meant',
  );
}

function named(log: PolicyLog, revision: number): PublishedPolicy {
  const publication = publicationOf(log, revision);
  if (publication === undefined) throw noSuchRevision(revision, log);
  const { data } = publication;
  const inForce = revisionsInForce(log.activated);
  const present = publicationOf(log, inForce.at(-1) ?? 0)?.data;
  if (present?.sha256 === data.sha256) {
    const which = present.revision === revision ? '' : `, as revision ${present.revision}`;
    throw new WrongUsage(`the document of revision ${revision} is in force already${which}`);
  }
  if (inForce.includes(revision)) return data;
  const [record] = policyRecords([publication], log.activated);
  const instead = `to publish its document all the same: \`stance policy show ${revision}\`, then \`stance policy publish\``;
  if (record?.state === 'refused') {
    const why = record.errors[0] === undefined ? '' : ` (${record.errors[0].message})`;
    throw new WrongUsage(`revision ${revision} was refused by the engine${why} and never in force; ${instead}`);
  }
  const mode = record?.mode === 'report' ? 'only ran in report mode' : 'has no word of the engine yet';
  throw new WrongUsage(`revision ${revision} ${mode} and was never in force; ${instead}`);
}
