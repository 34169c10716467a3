import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { stepSchema } from '../scenario/steps.js';
import type { Step } from '../scenario/steps.js';
import type { Agent } from '../sentinelone/agent.js';
import type { SentinelOneTenant } from '../sentinelone/running-tenant.js';
import type { TenantDirectory } from '../sentinelone/tenant-directory.js';
import { namesOf, outcomeOf, summarise } from './agent-summary.js';
import { asRefusal, badRequest, ControlRefusal } from './control-refusal.js';
import { comesFromThisMachine } from './loopback-only.js';
import { AGENT_ACTIONS, CONTROL_PREFIX, faultListSchema, isAgentAction, stepListSchema } from './protocol.js';
import type { AgentList, Outcome, SimulatorIdentity, StepProblem } from './protocol.js';
import { readJson } from './read-body.js';

const DEFAULT_LIMIT = 100;

/** `/simulator/v1`: lets a program on this machine see the fleet, make things happen to it and script faults. */
export class ControlApi {
  constructor(
    private readonly tenant: SentinelOneTenant,
    private readonly directory: TenantDirectory,
  ) {}

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    try {
      if (!comesFromThisMachine(request))
        throw new ControlRefusal(403, 'not-local', 'The control API answers programs on its own machine only');
      json(response, 200, await this.#answer(request, url));
    } catch (error) {
      const { status, code, message, more } = asRefusal(error);
      json(response, status, { error: { code, message, ...more } });
    }
  }

  async #answer(request: IncomingMessage, url: URL): Promise<object> {
    const segments = url.pathname
      .slice(CONTROL_PREFIX.length)
      .split('/')
      .filter((part) => part !== '')
      .map(decodeSegment);
    const { method = '' } = request;
    const [room = '', reference = '', action = ''] = segments;
    switch (`${method} ${room} ${segments.length}`) {
      case 'GET  0':
        return this.#identity();
      case 'GET agents 1':
        return this.#agents(url.searchParams);
      case 'GET agents 2':
        return summarise(this.tenant.fleet.find(reference));
      case 'POST agents 3':
        return summarise(this.#act(reference, action, await readJson(request)));
      case 'POST steps 1':
        return { outcomes: this.#perform(readSteps(await readJson(request))) };
      case 'POST steps 2':
        if (reference === 'check') return { problems: judge(readSteps(await readJson(request))).problems };
        break;
      case 'POST faults 1':
        return this.#scriptFaults(await readJson(request));
      case 'DELETE faults 1':
        this.tenant.faults.clear();
        return { faults: [] };
      case 'GET faults 1':
        return { faults: this.tenant.faults.pending() };
      default:
        if (room === 'faults' && segments.length === 1)
          throw new ControlRefusal(405, 'bad-method', 'faults: GET, POST or DELETE');
    }
    throw new ControlRefusal(404, 'not-found', `No ${method} ${url.pathname} here; see GET ${CONTROL_PREFIX}`);
  }

  #identity(): SimulatorIdentity {
    const tenants = this.directory.list().map(({ name, url }) => ({ name, url }));
    const { name, fleet } = this.tenant;
    return { simulator: 'sentinelone', version: '1', agents: fleet.size, name, tenants };
  }

  #agents(parameters: URLSearchParams): AgentList {
    const wanted = (parameters.get('query') ?? '').toLowerCase();
    const limit = Number(parameters.get('limit') ?? DEFAULT_LIMIT);
    if (!Number.isInteger(limit) || limit < 1) throw badRequest('limit: expected a whole number from 1');
    const fits = (agent: Agent) => namesOf(agent).some((name) => name.toLowerCase().includes(wanted));
    const found = this.tenant.fleet.list().filter(fits);
    return { agents: found.slice(0, limit).map(summarise), total: found.length };
  }

  #act(reference: string, action: string, body: unknown): Agent {
    const { id } = this.tenant.fleet.find(reference);
    if (!isAgentAction(action))
      throw new ControlRefusal(404, 'unknown-action', `Unknown action ${action}; one of ${AGENT_ACTIONS.join(', ')}`);
    const more = z.record(z.string(), z.unknown()).optional().safeParse(body);
    if (!more.success) throw badRequest(z.prettifyError(more.error));
    const step = stepSchema.safeParse({ ...more.data, do: action, agent: id });
    if (!step.success) throw badRequest(z.prettifyError(step.error));
    const { agent } = this.tenant.perform(step.data);
    return agent ?? this.tenant.fleet.get(id);
  }

  /** All steps, or none when one of them is malformed; a step that fails ends it. */
  #perform(given: readonly unknown[]): Outcome[] {
    const { steps, problems } = judge(given);
    const [problem] = problems;
    if (problem !== undefined) throw badRequest(problem.message).at(problem.step);
    return steps.map((step, index) => {
      try {
        return outcomeOf(this.tenant.perform(step));
      } catch (error) {
        throw asRefusal(error).at(index);
      }
    });
  }

  #scriptFaults(body: unknown): object {
    const parsed = faultListSchema.safeParse(body);
    if (!parsed.success) throw badRequest(z.prettifyError(parsed.error));
    this.tenant.faults.script(...parsed.data.faults);
    return { faults: this.tenant.faults.pending() };
  }
}

function readSteps(body: unknown): readonly unknown[] {
  const parsed = stepListSchema.safeParse(body);
  if (!parsed.success) throw badRequest(z.prettifyError(parsed.error));
  return parsed.data.steps;
}

function judge(given: readonly unknown[]): { steps: Step[]; problems: StepProblem[] } {
  const steps: Step[] = [];
  const problems: StepProblem[] = [];
  for (const [step, text] of given.entries()) {
    const parsed = stepSchema.safeParse(text);
    if (parsed.success) steps.push(parsed.data);
    else
      for (const { path, message } of parsed.error.issues)
        problems.push({ step, message: [path.join('.'), message].filter((part) => part !== '').join(': ') });
  }
  return { steps, problems };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`${segment}: not a valid path segment`);
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
