import type { Answer } from './console-exchange.js';
import { readErrorBody } from './error-body.js';
import { parseRetryAfter } from './retry.js';
import {
  AuthenticationFailed,
  BadRequest,
  ConsoleUnavailable,
  Forbidden,
  RateLimited,
  UnexpectedStatus,
  type SentinelOneError,
} from './sentinelone.errors.js';

/** The circumstances of an answer that was not 200. */
export interface Refused {
  /** The address asked, query included. */
  readonly url: URL;
  readonly token: string;
  /** The first attempt is 1. */
  readonly attempt: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The error that an answer other than 200 stands for. */
export function refusal({ status, headers, body }: Answer, { url, token, attempt, now }: Refused): SentinelOneError {
  const endpoint = url.pathname;
  const problem = readErrorBody(body, token);
  const retryAfter = parseRetryAfter(headers.get('retry-after'), headers.get('date'), now);
  if (status === 400) return new BadRequest(endpoint, problem);
  if (status === 401) return new AuthenticationFailed(endpoint, status, problem);
  if (status === 403) return new Forbidden(endpoint, problem);
  if (status === 429) return new RateLimited(endpoint, problem, attempt, retryAfter);
  if (status === 408 || status >= 500) return new ConsoleUnavailable(endpoint, status, problem, attempt, retryAfter);
  const location = status < 400 ? headers.get('location') : null;
  return new UnexpectedStatus(
    endpoint,
    status,
    problem,
    location === null ? undefined : URL.parse(location, url.href)?.origin,
  );
}
