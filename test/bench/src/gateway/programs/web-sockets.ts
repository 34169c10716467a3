import { connect, type Socket } from 'node:net';
import { z } from 'zod';
import { answering } from './answering.js';
import { monotonicMs } from './monotonic.js';

/**
 * Many WebSocket clients: raw sockets that did the handshake, say nothing, and note when each is closed by the other end.
 */
const commands = z.discriminatedUnion('do', [
  z.object({ do: z.literal('open'), port: z.number(), devices: z.array(z.string()) }),
  /** Answers once all of these are closed: when, in the order of the devices. */
  z.object({ do: z.literal('closed'), devices: z.array(z.string()), timeoutMs: z.number() }),
  /** How many are open. */
  z.object({ do: z.literal('count') }),
  z.object({ do: z.literal('close all') }),
]);

const open = new Map<string, Socket>();
const closedAt = new Map<string, number>();
let onClosed: (device: string) => void = () => undefined;

/** At once, so that a server's queue of new connections takes them. */
const HANDSHAKES_AT_ONCE = 64;
const HANDSHAKE_LIMIT_MS = 60_000;

async function openAll(port: number, devices: readonly string[]): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let device = devices[next++]; device !== undefined; device = devices[next++]) await openOne(port, device);
  };
  await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, worker));
  return open.size;
}

function openOne(port: number, device: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let head = '';
  let isClosed = false;
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  const limit = setTimeout(() => reject(new Error(`${device}: no handshake in time`)), HANDSHAKE_LIMIT_MS);
  const isOver = (): void => {
    if (isClosed) return;
    isClosed = true;
    closedAt.set(device, monotonicMs());
    open.delete(device);
    reject(new Error(`${device}: closed before its handshake: ${head.slice(0, 200)}`));
    onClosed(device);
  };
  const onHead = (bytes: Buffer): void => {
    head += bytes.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    socket.off('data', onHead);
    // What comes later is a close frame at most; reading it lets the end be seen.
    socket.on('data', () => undefined);
    clearTimeout(limit);
    if (!head.startsWith('HTTP/1.1 101 ')) return reject(new Error(`${device}: refused: ${head.slice(0, 200)}`));
    open.set(device, socket);
    resolve();
  };
  socket.on('data', onHead);
  socket.on('end', isOver);
  socket.on('error', isOver);
  socket.on('close', isOver);
  socket.write(handshakeOf(device), 'latin1');
  return promise;
}

function handshakeOf(device: string): string {
  return [
    'GET /socket HTTP/1.1',
    'Host: wiki.example.org',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `X-Stance-Device: ${device}`,
    '\r\n',
  ].join('\r\n');
}

async function timesOfClosing(devices: readonly string[], timeoutMs: number): Promise<(number | undefined)[]> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const awaited = new Set(devices.filter((device) => !closedAt.has(device)));
  if (awaited.size === 0) resolve();
  const limit = setTimeout(() => {
    reject(
      new Error(`${awaited.size} of ${devices.length} are not closed after ${timeoutMs} ms, as ${[...awaited][0]}`),
    );
  }, timeoutMs);
  onClosed = (device) => {
    if (awaited.delete(device) && awaited.size === 0) resolve();
  };
  try {
    await promise;
  } finally {
    clearTimeout(limit);
  }
  return devices.map((device) => closedAt.get(device));
}

function closeAll(): number {
  const sockets = [...open.values()];
  open.clear();
  for (const socket of sockets) {
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    socket.destroy();
  }
  closedAt.clear();
  return sockets.length;
}

answering(commands, (command) => {
  if (command.do === 'open') return openAll(command.port, command.devices);
  if (command.do === 'closed') return timesOfClosing(command.devices, command.timeoutMs);
  return command.do === 'count' ? open.size : closeAll();
});
