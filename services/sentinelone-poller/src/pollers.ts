import { environmentOf, readSourcesFile, SourcesFileInvalid, type SourceEntry } from '@stance/sentinelone';
import {
  ConfigurationInvalid,
  configurationProblems,
  startService,
  startTogether,
  type Member,
  type Running,
} from '@stance/service-kit';
import { sentinelonePoller } from './service.js';

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
 * The pollers that an environment asks for: one for each console of `STANCE_SOURCES_FILE`, or for the single one. Each is a
 * service of its own, with its own connection, lease and state: what befalls one console is no concern of the others.
 * Throws `ConfigurationInvalid` for a file that will not do.
 */
export function pollersOf(environment: NodeJS.ProcessEnv): readonly Member[] {
  const { name } = sentinelonePoller;
  const file = environment['STANCE_SOURCES_FILE'];
  if (!isSet(file)) return [{ name, definition: sentinelonePoller, environment }];
  const conflicts = OF_ONE_CONSOLE.filter((setting) => isSet(environment[setting])).map(
    (setting) => `${setting} is set, and STANCE_SOURCES_FILE as well: put the console into the file, or unset the file`,
  );
  const { members, problems } = membersOf(file, environment);
  if (conflicts.length + problems.length > 0) throw new ConfigurationInvalid([...conflicts, ...problems]);
  return members;
}

function membersOf(file: string, environment: NodeJS.ProcessEnv): { members: Member[]; problems: readonly string[] } {
  let entries: readonly SourceEntry[];
  try {
    ({ entries } = readSourcesFile(file));
  } catch (error) {
    if (!(error instanceof SourcesFileInvalid)) throw error;
    return { members: [], problems: error.problems.map((problem) => `STANCE_SOURCES_FILE ${problem}`) };
  }
  const members: Member[] = [];
  // What is wrong with the process as a whole is told once, not for every console.
  const problems = new Set<string>();
  for (const entry of entries) {
    const own = { ...environment, ...environmentOf(entry), STANCE_SOURCES_FILE: '' };
    members.push({
      name: `${sentinelonePoller.name}.${entry.name}`,
      definition: sentinelonePoller,
      environment: own,
    });
    for (const problem of configurationProblems(sentinelonePoller, own)) {
      problems.add(problem.startsWith('SENTINELONE_') ? `${entry.place}: ${problem}` : problem);
    }
  }
  return { members, problems: [...problems] };
}

/** Starts what an environment asks for: a single poller, or several behind one health server. */
export async function startPollers(environment: NodeJS.ProcessEnv): Promise<Running> {
  const members = pollersOf(environment);
  if (!isSet(environment['STANCE_SOURCES_FILE'])) return startService(sentinelonePoller, { environment });
  const { name, httpPort } = sentinelonePoller;
  return startTogether(members, { name, httpPort, environment });
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
