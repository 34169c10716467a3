import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const KEY = Buffer.from('sixteen bytes ok').toString('base64');
/** A masked text frame with the mask 0: "hi". */
const PING = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
/** What the application answers. */
const PONG_BYTES = 4;
const CLOSE = 0x88;

/** A WebSocket of a device through a gateway, as bytes: thousands of them cost little. */
export class LiveSocket {
  /** When it was closed, in milliseconds since 1970; `undefined` while it is open. */
  closedAt: number | undefined;
  /** The status code with which the gateway closed it, if it said one. */
  closeCode: number | undefined;
  private received = 0;

  private constructor(
    readonly deviceId: string,
    private readonly socket: Socket,
  ) {
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closedAt = Date.now()));
  }

  /** Opens one as a listed proxy would ask for it; resolves to the refusal's status where the gateway lets nobody in. */
  static async open(port: number, deviceId: string, path = '/'): Promise<LiveSocket | number> {
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: app\r\nX-Stance-Device: ${deviceId}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    const [head] = (await once(socket, 'data')) as [Buffer];
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head.toString('latin1'))?.[1]);
    if (status === 101) return new LiveSocket(deviceId, socket);
    socket.destroy();
    return status;
  }

  get isOpen(): boolean {
    return this.closedAt === undefined;
  }

  /** Whether what is sent comes back. */
  async echoes(): Promise<boolean> {
    if (!this.isOpen) return false;
    const wanted = this.received + PONG_BYTES;
    this.socket.write(PING);
    while (this.isOpen && this.received < wanted) {
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close')]);
    }
    return this.isOpen;
  }

  destroy(): void {
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    this.received += chunk.length;
    const at = chunk.lastIndexOf(CLOSE);
    if (at >= 0 && chunk.length >= at + 4) this.closeCode = chunk.readUInt16BE(at + 2);
  }
}
