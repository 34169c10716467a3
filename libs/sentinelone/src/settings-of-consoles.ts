import { ConfigurationInvalid } from '@stance/service-kit';
import { environmentOf, type SourceEntry } from './sources-file/source-entry.js';
import { readSourcesFile, SourcesFileInvalid } from './sources-file/sources-file.js';

/** A console that an environment asks for. */
export interface ConfiguredConsole {
  /** Its name in the file of consoles; undefined for a single console, whose settings name it. */
  readonly name: string | undefined;
  /** What its settings are read from. */
  readonly environment: NodeJS.ProcessEnv;
}

/** What says which single console is read: with a file of consoles, nobody could tell whose it is. */
const OF_ONE_CONSOLE = [
  'SENTINELONE_URL',
  'SENTINELONE_API_TOKEN',
  'SENTINELONE_API_TOKEN_FILE',
  'SENTINELONE_SOURCE',
  'SENTINELONE_SITE_IDS',
  'SENTINELONE_ACCOUNT_IDS',
];

/**
 * The consoles that an environment asks for: those of `STANCE_SOURCES_FILE`, or the single one, whose settings are left to
 * whoever reads them. `problemsOf` tells what is wrong with the settings of one, each as `SETTING what`.
 * @throws {ConfigurationInvalid} for a file that will not do, with every problem at once.
 */
export function configuredConsoles(
  environment: NodeJS.ProcessEnv,
  problemsOf: (environment: NodeJS.ProcessEnv) => readonly string[],
): readonly ConfiguredConsole[] {
  const file = environment['STANCE_SOURCES_FILE'];
  if (!isSet(file)) return [{ name: undefined, environment }];
  const conflicts = OF_ONE_CONSOLE.filter((setting) => isSet(environment[setting])).map(
    (setting) => `${setting} is set, and STANCE_SOURCES_FILE as well: put the console into the file, or unset the file`,
  );
  const { entries, problems } = readEntries(file);
  const consoles = entries.map((entry) => ({ entry, name: entry.name, environment: laidOver(environment, entry) }));
  const placed = consoles.flatMap(({ entry, environment: own }) =>
    problemsOf(own).map((problem) => placedProblem(entry, problem)),
  );
  // What is wrong with the process as a whole is told once, not for every console.
  const all = [...new Set([...conflicts, ...problems, ...placed])];
  if (all.length > 0) throw new ConfigurationInvalid(all);
  return consoles.map(({ name, environment: own }) => ({ name, environment: own }));
}

function readEntries(file: string): { entries: readonly SourceEntry[]; problems: readonly string[] } {
  try {
    return { ...readSourcesFile(file), problems: [] };
  } catch (error) {
    if (!(error instanceof SourcesFileInvalid)) throw error;
    return { entries: [], problems: error.problems.map((problem) => `STANCE_SOURCES_FILE ${problem}`) };
  }
}

function laidOver(environment: NodeJS.ProcessEnv, entry: SourceEntry): NodeJS.ProcessEnv {
  return { ...environment, ...environmentOf(entry), STANCE_SOURCES_FILE: '' };
}

/** A problem of a setting that an entry gives is told with the entry. */
function placedProblem(entry: SourceEntry, problem: string): string {
  const [setting = ''] = problem.split(' ', 1);
  return Object.hasOwn(environmentOf(entry), setting) ? `${entry.place}: ${problem}` : problem;
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
