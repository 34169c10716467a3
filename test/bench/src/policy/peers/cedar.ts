import { parseVersion } from '@stance/policy';
import type { Device } from '../devices.js';
import { answering, type Engine } from '../engine.js';

/** Cedar has no versions and takes no functions: the version comes as a number, which costs nothing here. */
const POLICY = `
permit (principal, action == Action::"reach", resource == Resource::"payroll")
when {
  context.isActive == true &&
  context.infected == false &&
  context.activeThreats == 0 &&
  context.networkStatus == "connected" &&
  ["na", "partially_disabled"].contains(context.operationalState) &&
  context.agentVersion >= 24001 &&
  context.encryptedApplications == true &&
  context.siteName != "Lab"
};`;

/** The policy parsed once and kept by the module. */
export const cedar: Engine = {
  name: 'cedar-wasm',
  open: async (devices) => {
    const { preparsePolicySet, statefulIsAuthorized } = await import('@cedar-policy/cedar-wasm/nodejs');
    const parsed = preparsePolicySet('bench', { staticPolicies: POLICY });
    if (parsed.type === 'failure') throw new Error(parsed.errors.map(({ message }) => message).join('; '));
    return answering(
      devices,
      ({ values, subject }) => ({
        principal: { type: 'Device', id: subject.agents[0]?.agentId ?? '' },
        action: { type: 'Action', id: 'reach' },
        resource: { type: 'Resource', id: 'payroll' },
        context: { ...values, ...numbered(values) },
        preparsedPolicySetId: 'bench',
        entities: [],
      }),
      (call) => {
        const answer = statefulIsAuthorized(call);
        if (answer.type === 'success') return answer.response.decision === 'allow';
        throw new Error(answer.errors.map(({ message }) => message).join('; '));
      },
    );
  },
};

/** `24.1.2` as 24001; parts after the second do not count for the policy. */
function numbered({ agentVersion }: Device['values']): { agentVersion?: number } {
  const version = agentVersion === undefined ? undefined : parseVersion(agentVersion);
  if (version === undefined) return {};
  const [major = 0, minor = 0] = version.parts;
  return { agentVersion: major * 1_000 + minor };
}
