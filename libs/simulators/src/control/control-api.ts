import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { Agent } from '../sentinelone/agent.js';
import type { Faults } from '../sentinelone/faults.js';
import { AmbiguousAgent, UnknownAgent } from '../sentinelone/fleet.js';
import type { Fleet } from '../sentinelone/fleet.js';
import { comesFromThisMachine } from './loopback-only.js';
import { AGENT_ACTIONS, CONTROL_PREFIX, faultListSchema, isAgentAction } from './protocol.js';
import type { AgentAction, AgentList, AgentSummary, SimulatorIdentity } from './protocol.js';

const MAX_BODY_BYTES = 1_000_000;
const DEFAULT_LIMIT = 100;

class ControlRefusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly ids?: readonly string[],
  ) {
    super(message);
  }
}

/** `/simulator/v1`: lets a program on this machine see the fleet, make things happen to it and script faults. */
export class ControlApi {
  constructor(
    private readonly fleet: Fleet,
    private readonly faults: Faults,
  ) {}

  async handle(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    try {
      if (!comesFromThisMachine(request))
        throw new ControlRefusal(403, 'not-local', 'The control API answers programs on its own machine only');
      json(response, 200, await this.#answer(request, url));
    } catch (error) {
      const refusal = asRefusal(error);
      const { code, message, ids } = refusal;
      json(response, refusal.status, { error: { code, message, ...(ids && { ids }) } });
    }
  }

  async #answer(request: IncomingMessage, url: URL): Promise<object> {
    const segments = url.pathname
      .slice(CONTROL_PREFIX.length)
      .split('/')
      .filter((part) => part !== '')
      .map(decodeSegment);
    const [room, reference, action] = segments;
    const { method } = request;
    if (room === undefined && method === 'GET') return this.#identity();
    if (room === 'agents' && segments.length === 1 && method === 'GET') return this.#agents(url.searchParams);
    if (room === 'agents' && reference !== undefined && segments.length === 2 && method === 'GET')
      return summarise(this.fleet.find(reference));
    if (
      room === 'agents' &&
      reference !== undefined &&
      action !== undefined &&
      segments.length === 3 &&
      method === 'POST'
    ) {
      return summarise(this.#act(this.fleet.find(reference), action));
    }
    if (room === 'faults' && segments.length === 1) return await this.#faults(request);
    throw new ControlRefusal(404, 'not-found', `No ${method ?? ''} ${url.pathname} here; see GET ${CONTROL_PREFIX}`);
  }

  #identity(): SimulatorIdentity {
    return { simulator: 'sentinelone', version: '1', agents: this.fleet.size };
  }

  #agents(parameters: URLSearchParams): AgentList {
    const wanted = (parameters.get('query') ?? '').toLowerCase();
    const limit = Number(parameters.get('limit') ?? DEFAULT_LIMIT);
    if (!Number.isInteger(limit) || limit < 1)
      throw new ControlRefusal(400, 'bad-request', 'limit: expected a whole number from 1');
    const found = this.fleet.list().filter((agent) => names(agent).some((name) => name.toLowerCase().includes(wanted)));
    return { agents: found.slice(0, limit).map(summarise), total: found.length };
  }

  #act({ id }: Agent, action: string): Agent {
    if (!isAgentAction(action))
      throw new ControlRefusal(404, 'unknown-action', `Unknown action ${action}; one of ${AGENT_ACTIONS.join(', ')}`);
    const actions: Record<AgentAction, () => Agent> = {
      infect: () => this.fleet.infect(id),
      clean: () => this.fleet.clean(id),
      isolate: () => this.fleet.isolate(id),
      reconnect: () => this.fleet.reconnect(id),
      retire: () => this.fleet.decommission(id),
      uninstall: () => this.fleet.uninstall(id),
    };
    return actions[action]();
  }

  async #faults(request: IncomingMessage): Promise<object> {
    if (request.method === 'POST') {
      const parsed = faultListSchema.safeParse(await readJson(request));
      if (!parsed.success) throw new ControlRefusal(400, 'bad-request', z.prettifyError(parsed.error));
      this.faults.script(...parsed.data.faults);
    } else if (request.method === 'DELETE') this.faults.clear();
    else if (request.method !== 'GET') throw new ControlRefusal(405, 'bad-method', 'faults: GET, POST or DELETE');
    return { faults: this.faults.pending() };
  }
}

function names(agent: Agent): string[] {
  return [agent.id, agent.computerName, agent.serialNumber ?? '', agent.lastLoggedInUserName];
}

function summarise(agent: Agent): AgentSummary {
  return {
    id: agent.id,
    computerName: agent.computerName,
    serialNumber: agent.serialNumber ?? null,
    osType: agent.osType,
    machineType: agent.machineType,
    lastLoggedInUserName: agent.lastLoggedInUserName,
    infected: agent.infected,
    activeThreats: agent.activeThreats,
    networkStatus: agent.networkStatus,
    isActive: agent.isActive,
    isDecommissioned: agent.isDecommissioned,
    isUninstalled: agent.isUninstalled,
    lastActiveDate: agent.lastActiveDate,
    updatedAt: agent.updatedAt,
  };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ControlRefusal(400, 'bad-request', `${segment}: not a valid path segment`);
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    length += bytes.length;
    if (length > MAX_BODY_BYTES)
      throw new ControlRefusal(413, 'too-large', `The body is longer than ${MAX_BODY_BYTES} bytes`);
    chunks.push(bytes);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new ControlRefusal(400, 'bad-request', 'The body is not JSON');
  }
}

function asRefusal(error: unknown): ControlRefusal {
  if (error instanceof ControlRefusal) return error;
  if (error instanceof UnknownAgent) return new ControlRefusal(404, 'unknown-agent', error.message);
  if (error instanceof AmbiguousAgent) return new ControlRefusal(409, 'ambiguous-agent', error.message, error.ids);
  return new ControlRefusal(500, 'failed', error instanceof Error ? error.message : String(error));
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
