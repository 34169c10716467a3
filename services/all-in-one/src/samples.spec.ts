import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { readGatewayFile } from '@stance/gateway';
import { compilePolicy, parsePolicy, runPolicyTests } from '@stance/policy';

/** What `npm start` hands to the services in demo mode. */
const sample = (name: string) => fileURLToPath(new URL(`../../../deploy/local/samples/${name}`, import.meta.url));

function samplePolicy() {
  const parsed = parsePolicy(readFileSync(sample('policy.yaml'), 'utf8'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.policy;
}

describe('the sample policy', () => {
  it('is valid and passes its own tests', () => {
    const results = runPolicyTests(compilePolicy(samplePolicy()), Date.parse('2026-11-21T12:00:00Z'));
    expect(results.length).toBeGreaterThan(0);
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
  });
});

describe('the sample gateway', () => {
  it('is readable, listens on this machine alone, and is one that the policy knows', () => {
    const gateway = readGatewayFile(sample('gateway.yaml'));
    expect(gateway.listen.host).toBe('127.0.0.1');
    expect(samplePolicy().gateways.map(({ name }) => name)).toContain(gateway.name);
  });
});
