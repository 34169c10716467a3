import { z } from 'zod';
import type { Distribution } from '../../statistics.js';
import { Program } from '../program.js';
import { cutAtOnce, devicesOf, type Clients, type CutSizes } from './clients.js';

/** From before the first is destroyed to each closed socket, where as many pairs of sockets are destroyed in a loop. */
export async function measureBareCut(clients: Clients, upstreamPort: number, sizes: CutSizes): Promise<Distribution> {
  const bare = Program.start(new URL('../programs/bare-cut.js', import.meta.url));
  try {
    const port = await bare.ask(z.number(), { do: 'listen', upstreamPort });
    const devices = devicesOf(sizes.sockets);
    await clients.open(port, devices);
    // As the relay's was, the code for it is warm.
    for (const device of devices.splice(0, 2 * sizes.singles)) {
      await bare.ask(z.number(), { do: 'cut', devices: [device] });
      await clients.closed([device]);
    }
    const atOnce = await cutAtOnce(clients, devices, sizes, (some) =>
      bare.ask(z.number(), { do: 'cut', devices: some }),
    );
    await clients.closeAll();
    return atOnce;
  } finally {
    await bare.stop();
  }
}
