import {
  AuthenticationFailed,
  BadRequest,
  ConsoleUnavailable,
  Forbidden,
  MalformedAnswer,
  RateLimited,
} from './sentinelone.errors.js';

/** What became of one HTTP request, in few words for counting. */
export type RequestOutcome = 'ok' | 'rate-limited' | 'refused' | 'unavailable' | 'malformed' | 'abandoned' | 'failed';

/** What an error says of the request that met it. */
export function outcomeOf(error: unknown, isAbandoned: boolean): RequestOutcome {
  if (isAbandoned) return 'abandoned';
  if (error instanceof RateLimited) return 'rate-limited';
  if (error instanceof ConsoleUnavailable) return 'unavailable';
  if (error instanceof MalformedAnswer) return 'malformed';
  if (error instanceof AuthenticationFailed || error instanceof Forbidden || error instanceof BadRequest)
    return 'refused';
  return 'failed';
}
