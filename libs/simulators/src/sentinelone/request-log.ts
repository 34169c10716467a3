/** One request the tenant's API received. */
export interface LoggedRequest {
  /** Below `/web/api/v2.1`. */
  readonly path: string;
  /** As sent, with its question mark; empty without parameters. */
  readonly query: string;
  /** Null when the connection ended without an answer. */
  readonly status: number | null;
  /** When it ended, in milliseconds since 1970. */
  readonly at: number;
}

const KEPT = 10_000;

/** The latest 10,000 requests, oldest first; tokens are never among them. */
export class RequestLog {
  #requests: LoggedRequest[] = [];

  add(request: LoggedRequest): void {
    this.#requests.push(request);
    if (this.#requests.length >= 2 * KEPT) this.#requests = this.#requests.slice(-KEPT);
  }

  list(): LoggedRequest[] {
    return this.#requests.slice(-KEPT);
  }
}
