import { AGENT_REMOVAL_ACTIVITIES, readActivity, readThreat, type SentinelOneClient } from '@stance/sentinelone';
import type { Logger } from '@stance/service-kit';
import type { AnswerTimes } from './reading-window.js';

/** The console's word that something happened to an agent: which one, not what. */
export interface Notice {
  /** Of the threat or activity, and the time of its change: another change of it is another notice. */
  readonly id: string;
  readonly agentId: string;
  readonly at: string | undefined;
}

export interface NoticesPage extends AnswerTimes {
  readonly notices: readonly Notice[];
}

/** Lists notices since a time, that time included, the oldest first. */
export type ListNotices = (since: string, signal: AbortSignal) => AsyncIterable<NoticesPage>;

/** Of threats that were found, or whose state changed: they make an agent infected or clean. */
export function threatNotices(client: SentinelOneClient, logger: Logger): ListNotices {
  return async function* (updatedSince, signal) {
    for await (const { threats, receivedAt, consoleTime } of client.threatPages({ updatedSince }, { signal })) {
      const notices: Notice[] = [];
      for (const record of threats) {
        const reading = readThreat(record);
        if (!reading.ok) {
          logger.warn({ problem: reading.problem }, 'a threat record cannot be read');
          continue;
        }
        const { threatId, agentId, updatedAt } = reading.threat;
        notices.push({ id: `${threatId}@${updatedAt}`, agentId, at: updatedAt });
      }
      yield { notices, receivedAt, consoleTime };
    }
  };
}

/** Of agents that were removed from their machines. */
export function removalNotices(client: SentinelOneClient, logger: Logger): ListNotices {
  return async function* (createdSince, signal) {
    const query = { createdSince, activityTypes: AGENT_REMOVAL_ACTIVITIES };
    for await (const { activities, receivedAt, consoleTime } of client.activityPages(query, { signal })) {
      const notices: Notice[] = [];
      for (const record of activities) {
        const reading = readActivity(record);
        if (!reading.ok) {
          logger.warn({ problem: reading.problem }, 'an activity record cannot be read');
          continue;
        }
        const { activityId, agentId, createdAt } = reading.activity;
        if (agentId !== undefined) notices.push({ id: activityId, agentId, at: createdAt });
      }
      yield { notices, receivedAt, consoleTime };
    }
  };
}
