/** Thrown for what is not of the form that OpenSSH gives it; the message says what is wrong and fits after a colon. */
export class SshFormatError extends Error {
  override readonly name = 'SshFormatError';
}

/** Reads the binary form of SSH keys and signatures (RFC 4251, section 5). Throws {@link SshFormatError}. */
export class SshReader {
  private offset = 0;

  constructor(private readonly bytes: Buffer) {}

  raw(length: number): Buffer {
    const end = this.offset + length;
    if (end > this.bytes.length) throw new SshFormatError('it ends too early');
    const read = this.bytes.subarray(this.offset, end);
    this.offset = end;
    return read;
  }

  uint32(): number {
    return this.raw(4).readUInt32BE();
  }

  string(): Buffer {
    return this.raw(this.uint32());
  }

  text(): string {
    return this.string().toString('utf8');
  }

  /** Throws where more follows: what nobody reads nobody has checked. */
  end(): void {
    if (this.offset !== this.bytes.length) throw new SshFormatError('more follows than it may hold');
  }
}

export function sshUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Bytes with their length before them. */
export function sshString(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([sshUint32(bytes.length), bytes]);
}

/** The bytes between the lines that frame them; `undefined` where the text is anything else, or holds several. */
export function unarmoured(label: string, text: string): Buffer | undefined {
  const lines = text.trim().split(/\r?\n/);
  if (lines.shift() !== `-----BEGIN ${label}-----` || lines.pop() !== `-----END ${label}-----`) return undefined;
  const base64 = lines.join('');
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 ? bytes : undefined;
}

/** Bytes as OpenSSH writes them into a file, 70 characters to a line. */
export function armoured(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,70}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
