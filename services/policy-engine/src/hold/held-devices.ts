import type { Holds } from './holds.js';

/** The review of the devices that were held and are no more. */
export const HELD_DEVICES = Symbol('held devices');

/** Every device whose stored decision waits although a person released it, at any gateway. */
export function releasedDevices(holds: Holds): Set<string> {
  const released = holds.list().filter(({ gateway, until }) => holds.isReleased(gateway, until));
  return new Set(released.flatMap((hold) => [...hold.devices]));
}
