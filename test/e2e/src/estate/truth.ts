import { isDeepStrictEqual } from 'node:util';

import { AgentMatched, AgentObserved, PostureChanged, type AttributeValue, type DataOf } from '@stance/contracts';
import { isClean, worseOf } from '@stance/policy';
import type { Agent } from '@stance/sentinelone';
import { MatchingModel, type Placement } from '@stance/testing';

import { lastOf } from '../facts.js';
import type { Device, Estate } from './estate.js';
import { meaningOf } from './hardware-meaning.js';
import { listedAgents } from './listing.js';

type Observation = DataOf<typeof AgentObserved>;
type Register = DataOf<typeof AgentMatched>;
type Posture = DataOf<typeof PostureChanged>;

/** What the streams should say once everything is settled, by what the consoles list and the inventory says. */
export class Truth {
  private readonly model = new MatchingModel(['serial', 'externalId+mac', 'uuid']);

  constructor(
    private readonly estate: Estate,
    private readonly freshnessStepMs: number,
  ) {}

  /** To be called with every word of the inventory: the model remembers what a retired device makes it forget. */
  recorded({ deviceId, state, hardware, identities }: Device): void {
    if (state === 'retired') return this.model.retire(deviceId);
    const proves = (identities?.certificateSan ?? []).map(
      (name) => meaningOf({ uuid: name.slice('urn:uuid:'.length) }).uuid,
    );
    this.model.enroll({
      id: deviceId,
      means: meaningOf(hardware),
      proves: proves.filter((uuid) => uuid !== undefined),
    });
  }

  /** What is not (yet) as it should be; nothing, when everything is. Takes what is observed into the model. */
  async differences(): Promise<string[]> {
    const [observations, registers, postures] = await Promise.all([
      lastOf(this.estate.stack, AgentObserved),
      lastOf(this.estate.stack, AgentMatched),
      lastOf(this.estate.stack, PostureChanged),
    ]);
    const stale = await this.staleObservations(observations);
    if (stale.length > 0) return stale;
    this.take(observations);
    const placements = this.model.expected();
    return [
      ...differencesOfRegisters(observations, registers, placements),
      ...[...this.estate.inventory.values()].flatMap((device) =>
        differencesOf(
          `posture of ${device.deviceId}`,
          summaryOf(postures.find(({ deviceId }) => deviceId === device.deviceId)),
          expectedPosture(device, observations, placements),
        ),
      ),
    ];
  }

  /** Every agent listed is observed as it is, with times not older than a freshness step; every other one is gone. */
  private async staleObservations(observations: readonly Observation[]): Promise<string[]> {
    const lists = await Promise.all(
      this.estate.consoles.map(async ({ name, tenant }) => [name, await listedAgents(tenant)] as const),
    );
    const observed = new Map(observations.map((observation) => [idOf(observation), observation]));
    const listed = lists.flatMap(([source, agents]) => [...agents.values()].map((agent) => ({ source, agent })));
    const ids = new Set(listed.map(({ source, agent }) => idOf({ source, agentId: agent.agentId })));
    return [
      ...listed.flatMap(({ source, agent }) => {
        const id = idOf({ source, agentId: agent.agentId });
        return this.differencesOfObservation(id, observed.get(id), agent);
      }),
      ...observations
        .filter((one) => !ids.has(idOf(one)) && one.presence !== 'gone')
        .map((one) => `${idOf(one)} is still observed`),
    ];
  }

  private differencesOfObservation(id: string, observation: Observation | undefined, agent: Agent): string[] {
    if (observation === undefined) return [`${id} was never observed`];
    const lagMs = Date.parse(agent.lastSeenAt ?? '') - Date.parse(observation.lastSeenAt ?? '');
    if (lagMs >= this.freshnessStepMs) return [`${id} was last seen ${lagMs} ms later than is observed`];
    return differencesOf(id, contentOf(observation), contentOf(agent));
  }

  private take(observations: readonly Observation[]): void {
    const present = observations.filter(({ presence }) => presence === 'present');
    for (const observation of present) this.model.observe(idOf(observation), reportOf(observation));
    for (const observation of observations) {
      if (observation.presence === 'gone') this.model.leave(idOf(observation), reportOf(observation));
    }
  }
}

export function idOf({ source, agentId }: Pick<Observation, 'source' | 'agentId'>): string {
  return `${source}/${agentId}`;
}

/** What of an agent is no matter of time. */
export function contentOf({ presence, hardware, user, attributes, registeredAt }: Agent | Observation): object {
  return { presence, hardware, user, attributes, registeredAt };
}

function reportOf({ hardware, attributes, registeredAt, lastSeenAt }: Observation) {
  const timeOf = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time));
  return {
    means: meaningOf(hardware),
    clean: isClean(attributes),
    decommissioned: attributes['sentinelOne:isDecommissioned'] === true,
    registeredAt: timeOf(registeredAt),
    lastSeenAt: timeOf(lastSeenAt),
  };
}

