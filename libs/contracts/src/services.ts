/** Every process that writes to or reads from the streams, by the name that its NATS user, durables and events carry. */
export const SERVICES = [
  'sentinelone-poller',
  'device-matcher',
  'posture-store',
  'policy-engine',
  'audit',
  'config-sync',
  'gateway',
  'cli',
] as const;

export type ServiceName = (typeof SERVICES)[number];
