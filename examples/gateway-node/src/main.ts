import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { Gateway, SessionInvalid, TooManySessions, type AccessRequest } from '@stance/gateway-sdk';

import { LiveStreams } from './live-streams.js';
import { readSettings } from './settings.js';

const settings = readSettings(process.env);
const live = new LiveStreams();
const connection = await connect({
  servers: settings.nats,
  // By itself the client would take a server without TLS as well, whatever the address says.
  ...(settings.nats.startsWith('tls://') && { tls: {} }),
  maxReconnectAttempts: -1,
  waitOnFirstConnect: true,
  ...(settings.credentials !== undefined && { authenticator: credsAuthenticator(readFileSync(settings.credentials)) }),
});
const gateway = new Gateway({
  connection,
  gateway: settings.gateway,
  maxSilenceMs: settings.maxSilenceMs,
  maxSessions: 10_000,
  oneSessionEach: true,
  live,
  // A session of another replica, or of before a restart, has no stream here: nothing was cut then.
  onRevoked: async ({ sessionId }, { reasons }) =>
    (await live.cut(sessionId, 'revoked', reasons)) ? 'cut' : 'next-request',
  onExpired: async ({ sessionId }) => void (await live.cut(sessionId, 'expired', [])),
  onLapsed: (sessionId, reasons) => void live.cut(sessionId, 'lapsed', reasons),
  onEndedElsewhere: ({ sessionId }) => void live.cut(sessionId, 'ended', []),
  onTrouble: (message, error) => console.warn(message, error ?? ''),
});

/** The device and its user as the TLS proxy on this machine proved them; it overwrites these headers. */
function requestOf({ headersDistinct: headers, socket }: IncomingMessage, resource: string): AccessRequest | undefined {
  const [devices = [], users = []] = [headers['x-device'], headers['x-user']];
  const isFromProxy = socket.remoteAddress === '127.0.0.1';
  const [deviceId = ''] = devices;
  const [user] = users;
  if (!isFromProxy || devices.length !== 1 || users.length > 1 || deviceId === '') return undefined;
  return { deviceId, resource, proof: settings.proof, ...(user !== undefined && { user }) };
}

/** Opens a stream that goes on until the client leaves or the access ends. No `await` between the verdict and the session. */
function stream(response: ServerResponse, request: AccessRequest): void {
  const open = gateway.useSession(request);
  const { sessionId } =
    open ?? gateway.startSession({ ...request, enforcement: 'cut', lifetimeMs: settings.sessionLifetimeMs });
  live.open(sessionId, response);
  response.once('close', () => {
    // With its last stream, a session is over; one that was revoked is so already.
    if (live.close(sessionId, response)) gateway.endSession(sessionId);
  });
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (incoming, response) => {
  const [path = ''] = (incoming.url ?? '').split('?', 1);
  if (path === '/healthz') {
    const health = gateway.health();
    return answer(response, health.loaded && health.trusted ? 200 : 503, health);
  }
  // The paths are the configuration's: nobody reaches another resource by naming it.
  const resource = settings.resources.find((name) => path === `/${name}` || path === `/${name}/live`);
  if (incoming.method !== 'GET' || resource === undefined) return answer(response, 404, {});
  const request = requestOf(incoming, resource);
  if (request === undefined) return answer(response, 401, { error: 'The request proves no device.' });
  const { allowed, effect, reasons } = gateway.decide(request);
  if (!allowed) return answer(response, 403, { allowed, effect, reasons });
  if (!path.endsWith('/live')) return answer(response, 200, { allowed, effect, reasons });
  try {
    stream(response, request);
  } catch (error) {
    if (error instanceof SessionInvalid) return answer(response, 401, { error: error.message });
    if (error instanceof TooManySessions) return answer(response, 503, { error: error.message });
    throw error;
  }
});

server.listen(settings.port, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') console.log(`listening on http://127.0.0.1:${address.port}`);
});

async function stop(): Promise<void> {
  server.close();
  await live.endAll();
  await gateway.close();
  await connection.close();
}
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
