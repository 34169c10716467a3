import type { Hardware } from '@stance/contracts';
import type { HardwareMeaning } from '@stance/testing';

/** Serial numbers that the simulated fleets carry and that say nothing, in capitals. */
const PLACEHOLDERS = [
  'TO BE FILLED BY O.E.M.',
  'NONE',
  '0',
  'DEFAULT STRING',
  'SYSTEM SERIAL NUMBER',
  'NOT SPECIFIED',
  'INVALID',
];

/** What hardware of a simulated fleet means; enough for the forms that the simulator writes, and no more. */
export function meaningOf({
  serialNumber = '',
  macAddresses = [],
  uuid,
  externalId,
  hostname,
}: Hardware): HardwareMeaning {
  const serial = serialNumber.trim().toUpperCase();
  const isPlaceholder = PLACEHOLDERS.includes(serial);
  return {
    ...(serial === '' && { serialProblem: 'no-serial' }),
    ...(isPlaceholder && { serialProblem: 'placeholder-serial' }),
    ...(serial !== '' && !isPlaceholder && { serial: serial.replaceAll(' ', '') }),
    ...(uuid !== undefined && { uuid: uuid.replaceAll('-', '').toLowerCase() }),
    ...(externalId !== undefined && externalId !== '' && { externalId }),
    ...(hostname !== undefined && { hostname: hostname.toLowerCase().split('.')[0] ?? '' }),
    macs: macAddresses.map((mac) => mac.toLowerCase()).filter(isOfHardware),
  };
}

/** Six bytes, not zero, given by a manufacturer. */
function isOfHardware(mac: string): boolean {
  return /^[0-9a-f][048c](:[0-9a-f]{2}){5}$/.test(mac) && !mac.startsWith('00:00:00');
}
