import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { CommandContext, type GlobalOptions } from './command-context.js';
import { addAudit } from './commands/audit.js';
import { addDeadLetters } from './commands/dead-letters.js';
import { addDevice } from './commands/device.js';
import { addDevices } from './commands/devices.js';
import { addExplain } from './commands/explain.js';
import { addHold } from './commands/hold.js';
import { addMatch } from './commands/match.js';
import { addNatsAuth } from './commands/nats-auth.js';
import { addPolicy } from './commands/policy/index.js';
import { addSessions } from './commands/sessions.js';
import { addSimulate } from './commands/simulate.js';
import { addSources } from './commands/sources.js';
import { addStatus } from './commands/status.js';
import { addTopology } from './commands/topology.js';
import { addUnmatched } from './commands/unmatched.js';
import { addWatch } from './commands/watch.js';
import { describeFailure, EXIT, type ExitCode } from './errors.js';
import type { Io } from './io.js';
import { plain, withoutCredentials } from './view/text.js';

const AFTER_HELP = `
Connects to --nats, else NATS_URL, else the local stack that npm start runs (STANCE_DATA_DIR, or the nearest .stance
folder). Credentials: NATS_CREDS_FILE or NATS_NKEY_SEED_FILE; TLS: NATS_CA_FILE, NATS_CERT_FILE, NATS_KEY_FILE.

Exit codes:
  0   done
  1   a negative finding: audit broken, topology differs, policy invalid, refused or over its limit,
      link not followed, answered no
  2   wrong usage or configuration
  3   NATS, a service or the simulator does not answer
  70  a defect of stance itself (run again with --debug)
  130 Ctrl-C ended a scenario before its last step, or a wait before its end`;

/** Runs one command line, without the name of the program; resolves to its exit code, never throws. */
export async function runStance(argv: readonly string[], io: Io): Promise<ExitCode> {
  const program = new Command('stance');
  const context = new CommandContext(io, () => program.opts<GlobalOptions>());
  build(program, context);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return report(error, context);
  }
}

function build(program: Command, context: CommandContext): void {
  const { stdout, stderr } = context.io;
  program
    .description('See what Stance knows and decides, and act on it.')
    .version(packageVersion(), '--version')
    .option('--nats <url>', 'NATS server or servers, separated by commas')
    .option('--json', 'print JSON for scripts: lists as one array, watch as one object per line')
    .option('--debug', 'show the stack of an unexpected error')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 100,
      getErrHelpWidth: () => stderr.columns ?? 100,
    })
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', AFTER_HELP);
  addStatus(program, context);
  addSources(program, context);
  addDevices(program, context);
  addDevice(program, context);
  addUnmatched(program, context);
  addMatch(program, context);
  addSessions(program, context);
  addExplain(program, context);
  addWatch(program, context);
  addPolicy(program, context);
  addHold(program, context);
  addAudit(program, context);
  addDeadLetters(program, context);
  addTopology(program, context);
  addNatsAuth(program, context);
  addSimulate(program, context);
}

function report(error: unknown, context: CommandContext): ExitCode {
  const { stderr } = context.io;
  const failure = describeFailure(error);
  const { message, exitCode } = failure ?? {
    message: `unexpected error: ${error instanceof Error ? error.message : String(error)}`,
    exitCode: EXIT.unexpected,
  };
  // Some messages list several problems, one per line.
  for (const line of message.split('\n')) stderr.write(`${plain(withoutCredentials(line))}\n`);
  if (context.options.debug && error instanceof Error) stderr.write(`${withoutCredentials(error.stack ?? '')}\n`);
  else if (failure === undefined) stderr.write('this is a defect: run the command again with --debug to see where\n');
  return exitCode;
}

function packageVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
