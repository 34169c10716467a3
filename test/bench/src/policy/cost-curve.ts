import { evaluateGateway, type CompiledPolicy, type PostureSubject } from '@stance/policy';
import { asRead, NOW } from './devices.js';
import { compiledPolicy } from './peers/stance.js';

/** What an evaluation costs with so many rules, or resources. */
export interface CurvePoint {
  readonly size: number;
  readonly nanoseconds: number;
}

export interface CostCurves {
  /** All for one resource; the last one alone grants it to half of the devices, none to the others. */
  readonly rules: readonly CurvePoint[];
  /** All of one gateway under the same three rules. */
  readonly resources: readonly CurvePoint[];
}

const RULES = [1, 3, 10, 30, 100, 300, 1_000];
const RESOURCES = [1, 3, 10, 30, 100, 300];

/** Nanoseconds of an evaluation by the size of the policy. */
export function measureCostCurves({ quick }: { quick: boolean }): CostCurves {
  const rules = RULES.map((size): Case => ({ size, compiled: policyOfRules(size), subjects: sites(size), runs: [] }));
  const resources = RESOURCES.map((size): Case => ({
    size,
    compiled: policyOfResources(size),
    subjects: sites(size),
    runs: [],
  }));
  // By turns, so that what else the machine does hits no point alone. The first round finds cold code.
  for (let round = 0; round <= ROUNDS; round++) {
    for (const one of [...rules, ...resources]) {
      const nanoseconds = nanosecondsEach(one, quick ? 20 : 50);
      if (round > 0) one.runs.push(nanoseconds);
    }
  }
  return { rules: rules.map(pointOf), resources: resources.map(pointOf) };
}

const ROUNDS = 5;

interface Case {
  readonly size: number;
  readonly compiled: CompiledPolicy;
  readonly subjects: readonly PostureSubject[];
  /** Nanoseconds of an evaluation in each round. */
  readonly runs: number[];
}

/** The fastest round: whatever else the machine does only adds to it. */
const pointOf = ({ size, runs }: Case): CurvePoint => ({ size, nanoseconds: Math.min(...runs) });

function nanosecondsEach({ compiled, subjects }: Case, milliseconds: number): number {
  const startedAt = performance.now();
  let evaluations = 0;
  let elapsed = 0;
  while (elapsed < milliseconds) {
    for (const subject of subjects) evaluateGateway(compiled, 'edge', subject, NOW);
    evaluations += subjects.length;
    elapsed = performance.now() - startedAt;
  }
  return (elapsed * 1e6) / evaluations;
}

/** Every rule looks at each device, as none but the last one grants. */
function policyOfRules(count: number): CompiledPolicy {
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return compiledPolicy(
    JSON.stringify({
      version: 1,
      postures: Object.fromEntries(
        numbers.map((number) => [
          `site${number}`,
          ['sentinelOne:isActive == true', `sentinelOne:siteName == 'site${number}'`],
        ]),
      ),
      gateways: { edge: { resources: ['payroll'] } },
      rules: numbers.map((number) => ({
        name: `rule ${number}`,
        resources: ['payroll'],
        require: [`site${number}`],
      })),
    }),
  );
}

function policyOfResources(count: number): CompiledPolicy {
  const resources = Array.from({ length: count }, (_, index) => `resource${index + 1}`);
  return compiledPolicy(
    JSON.stringify({
      version: 1,
      postures: {
        infected: ['sentinelOne:infected == true'],
        encrypted: ['sentinelOne:encryptedApplications == true'],
        here: ['sentinelOne:isActive == true', `sentinelOne:siteName == 'site${count}'`],
      },
      gateways: { edge: { resources } },
      rules: [
        { name: 'never infected', effect: 'deny', resources: ['*'], when: ['infected'] },
        { name: 'encrypted machines', resources: ['*'], require: ['encrypted'] },
        { name: 'machines of the site', resources: ['*'], require: ['here'] },
      ],
    }),
  );
}

/** One device of the last site, and one of a site that no rule knows. */
function sites(last: number): PostureSubject[] {
  return [`site${last}`, 'elsewhere'].map((siteName, index) => {
    const at = new Date(NOW - 60_000).toISOString();
    const values = { isActive: true, infected: false, encryptedApplications: false, siteName };
    const subject: PostureSubject = {
      deviceId: `device-${index}`,
      device: { state: 'enrolled', groups: ['staff'], tags: [] },
      agents: [{ source: 'sentinelone', agentId: String(index), by: 'serial', lastSeenAt: at, observedAt: at }],
      attributes: Object.fromEntries(
        Object.entries(values).map(([name, value]) => [`sentinelOne:${name}`, { value, agent: 0 }]),
      ),
      problems: [],
    };
    return asRead(subject);
  });
}
