import { expect, it } from '@jest/globals';
import { serialise } from './decision.js';
import { DeviceAt } from './device-at.js';

it('a stored verdict is read once, however many gateways ask for it', () => {
  const device = new DeviceAt(0, undefined);
  const [text = '', other = ''] = [1, 2].map((reviewAt) => serialise({ resources: {}, reviewAt }));
  expect(device.verdict(text)).toEqual({ resources: {}, reviewAt: 1 });
  expect(device.verdict(text)).toBe(device.verdict(text));
  expect(device.verdict(other).reviewAt).toBe(2);
});
