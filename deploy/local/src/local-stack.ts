import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { credentialsIn, gatewayNameOf, startAll, type AllServices } from '@stance/all-in-one';
import { SourceReported, type DataOf } from '@stance/contracts';
import { applyTopology, connectToNats } from '@stance/jetstream';
import { findNatsServer, PortInUseError, startNatsServer, type NatsServer } from '@stance/nats-server';
import { integer, loadConfiguration, type Running } from '@stance/service-kit';
import type { SentinelOneTenant } from '@stance/simulators';
import { adoptUnaccounted, prepareAccounts } from './accounts.js';
import { demoEnvironment, demoFiles, openSessions, startDemoTenant, VISITS } from './demo.js';
import { DEMO_APPLICATION_PORT, DEMO_RELAY_URL, startDemoApplication } from './demo-application.js';
import { createLocalLogging } from './logging.js';
import { modeOf, type Mode } from './mode.js';
import { removeRunFile, writeRunFile } from './run-file.js';
import type { Terminal } from './terminal.js';

/** Thrown when the console refuses the token: nothing can be read, and trying again changes nothing. */
export class ConsoleRefused extends Error {
  override readonly name = 'ConsoleRefused';
}

const NATS_PORT = 4222;
const DEMO_DEADLINE_MS = 20_000;
const FIRST_READING_DEADLINE_MS = 30_000;

