import { audit } from '@stance/audit';
import { configSync } from '@stance/config-sync';
import { deviceMatcher } from '@stance/device-matcher';
import { gateway } from '@stance/gateway';
import { policyEngine } from '@stance/policy-engine';
import { postureStore } from '@stance/posture-store';
import { pollersOf } from '@stance/sentinelone-poller';
import {
  ConfigurationInvalid,
  configurationProblems,
  startTogether,
  type Health,
  type Logger,
  type Member,
  type RunningTogether,
  type ServiceDefinition,
} from '@stance/service-kit';
import { withCredentials } from './credentials.js';

/** In the order in which they start, the pollers last; each finds the others by their streams alone. */
const SERVICES: readonly ServiceDefinition[] = [audit, policyEngine, postureStore, deviceMatcher, configSync, gateway];

export type AllServices = RunningTogether;

/**
 * Starts every service in this process, with a poller for each console, behind one health server. Throws
 * `ConfigurationInvalid` with the problems of all of them, before any is started.
 */
export async function startAll(
  environment: NodeJS.ProcessEnv,
  createServiceLogger?: (service: string, level: string) => Logger,
): Promise<AllServices> {
  const members: Member[] = SERVICES.map((definition) => ({
    name: definition.name,
    definition,
    environment,
    ...(definition === configSync && { isServing: isRunning }),
  }));
  return startTogether(identified([...members, ...pollers(environment)]), {
    name: 'stance',
    httpPort: 9100,
    environment,
    createServiceLogger,
  });
}

/** Each with its own credentials, where they are given. Throws `ConfigurationInvalid` with whatever else is wrong. */
function identified(members: readonly Member[]): Member[] {
  const problems = new Set<string>();
  const all = members.map((member) => {
    try {
      return { ...member, environment: withCredentials(member.definition.name, member.environment) };
    } catch (error) {
      if (!(error instanceof ConfigurationInvalid)) throw error;
      for (const problem of error.problems) problems.add(problem);
      return member;
    }
  });
  if (problems.size === 0) return all;
  for (const { definition, environment } of members)
    for (const problem of configurationProblems(definition, environment)) problems.add(problem);
  throw new ConfigurationInvalid([...problems]);
}

/** What is wrong with the file of consoles is told together with whatever else is wrong. */
function pollers(environment: NodeJS.ProcessEnv): readonly Member[] {
  try {
    return pollersOf(environment);
  } catch (error) {
    if (!(error instanceof ConfigurationInvalid)) throw error;
    const others = SERVICES.flatMap((definition) => configurationProblems(definition, environment));
    throw new ConfigurationInvalid([...new Set([...others, ...error.problems])]);
  }
}

/** A refused file leaves the last good one in force: a typo in it must not take the gateway beside it out of service. */
function isRunning({ ready, state }: Health): boolean {
  return ready || state === 'active';
}
