import { readAgent, type Agent } from '@stance/sentinelone';
import type { SentinelOneTenant } from '@stance/simulators';

/** What a console shows, by agent id, read page by page with a client as plain as can be. Faults must be over. */
export async function listedAgents(tenant: SentinelOneTenant): Promise<Map<string, Agent>> {
  const agents = new Map<string, Agent>();
  for (let cursor: string | null = ''; cursor !== null;) {
    const query = 'limit=1000&sortBy=id&isDecommissioned=True,False&isUninstalled=True,False';
    const answer = await fetch(`${tenant.url}/web/api/v2.1/agents?${query}${cursor && `&cursor=${cursor}`}`, {
      headers: { authorization: `ApiToken ${tenant.token}` },
    });
    if (!answer.ok) throw new Error(`the console answers ${answer.status}`);
    const page = (await answer.json()) as { data: unknown[]; pagination: { nextCursor: string | null } };
    for (const record of page.data) {
      const reading = readAgent(record);
      if (reading.ok) agents.set(reading.agent.agentId, reading.agent);
    }
    cursor = page.pagination.nextCursor;
  }
  return agents;
}
