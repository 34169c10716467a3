import { z } from 'zod';
import { policyDuration } from '../duration.js';
import { carryCheck, quoted, type Criterion } from './agent-check.js';
import type { DraftPosture } from './draft.js';
import { finishImport, refused } from './finish.js';
import { readJsonSource, type JsonSource, type Path } from './json-source.js';
import { plainName, shortened, UniqueNames } from './names.js';
import { ImportReport } from './report.js';
import type { ImportError, ImportResult } from './result.js';
import { shapeErrors } from './shape.js';

/**
 * A device posture rule as `GET /accounts/{account_id}/devices/posture` gives it, by
 * https://developers.cloudflare.com/api/resources/zero_trust/subresources/devices/subresources/posture. An input that is
 * not known could restrict: refused.
 */
const sentinelOneRule = z.strictObject({
  id: z.unknown().optional(),
  name: z.string(),
  description: z.unknown().optional(),
  type: z.literal('sentinelone_s2s'),
  schedule: z.string().nullish(),
  expiration: z.string().nullish(),
  match: z.array(z.strictObject({ platform: z.string().nullish() })).nullish(),
  input: z.strictObject({
    connection_id: z.string(),
    active_threats: z.number().nullish(),
    operator: z.string().nullish(),
    infected: z.boolean().nullish(),
    is_active: z.boolean().nullish(),
    network_status: z.string().nullish(),
    operational_state: z.string().nullish(),
  }),
});

const anyRule = z.looseObject({ type: z.string() });
const envelope = z.looseObject({ result: z.union([z.array(z.unknown()), z.looseObject({})]) });

type SentinelOneRule = z.infer<typeof sentinelOneRule>;

type Input = SentinelOneRule['input'];

interface Located {
  readonly path: Path;
  readonly value: unknown;
}

/** What a policy takes behind one gateway. */
const MAX_RULES = 1000;

/**
 * Turns SentinelOne posture rules of Cloudflare (one, a list, or the answer of its API; at most 512 KiB characters) into a
 * policy with a resource for each, which stands for what Cloudflare guards with it. Never throws.
 */
export function importCloudflare(text: string): ImportResult {
  const source = readJsonSource(text);
  if ('errors' in source) return { ok: false, errors: source.errors };
  const given = rulesOf({ path: [], value: source.root });
  if (given.length > MAX_RULES) return refused(`at most ${MAX_RULES} rules can be imported at a time: divide the file`);

  const report = new ImportReport(source);
  const errors: ImportError[] = [];
  const rules: { path: Path; rule: SentinelOneRule }[] = [];
  for (const { path, value } of given) {
    const kind = anyRule.safeParse(value);
    if (kind.success && kind.data.type !== 'sentinelone_s2s') {
      report.leftOut(path, `a rule of type ${kind.data.type.slice(0, 60)}: Stance reads SentinelOne (sentinelone_s2s)`);
      continue;
    }
    const rule = sentinelOneRule.safeParse(value);
    if (rule.success) rules.push({ path, rule: rule.data });
    else errors.push(...shapeErrors(rule.error.issues, source, path));
  }
  return errors.length > 0 ? { ok: false, errors } : carryRules(rules, report, source);
}

function rulesOf({ path, value }: Located): Located[] {
  if (Array.isArray(value)) return value.map((entry: unknown, index) => ({ path: [...path, index], value: entry }));
  const answer = envelope.safeParse(value);
  return answer.success ? rulesOf({ path: [...path, 'result'], value: answer.data.result }) : [{ path, value }];
}

