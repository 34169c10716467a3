import { answering, type Engine } from '../engine.js';
import { versionAtLeast } from '../host-functions.js';

const MODEL = `
[request_definition]
r = sub, obj
[policy_definition]
p = sub_rule, obj
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.obj == p.obj && eval(p.sub_rule)
`;

/** Its expressions have no lists of strings, and `!=` is true of a value that is not there: it needs a guard. */
const RULE = [
  'r.sub.isActive == true',
  'r.sub.infected == false',
  'r.sub.activeThreats == 0',
  "r.sub.networkStatus == 'connected'",
  "(r.sub.operationalState == 'na' || r.sub.operationalState == 'partially_disabled')",
  'versionAtLeast(r.sub.agentVersion)',
  'r.sub.encryptedApplications == true',
  "(r.sub.siteName != undefined && r.sub.siteName != 'Lab')",
].join(' && ');

/** By attributes, without promises, which is its faster way. */
export const casbin: Engine = {
  name: 'casbin',
  open: async (devices) => {
    const { newEnforcer, newModelFromString, StringAdapter } = await import('casbin');
    const enforcer = await newEnforcer(newModelFromString(MODEL), new StringAdapter(`p, "${RULE}", payroll`));
    await enforcer.addFunction('versionAtLeast', versionAtLeast('24.1'));
    return answering(
      devices,
      ({ values }) => values,
      (values) => enforcer.enforceSync(values, 'payroll'),
    );
  },
};
