import { connect, type Socket } from 'node:net';
import type { Latencies } from './latencies.js';

/** What all connections of this process read into: each looks at its bytes before the next reads. */
const shared = Buffer.allocUnsafe(64 * 1024);

/**
 * A connection that is kept, with one request on its way at a time. The first answer says how many bytes each of them has;
 * from then on bytes are counted, and the status of each answer is looked at.
 */
export class KeptConnection {
  /** Connected. */
  readonly ready: Promise<void>;
  private readonly socket: Socket;
  private next: number;
  private sentAt = 0;
  /** Of the first answer, until it is complete. */
  private head = '';
  private answerBytes = 0;
  private received = 0;
  private isClosing = false;

  constructor(
    private readonly target: { readonly host: string; readonly port: number },
    private readonly requests: readonly Buffer[],
    first: number,
    private readonly latencies: Latencies,
    private readonly fail: (error: Error) => void,
  ) {
    this.next = first;
    this.socket = connect({
      ...target,
      noDelay: true,
      onread: { buffer: shared, callback: (bytes) => this.read(bytes) },
    });
    this.ready = new Promise((resolve) => this.socket.once('connect', resolve));
    this.socket.on('error', (error) => this.failed(error.message));
    this.socket.on('close', () => this.failed('it was closed'));
  }

  begin(): void {
    this.send();
  }

  close(): void {
    this.isClosing = true;
    this.socket.destroy();
  }

  private send(): void {
    const request = this.requests[this.next];
    if (request === undefined) return this.failed('there is no such request');
    this.next = this.next + 1 < this.requests.length ? this.next + 1 : 0;
    this.received = 0;
    this.sentAt = performance.now();
    this.socket.write(request);
  }

  private read(bytes: number): boolean {
    if (this.answerBytes === 0) this.learn(bytes);
    else this.count(bytes);
    return true;
  }

  private count(bytes: number): void {
    // The status line comes whole: it is the first that a server writes.
    if (this.received === 0 && shared[STATUS_AT] !== SUCCESS) return this.failed(`it answered ${shownStart(bytes)}`);
    this.received += bytes;
    if (this.received > this.answerBytes) return this.failed(`its answers differ in length: ${shownStart(bytes)}`);
    if (this.received === this.answerBytes) this.answered();
  }

  /** Reads the first answer as text. */
  private learn(bytes: number): void {
    this.head += shared.toString('latin1', 0, bytes);
    const end = this.head.indexOf('\r\n\r\n');
    if (end === -1) return;
    const length = /^content-length: *(\d+)\r$/im.exec(this.head.slice(0, end + 2))?.[1];
    if (length === undefined || !this.head.startsWith('HTTP/1.1 2')) {
      return this.failed(`its first answer is no success of a known length: ${this.head.slice(0, 200)}`);
    }
    const total = end + 4 + Number(length);
    if (this.head.length < total) return;
    this.answerBytes = total;
    this.head = '';
    this.answered();
  }

  private answered(): void {
    this.latencies.add(performance.now() - this.sentAt);
    if (!this.isClosing) this.send();
  }

  private failed(why: string): void {
    if (this.isClosing) return;
    this.isClosing = true;
    this.fail(new Error(`a connection to port ${this.target.port} failed: ${why}`));
  }
}

/** In `HTTP/1.1 200 OK`. */
const STATUS_AT = 'HTTP/1.1 '.length;
const SUCCESS = '2'.charCodeAt(0);

function shownStart(bytes: number): string {
  return JSON.stringify(shared.toString('latin1', 0, Math.min(bytes, 120)));
}
