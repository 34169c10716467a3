import { describe, expect, it } from '@jest/globals';
import type { DeviceProof, ResourceDecision } from '@stance/contracts';
import { reasonsToRevoke } from './reasons-to-revoke.js';

const allow: ResourceDecision = { effect: 'allow', enforced: true, reasons: [] };
const deny: ResourceDecision = {
  effect: 'deny',
  enforced: true,
  reasons: [{ code: 'condition-false', message: 'It is infected.' }],
};
const reported: ResourceDecision = { ...deny, enforced: false };
const held: ResourceDecision = { ...reported, heldUntil: '2026-11-21T08:15:00.000Z' };
const annas = (decision: ResourceDecision): ResourceDecision => ({ ...decision, requiresOwner: 'Anna@example.com' });

const codeFor = (
  decision: ResourceDecision,
  { user, proof, resource = 'wiki' }: { user?: string; proof?: DeviceProof; resource?: string } = {},
  identity?: DeviceProof,
) =>
  reasonsToRevoke({ resource, user, proof }, { resources: { wiki: decision }, ...(identity && { identity }) })?.[0]
    ?.code;

describe('a session', () => {
  it.each([
    ['that is allowed goes on', codeFor(allow), undefined],
    ['that is denied ends', codeFor(deny), 'condition-false'],
    ['whose denial is only reported goes on', codeFor(reported), undefined],
    ['whose denial is held back goes on', codeFor(held), undefined],
    ['for what is not served ends', codeFor(allow, { resource: 'git' }), 'no-rule'],
    ['for what only every object has ends', codeFor(allow, { resource: 'constructor' }), 'no-rule'],
    ['of a device that is proved too poorly ends', codeFor(allow, { proof: 'address' }, 'token'), 'identity-missing'],
    ['of the owner goes on', codeFor(annas(allow), { user: 'anna@EXAMPLE.com' }), undefined],
    ['without a user goes on: the device is the principal', codeFor(annas(allow)), undefined],
    ['of somebody else ends', codeFor(annas(allow), { user: 'ben@example.com' }), 'no-rule'],
    [
      'of somebody else ends, also while a denial is held',
      codeFor(annas(held), { user: 'ben@example.com' }),
      'no-rule',
    ],
    [
      'of somebody else that is only reported goes on',
      codeFor(annas(reported), { user: 'ben@example.com' }),
      undefined,
    ],
    [
      'of anybody ends, of a device without an owner',
      codeFor({ ...allow, requiresOwner: '' }, { user: '' }),
      'no-rule',
    ],
    ['of nobody goes on, of a device without an owner', codeFor({ ...allow, requiresOwner: '' }), undefined],
  ])('%s', (_, code, expected) => {
    expect(code).toBe(expected);
  });
});
