import { ConsoleUnavailable, MalformedAnswer, type SentinelOneError } from '../sentinelone.errors.js';

/** The steps of a connection test, in their order. */
export const STEPS = ['address', 'token', 'permission', 'scope', 'rate', 'first-page'] as const;

export type StepName = (typeof STEPS)[number];

/** What one step of a connection test came to. Holds no token. */
export interface ConnectionStep {
  readonly name: StepName;
  /** A warning means that polling works, but not as well as it should. */
  readonly outcome: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was found, in a sentence. */
  readonly found: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** A step without its name, as the test of it gives it. */
export type Finding = Omit<ConnectionStep, 'name'>;

export const ok = (found: string): Finding => ({ outcome: 'ok', found });
export const warning = (found: string, fix: string): Finding => ({ outcome: 'warning', found, fix });
export const failed = (found: string, fix: string): Finding => ({ outcome: 'failed', found, fix });

/** A request that failed, as a finding. */
export function failure(error: SentinelOneError): Finding {
  return failed(error.finding, error.advice ?? fixFor(error));
}

function fixFor(error: SentinelOneError): string {
  if (error instanceof MalformedAnswer) {
    return 'Check that the console URL is that of a SentinelOne console, and that no proxy or login page answers in its place.';
  }
  if (error instanceof ConsoleUnavailable) {
    return error.status === undefined
      ? 'Check the network between here and the console, and test again.'
      : 'Test again in a few minutes; if it lasts, look at the status page of SentinelOne and at any proxy.';
  }
  return 'Test again; if it lasts, ask the support of SentinelOne.';
}
