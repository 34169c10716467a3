import { systemClock } from '../clock.js';
import type { ConsoleAccess } from '../console-api.js';
import { InvalidConsoleUrl, normaliseConsoleUrl } from '../console-url.js';
import type { Scope } from '../listing.js';
import { SentinelOneClient } from '../sentinelone.client.js';
import { SentinelOneError } from '../sentinelone.errors.js';
import { firstPageStep } from './first-page-step.js';
import { scopeStep } from './scope-step.js';
import { failed, failure, STEPS, type ConnectionStep, type Finding, type StepName } from './step.js';
import { addressStep, permissionStep, rateStep, tokenStep } from './steps.js';

export interface ConnectionTestOptions extends Scope, Omit<ConsoleAccess, 'baseUrl'> {
  /** The console's address in any form that people paste. */
  readonly url: string;
  /** Milliseconds, as they will be used. */
  readonly pollIntervalMs: number;
  readonly sweepIntervalMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** For people who wait: fewer attempts, less patience than a poller has. */
const PATIENCE = { maxAttempts: 2, timeoutMs: 15_000 };

/**
 * Tests the way to a console and what it gives, each step told as soon as it is done: address, token, permission, scope,
 * rate, first page. What follows a failed step is skipped. Reads only; rejects with nothing but the signal's reason.
 */
export async function* testConnection(options: ConnectionTestOptions): AsyncGenerator<ConnectionStep, void, undefined> {
  let failedAt: StepName | undefined;
  const tests = testsOf(options);
  for (const name of STEPS) {
    if (failedAt !== undefined) {
      yield { name, outcome: 'skipped', found: `not tested, as the step before it failed: ${failedAt}` };
      continue;
    }
    const finding = await findingOf(tests[name]);
    if (finding.outcome === 'failed') failedAt = name;
    yield { name, ...finding };
  }
}

function testsOf(options: ConnectionTestOptions): Record<StepName, () => Finding | Promise<Finding>> {
  const { signal, pollIntervalMs, sweepIntervalMs, ...given } = options;
  const access = { ...PATIENCE, clock: systemClock, fetch, ...given };
  let agents: number | undefined;
  let client: SentinelOneClient | undefined;
  const connected = (): SentinelOneClient => {
    client ??= new SentinelOneClient({ ...access, baseUrl: normaliseConsoleUrl(options.url) });
    return client;
  };
  return {
    address: () => addressStep(normaliseConsoleUrl(options.url), { ...access, signal }),
    token: () => tokenStep(connected(), signal),
    permission: () => permissionStep(connected(), signal),
    scope: async () => {
      const { agents: counted, ...finding } = await scopeStep(connected(), options, signal);
      agents = counted;
      return finding;
    },
    rate: () => rateStep(agents, { pollIntervalMs, sweepIntervalMs }),
    'first-page': () => firstPageStep(connected(), { ...access, agents, sweepIntervalMs, signal }),
  };
}

async function findingOf(test: () => Finding | Promise<Finding>): Promise<Finding> {
  try {
    return await test();
  } catch (error) {
    if (error instanceof InvalidConsoleUrl) return failed(error.problem, error.advice);
    if (error instanceof SentinelOneError) return failure(error);
    throw error;
  }
}
