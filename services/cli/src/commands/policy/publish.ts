import type { Command } from 'commander';
import { readPolicyFile } from '../../check-policy.js';
import type { CommandContext } from '../../command-context.js';
import { isPublishable, publish, withPublicationOptions, type PublicationOptions } from './publication.js';

export function addPublish(policy: Command, context: CommandContext): void {
  withPublicationOptions(policy.command('publish <file>'))
    .description('check and test a policy, publish it as the next revision and say what the engine made of it')
    .action(async (file: string, options: PublicationOptions) => {
      const candidate = { name: file, document: readPolicyFile(file), comment: options.comment };
      if (!isPublishable(context, candidate)) return;
      await context.connected((stack) => publish(context, stack, candidate, options));
    });
}
