const CLOSE = 8;
/** RFC 6455, 5.5: a control frame's payload has at most 125 bytes; two of them are the code. */
const MAX_REASON_BYTES = 123;

/**
 * Follows a stream of WebSocket frames (RFC 6455, 5.2) by their headers alone, to know where one ends and another may be put
 * in: a control frame may stand between the fragments of a message.
 */
export class FrameCursor {
  /** Of the frame that is passing: its header as far as it came, then how much of its payload is still to come. */
  private readonly header = new Uint8Array(10);
  private headerBytes = 0;
  private payloadBytes = 0;
  private hasClose = false;

  /** A frame may be put in here: between two frames, and nothing comes after a Close. */
  get isBetweenFrames(): boolean {
    return this.headerBytes === 0 && this.payloadBytes === 0 && !this.hasClose;
  }

  /** More of the stream has passed. */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.payloadBytes > 0) {
        const passed = Math.min(this.payloadBytes, chunk.length - at);
        this.payloadBytes -= passed;
        at += passed;
      } else {
        this.header[this.headerBytes++] = chunk[at++] ?? 0;
        if (this.headerBytes >= 2 && this.headerBytes === this.headerLength()) this.endHeader();
      }
    }
  }

  /** Without a mask's four bytes, which {@link endHeader} counts as payload. */
  private headerLength(): number {
    const length = this.lengthField();
    if (length === 127) return 10;
    return length === 126 ? 4 : 2;
  }

  private endHeader(): void {
    const [first = 0, second = 0] = this.header;
    const length = this.lengthField();
    const view = new DataView(this.header.buffer);
    let payload = length;
    if (length === 126) payload = view.getUint16(2);
    else if (length === 127) payload = Number(view.getBigUint64(2));
    const mask = (second & 0x80) === 0 ? 0 : 4;
    this.headerBytes = 0;
    this.payloadBytes = payload + mask;
    this.hasClose ||= (first & 0x0f) === CLOSE;
  }

  private lengthField(): number {
    return (this.header[1] ?? 0) & 0x7f;
  }
}

const encoder = new TextEncoder();

/** A server's Close frame; of the reason as many whole characters as there is room for. */
export function closeFrame(code: number, reason: string): Buffer {
  const frame = Buffer.alloc(4 + MAX_REASON_BYTES);
  const { written } = encoder.encodeInto(reason, frame.subarray(4));
  frame.writeUInt8(0x80 | CLOSE, 0);
  frame.writeUInt8(2 + written, 1);
  frame.writeUInt16BE(code, 2);
  return frame.subarray(0, 4 + written);
}
