// @ts-check
/**
 * The console of `helm test`: one agent, as a SentinelOne console shows it, for the poller beside it in the same pod.
 * `PUT /condition/clean` and `PUT /condition/infected` say what is wrong with it. Needs nothing but Node.
 */
import { createServer } from 'node:http';
import process from 'node:process';

const [port = '', serialNumber = ''] = process.argv.slice(2);
const API = '/web/api/v2.1';
const OPERATORS = /^(updatedAt|lastActiveDate)__(gt|gte|lt|lte)$/;

let infected = false;
let updatedAt = now();

/** As the API writes times. */
function now() {
  return new Date().toISOString().replace('Z', '000Z');
}

function agent() {
  return {
    id: '1900000000000000001',
    uuid: '5fbc2c9ad0114a29a9d1a3f0c7b80001',
    computerName: 'stance-helm-test',
    serialNumber,
    modelName: 'Stance - helm test',
    machineType: 'laptop',
    osType: 'linux',
    agentVersion: '25.1.1.1',
    activeThreats: infected ? 1 : 0,
    infected,
    encryptedApplications: true,
    firewallEnabled: true,
    isActive: true,
    isDecommissioned: false,
    isUninstalled: false,
    isPendingUninstall: false,
    isUpToDate: true,
    networkStatus: 'connected',
    operationalState: 'na',
    mitigationMode: 'protect',
    scanStatus: 'finished',
    networkInterfaces: [],
    createdAt: '2026-01-01T00:00:00.000000Z',
    registeredAt: '2026-01-01T00:00:00.000000Z',
    lastActiveDate: now(),
    updatedAt,
  };
}

/**
 * What a listing of agents shows: the agent, if it fits the times and ids that are asked for.
 * @param {URLSearchParams} parameters
 */
function agents(parameters) {
  const found = agent();
  const fits = [...parameters].every(([name, value]) => {
    if (name === 'ids') return value.split(',').includes(found.id);
    const [, field, operator] = OPERATORS.exec(name) ?? [];
    if (field !== 'updatedAt' && field !== 'lastActiveDate') return true;
    const difference = Date.parse(found[field]) - Date.parse(value);
    if (operator === 'gt') return difference > 0;
    if (operator === 'gte') return difference >= 0;
    return operator === 'lt' ? difference < 0 : difference <= 0;
  });
  return fits ? [found] : [];
}

/** @param {unknown[]} data */
const page = (data) => ({ data, pagination: { totalItems: data.length, nextCursor: null } });

/**
 * @param {string | undefined} method
 * @param {URL} url
 */
function answer(method, { pathname, searchParams }) {
  const condition = /^\/condition\/(clean|infected)$/.exec(pathname)?.[1];
  if (method === 'PUT' && condition !== undefined) {
    infected = condition === 'infected';
    updatedAt = now();
    return { condition };
  }
  if (method !== 'GET') return undefined;
  if (pathname === '/condition') return { condition: infected ? 'infected' : 'clean' };
  if (pathname === `${API}/agents`) return page(agents(searchParams));
  if (pathname === `${API}/agents/count`) return { data: { total: 1 } };
  if (pathname === `${API}/threats` || pathname === `${API}/activities`) return page([]);
  return undefined;
}

const server = createServer((request, response) => {
  const found = answer(request.method, new URL(request.url ?? '/', 'http://console'));
  const body = found ?? { errors: [{ code: 4040010, title: 'Not Found', detail: 'the test has no such thing' }] };
  response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});
// Nobody outside of the pod is asked for a password here, so nobody outside may ask.
server.listen(Number(port), '127.0.0.1', () => process.stdout.write(`the console of the test has port ${port}\n`));
process.once('SIGTERM', () => server.close(() => process.exit(0)).closeAllConnections());
