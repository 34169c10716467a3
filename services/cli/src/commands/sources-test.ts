import {
  environmentOf,
  readSourcesFile,
  SourcesFileInvalid,
  testConnection,
  type ConnectionStep,
  type SourceEntry,
} from '@stance/sentinelone';
import {
  ConfigurationInvalid,
  duration,
  list,
  loadConfiguration,
  secret,
  SettingProblem,
  text,
  type ConfigurationOf,
} from '@stance/service-kit';
import type { Command } from 'commander';
import type { CommandContext } from '../command-context.js';
import { WrongUsage } from '../errors.js';
import { didYouMean } from '../records/nearest.js';
import type { Style } from '../view/paint.js';
import type { Screen } from '../view/screen.js';
import { plain } from '../view/text.js';

/** What the poller takes of one console; the address as written, as finding fault with it is the first step. */
const settings = {
  SENTINELONE_URL: text({ description: 'address of the SentinelOne console, in any form' }),
  SENTINELONE_API_TOKEN: secret({ description: 'API token of a Service User with the role Viewer' }),
  SENTINELONE_SOURCE: text({ default: 'sentinelone', description: 'name of this console in events and on screens' }),
  SENTINELONE_POLL_INTERVAL: duration({
    default: '10s',
    min: '40ms',
    max: '1h',
    description: 'how often changes are read',
  }),
  SENTINELONE_SWEEP_INTERVAL: duration({
    default: '15m',
    min: '1s',
    max: '24h',
    description: 'how often everything is read',
  }),
  SENTINELONE_SITE_IDS: list({ description: 'sites to read, separated by commas; all by default' }),
  SENTINELONE_ACCOUNT_IDS: list({ description: 'accounts to read, separated by commas; all by default' }),
};

type Configuration = ConfigurationOf<typeof settings>;

/** With a file of consoles, these would say of one of them what nobody could tell whose it is; the poller refuses them. */
const OF_ONE_CONSOLE = [
  'SENTINELONE_URL',
  'SENTINELONE_API_TOKEN',
  'SENTINELONE_API_TOKEN_FILE',
  'SENTINELONE_SOURCE',
  'SENTINELONE_SITE_IDS',
  'SENTINELONE_ACCOUNT_IDS',
];

/** A step of one source; what `--json` prints. */
interface TestedStep {
  readonly source: string;
  readonly step: ConnectionStep['name'];
  readonly outcome: ConnectionStep['outcome'];
  readonly found: string;
  readonly fix?: string;
}

/** `stance sources test`: what "Test connection" does elsewhere, step by step. Reads the poller's settings, needs no NATS. */
export function addSourcesTest(sources: Command, context: CommandContext): void {
  sources
    .command('test [name]')
    .description('test the way to the configured consoles step by step, and say what to fix (exit code 1)')
    .addHelpText(
      'after',
      '\nReads SENTINELONE_URL, SENTINELONE_API_TOKEN (or _FILE) and the other SENTINELONE_* settings, or\nSTANCE_SOURCES_FILE, from the environment as sentinelone-poller does. Needs no NATS and changes nothing.',
    )
    .action(async (name: string | undefined) => {
      const steps: TestedStep[] = [];
      for (const config of sourcesToTest(context.io.env, name)) {
        const source = config.SENTINELONE_SOURCE;
        if (!context.json) context.screen.line(context.screen.paint('bold', plain(source)));
        for await (const { name: step, ...finding } of stepsOf(config)) {
          steps.push({ source, step, ...finding });
          if (!context.json) showStep(context.screen, { step, ...finding });
        }
      }
      if (steps.some(({ outcome }) => outcome === 'failed')) context.negative();
      context.print(steps, (screen) => screen.line(verdict(steps)));
    });
}

/** The configuration of each source that is asked for, as a poller that reads it alone would have it. */
function sourcesToTest(env: NodeJS.ProcessEnv, name: string | undefined): Configuration[] {
  const all = configuredSources(env);
  const wanted = name === undefined ? all : all.filter(({ SENTINELONE_SOURCE }) => SENTINELONE_SOURCE === name);
  if (wanted.length > 0) return wanted;
  const names = all.map(({ SENTINELONE_SOURCE }) => SENTINELONE_SOURCE);
  throw new WrongUsage(
    `no source is called ${name}${didYouMean(name ?? '', names) || `: there is ${names.join(', ')}`}`,
  );
}

function configuredSources(env: NodeJS.ProcessEnv): Configuration[] {
  const file = env['STANCE_SOURCES_FILE'] ?? '';
  if (file === '') return [loadConfiguration(settings, env)];
  const conflicts = OF_ONE_CONSOLE.filter((setting) => (env[setting] ?? '') !== '').map(
    (setting) => `${setting} is set, and STANCE_SOURCES_FILE as well: put the console into the file, or unset the file`,
  );
  if (conflicts.length > 0) throw new ConfigurationInvalid(conflicts);
  return entriesOf(file).map((entry) => {
    try {
      return loadConfiguration(settings, { ...env, ...environmentOf(entry) });
    } catch (error) {
      if (!(error instanceof ConfigurationInvalid)) throw error;
      throw new ConfigurationInvalid(error.problems.map((problem) => `${entry.place}: ${problem}`));
    }
  });
}

function entriesOf(file: string): readonly SourceEntry[] {
  try {
    return readSourcesFile(file).entries;
  } catch (error) {
    if (error instanceof SourcesFileInvalid) throw new ConfigurationInvalid(error.problems);
    throw error;
  }
}

function stepsOf(config: Configuration): AsyncIterable<ConnectionStep> {
  return testConnection({
    url: config.SENTINELONE_URL,
    token: () => reveal(() => config.SENTINELONE_API_TOKEN.reveal()),
    siteIds: config.SENTINELONE_SITE_IDS,
    accountIds: config.SENTINELONE_ACCOUNT_IDS,
    pollIntervalMs: config.SENTINELONE_POLL_INTERVAL,
    sweepIntervalMs: config.SENTINELONE_SWEEP_INTERVAL,
  });
}

/** A token file that was there at the start may be gone by now. */
function reveal(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (error instanceof SettingProblem) throw new ConfigurationInvalid([`SENTINELONE_API_TOKEN ${error.message}`]);
    throw error;
  }
}

const STYLES: Record<TestedStep['outcome'], Style> = { ok: 'green', warning: 'yellow', failed: 'red', skipped: 'dim' };

function showStep(screen: Screen, { step, outcome, found, fix }: Omit<TestedStep, 'source'>): void {
  screen.line(`  ${screen.paint(STYLES[outcome], outcome.padEnd(8))}${step.padEnd(12)}${plain(found)}`);
  if (fix !== undefined) screen.line(`${' '.repeat(22)}${screen.paint('cyan', `fix: ${plain(fix)}`)}`);
}

function verdict(steps: readonly TestedStep[]): string {
  if (steps.some(({ outcome }) => outcome === 'failed')) return 'It cannot be polled like this: fix what failed.';
  const warnings = steps.filter(({ outcome }) => outcome === 'warning').length;
  return warnings === 0
    ? 'All is well.'
    : `It can be polled; see what the warning${warnings === 1 ? ' says' : 's say'}.`;
}
