import { metrics, type ObservableResult } from '@opentelemetry/api';
import type { BegunHold, GatewayHold, Holds } from './holds.js';

/** Where errors are told. */
interface ErrorLog {
  error(fields: object, message: string): void;
}

/** Says of a hold that it has begun, why, and what a person has to do now. */
export function announceBegun(logger: ErrorLog, { gateway, until, above, devices, open }: BegunHold): void {
  const held = { gateway, heldUntil: new Date(until).toISOString(), devices, devicesWithSessions: open };
  logger.error(
    held,
    `holding revocations back at ${gateway}: ${devices} of its ${open} devices with open sessions would lose them within ` +
      `a minute, more than ${Math.round(above * 100)} %; ${whatToDo(held)}`,
  );
}

/** Says of a hold that a predecessor began that it goes on. */
export function announceContinued(logger: ErrorLog, { gateway, until, devices }: GatewayHold): void {
  const held = { gateway, heldUntil: new Date(until).toISOString(), devices: devices.size };
  logger.error(held, `still holding the revocations of ${devices.size} devices back at ${gateway}; ${whatToDo(held)}`);
}

function whatToDo({ gateway, heldUntil }: { readonly gateway: string; readonly heldUntil: string }): string {
  return (
    `further ones wait until ${heldUntil}: if it is a mistake, put the console or the policy right before then; ` +
    `if it is not, \`stance hold release ${gateway} --reason <why>\` carries them out (\`stance hold list\` shows how many wait)`
  );
}

/** Shows how many devices each gateway holds back, for as long as the function returned is not called. */
export function observeHolds(holds: Holds): () => void {
  const gauge = metrics.getMeter('@stance/policy-engine').createObservableGauge('stance.engine.held_devices', {
    description: 'Devices whose revocations a gateway holds back',
    unit: '{device}',
  });
  const observed = new Set<string>();
  const observe = (result: ObservableResult): void => {
    const devices = new Map([...observed].map((gateway) => [gateway, 0]));
    for (const hold of holds.list()) devices.set(hold.gateway, (devices.get(hold.gateway) ?? 0) + hold.devices.size);
    for (const [gateway, count] of devices) {
      observed.add(gateway);
      result.observe(count, { gateway });
    }
  };
  gauge.addCallback(observe);
  return () => gauge.removeCallback(observe);
}

/** A hold as `/readyz` tells it. */
export function healthOf({ gateway, until, devices }: GatewayHold): {
  gateway: string;
  until: string;
  devices: number;
} {
  return { gateway, until: new Date(until).toISOString(), devices: devices.size };
}
