// @ts-check
/** The image's HEALTHCHECK: exits with 0 when the container's service is ready, else with 1. `/livez` asks for less. */
import { readFileSync } from 'node:fs';

import { askHealth, healthUrl } from './src/health-check.mjs';

try {
  const url = healthUrl(readFileSync('/proc/1/cmdline', 'utf8'), process.env, process.argv[2] ?? '/readyz');
  const { healthy, said } = url === undefined ? { healthy: true, said: 'a command, no service' } : await askHealth(url);
  process.stdout.write(`${said}\n`);
  process.exitCode = healthy ? 0 : 1;
} catch (error) {
  // Docker keeps 2 for itself.
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
