import { describe, expect, jest, test } from '@jest/globals';
import type { Session, SessionRequest, Verdict } from '@stance/gateway-sdk';
import type { Identity } from '../identity/identity.js';
import { Access, type AccessOptions } from './access.js';
import { decisionHeader } from './decision-header.js';

const ALLOW: Verdict = {
  effect: 'allow',
  allowed: true,
  enforced: true,
  reasons: [],
  revisions: { posture: 7, policy: 3 },
};
const DENY: Verdict = {
  ...ALLOW,
  effect: 'deny',
  allowed: false,
  reasons: [{ code: 'condition-false', message: 'This machine is infected.' }],
};
const LAPTOP: Identity = { outcome: 'proved', deviceId: 'laptop-1', proof: 'certificate', user: 'anna@example.org' };
const ASKER = { deviceId: 'laptop-1', proof: 'certificate', user: 'anna@example.org', resource: 'wiki' };

function accessWith(verdict: Verdict, emergency: AccessOptions['emergency'] = { admit: () => undefined }) {
  const open: Session[] = [];
  const startSession = jest.fn((request: SessionRequest): Session => {
    const session = { ...request, sessionId: `s${open.length + 1}`, startedAt: 0, expiresAt: 1 } as Session;
    open.push(session);
    return session;
  });
  const onReportedDenial = jest.fn<AccessOptions['onReportedDenial']>();
  const access = new Access({
    gateway: { decide: () => verdict, useSession: () => open[0], startSession },
    emergency,
    lifetimeMs: 60_000,
    onReportedDenial,
  });
  return { access, startSession, onReportedDenial };
}

const CUT = { enforcement: 'cut' } as const;

describe('access', () => {
  test('opens one session for who is let in, and says by which', () => {
    const { access, startSession } = accessWith(ALLOW);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const occasion = { ...CUT, traceparent: () => traceparent };
    expect(access.admit(LAPTOP, 'wiki', occasion)).toEqual({
      outcome: 'admitted',
      asker: ASKER,
      verdict: ALLOW,
      grantId: 's1',
    });
    expect(access.admit(LAPTOP, 'wiki', occasion)).toMatchObject({ grantId: 's1' });
    expect(startSession.mock.calls).toEqual([[{ ...ASKER, enforcement: 'cut', lifetimeMs: 60_000, traceparent }]]);
  });

  test.each([
    ['unproved', 'unproved'],
    ['refused', 'denied'],
  ] as const)('lets nobody in who is %s, whatever the resource', (outcome, told) => {
    const reasons = [{ code: 'identity-missing', message: 'No.' } as const];
    const { access } = accessWith(ALLOW);
    expect(access.admit({ outcome, reasons }, 'wiki', CUT)).toEqual({ outcome: told, asker: {}, reasons });
  });

  test('lets nobody in where the configuration names no resource', () => {
    const { access, startSession } = accessWith(ALLOW);
    expect(access.admit(LAPTOP, undefined, CUT)).toMatchObject({
      outcome: 'denied',
      asker: { deviceId: 'laptop-1' },
      reasons: [{ code: 'decision-missing' }],
    });
    expect(startSession).not.toHaveBeenCalled();
  });

  test('tells once of a session that is let in only because nothing is enforced', () => {
    const { access, onReportedDenial } = accessWith({ ...DENY, allowed: true, enforced: false });
    access.admit(LAPTOP, 'wiki', CUT);
    access.admit(LAPTOP, 'wiki', CUT);
    expect(onReportedDenial).toHaveBeenCalledTimes(1);
  });
});

describe('in an emergency', () => {
  const emergency = { admit: () => ({ grantId: 'break-glass' }) };

  test('a device is let in that the policy denies, without a session', () => {
    const { access, startSession } = accessWith(DENY, emergency);
    expect(access.admit(LAPTOP, 'wiki', CUT)).toMatchObject({ outcome: 'admitted', grantId: 'break-glass' });
    expect(startSession).not.toHaveBeenCalled();
  });

  test('nobody is let in whose device is proved too weakly: it may be another', () => {
    const reasons = [{ code: 'identity-missing', message: 'This gateway needs a proof by certificate.' } as const];
    const { access } = accessWith({ ...DENY, reasons }, emergency);
    expect(access.admit(LAPTOP, 'wiki', CUT)).toMatchObject({ outcome: 'denied', reasons });
  });

  test('an entry is used only where the policy denies', () => {
    const admit = jest.fn<AccessOptions['emergency']['admit']>();
    accessWith(ALLOW, { admit }).access.admit(LAPTOP, 'wiki', CUT);
    expect(admit).not.toHaveBeenCalled();
  });
});

test.each([
  [ALLOW, 'allow; policy=3; posture=7'],
  [
    { ...ALLOW, effect: 'warn', until: '2026-03-02T09:00:00.000Z' } as const,
    'warn; policy=3; posture=7; until=2026-03-02T09:00:00.000Z',
  ],
  [{ ...DENY, allowed: true, enforced: false }, 'deny; policy=3; posture=7; enforced=false'],
  [DENY, 'break-glass; policy=3; posture=7'],
])('who is let in is told to the application as %#', (verdict, header) => {
  expect(decisionHeader(verdict)).toBe(header);
});
