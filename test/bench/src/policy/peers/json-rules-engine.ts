import { promising, type Engine } from '../engine.js';
import { versionAtLeast } from '../host-functions.js';

/** `notEqual` is true of a value that is not there, so that one condition needs a guard. */
const CONDITIONS = [
  { fact: 'isActive', operator: 'equal', value: true },
  { fact: 'infected', operator: 'equal', value: false },
  { fact: 'activeThreats', operator: 'equal', value: 0 },
  { fact: 'networkStatus', operator: 'equal', value: 'connected' },
  { fact: 'operationalState', operator: 'in', value: ['na', 'partially_disabled'] },
  { fact: 'agentVersion', operator: 'versionAtLeast', value: '24.1' },
  { fact: 'encryptedApplications', operator: 'equal', value: true },
  { fact: 'siteName', operator: 'setAndNotEqual', value: 'Lab' },
];

/** It also tells which conditions failed; that cannot be switched off. */
export const jsonRulesEngine: Engine = {
  name: 'json-rules-engine',
  open: async (devices) => {
    const { Engine } = await import('json-rules-engine');
    const engine = new Engine([], { allowUndefinedFacts: true });
    const atLeast = versionAtLeast('24.1');
    engine.addOperator('versionAtLeast', (version) => atLeast(version));
    engine.addOperator('setAndNotEqual', (found, other) => found !== undefined && found !== other);
    engine.addRule({ conditions: { all: CONDITIONS }, event: { type: 'allow' } });
    return promising(
      devices,
      ({ values }) => ({ ...values }),
      async (facts) => (await engine.run(facts)).events.length > 0,
    );
  },
};
