import { configuredConsoles } from '@stance/sentinelone';
import { configurationProblems, startService, startTogether, type Member, type Running } from '@stance/service-kit';
import { sentinelonePoller } from './service.js';

/**
 * The pollers that an environment asks for: one for each console of `STANCE_SOURCES_FILE`, or for the single one. Each is a
 * service of its own, with its own connection, lease and state: what befalls one console is no concern of the others.
 * Throws `ConfigurationInvalid` for a file that will not do.
 */
export function pollersOf(environment: NodeJS.ProcessEnv): readonly Member[] {
  const { name: service } = sentinelonePoller;
  const problemsOf = (own: NodeJS.ProcessEnv) => configurationProblems(sentinelonePoller, own);
  return configuredConsoles(environment, problemsOf).map(({ name, environment: own }) => ({
    name: name === undefined ? service : `${service}.${name}`,
    definition: sentinelonePoller,
    environment: own,
  }));
}

/** Starts what an environment asks for: a single poller, or several behind one health server. */
export async function startPollers(environment: NodeJS.ProcessEnv): Promise<Running> {
  const members = pollersOf(environment);
  if ((environment['STANCE_SOURCES_FILE'] ?? '') === '') return startService(sentinelonePoller, { environment });
  const { name, httpPort } = sentinelonePoller;
  return startTogether(members, { name, httpPort, environment });
}