function differencesOfRegisters(
  observations: readonly Observation[],
  registers: readonly Register[],
  placements: Record<string, Placement>,
): string[] {
  const byId = new Map(registers.map((register) => [idOf(register), register]));
  return observations.flatMap((observation) => {
    const id = idOf(observation);
    const register = byId.get(id);
    const expected = placements[id];
    if (register === undefined || expected === undefined) return [`${id} has no register`];
    const { state, device, candidates, by, trust, problem, formerDevice, presence, attributes, lastSeenAt } = register;
    const isGone = presence === 'gone';
    return differencesOf(
      `register of ${id}`,
      {
        state,
        device,
        candidates,
        by,
        trust,
        problem: isGone ? undefined : problem,
        formerDevice,
        presence,
        attributes,
        lastSeenAt: isGone ? undefined : lastSeenAt,
      },
      {
        candidates: undefined,
        by: undefined,
        trust: undefined,
        problem: undefined,
        formerDevice: undefined,
        ...expected,
        presence: observation.presence,
        attributes: presence === 'gone' ? attributes : observation.attributes,
        lastSeenAt: isGone ? undefined : observation.lastSeenAt,
      },
    );
  });
}

/** What counts of a posture: each value, and that it is told by an agent that said so. */
interface PostureSummary {
  readonly device: Posture['device'];
  readonly agents: Posture['agents'];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly problems: readonly string[];
}

function summaryOf(posture: Posture | undefined): PostureSummary | undefined {
  if (posture === undefined) return undefined;
  const { device, agents, attributes, problems } = posture;
  return {
    device,
    agents,
    attributes: Object.fromEntries(Object.entries(attributes).map(([name, { value }]) => [name, value])),
    problems: problems.toSorted(),
  };
}

function expectedPosture(
  device: Device,
  observations: readonly Observation[],
  placements: Record<string, Placement>,
): PostureSummary {
  const { deviceId, state, owner, groups, tags } = device;
  const fields = { state, ...(owner !== undefined && { owner }), groups, tags };
  if (state === 'retired') return { device: fields, agents: [], attributes: {}, problems: [] };
  const placed = observations.map((observation) => ({ observation, placement: placements[idOf(observation)] }));
  const own = placed.filter(({ placement }) => placement?.device === deviceId);
  const uncertain = placed.filter(({ placement }) => placement?.candidates?.includes(deviceId));
  const { attributes, isDisputed } = worst(own.map(({ observation }) => observation.attributes));
  return {
    device: fields,
    agents: own
      .toSorted((one, other) => (idOf(one.observation) < idOf(other.observation) ? -1 : 1))
      .map(({ observation: { source, agentId, reportedAt, lastSeenAt, observedAt }, placement }) => ({
        source,
        agentId,
        ...(placement?.by !== undefined && { by: placement.by }),
        ...(placement?.trust !== undefined && { trust: placement.trust }),
        ...(reportedAt !== undefined && { reportedAt }),
        ...(lastSeenAt !== undefined && { lastSeenAt }),
        observedAt,
      })),
    attributes,
    problems: [
      ...(isDisputed ? ['conflict'] : []),
      ...(uncertain.some(({ placement }) => placement?.problem?.startsWith('duplicate-')) ? ['duplicate-serial'] : []),
      ...(own.length + uncertain.length === 0 ? ['no-agent'] : []),
      ...(uncertain.length > 0 ? ['quarantined'] : []),
    ],
  };
}

/** Of each attribute the value that is worse than all others; none where nothing says which is. */
function worst(reports: readonly Readonly<Record<string, AttributeValue>>[]): {
  attributes: Record<string, AttributeValue>;
  isDisputed: boolean;
} {
  const attributes: Record<string, AttributeValue> = {};
  let isDisputed = false;
  for (const name of new Set(reports.flatMap((report) => Object.keys(report)))) {
    const values = valuesOf(reports, name);
    const isUnordered = values.some((one) => values.some((other) => worseOf(name, one, other) === 'unordered'));
    const worstValue = values.find((one) => values.every((other) => worseOf(name, one, other) !== 'second'));
    if (isUnordered) isDisputed = true;
    else if (worstValue !== undefined) attributes[name] = worstValue;
  }
  return { attributes, isDisputed };
}

function valuesOf(reports: readonly Readonly<Record<string, AttributeValue>>[], name: string): AttributeValue[] {
  return reports.map((report) => report[name]).filter((value) => value !== undefined);
}

function differencesOf(what: string, is: object | undefined, shouldBe: object): string[] {
  if (isDeepStrictEqual(plain(is), plain(shouldBe))) return [];
  if (is === undefined) return [`${what} is missing`];
  const [left, right] = [Object.entries(plain(is)), new Map(Object.entries(plain(shouldBe)))];
  const names = new Set([...left.map(([name]) => name), ...right.keys()]);
  const found = new Map(left);
  return [...names]
    .filter((name) => !isDeepStrictEqual(found.get(name), right.get(name)))
    .map(
      (name) => `${what}: ${name} is ${JSON.stringify(found.get(name))} instead of ${JSON.stringify(right.get(name))}`,
    );
}

/** As JSON holds it: what is undefined is not there. */
function plain(value: object | undefined): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value ?? {})) as Record<string, unknown>;
}
