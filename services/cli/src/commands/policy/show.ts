import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.js';
import { WrongUsage } from '../../errors.js';
import { wholeNumber } from '../../options.js';
import { publicationOf, readPolicyLog, type PolicyLog } from '../../policy-log.js';
import { policyRecords, revisionsInForce } from '../../records/policies.js';
import { plain } from '../../view/text.js';

export function addShow(policy: Command, context: CommandContext): void {
  policy
    .command('show')
    .argument('[revision]', 'which one (default: the one in force)', wholeNumber(1))
    .description('the document of a revision as it was published, to compare or to publish again')
    .action(async (wanted?: number) => {
      await context.connected(
        async (stack) => {
          const log = await readPolicyLog(stack);
          const publication = wantedPublication(log, wanted);
          const { revision, document } = publication.data;
          const record = policyRecords([publication], log.activated)[0];
          context.print({ ...record, revision, document }, () => {
            const { stdout } = context.io;
            // What is redirected into a file stays as it is, to the byte.
            stdout.write(stdout.isTTY === true ? document.split('\n').map(plain).join('\n') : document);
          });
        },
        { quiet: true },
      );
    });
}

function wantedPublication(log: PolicyLog, wanted: number | undefined): PolicyLog['published'][number] {
  const revision = wanted ?? revisionsInForce(log.activated).at(-1);
  if (revision === undefined) {
    throw new WrongUsage('no policy is in force: see `stance policy history`, and say which revision');
  }
  const publication = publicationOf(log, revision);
  if (publication === undefined) throw noSuchRevision(revision, log);
  return publication;
}

/** The error for a revision that was never published, with those there are. */
export function noSuchRevision(revision: number, { published }: PolicyLog): WrongUsage {
  const [first, last] = [published.at(0), published.at(-1)].map((event) => event?.data.revision);
  const there = first === undefined ? 'none was ever published' : `there are ${first} to ${last}`;
  return new WrongUsage(`there is no revision ${revision}: ${there} (see \`stance policy history\`)`);
}
