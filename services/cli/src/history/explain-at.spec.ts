import { describe, expect, test } from '@jest/globals';
import { compilePolicy, parsePolicy } from '@stance/policy';
import { decision, posture } from '../fixtures/facts.js';
import { explainFrom } from './explain-at.js';
import type { PolicyAt } from './policy-at.js';

const POLICY = `version: 1
postures:
  healthy: [sentinelOne:infected == false]
gateways:
  office: { resources: [wiki] }
  vpn: { resources: [wiki] }
rules:
  - name: staff
    resources: [wiki]
    require: [{ posture: healthy, grace: 2h }]
`;

function policy(): PolicyAt {
  const parsed = parsePolicy(POLICY);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return { revision: 3, compiled: compilePolicy(parsed.policy) };
}

const failingSince = (time: string) => [{ rule: 'staff', posture: 'healthy', failingSince: `2026-01-05T${time}.000Z` }];
const AT = Date.parse('2026-01-05T10:30:00Z');

describe('an earlier time is explained', () => {
  test('by the memory of the gateway that the policy names first, and tells what all of them held', () => {
    const explanation = explainFrom(
      posture(),
      policy(),
      [
        decision({ gateway: 'gone', resources: {} }),
        decision({ gateway: 'vpn', graces: failingSince('10:00:00') }),
        decision({ gateway: 'office', graces: failingSince('09:00:00') }),
      ],
      'wiki',
      AT,
    );
    expect(explanation).toMatchObject({
      deviceId: 'laptop-1',
      resource: 'wiki',
      effect: 'warn',
      until: '2026-01-05T11:00:00.000Z',
      policyRevision: 3,
      evaluatedAt: '2026-01-05T10:30:00.000Z',
      decisions: [{ gateway: 'office' }, { gateway: 'vpn' }],
    });
  });

  test('with the proof that each gateway demanded', () => {
    const held = [decision({ identity: 'certificate' }), decision({ gateway: 'vpn' })];
    const { decisions } = explainFrom(posture(), policy(), held, 'wiki', AT);
    expect(decisions.map(({ gateway, identity }) => [gateway, identity])).toEqual([
      ['office', 'certificate'],
      ['vpn', undefined],
    ]);
  });

  test.each(['constructor', 'toString'])('of %s, which is no resource, no gateway held anything', (name) => {
    expect(explainFrom(posture(), policy(), [decision()], name, AT)).toMatchObject({ effect: 'deny', decisions: [] });
  });

  test('by what the device could reach, where the requirement was new for it', () => {
    const reaching = decision();
    expect(explainFrom(posture(), policy(), [reaching], 'wiki', AT)).toMatchObject({ effect: 'warn' });
    expect(explainFrom(posture(), policy(), [], 'wiki', AT)).toMatchObject({ effect: 'deny', decisions: [] });
  });
});
