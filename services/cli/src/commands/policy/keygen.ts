import { writeFileSync } from 'node:fs';
import { generatePolicyKey, policyKeyLine } from '@stance/policy-signature';
import type { Command } from 'commander';
import type { CommandContext } from '../../command-context.js';
import { WrongUsage } from '../../errors.js';
import { systemUser } from '../../system-user.js';

export function addKeygen(policy: Command, context: CommandContext): void {
  policy
    .command('keygen <file>')
    .description(
      'make a key that signs policies, and print the line that the engine has to know it by; needs no server',
    )
    .option('--name <name>', 'whose key it is, such as an e-mail address (default: the user of this system)')
    .action((file: string, options: { name?: string }) => {
      const name = signerName(options.name ?? systemUser());
      const { privateKey, publicKey } = generatePolicyKey(name);
      create(file, privateKey, 0o600);
      create(`${file}.pub`, publicKey, 0o644);
      const line = policyKeyLine(name, publicKey);
      context.print({ privateKey: file, publicKey: `${file}.pub`, line }, (screen) => {
        screen.line(line);
        context.note(
          `${file} is the private key: keep it where policies are signed, and nowhere else; \`ssh-keygen -p -f ${file}\` gives it ` +
            'a passphrase. Append the line above to the file that STANCE_POLICY_KEYS_FILE of policy-engine names.',
        );
      });
    });
}

/** A name that stands alone in a file of keys. */
function signerName(name: string): string {
  if (/^[\w.+@-]{1,200}$/.test(name)) return name;
  throw new WrongUsage(`--name takes letters, digits and . + @ _ - only, not "${name}"`);
}

function create(file: string, content: string, mode: number): void {
  try {
    // Never over a key that there is.
    writeFileSync(file, content, { mode, flag: 'wx' });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new WrongUsage(`${file} cannot be written: ${why}`, { cause: error });
  }
}
