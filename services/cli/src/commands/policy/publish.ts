import type { Command } from 'commander';
import { readPolicyFile } from '../../check-policy.js';
import type { CommandContext } from '../../command-context.js';
import { WrongUsage } from '../../errors.js';
import { installationIn, signatureOf } from '../../policy-signing.js';
import { isPublishable, publish, withPublicationOptions, type PublicationOptions } from './publication.js';

export function addPublish(policy: Command, context: CommandContext): void {
  withPublicationOptions(policy.command('publish <file>'))
    .description('check and test a policy, publish it as the next revision and say what the engine made of it')
    .option('--signature <file>', 'the signature that `stance policy sign` made of it')
    .action(async (file: string, options: PublicationOptions & { signature?: string }) => {
      const document = readPolicyFile(file);
      if (options.signature !== undefined && options.key !== undefined) {
        throw new WrongUsage('--signature is one that was made before, --key makes one now: give one of them');
      }
      const installation = installationIn(options.for, context.io.env);
      const signature =
        options.signature === undefined ? undefined : signatureOf(document, options.signature, installation);
      const candidate = { name: file, document, comment: options.comment, signature };
      if (!isPublishable(context, candidate)) return;
      await context.connected((stack) => publish(context, stack, candidate, options));
    });
}
