import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what systems give to outgoing connections and to listeners on port 0 (Linux from 32768, macOS and Windows from 49152). */
const LOWEST = 20_000;
const COUNT = 12_000;

/**
 * TCP ports on loopback that are free now, and that nobody gets who asks for any port: a server that is restarted finds its
 * own free again, however many connections come and go meanwhile.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = LOWEST + Math.floor(Math.random() * COUNT);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const outcome = Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)]);
  server.listen(port, '127.0.0.1');
  if (!(await outcome)) return false;
  const closed = once(server, 'close');
  server.close();
  await closed;
  return true;
}
