import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** Where the sample gateway's relay expects it. */
export const DEMO_APPLICATION_PORT = 9199;
/** Where the sample gateway relays it. */
export const DEMO_RELAY_URL = 'http://127.0.0.1:9181';

const TICK_MS = 1_000;

/** An application that knows nothing of Stance: every request is a stream of server-sent events that never ends by itself. */
export interface DemoApplication {
  close(): Promise<void>;
}

/** Resolves to undefined where its port is taken: the demo goes on without something to cut. */
export async function startDemoApplication(port = DEMO_APPLICATION_PORT): Promise<DemoApplication | undefined> {
  const server = createServer(stream);
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!isListening) return undefined;
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function stream(request: IncomingMessage, response: ServerResponse): void {
  const device = request.headers['x-stance-device'];
  const decision = request.headers['x-stance-decision'];
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(`data: hello ${String(device)}, let in by "${String(decision)}"\n\n`);
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
    response.write(`data: still connected, ${ticks} s\n\n`);
  }, TICK_MS);
  response.on('close', () => clearInterval(timer));
}
