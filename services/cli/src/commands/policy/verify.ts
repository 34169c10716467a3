import { verifyPolicy, type SignatureVerdict } from '@stance/policy-signature';
import type { Command } from 'commander';
import { readPolicyFile } from '../../check-policy.js';
import type { CommandContext } from '../../command-context.js';
import { WrongUsage } from '../../errors.js';
import { publicationOf, readPolicyLog } from '../../policy-log.js';
import { policyAdminsIn, signatureOf, type AdminsOptions } from '../../policy-signing.js';
import { revisionsInForce } from '../../records/policies.js';
import { plain } from '../../view/text.js';
import { FOR_OPTION } from './publication.js';

interface VerifyOptions extends AdminsOptions {
  readonly signature?: string;
}

export function addVerify(policy: Command, context: CommandContext): void {
  policy
    .command('verify')
    .argument('[file]', 'a policy (default: the one in force, as when keys are to be configured or taken away)')
    .description('whether a policy is signed by one of the policy admins; needs no server for a file')
    .option('--keys <file>', 'public keys of the policy admins (default: STANCE_POLICY_KEYS_FILE)')
    .option('--for <installation>', FOR_OPTION)
    .option('--signature <file>', 'the signature of the file (default: its name with .sig behind it)')
    .action(async (file: string | undefined, options: VerifyOptions) => {
      const admins = policyAdminsIn(options, context.io.env);
      if (file !== undefined) {
        const document = readPolicyFile(file);
        const signature = signatureOf(document, options.signature ?? `${file}.sig`);
        return tell(context, file, verifyPolicy({ document, signature }, admins, Date.now()));
      }
      if (options.signature !== undefined) throw new WrongUsage('--signature is that of a file: name the file too');
      await context.connected(async (stack) => {
        const log = await readPolicyLog(stack);
        const revision = revisionsInForce(log.activated).at(-1);
        const published = publicationOf(log, revision ?? 0)?.data;
        if (published === undefined) throw new WrongUsage('no policy is in force: see `stance policy history`');
        const activated = log.activated.findLast(({ data }) => data.revision === revision);
        const at = activated === undefined ? Date.now() : Date.parse(activated.time);
        tell(context, `revision ${revision}`, verifyPolicy(published, admins, at));
      });
    });
}

function tell(context: CommandContext, name: string, verdict: SignatureVerdict): void {
  if (!verdict.ok) {
    context.negative();
    context.print({ name, verified: false, reason: verdict.reason }, (screen) =>
      screen.line(plain(`${name}: not verified: ${verdict.reason}`)),
    );
    return;
  }
  const { signer, fingerprint } = verdict;
  const signedAt = new Date(verdict.signedAt).toISOString();
  context.print({ name, verified: true, signer, fingerprint, signedAt }, (screen) =>
    screen.line(plain(`${name}: signed by ${signer} at ${signedAt} with ${fingerprint}`)),
  );
}
