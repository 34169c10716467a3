import { startSentinelOneTenant } from './sentinelone/tenant.js';
import { InvalidSettings, readSettings } from './settings.js';

/** Runs a simulated tenant alone, until SIGINT or SIGTERM; exits with 2 on wrong settings. */
async function main(): Promise<void> {
  const { port, agents, token } = readSettings(process.env);
  const tenant = await startSentinelOneTenant({
    port,
    fleet: agents,
    checkInIntervalMs: 60_000,
    ...(token && { token }),
  });
  process.stdout.write(`simulated SentinelOne tenant with ${agents} agents at ${tenant.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void tenant.close());
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof InvalidSettings ? 2 : 1;
}
