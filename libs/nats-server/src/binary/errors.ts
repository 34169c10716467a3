/** One place that was looked at, and why it gave no usable server. */
export interface FailedAttempt {
  readonly tried: string;
  readonly reason: string;
}

/** Thrown when no place gives a nats-server that is new enough; the message lists every place and what to do. */
export class NatsServerNotFoundError extends Error {
  override readonly name = 'NatsServerNotFoundError';

  constructor(
    readonly attempts: readonly FailedAttempt[],
    readonly minimumVersion: string,
  ) {
    super(
      [
        `No nats-server ${minimumVersion} or newer was found. Tried:`,
        ...attempts.map(({ tried, reason }) => `  - ${tried}: ${reason}`),
        'What to do: take nats-server from the page "Downloads" of the NATS project (or from your package manager),',
        'then set STANCE_NATS_SERVER to the path of the binary, or set NATS_URL to use a server that runs already.',
      ].join('\n'),
    );
  }
}

/** Why one place gave no server; caught by the search and listed in {@link NatsServerNotFoundError}. */
export class SourceFailedError extends Error {
  override readonly name = 'SourceFailedError';
}
