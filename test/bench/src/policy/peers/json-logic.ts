import { answering, type Engine } from '../engine.js';
import { isCurrent, versionAtLeast } from '../host-functions.js';

const value = (name: string) => ({ var: name });

/** `!==` is true of a value that is not there, so that one condition needs a guard. */
const CONDITIONS = [
  { '===': [value('isActive'), true] },
  { '===': [value('infected'), false] },
  { '===': [value('activeThreats'), 0] },
  { '===': [value('networkStatus'), 'connected'] },
  { in: [value('operationalState'), ['na', 'partially_disabled']] },
  { versionAtLeast: [value('agentVersion')] },
  { '===': [value('encryptedApplications'), true] },
  { and: [{ '!==': [value('siteName'), null] }, { '!==': [value('siteName'), 'Lab'] }] },
];
const AGE = { isCurrent: [value('observedAt'), value('lastSeenAt')] };

/** The rule built to a function; `ages`: it also looks at the age of the values, as Stance always does. */
export function jsonLogic({ ages }: { ages: boolean }): Engine {
  return {
    name: `json-logic-engine${ages ? ', ages too' : ''}`,
    open: async (devices) => {
      const { LogicEngine } = await import('json-logic-engine');
      const engine = new LogicEngine();
      const atLeast = versionAtLeast('24.1');
      engine.addMethod('versionAtLeast', ([version]: unknown[]) => atLeast(version), { deterministic: true });
      engine.addMethod('isCurrent', ([observed, seen]: unknown[]) => isCurrent(observed, seen), {
        deterministic: true,
      });
      const rule = engine.build({ and: ages ? [...CONDITIONS, AGE] : CONDITIONS }) as (data: object) => unknown;
      return answering(
        devices,
        ({ values, observedAt, lastSeenAt }) => (ages ? { ...values, observedAt, lastSeenAt } : values),
        (input) => rule(input) === true,
      );
    },
  };
}
