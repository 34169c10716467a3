import type { EngineProgress } from './engine-progress.js';
import type { Tables } from './engine.store.js';

/** Devices to look at one after the other. */
export interface DevicesToLookAt {
  /** `undefined` for what was looked at and is none, so that who goes through them can give way. */
  readonly each: Iterable<string | undefined>;
  /** About how many there are. */
  readonly count: number;
}

/** Every device that has a posture or a decision, each once, found while somebody goes through them. */
export function knownDevices(
  tables: Pick<Tables, 'postures' | 'decisions'>,
  progress: EngineProgress,
): DevicesToLookAt {
  return { each: found(tables, progress), count: tables.postures.size };
}

function* found(
  { postures, decisions }: Pick<Tables, 'postures' | 'decisions'>,
  progress: EngineProgress,
): Generator<string | undefined> {
  for (const { deviceId } of postures.keys()) yield deviceId;
  const firstGatewayOf = (deviceId: string): string | undefined => {
    for (const gateway of progress.gateways) if (decisions.get({ gateway, deviceId }) !== undefined) return gateway;
    return undefined;
  };
  for (const { gateway, deviceId } of decisions.keys()) {
    const isNew = postures.get({ deviceId }) === undefined && firstGatewayOf(deviceId) === gateway;
    yield isNew ? deviceId : undefined;
  }
}
