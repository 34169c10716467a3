import { parseCondition } from '../../conditions/condition.js';
import { InvalidCondition, readSyntax, type ConditionSyntax } from '../../conditions/syntax.js';
import type { DraftPosture } from '../draft.js';
import type { Path } from '../json-source.js';
import { plainName, shortened, UniqueNames } from '../names.js';
import type { ImportReport } from '../report.js';
import type { TailscalePolicyFile } from './policy-file.js';

/** Postures by their name in the file: the name in the policy; missing where one could not be carried over. */
export interface CarriedPostures {
  readonly drafts: Map<string, DraftPosture>;
  readonly names: ReadonlyMap<string, string>;
}

/** What a posture of Stance takes. */
const MAX_CONDITIONS = 500;
/** Each is looked up for the nearest name, which takes its time: nobody reads as many. */
const MAX_REFUSED = 500;

/** Carries postures over whole or not at all: without one of its conditions, a posture would let more devices pass. */
export function carryPostures(postures: TailscalePolicyFile['postures'], report: ImportReport): CarriedPostures {
  const drafts = new Map<string, DraftPosture>();
  const names = new Map<string, string>();
  const given = new UniqueNames(100);
  let refused = 0;
  for (const [written, conditions] of Object.entries(postures ?? {})) {
    const path = ['postures', written];
    if (refused >= MAX_REFUSED || conditions.length > MAX_CONDITIONS) {
      const why = refused >= MAX_REFUSED ? `after ${MAX_REFUSED} refused conditions` : 'for its many conditions';
      report.leftOut(path, `${written.slice(0, 100)} is left out without a look, ${why}`);
      continue;
    }
    const carried = conditions.map((text, index) => carryCondition(text, [...path, index], report));
    const kept = carried.filter((condition) => condition !== undefined);
    refused += conditions.length - kept.length;
    if (conditions.length === 0 || kept.length < conditions.length) {
      report.leftOut(path, `${written.slice(0, 100)} is left out, with the rules that no other posture opens`);
      continue;
    }
    const name = given.name(plainName(written.replace(/^posture:/, '')) ?? 'posture');
    drafts.set(name, { conditions: kept });
    names.set(written, name);
  }
  return { drafts, names };
}

/** A condition of Tailscale as one of Stance that is true for no more devices; undefined, and reported, where there is none. */
function carryCondition(text: string, path: Path, report: ImportReport): string | undefined {
  try {
    const carried = carry(text.trim());
    parseCondition(carried.condition);
    if (carried.review !== undefined) report.review(path, carried.review);
    if (carried.changed !== undefined) report.changed(path, carried.changed);
    return carried.condition;
  } catch (error) {
    if (!(error instanceof InvalidCondition)) throw error;
    report.leftOut(path, `${shortened(text, 120)}: ${error.message}`);
    return undefined;
  }
}

interface Carried {
  readonly condition: string;
  readonly review?: string;
  readonly changed?: string;
}

/** @throws {InvalidCondition} saying why there is no such condition. */
function carry(text: string): Carried {
  // An attribute alone asks for true: Tailscale's own first policy file has `node:tsAutoUpdate`.
  const written = /^\w+:[\w.-]+$/.test(text) ? `${text} == true` : text;
  const syntax = readSyntax(written);
  if (syntax.operator === 'NOT SET') {
    throw new InvalidCondition(
      'what Tailscale has no value for, Stance may not know for another reason; write a posture by hand',
      syntax.operatorOffset,
    );
  }
  if (syntax.attribute === 'node:os') return carryOperatingSystem(syntax);
  if (!syntax.attribute.startsWith('sentinelOne:')) throw new InvalidCondition(whyNot(syntax.attribute), 0);
  return syntax.attribute === 'sentinelOne:agentVersion' ? carryVersion(written, syntax) : { condition: written };
}

/** By https://tailscale.com/docs/features/device-posture. */
const OPERATING_SYSTEMS = ['macos', 'windows', 'linux', 'ios', 'android', 'freebsd', 'openbsd', 'illumos', 'js'];

/** `!=` and `NOT IN` become the list of all others: the inventory may word a system in its own way. */
function carryOperatingSystem({ operator, expected, literals }: ConditionSyntax): Carried {
  const review = `node:os becomes device:os: the inventory has to word it as Tailscale does (${OPERATING_SYSTEMS.join(', ')})`;
  if (operator !== '!=' && operator !== 'NOT IN') return { condition: `device:os ${expected}`, review };
  const others = OPERATING_SYSTEMS.filter((system) => !literals.some((literal) => literal.text === system));
  return { condition: `device:os IN [${others.map((system) => `'${system}'`).join(', ')}]`, review };
}

/**
 * Tailscale counts 24.1 as older than 24.1.0 (its `util/cmpver`), Stance as the same. Agents have versions of four parts: a
 * condition with a shorter one is written so that it is true for no such version more.
 */
function carryVersion(written: string, { attribute, operator, literals }: ConditionSyntax): Carried {
  if (literals.some(({ text }) => !/^\d+(?:\.\d+){0,3}$/.test(text))) {
    throw new InvalidCondition('Tailscale and Stance order such versions differently; write up to four numbers', 0);
  }
  const short = literals.find(({ text }) => text.split('.').length < 4)?.text;
  if (short === undefined || operator === '<' || operator === '>=') return { condition: written };
  if (operator === '<=') return { condition: `${attribute} < '${short}'` };
  if (operator === '==' || operator === 'IN') {
    throw new InvalidCondition('a version of an agent has four parts, such as 24.1.2.6: name all of them', 0);
  }
  return { condition: written, changed: `false here for the version that is ${short} filled up with zeros` };
}

const PROVIDERS: Readonly<Record<string, string>> = {
  falcon: 'CrowdStrike Falcon',
  intune: 'Microsoft Intune',
  jamfPro: 'Jamf Pro',
  kandji: 'Kandji',
  iru: 'Iru',
  kolide: 'Kolide',
  fleet: 'Fleet',
  huntress: 'Huntress',
};

function whyNot(attribute: string): string {
  const [namespace = ''] = attribute.split(':');
  if (namespace === 'node')
    return 'Stance has no Tailscale client to ask; see which sentinelOne attribute says it instead';
  if (namespace === 'custom')
    return 'Stance takes no attributes of your own; a tag in the inventory can say it (device:tags)';
  if (namespace === 'ip') return 'Stance does not place addresses';
  const provider = Object.hasOwn(PROVIDERS, namespace) ? PROVIDERS[namespace] : undefined;
  return provider === undefined
    ? `there is no attribute ${shortened(attribute, 100)}`
    : `Stance does not read ${provider}; see which sentinelOne attribute says it instead`;
}
