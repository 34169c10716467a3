// @ts-check
/** A SentinelOne console to try the image with: the machines that the sample inventory names, on loopback. */

/** Built beside this file, as the image has it. */
const SIMULATORS = new URL('./libs/simulators/dist/index.js', import.meta.url);

/** @type {typeof import('@stance/simulators')} */
const { startSentinelOneTenant } = await import(SIMULATORS.href);
const tenant = await startSentinelOneTenant({ port: 8080, fleet: 48, seed: 7, checkInIntervalMs: 60_000 });
process.stdout.write(`simulated SentinelOne tenant at ${tenant.url}\n`);
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => void tenant.close());
