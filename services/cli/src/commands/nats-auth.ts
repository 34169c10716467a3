import { resolve } from 'node:path';
import { UnusableId } from '@stance/contracts';
import {
  AUTH_FORMATS,
  changeAuthFolder,
  UnusableAuthFolder,
  type AuthFolder,
  type AuthFormat,
} from '@stance/nats-auth';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import { limitOption, names } from '../options.js';

interface GenerateOptions {
  readonly out: string;
  readonly gateways?: readonly string[];
  readonly removeGateways?: readonly string[];
  readonly sources?: readonly string[];
  readonly removeSources?: readonly string[];
  readonly format?: AuthFormat;
  readonly auditLimit?: number | 'none';
  readonly gatewayLimit?: number | 'none';
  readonly rotate?: readonly string[];
  readonly retire?: readonly string[];
}

const NEXT_STEP: Readonly<Record<AuthFormat, string>> = {
  config: 'include it in the configuration of every NATS server, then let them reload.',
  jwt: "include it in the configuration of every NATS server, then let them reload; one that has another operator's JWT has to be restarted once. Rights are in the credentials: give every process whose rights have changed its new file.",
};

/** `nats-auth generate`: accounts, users and rights for the NATS servers, from what the services need; needs no server. */
export function addNatsAuth(program: Command, context: CommandContext): void {
  program
    .command('nats-auth')
    .description('who may do what at the NATS servers')
    .command('generate')
    .description(
      'write accounts for the NATS servers, and credentials for every user; keys that are there already are kept, and so is all that is not named',
    )
    .requiredOption('--out <folder>', 'where to write them; what is in it is secret')
    .option('--gateways <names>', 'add gateways, each with an account of its own, separated by commas', names)
    .option('--remove-gateways <names>', 'take gateways out: their keys are never let in again', names)
    .option('--sources <names>', 'add sources whose pollers get a user each, which may speak for that one alone', names)
    .option('--remove-sources <names>', 'take sources out: the keys of their pollers are never let in again', names)
    .addOption(
      new Option(
        '--format <format>',
        'users by their keys in the configuration (config, the default), or operator mode with JWTs',
      ).choices(AUTH_FORMATS),
    )
    .option(
      '--audit-limit <bytes>',
      'what the audit trail may take on disk, as in 500GB, replicas counted each; none for no limit',
      limitOption,
    )
    .option(
      '--gateway-limit <bytes>',
      'what the copies of one gateway may take on disk; none for no limit',
      limitOption,
    )
    .option('--rotate <users>', 'give these users a new key; the one before stays valid beside it', names)
    .option('--retire <users>', 'let the keys before of these users in no longer', names)
    .action(async (options: GenerateOptions) => {
      const { serverConfig, format, accounts, credentials, changes } = await generate(options);
      const result = { serverConfig, format, accounts, credentials: Object.fromEntries(credentials), changes };
      context.print(result, (screen) => {
        screen.line(`${serverConfig}: ${NEXT_STEP[format]}`);
        screen.line(`accounts: ${accounts.join(', ')}`);
        screen.lines(changes.length === 0 ? ['nothing was changed'] : changes);
        screen.lines([...credentials].map(([user, file]) => `${user.padEnd(28)} ${file}`));
      });
    });
}

async function generate(options: GenerateOptions): Promise<AuthFolder> {
  const { out, gateways, removeGateways, sources, removeSources, format, auditLimit, gatewayLimit } = options;
  const { rotate = [], retire = [] } = options;
  const change = { addGateways: gateways, removeGateways, addSources: sources, removeSources };
  try {
    return await changeAuthFolder(
      resolve(out),
      { ...change, format, auditLimit, gatewayLimit },
      {
        rotate,
        retire,
      },
    );
  } catch (error) {
    if (error instanceof UnusableAuthFolder || error instanceof UnusableId || isOfFiles(error)) {
      throw new WrongUsage(error.message, { cause: error });
    }
    throw error;
  }
}

function isOfFiles(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