function carryRules(
  rules: readonly { path: Path; rule: SentinelOneRule }[],
  report: ImportReport,
  source: JsonSource,
): ImportResult {
  const names = new UniqueNames(100);
  const postures = new Map<string, DraftPosture>();
  const resources = new Map<string, string>();
  const carried = rules.flatMap(({ path, rule }) => {
    const name = names.name(plainName(rule.name) ?? 'sentinelone');
    const check = carryCheck({ path, posture: name, resource: name, ...criteriaOf(rule, path, report) }, report);
    if (check === undefined) return [];
    postures.set(name, check.posture);
    resources.set(name, `what Cloudflare guards with the posture rule ${shortened(rule.name, 100)}`);
    return [check];
  });
  const consoles = new Set(rules.map(({ rule }) => rule.input.connection_id));
  if (consoles.size > 1) {
    report.review(
      [],
      `the rules ask ${consoles.size} SentinelOne consoles; a policy asks the one that has the device's agent`,
    );
  }
  if (carried.length > 0) {
    report.review(
      [],
      "each rule has become a posture and a resource of its name: put the resources that Cloudflare's policies guard with it in its place",
    );
  }
  return finishImport(
    {
      from: "Cloudflare's SentinelOne posture rules",
      postures,
      resources,
      rules: carried.map(({ rule }) => rule),
      tests: carried.flatMap(({ tests }) => tests),
    },
    report,
    source,
  );
}

function criteriaOf(rule: SentinelOneRule, path: Path, report: ImportReport) {
  const { schedule, expiration, input } = rule;
  if (schedule) report.review([...path, 'schedule'], 'Stance decides on every change: a schedule is not needed');
  const criteria = inputCriteria(input, [...path, 'input'], report);
  // Alone, the systems would be no check of the agent.
  if (criteria.length > 0) criteria.push(...platformCriteria(rule, [...path, 'match'], report));
  if (!expiration) return { criteria };
  if ((policyDuration(expiration) ?? 0) > 0) return { criteria, maxAge: expiration };
  const problem = `${shortened(expiration, 60)}: expected how long a result is valid, such as 30m or 1h`;
  return { criteria: [...criteria, { path: [...path, 'expiration'], problem }] };
}

function inputCriteria(input: Input, path: Path, report: ImportReport): Criterion[] {
  const criteria: Criterion[] = [];
  const add = (name: keyof Input, condition: string, unusual: boolean): void => {
    criteria.push({ path: [...path, name], condition: `sentinelOne:${condition}` });
    if (unusual) report.review([...path, name], `${condition} lets in devices that are not well: is it meant?`);
  };
  const { active_threats, operator, infected, is_active, network_status, operational_state } = input;
  if (typeof active_threats === 'number') {
    if (OPERATORS.has(operator ?? '')) {
      add('active_threats', `activeThreats ${operator} ${active_threats}`, operator?.startsWith('>') ?? false);
    } else {
      const problem = `active_threats needs an operator to compare with: ${[...OPERATORS].join(', ')}`;
      criteria.push({ path: [...path, 'active_threats'], problem });
    }
  }
  if (typeof infected === 'boolean') add('infected', `infected == ${infected}`, infected);
  if (typeof is_active === 'boolean') add('is_active', `isActive == ${is_active}`, !is_active);
  if (network_status) {
    add('network_status', `networkStatus == ${quoted(network_status)}`, network_status !== 'connected');
  }
  if (operational_state) {
    add('operational_state', `operationalState == ${quoted(operational_state)}`, operational_state !== 'na');
  }
  return criteria;
}

const OPERATORS: ReadonlySet<string> = new Set(['<', '<=', '>', '>=', '==']);

/** Elsewhere than on these systems the rule has no result, which Cloudflare takes as failed. */
function platformCriteria({ match }: SentinelOneRule, path: Path, report: ImportReport): Criterion[] {
  if (!match || match.length === 0) return [];
  const systems = match.flatMap(({ platform }, index) => {
    const known = SYSTEMS.get(platform ?? '');
    if (known === undefined) report.leftOut([...path, index], `SentinelOne has no agents for ${platform ?? 'this'}`);
    return known ?? [];
  });
  if (systems.length === 0) return [{ path, problem: `expected one of ${[...SYSTEMS.keys()].join(', ')}` }];
  return [{ path, condition: `sentinelOne:osType IN [${[...new Set(systems)].map(quoted).join(', ')}]` }];
}

const SYSTEMS: ReadonlyMap<string, readonly string[]> = new Map([
  ['windows', ['windows', 'windows_legacy']],
  ['mac', ['macos']],
  ['linux', ['linux']],
]);
