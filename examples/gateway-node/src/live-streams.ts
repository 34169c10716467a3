import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { LiveSessions } from '@stance/gateway-sdk';

const TICK_MS = 1_000;
/** What a client may take to read why it is cut, in milliseconds. */
const GRACE_MS = 200;

/** The server-sent events that this process carries, by session. */
export class LiveStreams implements LiveSessions {
  private readonly streams = new Map<string, Set<ServerResponse>>();

  has(sessionId: string): boolean {
    return this.streams.has(sessionId);
  }

  ids(): Iterable<string> {
    return this.streams.keys();
  }

  open(sessionId: string, response: ServerResponse): void {
    const streams = this.streams.get(sessionId) ?? new Set();
    this.streams.set(sessionId, streams.add(response));
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    send(response, 'session', { sessionId });
    const ticks = setInterval(() => {
      // Who does not read is not waited for.
      if (response.writableNeedDrain) response.destroy();
      else send(response, 'tick', new Date());
    }, TICK_MS);
    response.once('close', () => clearInterval(ticks));
  }

  /** Forgets a stream; returns whether it was the session's last one. */
  close(sessionId: string, response: ServerResponse): boolean {
    const streams = this.streams.get(sessionId);
    streams?.delete(response);
    if (streams?.size !== 0) return false;
    return this.streams.delete(sessionId);
  }

  /** Ends a session's streams and says why; resolves when they are closed, to whether there was one. */
  async cut(sessionId: string, event: string, reasons: unknown): Promise<boolean> {
    const streams = [...(this.streams.get(sessionId) ?? [])];
    await Promise.all(streams.map((response) => end(response, event, reasons)));
    return streams.length > 0;
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.ids()].map((sessionId) => this.cut(sessionId, 'ended', [])));
  }
}

async function end(response: ServerResponse, event: string, reasons: unknown): Promise<void> {
  const closed = response.closed ? undefined : once(response, 'close');
  send(response, event, reasons);
  response.end();
  const grace = setTimeout(() => response.destroy(), GRACE_MS);
  await closed;
  clearTimeout(grace);
}

function send(response: ServerResponse, event: string, data: unknown): void {
  if (response.destroyed || response.writableEnded) return;
  response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
