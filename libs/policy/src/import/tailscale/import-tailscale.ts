import { finishImport, refused } from '../finish.js';
import { readJsonSource } from '../json-source.js';
import { UniqueNames } from '../names.js';
import { ImportReport } from '../report.js';
import type { ImportResult } from '../result.js';
import { shapeErrors } from '../shape.js';
import { tailscalePolicyFile, type TailscalePolicyFile } from './policy-file.js';
import { carryPostures } from './postures.js';
import { TailscaleResources } from './resources.js';
import { carryRules, draftRules, unknownActions } from './rules.js';
import { draftTests } from './tests.js';

/** What a policy takes of each. */
const MAX_RULES = 5000;
const MAX_RESOURCES = 1000;

/**
 * Turns a tailnet policy file (HuJSON, at most 512 KiB characters) into a policy that allows nothing that the file does not,
 * given that the inventory's groups, tags and owners are those of the tailnet. Never throws.
 */
export function importTailscale(text: string): ImportResult {
  const source = readJsonSource(text);
  if ('errors' in source) return { ok: false, errors: source.errors };
  const parsed = tailscalePolicyFile.safeParse(source.root);
  if (!parsed.success) return { ok: false, errors: shapeErrors(parsed.error.issues, source) };
  const file = parsed.data;
  const actions = unknownActions(file, source);
  if (actions.length > 0) return { ok: false, errors: actions };

  const report = new ImportReport(source);
  const { drafts: postures, names } = carryPostures(file.postures, report);
  const rules = carryRules(file, names, report);
  const resources = new TailscaleResources(
    rules.flatMap(({ destinations }) => destinations),
    file.hosts ?? {},
  );
  if (rules.length > MAX_RULES || resources.meanings.size > MAX_RESOURCES) {
    return refused(
      `at most ${MAX_RULES} rules and ${MAX_RESOURCES} resources can be imported at a time: divide the file`,
    );
  }
  const owned = new UniqueNames(100, postures.keys()).name('has an owner');
  const drafted = draftRules(rules, resources, owned, report);
  if (drafted.some(({ require = [] }) => require.includes(owned))) {
    postures.set(owned, { conditions: ['device:owner IS SET'] });
  }
  const tests = draftTests(file, resources, report);
  reviewSections(file, resources.meanings.size, report);
  return finishImport(
    { from: 'a Tailscale policy file', postures, resources: resources.meanings, rules: drafted, tests },
    report,
    source,
  );
}

function reviewSections(file: TailscalePolicyFile, resources: number, report: ImportReport): void {
  if (file.acls === undefined && file.grants === undefined) {
    report.leftOut([], 'there are neither acls nor grants: Tailscale then lets everybody through, this policy nobody');
  }
  report.review(
    [],
    resources === 0
      ? 'the policy has no gateways yet: add them with their resources'
      : `the policy has ${resources === 1 ? '1 resource' : `${resources} resources`} behind one gateway named imported: put each behind the gateway that serves it; comments say what it is`,
  );
  for (const section of ['ssh', 'sshTests'] as const) {
    if ((file[section]?.length ?? 0) === 0) continue;
    report.leftOut([section], 'left out: Stance decides on reaching a machine, not on who one is on it');
  }
  if (Object.keys(file.postures ?? {}).length > 0) {
    report.review(['postures'], "an agent's value that is older than 24h counts as unknown; maxAge sets another age");
  }
  if (file.tagOwners !== undefined) {
    report.review(['tagOwners'], 'who may tag a device is settled by who may change the inventory');
  }
  if (file.ipsets !== undefined) report.review(['ipsets'], 'an IP set becomes a resource of its name');
  for (const section of NETWORK_SECTIONS) {
    if (file[section] === undefined) continue;
    report.review([section], `${section} is about the tailnet itself: a policy has nothing like it, and needs nothing`);
  }
}

const NETWORK_SECTIONS = [
  'autoApprovers',
  'nodeAttrs',
  'derpMap',
  'disableIPv4',
  'OneCGNATRoute',
  'randomizeClientPort',
] as const;
