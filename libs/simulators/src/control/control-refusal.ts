import { AmbiguousAgent, UnknownAgent } from '../sentinelone/agent-search.js';
import { UnknownTenant } from '../sentinelone/tenant-directory.js';

/** A refusal of the control API; `code` is for programs, the message says what to do. */
export class ControlRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly more: { readonly ids?: readonly string[]; readonly step?: number } = {},
  ) {
    super(message);
    this.name = 'ControlRefusal';
  }

  /** The same refusal, of the step at this position from 0. */
  at(step: number): ControlRefusal {
    return new ControlRefusal(this.status, this.code, this.message, { ...this.more, step });
  }
}

export function badRequest(message: string): ControlRefusal {
  return new ControlRefusal(400, 'bad-request', message);
}

/** What the caller is told about any error. */
export function asRefusal(error: unknown): ControlRefusal {
  if (error instanceof ControlRefusal) return error;
  if (error instanceof UnknownAgent) return new ControlRefusal(404, 'unknown-agent', error.message);
  if (error instanceof UnknownTenant) return new ControlRefusal(404, 'unknown-tenant', error.message);
  if (error instanceof AmbiguousAgent)
    return new ControlRefusal(409, 'ambiguous-agent', error.message, { ids: error.ids });
  return new ControlRefusal(500, 'failed', error instanceof Error ? error.message : String(error));
}
