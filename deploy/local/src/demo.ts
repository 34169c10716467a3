import { fileURLToPath } from 'node:url';
import { startSentinelOneTenant, type SentinelOneTenant } from '@stance/simulators';

/** The seed makes the same machines every time: the sample inventory names their serial numbers. */
const DEMO_FLEET = { size: 48, seed: 7 } as const;

const sample = (name: string) => fileURLToPath(new URL(`../samples/${name}`, import.meta.url));

/** Ordinary agents check in now and then; without it, their last contact would grow stale. */
const CHECK_IN_INTERVAL_MS = 60_000;

/** A tenant in which all is well, and newer than whatever an earlier demo did to its machines. */
export async function startDemoTenant(): Promise<SentinelOneTenant> {
  const tenant = await startSentinelOneTenant({
    fleet: DEMO_FLEET.size,
    seed: DEMO_FLEET.seed,
    checkInIntervalMs: CHECK_IN_INTERVAL_MS,
  });
  for (const { id } of tenant.fleet.list()) tenant.fleet.update(id, {});
  return tenant;
}

/** The samples of demo mode. */
export const demoFiles = {
  STANCE_DEVICES_FILE: sample('devices.yaml'),
  STANCE_POLICY_FILE: sample('policy.yaml'),
  STANCE_GATEWAY_FILE: sample('gateway.yaml'),
};

/** What demo mode sets where the user has set nothing. */
export function demoEnvironment(tenant: SentinelOneTenant): NodeJS.ProcessEnv {
  return {
    SENTINELONE_URL: tenant.url,
    SENTINELONE_API_TOKEN: tenant.token,
    SENTINELONE_SOURCE: 'simulated',
    SENTINELONE_POLL_INTERVAL: '1s',
    SENTINELONE_SWEEP_INTERVAL: '1m',
    ...demoFiles,
  };
}

/** A sample person at work: their device opens a resource through the sample gateway. */
export interface Visit {
  readonly deviceId: string;
  readonly user: string;
  readonly resource: string;
}

export const VISITS: readonly Visit[] = [
  { deviceId: 'laptop-0001', user: 'finance-01@example.com', resource: 'payroll' },
  { deviceId: 'laptop-0001', user: 'finance-01@example.com', resource: 'wiki' },
  { deviceId: 'laptop-0002', user: 'finance-02@example.com', resource: 'payroll' },
  { deviceId: 'laptop-0003', user: 'finance-03@example.com', resource: 'payroll' },
  { deviceId: 'laptop-0011', user: 'engineering-01@example.com', resource: 'source-code' },
  { deviceId: 'laptop-0013', user: 'engineering-02@example.com', resource: 'source-code' },
  { deviceId: 'laptop-0013', user: 'engineering-02@example.com', resource: 'wiki' },
  { deviceId: 'laptop-0031', user: 'support-01@example.com', resource: 'wiki' },
];

const VISIT_RETRY_MS = 100;

/** Lets the sample people in, as a reverse proxy on this machine would ask for them; resolves to how many got in. */
export async function openSessions(gatewayUrl: string, deadlineMs: number): Promise<number> {
  const until = performance.now() + deadlineMs;
  const results = await Promise.all(VISITS.map((visit) => admit(gatewayUrl, visit, until)));
  return results.filter(Boolean).length;
}

async function admit(gatewayUrl: string, visit: Visit, until: number): Promise<boolean> {
  for (;;) {
    const response = await fetch(`${gatewayUrl}/authorize/${visit.resource}`, {
      headers: { 'X-Stance-Device': visit.deviceId, 'X-Stance-User': visit.user },
    });
    await response.body?.cancel();
    if (response.ok) return true;
    if (performance.now() >= until) return false;
    await new Promise((resolve) => setTimeout(resolve, VISIT_RETRY_MS));
  }
}
