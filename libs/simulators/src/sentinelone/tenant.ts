import { createServer } from 'node:http';
import { performance } from 'node:perf_hooks';
import type { AddressInfo } from 'node:net';
import { ControlApi } from '../control/control-api.js';
import { CONTROL_PREFIX } from '../control/protocol.js';
import { performStep } from '../scenario/perform-step.js';
import { ApiHttp } from './api-http.js';
import { CheckIns } from './check-ins.js';
import { Faults } from './faults.js';
import { Fleet } from './fleet.js';
import { generateFleet } from './generate-fleet.js';
import type { FleetOption } from './generate-fleet.js';
import { migrateAgent } from './migration.js';
import { organisationOf } from './organisation.js';
import type { Account, GivenSite } from './organisation.js';
import { PageShifts } from './page-shifts.js';
import { DOCUMENTED_RATE_LIMITS } from './rate-limits.js';
import type { RateLimit } from './rate-limits.js';
import { RequestLog } from './request-log.js';
import type { SentinelOneTenant } from './running-tenant.js';
import { TenantDirectory } from './tenant-directory.js';
import { API_PREFIX, TenantApi } from './tenant-api.js';
import { TenantClock } from './timestamps.js';
import { Tokens } from './tokens.js';
import type { TokenScope } from './tokens.js';

/** How a simulated tenant is set up. */
export interface SentinelOneTenantOptions {
  /** What scenarios call it. Default `simulated`. */
  readonly name?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** The API token it accepts. Default `simulated-token`. */
  readonly token?: string;
  /** What the token may see. Default everything. */
  readonly scope?: TokenScope;
  /** When the token expires, in milliseconds since 1970 on the tenant's clock. Default never. */
  readonly tokenExpiresAt?: number;
  /** Whose console it is. Default the account `Example`. */
  readonly account?: Account;
  /** The account's sites, among which generated agents are spread. Default three. */
  readonly sites?: readonly GivenSite[];
  /** Default 25 generated agents. */
  readonly fleet?: FleetOption;
  /** The same seed gives the same machines, ids and names. Default 1. */
  readonly seed?: number;
  /** Milliseconds since 1970; stamps every time the tenant reports. Default Date.now. */
  readonly clock?: () => number;
  /** How far the tenant's clock is off, in milliseconds; ahead when positive. Default 0. */
  readonly skewMs?: number;
  /** Default the documented limits per token; false switches them off. */
  readonly rateLimits?: false | Readonly<Record<string, RateLimit>>;
  /** Milliseconds of a clock that only goes forward, for the rate limits. Default performance.now. */
  readonly monotonicClock?: () => number;
  /** Every active agent checks in once per this many milliseconds. Default never: only `fleet.heartbeat` does it. */
  readonly checkInIntervalMs?: number;
  /** Tenants that share one can migrate agents to each other. Default a directory of its own. */
  readonly directory?: TenantDirectory;
}

/** Starts a SentinelOne tenant that answers the documented API over HTTP; rejects when the port cannot be had. */
export async function startSentinelOneTenant(options: SentinelOneTenantOptions = {}): Promise<SentinelOneTenant> {
  const { host = '127.0.0.1', token = 'simulated-token', seed = 1, rateLimits = DOCUMENTED_RATE_LIMITS } = options;
  const { name = 'simulated', directory = new TenantDirectory() } = options;
  directory.check(name);
  const clock = new TenantClock(options.clock ?? Date.now);
  clock.skew(options.skewMs ?? 0);
  const organisation = organisationOf(options.account, options.sites);
  const agents = generateFleet(options.fleet ?? 25, seed, clock.now(), organisation);
  const fleet = new Fleet(agents, clock, seed, organisation);
  const faults = new Faults();
  const log = new RequestLog();
  const monotonic = options.monotonicClock ?? (() => performance.now());
  const tokens = new Tokens(
    token,
    {
      ...(options.scope && { scope: options.scope }),
      ...(options.tokenExpiresAt !== undefined && { expiresAt: options.tokenExpiresAt }),
    },
    clock,
    rateLimits === false ? undefined : { rates: rateLimits, monotonic },
  );
  const api = new ApiHttp(new TenantApi(fleet, tokens), faults, log, new PageShifts(fleet), clock);

  const server = createServer((request, response) => {
    fleet.settle();
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
      directory.remove(tenant);
      server.close((error) => (error === undefined ? resolve() : reject(error)));
      server.closeAllConnections();
    });
  let stopped: Promise<void> | undefined;

  const tenant: SentinelOneTenant = {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    port: address.port,
    name,
    get token() {
      return tokens.current;
    },
    tokens,
    clock,
    fleet,
    faults,
    perform: (step) => performStep(tenant, directory, step),
    migrate: (id, to, migration) => migrateAgent(fleet, id, to.fleet, migration),
    requests: () => log.list(),
    close: () => (stopped ??= stop()),
  };
  const control = new ControlApi(tenant, directory);
  try {
    directory.add(tenant);
  } catch (error) {
    // Another of this name started meanwhile.
    await tenant.close();
    throw error;
  }
  return tenant;
}

/** Starts several tenants side by side that know each other by name; closes those that run when one cannot start. */
export async function startSentinelOneTenants<const Name extends string>(
  options: Readonly<Record<Name, SentinelOneTenantOptions>>,
): Promise<Record<Name, SentinelOneTenant>> {
  const directory = new TenantDirectory();
  try {
    for (const [name, each] of Object.entries<SentinelOneTenantOptions>(options))
      await startSentinelOneTenant({ ...each, name, directory });
  } catch (error) {
    await Promise.all(directory.list().map((tenant) => tenant.close()));
    throw error;
  }
  const started: Partial<Record<string, SentinelOneTenant>> = {};
  for (const tenant of directory.list()) started[tenant.name] = tenant;
  return started as Record<Name, SentinelOneTenant>;
}
