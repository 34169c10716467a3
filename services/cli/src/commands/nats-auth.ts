import { resolve } from 'node:path';
import { UnusableId } from '@stance/contracts';
import { AUTH_FORMATS, UnusableAuthFolder, writeAuthFolder, type AuthFormat, type Estate } from '@stance/nats-auth';
import { Option, type Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import { bytesOption, names } from '../options.js';

interface GenerateOptions {
  readonly out: string;
  readonly gateway?: readonly string[];
  readonly source?: readonly string[];
  readonly format: AuthFormat;
  readonly auditLimit?: number;
  readonly gatewayLimit?: number;
  readonly rotate?: readonly string[];
  readonly retire?: readonly string[];
}

/** `nats-auth generate`: accounts, users and rights for the NATS servers, from what the services need; needs no server. */
export function addNatsAuth(program: Command, context: CommandContext): void {
  program
    .command('nats-auth')
    .description('who may do what at the NATS servers')
    .command('generate')
    .description(
      'write accounts for the NATS servers, and credentials for every user; keys that are there already are kept',
    )
    .requiredOption('--out <folder>', 'where to write them; what is in it is secret')
    .option('--gateway <names>', 'gateways, each with an account of its own, separated by commas', names)
    .option('--source <names>', 'sources whose pollers get a user each, which may speak for that source alone', names)
    .addOption(
      new Option('--format <format>', 'users by their keys in the configuration, or operator mode with JWTs')
        .choices(AUTH_FORMATS)
        .default('config' satisfies AuthFormat),
    )
    .option(
      '--audit-limit <bytes>',
      'what the audit trail may take on disk, as in 500GB, replicas counted each',
      bytesOption,
    )
    .option('--gateway-limit <bytes>', 'what the copies of one gateway may take on disk', bytesOption)
    .option('--rotate <users>', 'give these users a new key; the one before stays valid beside it', names)
    .option('--retire <users>', 'let the keys before of these users in no longer', names)
    .action(async (options: GenerateOptions) => {
      const written = await generate(options);
      const result = { serverConfig: written.serverConfig, credentials: Object.fromEntries(written.credentials) };
      context.print(result, (screen) => {
        screen.line(
          `${written.serverConfig}: include it in the configuration of every NATS server, then let them reload.`,
        );
        screen.lines([...written.credentials].map(([user, file]) => `${user.padEnd(28)} ${file}`));
      });
    });
}

async function generate(options: GenerateOptions) {
  const { out, gateway = [], source, auditLimit, gatewayLimit, format, rotate, retire } = options;
  const estate: Estate = {
    gateways: gateway,
    ...(source !== undefined && { sources: source }),
    limits: { audit: auditLimit, gateway: gatewayLimit },
  };
  try {
    return await writeAuthFolder(resolve(out), estate, {
      format,
      ...(rotate !== undefined && { rotate }),
      ...(retire !== undefined && { retire }),
    });
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
