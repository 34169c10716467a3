// @ts-check
/** A SentinelOne console to try the image with: the machines that the sample inventory names, on loopback. */
import { startSentinelOneTenant } from '@stance/simulators';

const tenant = await startSentinelOneTenant({ port: 8080, fleet: 48, seed: 7, checkInIntervalMs: 60_000 });
process.stdout.write(`simulated SentinelOne tenant at ${tenant.url}\n`);
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => void tenant.close());
