import type { Site } from './site.js';

/** What the console said when it refused: the forms of `error-body.ts` brought to one. */
export interface ConsoleProblem {
  /** SentinelOne's own number, such as 4030010; undefined when the answer held none. */
  readonly code?: number | undefined;
  readonly title?: string | undefined;
  readonly detail?: string | undefined;
}

/** A failed request to the console. No message ever holds the API token. */
export abstract class SentinelOneError extends Error {
  readonly code: number | undefined;
  readonly title: string | undefined;
  readonly detail: string | undefined;
  /** What happened, without where and without advice. */
  readonly finding: string;
  /** What to do about it; undefined where only waiting helps, or `detail` says it. */
  readonly advice: string | undefined;

  constructor(
    /** The path asked for, such as `/web/api/v2.1/agents`. */
    readonly endpoint: string,
    /** The HTTP status; undefined when there was no answer. */
    readonly status: number | undefined,
    what: string,
    problem: ConsoleProblem = {},
    advice?: string,
  ) {
    const finding = `${what}${said(problem)}`;
    super(`GET ${endpoint}: ${finding}.${advice === undefined ? '' : ` ${advice}`}`);
    this.finding = finding;
    this.advice = advice;
    this.code = problem.code;
    this.title = problem.title;
    this.detail = problem.detail;
  }
}

function said({ code, title, detail }: ConsoleProblem): string {
  const parts = [code, title, detail].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : ` (${parts.join(': ')})`;
}

/** 401, or no token fit to be sent: wrong, revoked or expired. Never retried: pause the source. */
export class AuthenticationFailed extends SentinelOneError {
  override readonly name = 'AuthenticationFailed';

  constructor(endpoint: string, status: 401 | undefined, problem: ConsoleProblem) {
    const what = status === undefined ? 'there is no usable API token' : 'SentinelOne refused the API token with 401';
    super(endpoint, status, what, problem, 'Create a new token for the Service User and configure it.');
  }
}

/** 403: the token is valid but may not do this. Not retried. */
export class Forbidden extends SentinelOneError {
  override readonly name = 'Forbidden';

  constructor(
    endpoint: string,
    problem: ConsoleProblem,
    /** The sites that the token may read, where the console told. */
    readonly sites: readonly Site[] = [],
  ) {
    const advice =
      problem.code === SITE_SCOPED
        ? `The Service User is limited to sites: configure their ids (SENTINELONE_SITE_IDS)${readable(sites)}.`
        : 'Give the Service User at least the role Viewer in the scope to be read.';
    super(endpoint, 403, 'SentinelOne refused the request with 403', problem, advice);
  }

  /** True when a user of site scope asked for a whole account: ask for named sites instead. */
  get siteScoped(): boolean {
    return this.code === SITE_SCOPED;
  }
}

const SITE_SCOPED = 4030010;

/** So many sites are named in a message. */
const NAMED_SITES = 10;

function readable(sites: readonly Site[]): string {
  if (sites.length === 0) return '';
  const named = sites.slice(0, NAMED_SITES).map(({ id, name }) => (name === undefined ? id : `${id} (${name})`));
  const more = sites.length - named.length;
  return `. It may read ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** 400: a parameter that this version of the console does not take. Not retried. */
export class BadRequest extends SentinelOneError {
  override readonly name = 'BadRequest';

  constructor(endpoint: string, problem: ConsoleProblem) {
    super(endpoint, 400, 'SentinelOne refused a parameter with 400', problem, 'Check the configured scope ids.');
  }
}

/** A status with no meaning here, such as 404 or a redirect. It never means "no data". Not retried. */
export class UnexpectedStatus extends SentinelOneError {
  override readonly name = 'UnexpectedStatus';

  constructor(endpoint: string, status: number, problem: ConsoleProblem, redirectedTo?: string) {
    const what =
      redirectedTo === undefined ? `unexpected status ${status}` : `redirected (${status}) to ${redirectedTo}`;
    super(endpoint, status, what, problem, 'Check that the console URL is the address of a SentinelOne console.');
  }
}

/** 429 on every attempt: the token's request budget is spent. */
export class RateLimited extends SentinelOneError {
  override readonly name = 'RateLimited';

  constructor(
    endpoint: string,
    problem: ConsoleProblem,
    /** How many attempts were made. */
    readonly attempts: number,
    /** Milliseconds the console asked to wait, if it did. */
    readonly retryAfterMs?: number | undefined,
  ) {
    const advice = 'Give Stance a Service User of its own, or a longer poll interval.';
    super(endpoint, 429, `SentinelOne limits the request rate with 429, attempt ${attempts}`, problem, advice);
  }
}

/** 408, 5xx, a timeout or a broken connection on every attempt. */
export class ConsoleUnavailable extends SentinelOneError {
  override readonly name = 'ConsoleUnavailable';

  constructor(
    endpoint: string,
    status: number | undefined,
    problem: ConsoleProblem,
    /** How many attempts were made. */
    readonly attempts: number,
    /** Milliseconds the console asked to wait, if it did. */
    readonly retryAfterMs?: number | undefined,
  ) {
    const answer = status === undefined ? 'no answer from the console' : `the console failed with ${status}`;
    super(endpoint, status, `${answer}, attempt ${attempts}`, problem);
  }
}

/** A successful status whose body is not what the API documents. Nothing of it may be used. Not retried. */
export class MalformedAnswer extends SentinelOneError {
  override readonly name = 'MalformedAnswer';

  constructor(endpoint: string, detail: string, problem: ConsoleProblem = {}) {
    super(endpoint, 200, 'the answer cannot be used', { code: problem.code, title: problem.title, detail });
  }
}
