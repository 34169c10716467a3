import { z } from 'zod';
import { Unreachable, WrongUsage } from './errors.js';

/** The control protocol of the simulated tenant, as libs/simulators/README.md describes it. */
const PREFIX = '/simulator/v1';

const identity = z.object({
  simulator: z.literal('sentinelone'),
  tenants: z.array(z.object({ name: z.string(), url: z.string() })).default([]),
});

const simulatedAgent = z.object({
  id: z.string(),
  computerName: z.string(),
  serialNumber: z.string().nullable(),
  osType: z.string(),
  lastLoggedInUserName: z.string(),
  infected: z.boolean(),
  activeThreats: z.int(),
  networkStatus: z.string(),
  isActive: z.boolean(),
  isDecommissioned: z.boolean(),
  isUninstalled: z.boolean(),
  updatedAt: z.string(),
});
const agentList = z.object({ agents: z.array(simulatedAgent), total: z.int() });
const stepResult = z.object({
  did: z.string(),
  agent: simulatedAgent.optional(),
  tenant: z.string().optional(),
  ids: z.array(z.string()).optional(),
  token: z.string().optional(),
});
const stepResults = z.object({ outcomes: z.tuple([stepResult]) });
const stepProblems = z.object({ problems: z.array(z.object({ step: z.int(), message: z.string() })) });
const refusal = z.object({
  error: z.object({ code: z.string(), message: z.string(), ids: z.array(z.string()).optional() }),
});

export type SimulatedAgent = z.infer<typeof simulatedAgent>;
export type SimulatedTenant = z.infer<typeof identity>['tenants'][number];
/** What a step came to; `agent` is the agent afterwards, or the new one. */
export type StepResult = z.infer<typeof stepResult>;
/** What is wrong with a step; `step` is its position from 0. */
export type StepProblem = z.infer<typeof stepProblems>['problems'][number];
/** A step as it is written: the simulator knows the verbs and what belongs to them. */
export type StepText = Readonly<Record<string, unknown>> & { readonly do: string };

/** Thrown for an address that is no simulated tenant: nothing but one GET was sent there. */
class NotASimulator extends WrongUsage {
  constructor(address: string, why: string) {
    super(`${address} is not a simulated tenant (${why}); simulations are refused anywhere else`);
  }
}

/** Thrown when the simulator refuses; `code` is one of its protocol's. */
class SimulatorRefused extends WrongUsage {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const TIMEOUT_MS = 5_000;

/** Drives a simulated tenant. */
export class SimulatorClient {
  private constructor(readonly address: string) {}

  /** Throws {@link NotASimulator} for an address that answers otherwise, `Unreachable` for one that does not answer. */
  static async connect(address: string): Promise<SimulatorClient> {
    const url = URL.parse(address);
    if (url === null || !/^https?:$/.test(url.protocol)) throw new NotASimulator(address, 'not an http address');
    const { status, body } = await exchange(url.origin, 'GET', '');
    if (!identity.safeParse(body).success) throw new NotASimulator(address, `GET ${PREFIX} answered ${status}`);
    return new SimulatorClient(url.origin);
  }

  /** Agents whose id, name, serial number or user contains `query`. */
  async agents(query: string, limit: number): Promise<z.infer<typeof agentList>> {
    const parameters = new URLSearchParams({ query, limit: String(limit) });
    return this.call('GET', `/agents?${parameters.toString()}`, agentList);
  }

  /** The agent of this id, computer name or serial number; `undefined` where there is none. */
  async find(reference: string): Promise<SimulatedAgent | undefined> {
    try {
      return await this.call('GET', `/agents/${encodeURIComponent(reference)}`, simulatedAgent);
    } catch (error) {
      if (error instanceof SimulatorRefused && error.code === 'unknown-agent') return undefined;
      throw error;
    }
  }

  /** The tenants that run beside this one, and itself. */
  async tenants(): Promise<readonly SimulatedTenant[]> {
    return (await this.call('GET', '', identity)).tenants;
  }

  /** Makes something happen; throws when the simulator refuses. */
  async perform(step: StepText): Promise<StepResult> {
    return (await this.call('POST', '/steps', stepResults, { steps: [step] })).outcomes[0];
  }

  /** What is wrong with steps, by their position from 0; none of them is done. */
  async check(steps: readonly StepText[]): Promise<readonly StepProblem[]> {
    return (await this.call('POST', '/steps/check', stepProblems, { steps })).problems;
  }

  private async call<T>(method: string, path: string, schema: z.ZodType<T>, content?: object): Promise<T> {
    const { ok, status, body } = await exchange(this.address, method, path, content);
    const answer = schema.safeParse(body);
    if (ok && answer.success) return answer.data;
    const refused = refusal.safeParse(body);
    if (!refused.success) throw new NotASimulator(this.address, `${method} ${path} answered ${status}`);
    const { code, message, ids } = refused.data.error;
    throw new SimulatorRefused(code, ids === undefined ? message : `${message} (${ids.join(', ')})`);
  }
}

async function exchange(origin: string, method: string, path: string, content?: object) {
  try {
    const answer = await fetch(origin + PREFIX + path, {
      method,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(content && { body: JSON.stringify(content), headers: { 'content-type': 'application/json' } }),
    });
    return { ok: answer.ok, status: answer.status, body: parse(await answer.text()) };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Unreachable(
      `no simulated tenant answers at ${origin} (${cause instanceof Error ? cause.message : String(cause)})`,
      { cause: error },
    );
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON, so nothing that a schema accepts.
    return undefined;
  }
}
