import type { z } from 'zod';
import type { GivenStep } from '../scenario/steps.js';
import type { Fault } from '../sentinelone/faults.js';
import {
  CONTROL_PREFIX,
  agentListSchema,
  agentSummarySchema,
  controlErrorSchema,
  faultListSchema,
  identitySchema,
  outcomeListSchema,
} from './protocol.js';
import type { AgentAction, AgentList, AgentSummary, Outcome, SimulatorIdentity } from './protocol.js';

/** Thrown when an address does not answer as a simulator; nothing was sent there but one GET. Check the address: it may be a real console. */
export class NotASimulator extends Error {
  constructor(
    readonly address: string,
    why: string,
  ) {
    super(`${address} is not a simulated tenant (${why}); simulations are refused anywhere else`);
    this.name = 'NotASimulator';
  }
}

/** Thrown when the simulator refuses a request; `code` is for programs, the message says what to do. */
export class SimulatorRefused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'SimulatorRefused';
  }
}

export interface SimulatorClientOptions {
  /** Per request, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
}

/** Drives a simulated tenant over its control API. */
export class SimulatorClient {
  private constructor(
    readonly address: string,
    private readonly timeoutMs: number,
  ) {}

  /** Makes sure that a simulator answers there; throws NotASimulator. */
  static async connect(address: string, { timeoutMs = 5_000 }: SimulatorClientOptions = {}): Promise<SimulatorClient> {
    const origin = URL.canParse(address) ? new URL(address).origin : undefined;
    if (origin === undefined) throw new NotASimulator(address, 'not a URL');
    let answer: Response;
    try {
      answer = await fetch(origin + CONTROL_PREFIX, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      throw new NotASimulator(address, `no answer: ${reasonOf(error)}`);
    }
    const text = await answer.text();
    if (!identitySchema.safeParse(parse(text)).success)
      throw new NotASimulator(address, `GET ${CONTROL_PREFIX} answered ${answer.status}`);
    return new SimulatorClient(origin, timeoutMs);
  }

  /** Agents whose id, name, serial number or user contains `query`; the first `limit` (default 100). */
  async agents(query = '', limit = 100): Promise<AgentList> {
    return await this.#call(
      'GET',
      `/agents?${new URLSearchParams({ query, limit: String(limit) }).toString()}`,
      agentListSchema,
    );
  }

  /** One agent by id, computer name or serial number. */
  async agent(reference: string): Promise<AgentSummary> {
    return await this.#call('GET', `/agents/${encodeURIComponent(reference)}`, agentSummarySchema);
  }

  /** Makes something happen to an agent; answers the agent afterwards. */
  async act(reference: string, action: AgentAction): Promise<AgentSummary> {
    return await this.#call('POST', `/agents/${encodeURIComponent(reference)}/${action}`, agentSummarySchema);
  }

  /** Does steps in their order; throws SimulatorRefused for the first that fails, and does none when one is malformed. */
  async perform(...steps: readonly GivenStep[]): Promise<Outcome[]> {
    return (await this.#call('POST', '/steps', outcomeListSchema, { steps })).outcomes;
  }

  /** What the simulator says of itself, with the names and addresses of the tenants beside it. */
  async identity(): Promise<SimulatorIdentity> {
    return await this.#call('GET', '', identitySchema);
  }

  /** Faults still to come. */
  async faults(): Promise<Fault[]> {
    return (await this.#call('GET', '/faults', faultListSchema)).faults;
  }

  /** Adds faults behind those still to come; answers all of them. */
  async scriptFaults(...faults: readonly Fault[]): Promise<Fault[]> {
    return (await this.#call('POST', '/faults', faultListSchema, { faults })).faults;
  }

  async clearFaults(): Promise<void> {
    await this.#call('DELETE', '/faults', faultListSchema);
  }

  async #call<T>(method: string, path: string, schema: z.ZodType<T>, body?: object): Promise<T> {
    const answer = await fetch(this.address + CONTROL_PREFIX + path, {
      method,
      signal: AbortSignal.timeout(this.timeoutMs),
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const content = parse(await answer.text());
    if (answer.ok) return schema.parse(content);
    const refusal = controlErrorSchema.safeParse(content);
    if (!refusal.success) throw new NotASimulator(this.address, `${method} ${path} answered ${answer.status}`);
    throw new SimulatorRefused(answer.status, refusal.data.error.code, refusal.data.error.message);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON, so nothing a schema accepts.
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
