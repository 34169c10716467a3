/** What a SentinelOne console says, read through its Management API v2.1: no NATS, no Nest, no state between calls. */
export { SENTINELONE_ATTRIBUTES } from './agent-attributes.js';
export { readAgent, type Agent } from './agent-record.js';
export { systemClock, type Clock } from './clock.js';
export { normaliseConsoleUrl } from './console-url.js';
export type { AgentsPage } from './paging.js';
export { RateLimits } from './rate-limit.js';
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
