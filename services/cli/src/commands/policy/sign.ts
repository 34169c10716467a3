import { writeFileSync } from 'node:fs';
import { readSignatureFile } from '@stance/policy-signature';
import type { Command } from 'commander';
import { readPolicyFile } from '../../check-policy.js';
import type { CommandContext } from '../../command-context.js';
import { WrongUsage } from '../../errors.js';
import { requiredInstallation, signDocument } from '../../policy-signing.js';
import { FOR_OPTION, isPublishable } from './publication.js';

interface SignOptions {
  readonly key: string;
  readonly out?: string;
  readonly for?: string;
}

export function addSign(policy: Command, context: CommandContext): void {
  policy
    .command('sign <file>')
    .description('check and test a policy, and write its signature beside it; needs no server')
    .requiredOption('--key <file>', 'the private key, or the public one of a key on a token or in an agent')
    .option('--for <installation>', FOR_OPTION)
    .option('--out <file>', 'where to write the signature (default: the name of the policy with .sig behind it)')
    .action((file: string, { out = `${file}.sig`, ...options }: SignOptions) => {
      const { env } = context.io;
      const installation = requiredInstallation(options.for, env);
      const document = readPolicyFile(file);
      if (!isPublishable(context, { name: file, document }, 'not signed')) return;
      const signature = signDocument(document, { file: options.key, installation, env });
      write(out, signature);
      const { sha256, signedAt } = readSignatureFile(signature).statement;
      const at = new Date(signedAt).toISOString();
      context.print({ file, signature: out, installation, sha256, signedAt: at }, (screen) => {
        screen.line(`${out}: the signature of ${file} for ${installation} as of ${at}`);
        context.note('it counts until a policy that was signed later is in force');
      });
    });
}

function write(file: string, content: string): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WrongUsage(`${file} cannot be written: ${why}`, { cause: error });
  }
}
