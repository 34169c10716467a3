import { connect, createServer, type AddressInfo } from 'node:net';

/** A pass-through to a console that notes when each answer left for its reader. */
export interface Tap {
  readonly url: string;
  /** Calls `onAnswer` with every piece of an answer, at the moment it is passed on. */
  close(): Promise<void>;
}

export async function startTap(targetPort: number, onAnswer: (piece: Buffer, at: number) => void): Promise<Tap> {
  const server = createServer((client) => {
    const console = connect(targetPort, '127.0.0.1');
    // Small pieces must not wait for acknowledgements of those before.
    client.setNoDelay(true);
    console.setNoDelay(true);
    client.pipe(console);
    console.on('data', (piece: Buffer) => {
      client.write(piece);
      onAnswer(piece, performance.now());
    });
    console.on('close', () => client.destroy());
    client.on('close', () => console.destroy());
    console.on('error', () => client.destroy());
    client.on('error', () => console.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => new Promise((resolve) => server.close(() => resolve())) };
}
