import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, join } from 'node:path';

/** The port in the file that nats-server writes once it listens (`ports_file_dir`), or undefined before that. */
export async function listeningPort(portsFolder: string, binary: string, pid: number): Promise<number | undefined> {
  const file = join(portsFolder, `${basename(binary)}_${pid}.ports`);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const port = /"nats"\s*:\s*\[\s*"[a-z]+:\/\/[^"]*:(\d+)"/.exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** Whether a NATS server answers with its INFO line and says that JetStream is on. */
export function answersWithJetStream(host: string, port: number, timeoutMs = 1_000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let received = '';
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setEncoding('utf8').setTimeout(timeoutMs, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('close', () => settle(false));
    socket.on('data', (text: string) => {
      received += text;
      if (received.includes('\r\n')) settle(/^INFO .*"jetstream"\s*:\s*true/.test(received));
    });
  });
}
