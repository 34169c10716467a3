import { answering, type Engine } from '../engine.js';
import { isCurrent, versionAtLeast } from '../host-functions.js';

const CONDITIONS = [
  'device.isActive == true',
  'device.infected == false',
  'device.activeThreats == 0',
  "device.networkStatus == 'connected'",
  "device.operationalState in ['na', 'partially_disabled']",
  'versionAtLeast(device.agentVersion)',
  'device.encryptedApplications == true',
  "device.siteName != 'Lab'",
];
const AGE = 'isCurrent(device.observedAt, device.lastSeenAt)';

/** The expression parsed; `ages`: it also looks at the age of the values, as Stance always does. */
export function cel({ ages }: { ages: boolean }): Engine {
  return {
    name: `cel-js${ages ? ', ages too' : ''}`,
    open: async (devices) => {
      const { Environment, EvaluationError } = await import('@marcbachmann/cel-js');
      const evaluate = new Environment()
        .registerVariable('device', 'map')
        .registerFunction('versionAtLeast(string): bool', versionAtLeast('24.1'))
        .registerFunction('isCurrent(string, string): bool', isCurrent)
        .parse((ages ? [...CONDITIONS, AGE] : CONDITIONS).join(' && '));
      return answering(
        devices,
        ({ values, observedAt, lastSeenAt }) => ({ device: ages ? { ...values, observedAt, lastSeenAt } : values }),
        (input) => {
          try {
            return evaluate(input) === true;
          } catch (error) {
            // A value that is not there is an error in CEL.
            if (error instanceof EvaluationError) return false;
            throw error;
          }
        },
      );
    },
  };
}
