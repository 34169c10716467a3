/** The services of the image with the ports of their health servers, as docs/configuration.md has them. */
export const SERVICE_PORTS = {
  audit: 9105,
  'config-sync': 9106,
  'device-matcher': 9102,
  gateway: 9107,
  'policy-engine': 9104,
  'posture-store': 9103,
  'sentinelone-poller': 9101,
} as const;

export type Service = keyof typeof SERVICE_PORTS;

const isService = (name: string): name is Service => name in SERVICE_PORTS;
export const SERVICES: readonly Service[] = Object.keys(SERVICE_PORTS).filter(isService);
