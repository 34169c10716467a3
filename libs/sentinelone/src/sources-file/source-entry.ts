/** One console of a sources file. */
export interface SourceEntry {
  /** Unlike all others of the file; what the console is called in events and on screens. */
  readonly name: string;
  /** Scheme, host and port. */
  readonly url: string;
  /** The absolute path of the file with the token, or the token itself. */
  readonly token: { readonly file: string } | { readonly inline: InlineToken };
  /** All when empty. */
  readonly siteIds: readonly string[];
  /** All when empty. */
  readonly accountIds: readonly string[];
  /** As written, such as `10s`; what is left out is as for a single console. */
  readonly pollInterval?: string;
  readonly sweepInterval?: string;
  readonly freshnessStep?: string;
  /** Percent. */
  readonly retirementLimit?: number;
  /** File and line, for messages about it. */
  readonly place: string;
}

/** A token that shows itself to nobody who does not ask for it. */
export class InlineToken {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[token]';
  }

  toJSON(): string {
    return '[token]';
  }
}

/**
 * The environment variables that stand for one source, to be laid over those of the process: each source passes through
 * the same settings as a single one. An empty value counts as unset, so that nothing of one console (token, scope)
 * reaches another; intervals and limits that an entry leaves out are those of the process.
 */
export function environmentOf(entry: SourceEntry): Readonly<Record<string, string>> {
  const { name, url, token, siteIds, accountIds, pollInterval, sweepInterval, freshnessStep, retirementLimit } = entry;
  return {
    SENTINELONE_SOURCE: name,
    SENTINELONE_URL: url,
    SENTINELONE_API_TOKEN: 'inline' in token ? token.inline.reveal() : '',
    SENTINELONE_API_TOKEN_FILE: 'file' in token ? token.file : '',
    SENTINELONE_SITE_IDS: siteIds.join(','),
    SENTINELONE_ACCOUNT_IDS: accountIds.join(','),
    ...(pollInterval !== undefined && { SENTINELONE_POLL_INTERVAL: pollInterval }),
    ...(sweepInterval !== undefined && { SENTINELONE_SWEEP_INTERVAL: sweepInterval }),
    ...(retirementLimit !== undefined && { SENTINELONE_RETIREMENT_LIMIT: String(retirementLimit) }),
    ...(freshnessStep !== undefined && { STANCE_FRESHNESS_STEP: freshnessStep }),
  };
}
