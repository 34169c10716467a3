import { describe, expect, test } from '@jest/globals';
import type { DeviceProof } from '@stance/contracts';
import { conclude } from './conclusion.js';

const device = (deviceId: string, proof: DeviceProof, by: string = proof) => ({ deviceId, proof, by });
const user = (name: string, by = 'the token') => ({ user: name, by });

describe('proofs together', () => {
  test.each<[DeviceProof[], DeviceProof]>([
    [['address', 'token', 'certificate'], 'certificate'],
    [['address', 'token'], 'token'],
    [['address'], 'address'],
  ])('%j prove a device by %s', (proofs, strongest) => {
    const devices = proofs.map((proof) => device('laptop-1', proof));
    expect(conclude(devices, [])).toEqual({ outcome: 'proved', deviceId: 'laptop-1', proof: strongest });
  });

  test('prove nothing without a device', () => {
    expect(conclude([], [user('anna@example.org')])).toBeUndefined();
  });

  test('are of one user, in upper or lower case', () => {
    const users = [user('Anna@example.org'), user('anna@EXAMPLE.org', 'the header')];
    expect(conclude([device('laptop-1', 'token')], users)).toMatchObject({ user: 'Anna@example.org' });
  });

  test('that disagree are refused, and both are named', () => {
    const devices = [device('laptop-1', 'certificate', 'the certificate'), device('laptop-2', 'token', 'the token')];
    expect(() => conclude(devices, [])).toThrow(/the certificate is of laptop-1, the token is of laptop-2/);
    const users = [user('anna@example.org'), user('beat@example.org', 'the header')];
    expect(() => conclude([device('laptop-1', 'token')], users)).toThrow(/anna@example.org, the header is of beat/);
  });

  test('of devices whose ids differ in case only disagree', () => {
    expect(() => conclude([device('laptop-1', 'token'), device('Laptop-1', 'address')], [])).toThrow(/disagree/);
  });
});