/** Runs everything on this machine. Resolves when all is up and has said so; what it started is stopped in reverse. */
export async function startLocalStack(
  environment: NodeJS.ProcessEnv,
  folder: string,
  terminal: Terminal,
): Promise<Running> {
  const startedAt = performance.now();
  const mode = modeOf(environment, folder);
  const started: (() => Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;
  const stopAll = async () => {
    for (const stopOne of started.splice(0).toReversed()) await stopOne();
  };
  const stop = () => (stopping ??= stopAll());
  try {
    const { services, addresses } = await startParts(mode, environment, folder, terminal, started);
    sayReady(terminal, mode, addresses, Math.round(performance.now() - startedAt));
    return {
      // Whatever ends the services, everything started beside them ends too.
      stopped: stoppedWith(services.stopped, stop),
      stop: async () => {
        terminal.step('stopping …');
        await stop();
        terminal.step('stopped');
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function stoppedWith(services: Promise<void>, stop: () => Promise<void>): Promise<void> {
  try {
    await services;
  } finally {
    await stop();
  }
}

interface Addresses {
  readonly natsUrl: string;
  readonly gatewayUrl: string;
  readonly healthUrl: string;
  readonly simulatorUrl: string | null;
  readonly logFile: string;
}

async function startParts(
  mode: Mode,
  environment: NodeJS.ProcessEnv,
  folder: string,
  terminal: Terminal,
  started: (() => Promise<void>)[],
): Promise<{ services: AllServices; addresses: Addresses }> {
  mkdirSync(mode.dataFolder, { recursive: true });
  if (mode.demo)
    terminal.note(
      'Demo mode: a simulated SentinelOne tenant, sample devices and sample people. No real system is read.',
    );
  const given: NodeJS.ProcessEnv = { ...(mode.demo && demoFiles), ...withoutEmpty(environment) };
  const gateway = gatewayNameOf(given);
  // Of a cluster that is named, whoever runs it says who may do what.
  const accounts = mode.natsUrl === undefined ? await prepareAccounts(mode.dataFolder, gateway) : undefined;
  const natsUrl = mode.natsUrl ?? (await startNats(mode, environment, terminal, started, accounts?.serverConfig ?? ''));
  const usersFolder = accounts?.usersFolder ?? given['NATS_USERS_FOLDER'];
  await prepareStreams(natsUrl, given, { usersFolder, gateway }, terminal);

  const tenant = mode.demo ? await startTenant(terminal, started) : undefined;
  if (mode.demo) await startApplication(terminal, started);
  const logging = createLocalLogging(mode.dataFolder);
  const services = await startAll(
    {
      ...(tenant && demoEnvironment(tenant)),
      ...given,
      NATS_URL: natsUrl,
      ...(usersFolder !== undefined && { NATS_USERS_FOLDER: usersFolder }),
    },
    logging.loggerFor,
  );
  started.push(() => services.stop());
  terminal.step(`${services.services.length} services started, loading their state …`);
  await services.active;
  const gatewayUrl = gatewayUrlOf(services);
  await firstReading(services, terminal);
  if (tenant !== undefined) await letPeopleIn(gatewayUrl, terminal);

  const addresses = {
    natsUrl,
    gatewayUrl,
    healthUrl: services.url,
    simulatorUrl: tenant?.url ?? null,
    logFile: relative(folder, logging.file),
  };
  const { simulatorUrl } = addresses;
  writeRunFile(mode.runFile, {
    natsUrl,
    usersFolder: usersFolder ?? null,
    gatewayUrl,
    simulatorUrl,
    demo: mode.demo,
    pid: process.pid,
  });
  started.push(async () => removeRunFile(mode.runFile));
  return { services, addresses };
}

/** Makes the streams: as their own user where there are accounts, else as whoever the environment says. */
async function prepareStreams(
  natsUrl: string,
  environment: NodeJS.ProcessEnv,
  { usersFolder, gateway }: { usersFolder: string | undefined; gateway: string | undefined },
  terminal: Terminal,
): Promise<void> {
  const { NATS_CREDS_FILE: credsFile, NATS_NKEY_SEED_FILE: nkeySeedFile } = environment;
  const { NATS_CA_FILE: caFile, NATS_CERT_FILE: certFile, NATS_KEY_FILE: keyFile } = environment;
  const topologyUser = usersFolder === undefined ? undefined : credentialsIn(usersFolder, ['topology']);
  const credentials = topologyUser ?? { credsFile, nkeySeedFile };
  const tls = { caFile, certFile, keyFile };
  const connection = await connectToNats({
    url: natsUrl,
    name: 'stance-local',
    ...credentials,
    tls,
    waitForServer: false,
  });
  try {
    const gateways = usersFolder !== undefined && gateway !== undefined ? [gateway] : [];
    const { created, updated } = await applyTopology(connection, { gateways });
    terminal.step(`streams: ${created.length} created, ${updated.length} updated`);
  } finally {
    await connection.close();
  }
}

/** An empty variable counts as unset, and does not take away what demo mode sets. */
function withoutEmpty(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}

async function startNats(
  mode: Mode,
  environment: NodeJS.ProcessEnv,
  terminal: Terminal,
  started: (() => Promise<void>)[],
  serverConfig: string,
): Promise<string> {
  const settings = {
    STANCE_NATS_PORT: integer({
      default: NATS_PORT,
      min: 0,
      max: 65_535,
      description: 'port of the embedded NATS server',
    }),
  };
  const { STANCE_NATS_PORT: port } = loadConfiguration(settings, environment);
  const binary = await findNatsServer({ onProgress: (line) => terminal.step(line) });
  const storeDir = join(mode.dataFolder, 'nats');
  if (adoptUnaccounted(storeDir)) terminal.step('the data from before there were accounts is taken over');
  const logFile = join(mode.dataFolder, 'nats.log');
  const start = (at: number): Promise<NatsServer> =>
    startNatsServer({ binary, storeDir, port: at, name: 'stance-local', logFile, serverConfig });
  let server: NatsServer;
  try {
    server = await start(port);
  } catch (error) {
    const isAskedFor = (environment['STANCE_NATS_PORT'] ?? '') !== '';
    if (!(error instanceof PortInUseError) || isAskedFor) throw error;
    terminal.note(`Port ${port} is in use: the embedded NATS server takes a free one. Set STANCE_NATS_PORT to choose.`);
    server = await start(0);
  }
  started.push(() => server.stop());
  terminal.step(`nats-server ${binary.version} (${binary.origin}) at ${server.url}, data in ${storeDir}`);
  return server.url;
}

async function startTenant(terminal: Terminal, started: (() => Promise<void>)[]): Promise<SentinelOneTenant> {
  const tenant = await startDemoTenant();
  started.push(() => tenant.close());
  terminal.step(`simulated SentinelOne tenant at ${tenant.url}, ${tenant.fleet.size} agents`);
  return tenant;
}

async function startApplication(terminal: Terminal, started: (() => Promise<void>)[]): Promise<void> {
  const application = await startDemoApplication();
  if (application === undefined) {
    terminal.note(`Port ${DEMO_APPLICATION_PORT} is in use: the demo has no sample application behind its relay.`);
    return;
  }
  started.push(() => application.close());
}

/** Waits for the first word about the console; one that refuses us for good ends the start with what to do. */
async function firstReading(services: AllServices, terminal: Terminal): Promise<void> {
  terminal.step('reading the console …');
  const until = performance.now() + FIRST_READING_DEADLINE_MS;
  while (performance.now() < until) {
    const reports = sourceReportsOf(services);
    const refused = reports.filter(isRefused);
    const haveAllReported = reports.length === pollersOf(services).length;
    // Of several consoles, one that refuses its token is no concern of the others.
    if (haveAllReported && refused.length === reports.length) {
      throw new ConsoleRefused(refused.map(describe).join('\n'));
    }
    if (haveAllReported && reports.every((report) => isRead(report) || isRefused(report))) {
      for (const report of refused) terminal.problem(describe(report));
      terminal.step(`${reports.reduce((sum, { agents }) => sum + agents, 0)} agents read`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const left = sourceReportsOf(services).filter((report) => !isRead(report));
  for (const report of left.filter(({ error }) => error !== undefined)) terminal.problem(describe(report));
  if (left.some(({ error }) => error === undefined)) terminal.step('the first reading goes on in the background');
}

type SourceReport = DataOf<typeof SourceReported>;

/** One for each console. */
function pollersOf({ services }: AllServices): AllServices['services'] {
  return services.filter(({ name }) => name === 'sentinelone-poller');
}

/** Of every console that has been heard of, in the order in which they are configured. */
function sourceReportsOf(services: AllServices): SourceReport[] {
  return pollersOf(services).flatMap((poller) => {
    const report = SourceReported.data.safeParse(poller.health().details?.['source']);
    return report.success ? [report.data] : [];
  });
}

function isRead({ state, sweep }: SourceReport): boolean {
  return state === 'ok' && sweep?.completedAt !== undefined;
}

function isRefused({ state }: SourceReport): boolean {
  return state === 'paused' || state === 'failed';
}

function describe({ url, error }: SourceReport): string {
  const reason = [error?.title ?? 'no reason given', error?.detail].filter((part) => part !== undefined).join('. ');
  return `the console ${url ?? ''} cannot be read: ${reason}`;
}

async function letPeopleIn(gatewayUrl: string, terminal: Terminal): Promise<void> {
  const admitted = await openSessions(gatewayUrl, DEMO_DEADLINE_MS);
  terminal.step(`${admitted} of ${VISITS.length} sample sessions open`);
}

function gatewayUrlOf(services: AllServices): string {
  const details = services.services.find(({ name }) => name === 'gateway')?.health().details;
  const url = details?.['url'];
  return typeof url === 'string' ? url : '';
}

function sayReady(terminal: Terminal, mode: Mode, addresses: Addresses, milliseconds: number): void {
  const { natsUrl, gatewayUrl, healthUrl, simulatorUrl, logFile } = addresses;
  terminal.say('');
  terminal.say(
    `stance is ready (${(milliseconds / 1_000).toFixed(1)} s)${mode.demo ? ', in demo mode: everything is simulated' : ''}`,
  );
  terminal.say(`  gateway    ${gatewayUrl}/authorize`);
  terminal.say(`  NATS       ${natsUrl}`);
  terminal.say(`  health     ${healthUrl}/readyz`);
  if (simulatorUrl !== null) terminal.say(`  simulator  ${simulatorUrl}`);
  terminal.say(`  log        ${logFile}`);
  terminal.say('');
  terminal.say('Try, in another terminal:');
  const commands = mode.demo
    ? [
        'npx stance watch',
        `curl -N -H 'X-Stance-Device: laptop-0001' ${DEMO_RELAY_URL}/payroll/`,
        'npx stance simulate infect laptop-0001',
        'npx stance explain laptop-0001 payroll',
      ]
    : ['npx stance status', 'npx stance devices', 'npx stance watch'];
  for (const command of commands) terminal.say(`  ${command}`);
  terminal.say('');
  terminal.say('Ctrl-C stops everything.');
}
