import { once } from 'node:events';
import { connect } from 'node:net';

/** Reads one large answer to its end, by its Content-Length; MiB a second from the request to the last byte. */
export async function download({ host, port, request }: { host: string; port: number; request: string }) {
  const buffer = Buffer.allocUnsafe(1024 * 1024);
  const done = Promise.withResolvers<number>();
  let head = '';
  let left: number | undefined;
  let body = 0;
  const socket = connect({
    host,
    port,
    onread: {
      buffer,
      callback: (bytes) => {
        let fresh = bytes;
        if (left === undefined) {
          const before = head.length;
          head += buffer.toString('latin1', 0, bytes);
          const end = head.indexOf('\r\n\r\n');
          if (end === -1) return true;
          const length = /^content-length: *(\d+)\r$/im.exec(head.slice(0, end + 2))?.[1];
          if (length === undefined) done.reject(new Error(`the answer says no length: ${head.slice(0, 200)}`));
          body = left = Number(length);
          fresh = bytes - (end + 4 - before);
        }
        left -= fresh;
        if (left <= 0) done.resolve(performance.now());
        return true;
      },
    },
  });
  socket.once('close', () => done.reject(new Error('the connection was closed before the answer was complete')));
  socket.once('error', done.reject);
  await once(socket, 'connect');
  const startedAt = performance.now();
  socket.write(request, 'latin1');
  try {
    const seconds = ((await done.promise) - startedAt) / 1_000;
    return { bytes: body, mebibytesPerSecond: body / 2 ** 20 / seconds };
  } finally {
    socket.destroy();
  }
}
