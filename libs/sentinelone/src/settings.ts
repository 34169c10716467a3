import { duration, integer, list, optionalText, secret, SettingProblem, text, type Setting } from '@stance/service-kit';
import { normaliseConsoleUrl } from './console-url.js';

/** What is configured of a console, whoever reads it; `STANCE_SOURCES_FILE` lists several. */
export const SENTINELONE_SETTINGS = {
  STANCE_SOURCES_FILE: optionalText({
    description:
      'several consoles instead of one, each with a name, token, scope and intervals of its own; then the settings of a ' +
      'single console are not set, and intervals and limits set here are those of consoles that have none',
  }),
  SENTINELONE_URL: consoleUrl(),
  SENTINELONE_API_TOKEN: secret({ description: 'API token of a Service User with the role Viewer' }),
  SENTINELONE_SOURCE: text({ default: 'sentinelone', description: 'name of this console in events and on screens' }),
  SENTINELONE_POLL_INTERVAL: duration({
    default: '10s',
    min: '40ms',
    max: '1h',
    description: 'how often changes, threats, removals and agents in contact are read',
  }),
  SENTINELONE_SWEEP_INTERVAL: duration({
    default: '15m',
    min: '1s',
    max: '24h',
    description: 'how often everything is read',
  }),
  SENTINELONE_SITE_IDS: list({ description: 'sites to read, separated by commas; all by default' }),
  SENTINELONE_ACCOUNT_IDS: list({ description: 'accounts to read, separated by commas; all by default' }),
  SENTINELONE_RETIREMENT_LIMIT: integer({
    default: 10,
    min: 1,
    max: 100,
    description:
      'percent of the agents that one sweep may find gone; more, or an empty listing, waits for `stance sources approve`',
  }),
  STANCE_FRESHNESS_STEP: duration({
    default: '1h',
    min: '1s',
    max: '24h',
    description: 'an unchanged agent is observed again when its times moved by this much',
  }),
};

function consoleUrl(): Setting<string> {
  const plain = text({ description: 'address of the SentinelOne console, in any form' });
  return {
    ...plain,
    parse: (value: string) => {
      try {
        return normaliseConsoleUrl(value);
      } catch (error) {
        throw new SettingProblem(error instanceof Error ? error.message : String(error));
      }
    },
  };
}
