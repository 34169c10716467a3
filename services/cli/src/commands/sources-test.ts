import { configuredConsoles, SENTINELONE_SETTINGS, testConnection, type ConnectionStep } from '@stance/sentinelone';
import {
  ConfigurationInvalid,
  loadConfiguration,
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

/** What the poller is configured with; the address as written, as finding fault with it is the first step. */
const SETTINGS = {
  ...SENTINELONE_SETTINGS,
  SENTINELONE_URL: text({ description: SENTINELONE_SETTINGS.SENTINELONE_URL.description }),
};

type Configuration = ConfigurationOf<typeof SETTINGS>;

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

/** Throws `ConfigurationInvalid` for whatever the poller would refuse. */
function configuredSources(env: NodeJS.ProcessEnv): Configuration[] {
  return configuredConsoles(env, problemsOf).map(({ environment }) => loadConfiguration(SETTINGS, environment));
}

function problemsOf(environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfiguration(SETTINGS, environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationInvalid) return error.problems;
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
