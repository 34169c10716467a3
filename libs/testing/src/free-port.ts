import { createServer } from 'node:net';

/** Below those that systems give to outgoing connections (Linux from 32,768), which may take any other at any time. */
const FIRST_PORT = 12_000;
/** Each of Jest's workers has a range of its own, up to as many. */
const RANGES = 10;
const PORTS_OF_A_RANGE = 2_000;

const range = Number(process.env['JEST_WORKER_ID'] ?? 0) % RANGES;
let next = Math.floor(Math.random() * PORTS_OF_A_RANGE);

/**
 * A TCP port on loopback that is free and, unless somebody asks for just this one, stays so, also while who listens there is
 * restarted; prefer listening on 0 where the program under test can.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_OF_A_RANGE; tries += 1) {
    const port = FIRST_PORT + range * PORTS_OF_A_RANGE + (next % PORTS_OF_A_RANGE);
    next += 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`None of ${PORTS_OF_A_RANGE} ports on loopback is free.`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
