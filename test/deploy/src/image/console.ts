import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createServer } from 'node:tls';

import { startSentinelOneTenant, type SentinelOneTenant } from '@stance/simulators';
import { TestAuthority } from '@stance/testing';

/** A simulated tenant of this process that containers reach as they would a console: by HTTPS. */
export interface ReachableTenant {
  readonly tenant: SentinelOneTenant;
  readonly url: string;
  /** PEM of who issued its certificate. */
  readonly authority: string;
  close(): Promise<void>;
}

/** Starts a tenant that is reached at an address of this machine. */
export async function startReachableTenant(host: string, serialNumbers: readonly string[]): Promise<ReachableTenant> {
  const fleet = serialNumbers.map((serialNumber) => ({ serialNumber }));
  const tenant = await startSentinelOneTenant({ fleet, rateLimits: false });
  const authority = TestAuthority.create('consoles');
  const { certificate, key } = authority.issue({ usage: 'server', altNames: [{ ip: host }] });
  const open = new Set<Socket>();
  const server = createServer({ cert: certificate, key }, (socket) => {
    const upstream = connect(Number(new URL(tenant.url).port), '127.0.0.1');
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.once('close', () => open.delete(one));
    }
  });
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    tenant,
    url: `https://${host}:${port}`,
    authority: authority.certificate,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
      await tenant.close();
    },
  };
}
