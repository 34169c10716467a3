import type { Clock } from '../clock.js';
import { exchange, NoAnswer } from '../console-exchange.js';
import { MAX_PAGE_SIZE } from '../listing.js';
import type { SentinelOneClient } from '../sentinelone.client.js';
import { Forbidden, UnexpectedStatus } from '../sentinelone.errors.js';
import { rateOutlook } from './rate-outlook.js';
import { failed, ok, warning, type Finding } from './step.js';
import { counted, percent, seconds } from './wording.js';

/** Whether somebody answers at the address: DNS, TCP and TLS, on the way that requests take. Sends no token. */
export async function addressStep(
  baseUrl: string,
  access: { fetch: typeof fetch; clock: Clock; timeoutMs: number; signal: AbortSignal | undefined },
): Promise<Finding> {
  const started = access.clock.monotonic();
  try {
    const { status } = await exchange({
      ...access,
      url: new URL('/', baseUrl),
      headers: { accept: '*/*' },
      maxBytes: 16 * 1024 * 1024,
    });
    return ok(`${baseUrl} answers (${status}, ${Math.round(access.clock.monotonic() - started)} ms)`);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const [finding, remedy = 'check the console URL, firewalls and any proxy'] = error.message.split(': ');
    return failed(`${baseUrl} does not answer: ${finding}`, sentence(remedy));
  }
}

/** Whether the token is accepted. A refusal for want of permission is an acceptance too. */
export async function tokenStep(client: SentinelOneClient, signal?: AbortSignal): Promise<Finding> {
  try {
    const { release, version, build } = await client.systemInfo({ signal });
    const about = [release, version, build].filter((part) => typeof part === 'string' && part !== '').join(' ');
    return ok(`the console accepts the token${about === '' ? '' : ` (${about})`}`);
  } catch (error) {
    if (!(error instanceof Forbidden)) throw error;
    return ok('the console accepts the token, and keeps its version to itself');
  }
}

/** Whether the token has at least the role Viewer. */
export async function permissionStep(client: SentinelOneClient, signal?: AbortSignal): Promise<Finding> {
  const fix = 'Give the Service User the role Viewer in the scope to be read.';
  try {
    if (await client.viewerAuthCheck({ signal })) return ok('the token has at least the role Viewer');
    return failed('the token does not have the role Viewer', fix);
  } catch (error) {
    if (error instanceof Forbidden && !error.siteScoped) return failed(error.finding, fix);
    if (!(error instanceof UnexpectedStatus || error instanceof Forbidden)) throw error;
    return ok('this console cannot be asked for the role of the token: the next steps show whether it may read');
  }
}

/** What the documented rate allows for the fleet. */
export function rateStep(
  agents: number | undefined,
  intervals: { pollIntervalMs: number; sweepIntervalMs: number },
): Finding {
  if (agents === undefined) return { outcome: 'skipped', found: 'the console does not say how many agents there are' };
  const outlook = rateOutlook({ agents, ...intervals });
  const found =
    `${counted(outlook.pages, 'page')} of ${MAX_PAGE_SIZE}; at ${outlook.perSecond} of ${outlook.documentedPerSecond} requests/s ` +
    `a first sync, and each sweep, takes ${seconds(outlook.sweepSeconds)} or more; polls and sweeps use ${percent(outlook.load)} of the rate`;
  if (outlook.load <= 1) return ok(found);
  const fix =
    outlook.shortestPollMs === undefined
      ? `Sweep less often: every ${seconds(outlook.shortestSweepMs / 1000)} takes the whole rate, leave room for polls.`
      : `Poll less often: at most every ${seconds(outlook.shortestPollMs / 1000)}.`;
  return warning(found, fix);
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
