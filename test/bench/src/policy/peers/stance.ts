import {
  compilePolicy,
  effectOn,
  evaluateGateway,
  parsePolicy,
  prepareSubject,
  type CompiledPolicy,
} from '@stance/policy';
import { NOW } from '../devices.js';
import { answering, type Engine } from '../engine.js';

/** The policy that the other engines have in their own language. */
const POLICY = `
version: 1
postures:
  healthy:
    - sentinelOne:isActive == true
    - sentinelOne:infected == false
    - sentinelOne:activeThreats == 0
    - sentinelOne:networkStatus == 'connected'
    - sentinelOne:operationalState IN ['na', 'partially_disabled']
    - sentinelOne:agentVersion >= '24.1'
    - sentinelOne:encryptedApplications == true
    - sentinelOne:siteName != 'Lab'
gateways:
  edge: { resources: [payroll] }
rules:
  - name: healthy machines reach payroll
    resources: [payroll]
    require: [healthy]
`;

/** Complete decisions: ages looked at, reasons of every refusal in words, and when time alone changes the outcome. */
export const stance: Engine = {
  name: 'with reasons',
  open: async (devices) => {
    const compiled = compiledPolicy(POLICY);
    return answering(
      devices,
      ({ subject }) => subject,
      (subject) => evaluateGateway(compiled, 'edge', subject, NOW).resources['payroll']?.effect === 'allow',
    );
  },
};

/** The effect alone, as a plan over a fleet counts it: ages looked at, nothing explained. */
export const stanceEffectOnly: Engine = {
  name: 'effect only',
  open: async (devices) => {
    const compiled = compiledPolicy(POLICY);
    const payroll = compiled.resources.get('payroll');
    if (payroll === undefined) throw new Error('The policy has no resource payroll.');
    return answering(
      devices,
      ({ subject }) => prepareSubject(compiled.attributes, subject),
      (subject) => effectOn(compiled, payroll, subject, NOW) === 'allow',
    );
  },
};

/** @throws Error for a policy that is refused. */
export function compiledPolicy(text: string): CompiledPolicy {
  const parsed = parsePolicy(text);
  if (parsed.ok) return compilePolicy(parsed.policy);
  throw new Error(parsed.errors.map(({ message, line }) => `line ${line}: ${message}`).join('; '));
}
