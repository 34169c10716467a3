import { writeFileSync } from 'node:fs';
import { readSignatureFile } from '@stance/policy-signature';
import type { Command } from 'commander';
import { readPolicyFile } from '../../check-policy.js';
import type { CommandContext } from '../../command-context.js';
import { WrongUsage } from '../../errors.js';
import { signDocument } from '../../policy-signing.js';
import { isPublishable } from './publication.js';

export function addSign(policy: Command, context: CommandContext): void {
  policy
    .command('sign <file>')
    .description('check and test a policy, and write its signature beside it; needs no server')
    .requiredOption('--key <file>', 'the private key, or the public one of a key on a token or in an agent')
    .option('--out <file>', 'where to write the signature (default: the name of the policy with .sig behind it)')
    .action((file: string, { key, out = `${file}.sig` }: { key: string; out?: string }) => {
      const document = readPolicyFile(file);
      if (!isPublishable(context, { name: file, document }, 'not signed')) return;
      const signature = signDocument(document, { file: key, env: context.io.env });
      write(out, signature);
      const { sha256, signedAt } = readSignatureFile(signature).statement;
      const at = new Date(signedAt).toISOString();
      context.print({ file, signature: out, sha256, signedAt: at }, (screen) => {
        screen.line(`${out}: the signature of ${file} as of ${at}`);
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
