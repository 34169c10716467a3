/** What a SentinelOne console says, read through its Management API v2.1: no NATS, no Nest, no state between calls. */
export { AGENT_REMOVAL_ACTIVITIES, type ActivityQuery } from './activity-query.js';
export { readActivity, type Activity, type ActivityReading } from './activity-record.js';
export { SENTINELONE_ATTRIBUTES } from './agent-attributes.js';
export type { AgentQuery } from './agent-query.js';
export { readAgent, type Agent, type AgentReading } from './agent-record.js';
export { systemClock, type Clock } from './clock.js';
export { normaliseConsoleUrl } from './console-url.js';
export type { Scope } from './listing.js';
export type { ActivitiesPage, AgentsPage, AnswerSpan, ThreatsPage } from './paging.js';
export { RateLimits } from './rate-limit.js';
export type { RequestOutcome } from './request-outcome.js';
export { SentinelOneClient, type SentinelOneClientOptions } from './sentinelone.client.js';
export {
  AuthenticationFailed,
  BadRequest,
  ConsoleUnavailable,
  Forbidden,
  MalformedAnswer,
  RateLimited,
  SentinelOneError,
  UnexpectedStatus,
} from './sentinelone.errors.js';
export { configuredConsoles, type ConfiguredConsole } from './settings-of-consoles.js';
export { SENTINELONE_SETTINGS } from './settings.js';
export type { Site } from './site.js';
export type { ThreatQuery } from './threat-query.js';
export { readThreat, type Threat, type ThreatReading } from './threat-record.js';
export { environmentOf, InlineToken, type SourceEntry } from './sources-file/source-entry.js';
export { readSourcesFile, SourcesFileInvalid } from './sources-file/sources-file.js';
export type { ConnectionStep, StepName } from './connection-test/step.js';
export { testConnection, type ConnectionTestOptions } from './connection-test/test-connection.js';
