import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';

export interface FaultProxyOptions {
  /** Where connections go: a URL such as `nats://127.0.0.1:4222`, or a port on loopback. */
  readonly target: string | number;
}

/** A TCP proxy on loopback that makes the network fail on demand; it starts healthy. */
export interface FaultProxy {
  readonly port: number;
  /** Connections stay open and silent, as behind a firewall that drops packets; nothing is lost. */
  pause(): void;
  /** Healthy again: undoes `pause`, `refuse` and `delay`. */
  resume(): Promise<void>;
  /** Resets all present connections; new ones are taken. */
  cut(): void;
  /** Resets all present connections and refuses new ones. */
  refuse(): Promise<void>;
  /** Adds this many milliseconds to each direction; 0 for none. */
  delay(ms: number): void;
  close(): Promise<void>;
}

export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const target = addressOf(options.target);
  const sockets = new Set<Socket>();
  let delayMs = 0;
  let paused = Promise.withResolvers<void>();
  paused.resolve();
  let isPaused = false;

  /** Copies one direction; each chunk leaves in order, `delayMs` after it came. */
  const copy = (from: Socket, to: Socket): void => {
    let last = Promise.resolve();
    const inTurn = (leave: () => void): void => {
      const dueAt = performance.now() + delayMs;
      const before = last;
      const leaveAfter = async (): Promise<void> => {
        await before;
        const waitMs = dueAt - performance.now();
        if (waitMs > 0) await sleep(waitMs);
        await paused.promise;
        if (!to.destroyed) leave();
      };
      last = leaveAfter();
    };
    from.on('data', (chunk) => {
      inTurn(() => {
        if (!to.write(chunk)) from.pause();
      });
    });
    to.on('drain', () => from.resume());
    from.once('end', () => inTurn(() => to.end()));
    from.once('close', () => {
      sockets.delete(from);
      if (from.errored !== null) to.resetAndDestroy();
    });
    // The pair is torn down in 'close'; a reset is what this proxy is for.
    from.on('error', () => undefined);
    sockets.add(from);
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...target, allowHalfOpen: true });
    copy(client, upstream);
    copy(upstream, client);
  });
  const listen = async (wanted: number): Promise<number> => {
    server.listen(wanted, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('The proxy has no TCP port.');
    return address.port;
  };
  // Not any: after `refuse` it has to get its own again.
  const port = await listen(await freePort());

  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const stopListening = async (): Promise<void> => {
    if (!server.listening) return cut();
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  };
  const unpause = (): void => {
    isPaused = false;
    paused.resolve();
  };
  return {
    port,
    pause: () => {
      if (isPaused) return;
      isPaused = true;
      paused = Promise.withResolvers<void>();
    },
    resume: async () => {
      delayMs = 0;
      unpause();
      if (!server.listening) await listen(port);
    },
    cut,
    refuse: stopListening,
    delay: (ms) => {
      delayMs = ms;
    },
    close: async () => {
      unpause();
      await stopListening();
    },
  };
}

function addressOf(target: string | number): { host: string; port: number } {
  if (typeof target === 'number') return { host: '127.0.0.1', port: target };
  const { hostname, port } = new URL(target);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
}
