import { z } from 'zod';
import { formatDuration } from '../duration.js';
import { carryCheck, quoted, type Criterion } from './agent-check.js';
import { finishImport } from './finish.js';
import { readJsonSource } from './json-source.js';
import { ImportReport } from './report.js';
import type { ImportResult } from './result.js';
import { shapeErrors } from './shape.js';

/**
 * A SentinelOne integration of NetBird as `GET /api/integrations/edr/sentinelone` answers it and as it is created, by
 * https://docs.netbird.io/api/resources/edr-sentinelone-integrations. A field that is not known could restrict: refused.
 */
const netBirdIntegration = z.strictObject({
  enabled: z.boolean().optional(),
  groups: z.array(z.union([z.string(), z.looseObject({ name: z.string() })], 'expected names of groups')),
  /** Hours, 24 at least. */
  last_synced_interval: z.int().min(1).max(87_600),
  match_attributes: z.strictObject({
    active_threats: z.int().nonnegative().nullish(),
    encrypted_applications: z.boolean().nullish(),
    firewall_enabled: z.boolean().nullish(),
    infected: z.boolean().nullish(),
    is_active: z.boolean().nullish(),
    is_up_to_date: z.boolean().nullish(),
    network_status: z.string().nullish(),
    operational_state: z.string().nullish(),
  }),
  // What follows says nothing about devices. The token is read by nobody here.
  id: z.unknown().optional(),
  account_id: z.unknown().optional(),
  api_token: z.unknown().optional(),
  api_url: z.unknown().optional(),
  created_at: z.unknown().optional(),
  created_by: z.unknown().optional(),
  updated_at: z.unknown().optional(),
  last_synced_at: z.unknown().optional(),
});

type NetBirdIntegration = z.infer<typeof netBirdIntegration>;

const RESOURCE = 'netbird-network';
const POSTURE = 'netbird-sentinelone';
const HOUR = 3_600_000;

/**
 * Turns NetBird's SentinelOne criteria (JSON of its API, at most 512 KiB characters) into a policy for one resource, which
 * stands for the network that NetBird lets devices into. Never throws.
 */
export function importNetBird(text: string): ImportResult {
  const source = readJsonSource(text);
  if ('errors' in source) return { ok: false, errors: source.errors };
  const parsed = netBirdIntegration.safeParse(source.root);
  if (!parsed.success) return { ok: false, errors: shapeErrors(parsed.error.issues, source) };

  const report = new ImportReport(source);
  const integration = parsed.data;
  const groups = groupsOf(integration, report);
  const maxAge = formatDuration(integration.last_synced_interval * HOUR);
  const criteria = [
    ...criteriaOf(integration.match_attributes, report),
    { path: ['last_synced_interval'], condition: `stance:lastSeenAge <= ${maxAge}` },
  ];
  const check = { path: ['match_attributes'], posture: POSTURE, resource: RESOURCE, groups, criteria, maxAge };
  const carried = groups.length === 0 ? undefined : carryCheck(check, report);
  if (integration.enabled === false) {
    report.changed(['enabled'], 'the integration is switched off in NetBird; here its criteria are in force');
  }
  report.review(
    [],
    `${RESOURCE} stands for the network as a whole: put the resources there in its place, and for each the rules that NetBird's own policies are`,
  );
  return finishImport(
    {
      from: "NetBird's SentinelOne criteria",
      postures: new Map(carried && [[POSTURE, carried.posture]]),
      resources: new Map(carried && [[RESOURCE, 'the network that NetBird lets devices into']]),
      rules: carried === undefined ? [] : [carried.rule],
      tests: carried?.tests ?? [],
    },
    report,
    source,
  );
}

function groupsOf({ groups }: NetBirdIntegration, report: ImportReport): string[] {
  const names = groups.map((group) => (typeof group === 'string' ? group : group.name)).filter((name) => name !== '');
  if (names.length === 0) {
    report.leftOut(
      ['groups'],
      'the criteria are left out, as they are for no group: name the groups that they are for',
    );
    return [];
  }
  report.review(
    ['groups'],
    `the inventory has to name these groups with the owners of the devices in them: ${names.slice(0, 50).join(', ')}`,
  );
  report.changed(
    ['groups'],
    'devices outside these groups are not checked by NetBird; here they are denied: write a rule for those that need none',
  );
  return [...new Set(names)];
}

/** The criteria by https://docs.netbird.io/manage/access-control/endpoint-detection-and-response/sentinelone-edr. */
function criteriaOf(attributes: NetBirdIntegration['match_attributes'], report: ImportReport): Criterion[] {
  const criteria: Criterion[] = [];
  const add = (name: keyof typeof attributes, condition: string): void => {
    criteria.push({ path: ['match_attributes', name], condition: `sentinelOne:${condition}` });
  };
  const { active_threats, infected, network_status, operational_state } = attributes;
  if (typeof active_threats === 'number') add('active_threats', `activeThreats <= ${active_threats}`);
  for (const [name, attribute] of FLAGS) {
    const wanted = attributes[name];
    if (typeof wanted !== 'boolean') continue;
    add(name, `${attribute} == ${wanted}`);
    if (!wanted) report.review(['match_attributes', name], LITERALLY);
  }
  if (infected === false) add('infected', 'infected == false');
  if (infected === true) criteria.push({ path: ['match_attributes', 'infected'], problem: INFECTED });
  if (typeof network_status === 'string') add('network_status', `networkStatus == ${quoted(network_status)}`);
  if (typeof operational_state === 'string')
    add('operational_state', `operationalState == ${quoted(operational_state)}`);
  return criteria;
}

const FLAGS = [
  ['encrypted_applications', 'encryptedApplications'],
  ['firewall_enabled', 'firewallEnabled'],
  ['is_active', 'isActive'],
  ['is_up_to_date', 'isUpToDate'],
] as const;

const INFECTED =
  'true can be read as letting in infected devices only, or as blocking them: write false here to import that they are blocked';
const LITERALLY =
  'false is carried over as a value that the agent has to have; if NetBird was only not to ask for it, take the condition out';
