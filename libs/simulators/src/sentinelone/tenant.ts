import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { AddressInfo } from 'node:net';
import { ControlApi } from '../control/control-api.js';
import { CONTROL_PREFIX } from '../control/protocol.js';
import { ApiHttp } from './api-http.js';
import { CheckIns } from './check-ins.js';
import { Faults } from './faults.js';
import { Fleet } from './fleet.js';
import { generateFleet } from './generate-fleet.js';
import type { FleetOption } from './generate-fleet.js';
import { DOCUMENTED_RATE_LIMITS, RateLimits } from './rate-limits.js';
import type { RateLimit } from './rate-limits.js';
import { RequestLog } from './request-log.js';
import type { LoggedRequest } from './request-log.js';
import { API_PREFIX, TenantApi } from './tenant-api.js';
import type { TokenScope } from './tenant-api.js';
import { TenantClock } from './timestamps.js';

/** How a simulated tenant is set up. */
export interface SentinelOneTenantOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** The API token it accepts. Default `simulated-token`. */
  readonly token?: string;
  /** What the token may see. Default everything. */
  readonly scope?: TokenScope;
  /** Default 25 generated agents. */
  readonly fleet?: FleetOption;
  /** The same seed gives the same machines, ids and names. Default 1. */
  readonly seed?: number;
  /** Milliseconds since 1970; stamps every time the tenant reports. Default Date.now. */
  readonly clock?: () => number;
  /** Default the documented limits per token; false switches them off. */
  readonly rateLimits?: false | Readonly<Record<string, RateLimit>>;
  /** Milliseconds of a clock that only goes forward, for the rate limits. Default performance.now. */
  readonly monotonicClock?: () => number;
  /** Every active agent checks in once per this many milliseconds. Default never: only `fleet.heartbeat` does it. */
  readonly checkInIntervalMs?: number;
}

/** A running simulated tenant. */
export interface SentinelOneTenant {
  /** `http://127.0.0.1:<port>`, what a user would paste as the console's URL. */
  readonly url: string;
  readonly port: number;
  readonly token: string;
  readonly fleet: Fleet;
  readonly faults: Faults;
  /** The latest API requests, oldest first. */
  requests(): LoggedRequest[];
  /** Ends open connections, hanging ones too, and frees the port; again does nothing more. */
  close(): Promise<void>;
}

/** Starts a SentinelOne tenant that answers the documented API over HTTP; rejects when the port cannot be had. */
export async function startSentinelOneTenant(options: SentinelOneTenantOptions = {}): Promise<SentinelOneTenant> {
  const { host = '127.0.0.1', token = 'simulated-token', seed = 1, rateLimits = DOCUMENTED_RATE_LIMITS } = options;
  const clock = new TenantClock(options.clock ?? Date.now);
  const fleet = new Fleet(generateFleet(options.fleet ?? 25, seed, clock.now()), clock, seed);
  const faults = new Faults();
  const log = new RequestLog();
  const limits =
    rateLimits === false ? undefined : new RateLimits(rateLimits, options.monotonicClock ?? (() => performance.now()));
  const api = new ApiHttp(new TenantApi(fleet, token, limits, options.scope), faults, log);
  const control = new ControlApi(fleet, faults);

  const server = createServer((request, response) => {
    const url = URL.parse(request.url ?? '/', 'http://tenant.invalid');
    if (url === null) response.writeHead(400, { 'content-type': 'text/plain' }).end('Bad request target\n');
    else if (url.pathname.startsWith(`${API_PREFIX}/`)) api.handle(request, response, url);
    else if (url.pathname === CONTROL_PREFIX || url.pathname.startsWith(`${CONTROL_PREFIX}/`))
      void control.handle(request, response, url);
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n');
  });
  // Longer than pollers pause, so that their connections survive between polls.
  server.keepAliveTimeout = 65_000;
  const address = await new Promise<AddressInfo>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, () => {
      const bound = server.address();
      if (bound === null || typeof bound === 'string') reject(new Error(`Not listening on a port: ${String(bound)}`));
      else resolve(bound);
    });
  });
  const checkIns = options.checkInIntervalMs === undefined ? undefined : new CheckIns(fleet, options.checkInIntervalMs);

  const stop = (): Promise<void> =>
    new Promise((resolve, reject) => {
      checkIns?.stop();
      server.close((error) => (error === undefined ? resolve() : reject(error)));
      server.closeAllConnections();
    });
  let stopped: Promise<void> | undefined;

  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    port: address.port,
    token,
    fleet,
    faults,
    requests: () => log.list(),
    close: () => (stopped ??= stop()),
  };
}
