import type { Scope } from '../listing.js';
import type { SentinelOneClient } from '../sentinelone.client.js';
import { BadRequest, Forbidden, UnexpectedStatus } from '../sentinelone.errors.js';
import type { Site } from '../site.js';
import { failed, ok, warning, type Finding } from './step.js';
import { counted } from './wording.js';

const MANY_NAMED = 5;

/** What the token may see of what is asked for, and how many agents that is. */
export async function scopeStep(
  client: SentinelOneClient,
  wanted: Scope,
  signal?: AbortSignal,
): Promise<Finding & { readonly agents?: number | undefined }> {
  const { siteIds = [], accountIds = [] } = wanted;
  const sites = await visibleSites(client, signal);
  const unknown = sites === undefined ? [] : siteIds.filter((id) => !sites.some((site) => site.id === id));
  if (unknown.length > 0) {
    return failed(
      `the token does not see ${counted(unknown.length, 'configured site')}: ${named(unknown)}`,
      `It sees ${sites?.length ? named(sites.map(siteText)) : 'no site'}: correct the site ids, or the scope of the Service User.`,
    );
  }
  const agents = await countAgents(client, signal);
  const count = agents === undefined ? 'the console does not count its agents' : counted(agents, 'agent');
  if (accountIds.length > 0 && client.scope.accountIds === undefined) {
    const found = `the token is limited to sites: the configured accounts are left out, ${count}`;
    return { ...warning(found, 'Leave the account ids away, the site ids do.'), agents };
  }
  if (agents === 0) {
    const fix = 'Check the configured site and account ids, and the scope of the Service User.';
    return { ...warning('there is no agent in this scope', fix), agents };
  }
  if (sites === undefined && siteIds.length > 0) {
    const found = `the console does not list its sites to this token, so that the site ids cannot be compared; ${count}`;
    return { ...warning(found, 'Check that the number of agents is what you expect.'), agents };
  }
  return { ...ok(`${scopeText(siteIds, accountIds, sites)}: ${count}`), agents };
}

async function visibleSites(client: SentinelOneClient, signal: AbortSignal | undefined): Promise<Site[] | undefined> {
  try {
    return await client.sites({ signal });
  } catch (error) {
    if (error instanceof Forbidden || error instanceof UnexpectedStatus || error instanceof BadRequest)
      return undefined;
    throw error;
  }
}

async function countAgents(client: SentinelOneClient, signal: AbortSignal | undefined): Promise<number | undefined> {
  try {
    return await client.agentCount({ signal });
  } catch (error) {
    if (!(error instanceof UnexpectedStatus)) throw error;
    return (await client.agentsPage({ limit: 1 }, { signal })).totalItems;
  }
}

function scopeText(
  siteIds: readonly string[],
  accountIds: readonly string[],
  sites: readonly Site[] | undefined,
): string {
  if (siteIds.length === 0 && accountIds.length === 0) {
    const seen = sites === undefined ? 'its sites are not listed' : counted(sites.length, 'site');
    return `all that the token may see (${seen})`;
  }
  return [
    ...(siteIds.length > 0 ? [`${siteIds.length} of ${sites?.length ?? '?'} sites`] : []),
    ...(accountIds.length > 0 ? [counted(accountIds.length, 'account')] : []),
  ].join(', ');
}

function named(names: readonly string[]): string {
  const more = names.length - MANY_NAMED;
  return names.slice(0, MANY_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const siteText = ({ id, name }: Site): string => (name === undefined ? id : `${id} (${name})`);
