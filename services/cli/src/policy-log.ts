import { PolicyActivated, PolicyPublished, type EventOf } from '@stance/contracts';
import { readLog } from './read-table.js';
import type { Stack } from './stack.js';

/** Every policy that was published and what the engine made of each, oldest first. */
export interface PolicyLog {
  readonly published: readonly EventOf<typeof PolicyPublished>[];
  readonly activated: readonly EventOf<typeof PolicyActivated>[];
}

export async function readPolicyLog({ connection }: Stack): Promise<PolicyLog> {
  const [published, activated] = await Promise.all([
    readLog(connection, PolicyPublished),
    readLog(connection, PolicyActivated),
  ]);
  return { published: published.events, activated: activated.events };
}

/** What was published first under a revision: nothing that comes later replaces it. */
export function publicationOf({ published }: PolicyLog, revision: number): PolicyLog['published'][number] | undefined {
  return published.find(({ data }) => data.revision === revision);
}
