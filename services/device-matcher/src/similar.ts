import { macsIn } from './match-keys.js';
import type { Identity } from './identity.js';

/** What an agent and a device may agree on, as operators read it. */
export type Identifier = 'serialNumber' | 'uuid' | 'externalId' | 'macAddress' | 'hostname';

export interface Similar {
  readonly deviceId: string;
  readonly agreesOn: Identifier[];
}

/** Suggestions are for people, who choose between a few. */
const MOST_SIMILAR = 5;

/** Which devices agree with an agent on anything at all, those on the most first. Built for one listing, then thrown away. */
export class SimilarDevices {
  private readonly devicesOf = new Map<string, string[]>();

  constructor(devices: Iterable<Identity & { readonly deviceId: string }>) {
    for (const device of devices) {
      const { deviceId } = device;
      for (const [, value] of identifiersOf(device)) {
        const others = this.devicesOf.get(value);
        if (others === undefined) this.devicesOf.set(value, [deviceId]);
        else others.push(deviceId);
      }
    }
  }

  to(identity: Identity): Similar[] {
    const found = new Map<string, Set<Identifier>>();
    for (const [identifier, value] of identifiersOf(identity)) {
      for (const deviceId of this.devicesOf.get(value) ?? []) {
        const agreesOn = found.get(deviceId) ?? new Set();
        found.set(deviceId, agreesOn.add(identifier));
      }
    }
    return [...found]
      .map(([deviceId, agreesOn]) => ({ deviceId, agreesOn: [...agreesOn] }))
      .toSorted((one, other) => other.agreesOn.length - one.agreesOn.length || (one.deviceId < other.deviceId ? -1 : 1))
      .slice(0, MOST_SIMILAR);
  }
}

function identifiersOf({ serial, uuid, externalId, hostname, macs }: Identity): [Identifier, string][] {
  const identifiers: [Identifier, string | undefined][] = [
    ['serialNumber', serial],
    ['uuid', uuid],
    ['externalId', externalId],
    ['hostname', hostname],
    ...macsIn(macs).map((mac): [Identifier, string] => ['macAddress', mac]),
  ];
  return identifiers.flatMap(([identifier, value]): [Identifier, string][] =>
    value === undefined ? [] : [[identifier, `${identifier}:${value}`]],
  );
}
