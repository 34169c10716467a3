import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A download through the gateway that goes on for as long as it is let. */
export interface Download {
  /** `cut` when it broke off, `complete` when it ended as HTTP ends. */
  readonly ended: Promise<'cut' | 'complete'>;
}

/** An application behind the gateway whose downloads never end by themselves. */
export class EndlessApplication {
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(host: string): Promise<EndlessApplication> {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).write('the beginning\n');
    });
    server.listen(0, host);
    await once(server, 'listening');
    return new EndlessApplication(server, `http://${host}:${(server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Starts a download; resolves once it is under way. Throws when the answer is not 200. */
export async function download(url: string, headers: Readonly<Record<string, string>>): Promise<Download> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(url, { headers, agent: false }, resolve).once('error', reject);
  });
  const ended = new Promise<'cut' | 'complete'>((resolve) => {
    response.once('close', () => resolve(response.complete ? 'complete' : 'cut'));
    response.on('error', () => undefined).resume();
  });
  if (response.statusCode !== 200) throw new Error(`${url} was answered with ${response.statusCode}`);
  return { ended };
}
